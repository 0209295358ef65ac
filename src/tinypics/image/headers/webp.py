"""The header of a WebP."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tinypics.values import replace

if TYPE_CHECKING:
    from tinypics.image.geometry import Size
    from tinypics.image.headers.header import Header
    from tinypics.image.limits import Limits

_FLAGS, _ALPHA = 20, 0x10  # where the flags of an extended file are


def read(header: Header, limits: Limits) -> Header:
    """RFC 9649, section 2. Counting stops at one frame more than is allowed."""
    data, at, frames, bare = header.data, 12, 0, False
    header = replace(header, channels=4)
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        body = at + 8
        if kind == b"VP8X":
            header = replace(header, size=_sizes24(data, body + 4))
        elif kind == b"ANIM":
            header = replace(header, loop_count=struct.unpack_from("<H", data, body + 4)[0])
        elif kind == b"ANMF":
            frames += 1
            bare |= bool(data[body + 15] & 1) or (frames == 1 and _sizes24(data, body + 6) != header.size)
            if frames > limits.frames:
                break
        elif kind == b"VP8 " and header.size == (0, 0):
            width, height = struct.unpack_from("<HH", data, body + 6)
            header = replace(header, size=(width & 0x3FFF, height & 0x3FFF))
        elif kind == b"VP8L" and header.size == (0, 0):
            (packed,) = struct.unpack_from("<I", data, body + 1)
            header = replace(header, size=((packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1))
        at = body + length + (length & 1)
        if kind in (b"VP8 ", b"VP8L"):
            break  # only metadata follow
    if bare:
        header = replace(header, data=with_alpha(data))
    return replace(header, frames=max(1, frames))


def _sizes24(data: bytes, at: int) -> Size:
    if at + 6 > len(data):
        raise IndexError
    return int.from_bytes(data[at : at + 3], "little") + 1, int.from_bytes(data[at + 3 : at + 6], "little") + 1


def with_alpha(data: bytes) -> bytes:
    """The animation with the flag for transparency (section 2.7).

    libwebp's encoder omits the flag if no frame has alpha, although the part of the canvas that no frame covers is
    transparent. Pillow then treats the canvas as opaque. A file of one frame, to which the encoder reduces equal
    frames, has no such flag.
    """
    if data[12:16] != b"VP8X":
        return data
    return data[:_FLAGS] + bytes((data[_FLAGS] | _ALPHA,)) + data[_FLAGS + 1 :]
