"""The chunks of a PNG (PNG 3rd edition, section 5): its facts, and the file without chunks that decoding ignores."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

from tinypics.errors import CorruptImage, ImageTooLarge
from tinypics.image.limits import check_size
from tinypics.values import replace, value

if TYPE_CHECKING:
    from tinypics.image.headers.header import Header
    from tinypics.image.limits import Limits

_MAX_CHUNKS: Final = 65_536
_MAX_NUMBER: Final = 0x7FFFFFFF  # section 7.1: a number has 31 bits
_GREY, _PALETTE = 0, 3
_CHANNELS: Final = {0: 1, 2: 3, 3: 4, 4: 2, 6: 4}  # by colour type; those of the colours in a palette
# Text and profiles may be decompression bombs, and decoding does not need them.
_UNUSED: Final = frozenset((b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"pHYs", b"tIME", b"gAMA", b"cHRM", b"sRGB"))


@value
class Chunks:
    """See `header.Header`, which has the same fields."""

    size: tuple[int, int]
    channels: int
    bits: int
    palette: bool
    data: bytes
    frames: int = 1
    loop_count: int = 1
    icc: bytes | None = None
    exif: bytes | None = None
    nclx: tuple[int, int] | None = None


def read_chunks(data: bytes, icc_bytes: int) -> Chunks:
    """The facts, and `data` without unused chunks. A profile is decompressed to at most one byte more than `icc_bytes`.

    :raises CorruptImage: it does not start with a valid header.
    :raises ImageTooLarge: more chunks than any picture needs.
    :raises struct.error, IndexError: it is cut short.
    """
    width, height, bits, colour = struct.unpack_from(">IIBB", data, 16)
    if data[12:16] != b"IHDR" or colour not in _CHANNELS:
        raise CorruptImage("the PNG does not start with a header that makes sense")
    facts: dict[str, object] = {}
    kept, at, start = [], 8, 0
    for _ in range(_MAX_CHUNKS):
        if at + 8 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, at)
        body, end = at + 8, at + 12 + length
        broken = kind == b"acTL" and length < 8
        if kind in _UNUSED or broken:
            kept.append(data[start:at])
            start = end
        if kind == b"acTL" and not broken:
            frames, loop_count = struct.unpack_from(">II", data, body)
            facts |= {"frames": max(1, frames), "loop_count": loop_count}
        elif kind == b"iCCP":
            facts["icc"] = _inflate_profile(data[body : body + length], icc_bytes + 1)
        elif kind == b"eXIf":
            facts["exif"] = data[body : body + length]
        elif kind == b"cICP":
            facts["nclx"] = (data[body], data[body + 1])
        elif kind == b"IEND":
            break
        at = end
    else:
        raise ImageTooLarge(f"the PNG has more than {_MAX_CHUNKS} chunks")
    palette = colour == _PALETTE or (colour == _GREY and bits < 8)
    used = b"".join([*kept, data[start:]]) if kept else data
    return Chunks((width, height), _CHANNELS[colour], bits, palette, used, **facts)  # type: ignore[arg-type]


def _inflate_profile(chunk: bytes, limit: int) -> bytes:
    """The profile in an iCCP chunk, truncated to `limit` bytes; empty if it is broken."""
    _, _, packed = chunk.partition(b"\0")
    try:
        return zlib.decompressobj().decompress(packed[1:], limit)
    except zlib.error:
        return b""


def read(header: Header, limits: Limits) -> Header:
    found = read_chunks(header.data, limits.icc_bytes)
    if found.frames > _MAX_NUMBER:
        check_size(found.size, found.frames, limits)
    return replace(header, **vars(found))
