"""The boxes of AVIF, HEIF and JPEG 2000 files (ISO/IEC 14496-12, 23008-12, 15444-1)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from tinypics.errors import CorruptImage
from tinypics.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinypics.image.headers.header import Header
    from tinypics.image.limits import Limits

MAX_BOXES: Final = 4096  # a phone's HEIC has about a hundred
_MAX_DEPTH: Final = 8
_MOVIE_DURATION, _TRACK_DURATION, _EDIT_DURATION = 24, 28, 8  # places in boxes of version 1, of 64 bits each
_BT2020, _CONSTANT_LUMINANCE = 9, 10  # matrices (ITU-T H.273, table 4)
_OWN: Final = (b"colr", b"clap")  # properties that count only for the item that they belong to
_FOLDERS: Final = frozenset((b"meta", b"iprp", b"ipco", b"moov", b"trak", b"edts", b"mdia", b"minf", b"stbl", b"jp2h"))


class BoxFacts:
    """Facts that are collected from the boxes. `size` is the largest that any picture in the file claims."""

    def __init__(self) -> None:
        self.size = (0, 0)
        self.frames = 1
        self.has_track = False
        self.track: int | None = None
        """Duration of the first track, repeats included; None: endless."""
        self.edit: tuple[bool, int] | None = None
        """Whether the first edit is repeated, and its duration."""
        self.bits = 8
        self.alpha = False
        self.nclx: tuple[int, int] | None = None
        self.matrix = 0
        self.extras: list[str] = []
        self.crop: tuple[float, float, float, float] | None = None
        """Clean aperture: width, height, and the offset of its centre from the picture's."""

    @property
    def loop_count(self) -> int:
        """How many times a sequence plays, 0 for endlessly, as in browsers if the file does not say."""
        if self.edit is None or (self.edit[0] and self.track is None):
            return 0
        repeated, once = self.edit
        return max(1, -(-(self.track or 0) // once)) if repeated and once else 1

    def grow_to(self, width: int, height: int) -> None:
        if width * height > self.size[0] * self.size[1] or max(width, height) > max(self.size):
            self.size = (width, height)


def read_boxes(data: bytes) -> BoxFacts:
    """The facts in the boxes of an AVIF or HEIF file.

    :raises CorruptImage: too many boxes, or none that gives a size.
    :raises struct.error, IndexError: a box is cut short.
    """
    found = BoxFacts()
    boxes = list(walk(data, 0, len(data), 0, [MAX_BOXES]))
    ours = _primary_properties(data, boxes)
    number, properties_end = 0, 0
    for kind, start, end in boxes:
        number += start < properties_end
        if kind == b"ipco":
            number, properties_end = 0, end
        elif kind in _OWN and start < properties_end and ours is not None and number not in ours:
            continue  # of a thumbnail, a gain map, or no picture
        if kind in _LEAVES:
            _LEAVES[kind](found, data[start:end])
    return found


def _primary_properties(data: bytes, boxes: list[tuple[bytes, int, int]]) -> set[int] | None:
    """Numbers, from 1, of the primary item's properties (ISO/IEC 23008-12, 9.3.1); None if the file has none."""
    places = {kind: (start, end) for kind, start, end in reversed(boxes) if kind in (b"pitm", b"ipma")}
    if len(places) < 2:
        return None
    at, _ = places[b"pitm"]
    (primary,) = struct.unpack_from(">I" if data[at] else ">H", data, at + 4)
    at, end = places[b"ipma"]
    version, wide = data[at], data[at + 3] & 1
    (items,) = struct.unpack_from(">I", data, at + 4)
    at += 8
    for _ in range(items):
        item, count = struct.unpack_from(">IB" if version else ">HB", data, at)
        at += 5 if version else 3
        if item == primary:
            numbers = struct.unpack_from(f">{count}{'H' if wide else 'B'}", data, at)
            return {each & (0x7FFF if wide else 0x7F) for each in numbers}
        at += count * (2 if wide else 1)
        if at >= end:
            break
    return None


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
    if not found.has_track:
        duration = body[_TRACK_DURATION:][:8] if body[0] else body[20:24]
        found.has_track, found.track = True, None if not duration.strip(b"\xff") else int.from_bytes(duration)


def _elst(found: BoxFacts, body: bytes) -> None:
    """ISO/IEC 14496-12, 8.6.6: flag 1 repeats the edits for as long as the track lasts."""
    if found.edit is None:
        found.edit = (bool(body[3] & 1), int.from_bytes(body[8:16] if body[0] else body[8:12]))


def _stsz(found: BoxFacts, body: bytes) -> None:
    found.frames = max(found.frames, struct.unpack_from(">I", body, 8)[0])


def _pixi(found: BoxFacts, body: bytes) -> None:
    found.bits = max((found.bits, *body[5 : 5 + body[4]]))


def _hvcc(found: BoxFacts, body: bytes) -> None:
    """ISO/IEC 14496-15, 8.3.3.1.2; `pixi` is optional."""
    found.bits = max(found.bits, 8 + (body[17] & 7))


def _av1c(found: BoxFacts, body: bytes) -> None:
    """The flags high_bitdepth and twelve_bit (AV1-ISOBMFF, 2.3.3)."""
    found.bits = max(found.bits, (8, 10, 10, 12)[(body[2] >> 6 & 1) + 2 * (body[2] >> 5 & 1)])


def _colr(found: BoxFacts, body: bytes) -> None:
    if body[:4] == b"nclx" and found.nclx is None:
        *numbers, found.matrix = struct.unpack_from(">HHH", body, 4)
        found.nclx = (numbers[0], numbers[1])


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
    b"elst": _elst,
    b"stsz": _stsz,
    b"pixi": _pixi,
    b"hvcC": _hvcc,
    b"av1C": _av1c,
    b"colr": _colr,
    b"auxC": _auxc,
    b"iinf": _iinf,
    b"clap": _clap,
}


def read(header: Header, _: Limits) -> Header:
    """AVIF and HEIF. The size is the largest that any picture in the file claims."""
    found = read_boxes(header.data)
    data = header.data
    if found.nclx and found.matrix == _CONSTANT_LUMINANCE:  # libavif refuses it; the other differs in bright colours
        old, new = (struct.pack(">4sHHH", b"nclx", *found.nclx, number) for number in (found.matrix, _BT2020))
        data = data.replace(old, new, 1)
    return replace(
        header,
        data=data,
        size=found.size,
        frames=found.frames,
        loop_count=found.loop_count,
        channels=4 if found.alpha else 3,
        bits=found.bits,
        nclx=found.nclx,
        crop=found.crop,
        extras=tuple(dict.fromkeys(found.extras)),
    )


def with_loop_count(data: bytes, loop_count: int) -> bytes:
    """A sequence of libavif with this number of plays (0: endlessly). Pillow's own always plays endlessly."""
    changed = bytearray(data)
    edits = [start for kind, start, _ in walk(data, 0, len(data), 0, [MAX_BOXES]) if kind == b"elst"]
    if not loop_count or not edits:
        return data
    once = int.from_bytes(data[edits[0] + _EDIT_DURATION :][:8])
    for kind, start, _ in walk(data, 0, len(data), 0, [MAX_BOXES]):
        if kind == b"elst":
            changed[start + 3] = int(loop_count > 1)
        elif kind in (b"mvhd", b"tkhd"):
            at = start + (_MOVIE_DURATION if kind == b"mvhd" else _TRACK_DURATION)
            changed[at : at + 8] = min(once * loop_count, 2**63).to_bytes(8)
    return bytes(changed)
