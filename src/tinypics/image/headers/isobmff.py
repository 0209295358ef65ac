"""The boxes of AVIF, HEIF and JPEG 2000 files (ISO/IEC 14496-12, 23008-12, 15444-1)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from tinypics.errors import CorruptImage
from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_BOXES: Final = 4096  # a phone's HEIC has about a hundred
_DEEPEST: Final = 8
_FOLDERS: Final = frozenset((b"meta", b"iprp", b"ipco", b"moov", b"trak", b"mdia", b"minf", b"stbl"))


class Facts:
    """Filled while the boxes go by. `size` is the largest that any picture in the file claims."""

    def __init__(self) -> None:
        self.size = (0, 0)
        self.frames = 1
        self.bits = 8
        self.alpha = False
        self.nclx: tuple[int, int] | None = None
        self.extras: list[str] = []
        self.crop: tuple[float, float, float, float] | None = None
        """Clean aperture: width, height, and how far its centre lies from the picture's."""

    def larger(self, wide: int, high: int) -> None:
        if wide * high > self.size[0] * self.size[1] or max(wide, high) > max(self.size):
            self.size = (wide, high)


def facts(data: bytes) -> Facts:
    """What the boxes of an AVIF or HEIF file say.

    :raises CorruptImage: too many boxes, or none that gives a size.
    :raises struct.error, IndexError: a box is cut short.
    """
    found = Facts()
    for kind, start, end in _walk(data, 0, len(data), 0, [_MOST_BOXES]):
        if kind in _LEAVES:
            _LEAVES[kind](found, data[start:end])
    return found


def _walk(data: bytes, at: int, end: int, depth: int, budget: list[int]) -> Iterator[tuple[bytes, int, int]]:
    """Each box as (kind, start of its content, end), those inside folders too."""
    while at + 8 <= end:
        budget[0] -= 1
        if budget[0] < 0:
            raise CorruptImage(f"more than {_MOST_BOXES} boxes")
        length, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, start)
            start += 8
        stop = min(at + length, end) if length else end
        if stop < start:
            raise CorruptImage(f"a box of {length} bytes")
        yield kind, start, stop
        if kind in _FOLDERS and depth < _DEEPEST:
            # "meta" alone is a full box: version and flags come before what is in it.
            yield from _walk(data, start + (4 if kind == b"meta" else 0), stop, depth + 1, budget)
        at = stop


def _ispe(found: Facts, body: bytes) -> None:
    found.larger(*struct.unpack_from(">II", body, 4))


def _tkhd(found: Facts, body: bytes) -> None:
    wide, high = struct.unpack(">II", body[-8:])  # fixed point 16.16
    found.larger(wide >> 16, high >> 16)


def _stsz(found: Facts, body: bytes) -> None:
    found.frames = max(found.frames, struct.unpack_from(">I", body, 8)[0])


def _pixi(found: Facts, body: bytes) -> None:
    found.bits = max((found.bits, *body[5 : 5 + body[4]]))


def _colr(found: Facts, body: bytes) -> None:
    if body[:4] == b"nclx" and found.nclx is None:
        found.nclx = struct.unpack_from(">HH", body, 4)


def _auxc(found: Facts, body: bytes) -> None:
    if b"alpha" in body or b"auxid:1" in body:
        found.alpha = True
    elif b"gainmap" in body:
        found.extras.append("gain-map")
    elif b"depth" in body or b"auxid:2" in body:
        found.extras.append("depth")


def _iinf(found: Facts, body: bytes) -> None:
    if b"tmap" in body:  # ISO 21496-1: a picture derived by tone mapping with a gain map
        found.extras.append("gain-map")


def _clap(found: Facts, body: bytes) -> None:
    numbers = struct.unpack_from(">IIIIiIiI", body)
    if all(numbers[1::2]):
        wide, high, right, down = (n / d for n, d in zip(numbers[::2], numbers[1::2], strict=True))
        found.crop = (wide, high, right, down)


_LEAVES: Final = {
    b"ispe": _ispe,
    b"tkhd": _tkhd,
    b"stsz": _stsz,
    b"pixi": _pixi,
    b"colr": _colr,
    b"auxC": _auxc,
    b"iinf": _iinf,
    b"clap": _clap,
}


@value
class Codestream:
    """The SIZ marker of a JPEG 2000 codestream (15444-1, A.5.1)."""

    size: tuple[int, int]
    channels: int
    bits: int


def codestream(data: bytes) -> Codestream:
    """What the JPEG 2000 codestream in `data` says, bare or in its box.

    :raises CorruptImage: there is none.
    """
    at = 0
    if not data.startswith(b"\xff\x4f"):
        inside = _walk(data, 0, len(data), 0, [_MOST_BOXES])
        at = next((start for kind, start, _ in inside if kind == b"jp2c"), len(data))
    if data[at : at + 4] != b"\xff\x4f\xff\x51":
        raise CorruptImage("the JPEG 2000 file has no codestream")
    right, bottom, left, top, *_, channels = struct.unpack_from(">IIIIIIIIH", data, at + 8)
    if left >= right or top >= bottom:
        raise CorruptImage("the JPEG 2000 codestream has no size")
    return Codestream((right - left, bottom - top), channels, (data[at + 42] & 0x7F) + 1)
