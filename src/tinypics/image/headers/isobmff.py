"""The boxes of AVIF, HEIF and JPEG 2000 files (ISO/IEC 14496-12, 23008-12, 15444-1)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from tinypics.errors import CorruptImage
from tinypics.image.headers.header import check_frames
from tinypics.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinypics.image.headers.header import Header
    from tinypics.image.limits import Limits

MAX_BOXES: Final = 4096  # a phone's HEIC has about a hundred
_MAX_DEPTH: Final = 8
_FOLDERS: Final = frozenset((b"meta", b"iprp", b"ipco", b"moov", b"trak", b"mdia", b"minf", b"stbl"))


class BoxFacts:
    """Facts that are collected from the boxes. `size` is the largest that any picture in the file claims."""

    def __init__(self) -> None:
        self.size = (0, 0)
        self.frames = 1
        self.bits = 8
        self.alpha = False
        self.nclx: tuple[int, int] | None = None
        self.extras: list[str] = []
        self.crop: tuple[float, float, float, float] | None = None
        """Clean aperture: width, height, and the offset of its centre from the picture's."""

    def grow_to(self, width: int, height: int) -> None:
        if width * height > self.size[0] * self.size[1] or max(width, height) > max(self.size):
            self.size = (width, height)


def read_boxes(data: bytes) -> BoxFacts:
    """The facts in the boxes of an AVIF or HEIF file.

    :raises CorruptImage: too many boxes, or none that gives a size.
    :raises struct.error, IndexError: a box is cut short.
    """
    found = BoxFacts()
    for kind, start, end in walk(data, 0, len(data), 0, [MAX_BOXES]):
        if kind in _LEAVES:
            _LEAVES[kind](found, data[start:end])
    return found


def walk(data: bytes, at: int, end: int, depth: int, budget: list[int]) -> Iterator[tuple[bytes, int, int]]:
    """Each box as (kind, start of its content, end), those inside folders too."""
    while at + 8 <= end:
        budget[0] -= 1
        if budget[0] < 0:
            raise CorruptImage(f"more than {MAX_BOXES} boxes")
        length, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, start)
            start += 8
        stop = min(at + length, end) if length else end
        if stop < start:
            raise CorruptImage(f"a box of {length} bytes")
        yield kind, start, stop
        if kind in _FOLDERS and depth < _MAX_DEPTH:
            # "meta" alone is a full box: version and flags precede its content.
            yield from walk(data, start + (4 if kind == b"meta" else 0), stop, depth + 1, budget)
        at = stop


def _ispe(found: BoxFacts, body: bytes) -> None:
    found.grow_to(*struct.unpack_from(">II", body, 4))


def _tkhd(found: BoxFacts, body: bytes) -> None:
    width, height = struct.unpack(">II", body[-8:])  # fixed point 16.16
    found.grow_to(width >> 16, height >> 16)


def _stsz(found: BoxFacts, body: bytes) -> None:
    found.frames = max(found.frames, struct.unpack_from(">I", body, 8)[0])


def _pixi(found: BoxFacts, body: bytes) -> None:
    found.bits = max((found.bits, *body[5 : 5 + body[4]]))


def _colr(found: BoxFacts, body: bytes) -> None:
    if body[:4] == b"nclx" and found.nclx is None:
        found.nclx = struct.unpack_from(">HH", body, 4)


def _auxc(found: BoxFacts, body: bytes) -> None:
    if b"alpha" in body or b"auxid:1" in body:
        found.alpha = True
    elif b"gainmap" in body:
        found.extras.append("gain-map")
    elif b"depth" in body or b"auxid:2" in body:
        found.extras.append("depth")


def _iinf(found: BoxFacts, body: bytes) -> None:
    if b"tmap" in body:  # ISO 21496-1: a picture derived by tone mapping with a gain map
        found.extras.append("gain-map")


def _clap(found: BoxFacts, body: bytes) -> None:
    numbers = struct.unpack_from(">IIIIiIiI", body)
    if all(numbers[1::2]):
        width, height, right, down = (n / d for n, d in zip(numbers[::2], numbers[1::2], strict=True))
        found.crop = (width, height, right, down)


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


def read(header: Header, limits: Limits) -> Header:
    """AVIF and HEIF. The size is the largest that any picture in the file claims."""
    found = read_boxes(header.data)
    check_frames(found.frames, limits)
    return replace(
        header,
        size=found.size,
        frames=found.frames,
        channels=4 if found.alpha else 3,
        bits=found.bits,
        nclx=found.nclx,
        crop=found.crop,
        extras=tuple(dict.fromkeys(found.extras)),
    )
