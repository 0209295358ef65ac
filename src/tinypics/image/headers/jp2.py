"""The header of a JPEG 2000: the SIZ marker of its codestream, bare or in a box."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tinypics.errors import CorruptImage
from tinypics.image.headers.isobmff import MAX_BOXES, walk
from tinypics.values import replace, value

if TYPE_CHECKING:
    from tinypics.image.headers.header import Header
    from tinypics.image.limits import Limits


@value
class Codestream:
    """The SIZ marker of a JPEG 2000 codestream (15444-1, A.5.1)."""

    size: tuple[int, int]
    channels: int
    bits: int


def read_codestream(data: bytes) -> Codestream:
    """The facts of the JPEG 2000 codestream in `data`, bare or in its box.

    :raises CorruptImage: there is none.
    """
    at = 0
    if not data.startswith(b"\xff\x4f"):
        inside = walk(data, 0, len(data), 0, [MAX_BOXES])
        at = next((start for kind, start, _ in inside if kind == b"jp2c"), len(data))
    if data[at : at + 4] != b"\xff\x4f\xff\x51":
        raise CorruptImage("the JPEG 2000 file has no codestream")
    right, bottom, left, top, *_, channels = struct.unpack_from(">IIIIIIIIH", data, at + 8)
    if left >= right or top >= bottom:
        raise CorruptImage("the JPEG 2000 codestream has no size")
    return Codestream((right - left, bottom - top), channels, (data[at + 42] & 0x7F) + 1)


def _profile(data: bytes) -> bytes | None:
    """The ICC profile of the first `colr` box that has one (15444-1, I.5.3.3, and 15444-2), which Pillow ignores."""
    if data.startswith(b"\xff\x4f"):
        return None
    inside = walk(data, 0, len(data), 0, [MAX_BOXES])
    return next(
        (data[start + 3 : end] for kind, start, end in inside if kind == b"colr" and data[start] in (2, 3)), None
    )


def read(header: Header, _: Limits) -> Header:
    stream = read_codestream(header.data)
    icc = _profile(header.data)
    return replace(header, size=stream.size, channels=stream.channels, bits=stream.bits, icc=icc)
