"""The chunks of a PNG (PNG 3rd edition, section 5): its facts, and the file without chunks that decoding ignores."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

from tinypics.errors import CorruptImage, ImageTooLarge
from tinypics.image.limits import MIB, check_size
from tinypics.values import replace, value

if TYPE_CHECKING:
    from tinypics.image.headers.header import Header
    from tinypics.image.limits import Limits

_MAX_CHUNKS: Final = 65_536
_MAX_NUMBER: Final = 0x7FFFFFFF  # section 7.1: a number has 31 bits
_GREY, _PALETTE = 0, 3
_CHANNELS: Final = {0: 1, 2: 3, 3: 4, 4: 2, 6: 4}  # by colour type; those of the colours in a palette
_COLOURS: Final = frozenset((b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM"))
# The ancillary chunks (section 5.4) that decoding needs. The others are removed: text and profiles may be decompression
# bombs, and Pillow refuses a picture for a wrong checksum in them, although section 13.2 lets decoders ignore it.
_ANIMATION: Final = frozenset((b"acTL", b"fcTL", b"fdAT"))
_NEEDED: Final = _ANIMATION | {b"tRNS"}
_XMP: Final = b"XML:com.adobe.xmp\0"
_MAX_XMP: Final = MIB
_ANCILLARY: Final = 0x20  # of the first byte: a lower-case letter


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
    xmp: bytes | None = None
    nclx: tuple[int, int] | None = None
    narrow: bool = False


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
    colours: dict[bytes, bytes] = {}
    pixels = plays = False
    kept, at, start = [], 8, 0
    for _ in range(_MAX_CHUNKS):
        if at + 8 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, at)
        body, end = at + 8, at + 12 + length
        if kind[0] & _ANCILLARY and not (kind in _NEEDED and _is_usable(data[at:end], kind, plays=plays)):
            kept.append(data[start:at])
            start = end
        elif kind == b"acTL":
            plays = True
            frames, loop_count = struct.unpack_from(">II", data, body)
            facts |= {"frames": max(1, frames), "loop_count": loop_count}
        if kind == b"IDAT":
            pixels = True
        elif kind in _COLOURS and not pixels:
            colours.setdefault(kind, data[body : body + length])
        elif kind == b"eXIf":
            facts["exif"] = data[body : body + length]
        elif kind == b"iTXt" and data.startswith(_XMP, body):
            facts["xmp"] = data[body + len(_XMP) : body + min(length, _MAX_XMP)]
        elif kind == b"IEND":
            break
        at = end
    else:
        raise ImageTooLarge(f"the PNG has more than {_MAX_CHUNKS} chunks")
    palette = colour == _PALETTE or (colour == _GREY and bits < 8)
    used = b"".join([*kept, data[start:]]) if kept else data
    facts |= _colours(colours, icc_bytes, grey=colour in (0, 4))
    return Chunks((width, height), _CHANNELS[colour], bits, palette, used, **facts)  # type: ignore[arg-type]


def _colours(chunks: dict[bytes, bytes], icc_bytes: int, *, grey: bool) -> dict[str, object]:
    """The colour space, from the chunk with the highest precedence (4.3, table 2)."""
    numbers = chunks.get(b"cICP", b"")
    if len(numbers) == 4 and numbers[2] == 0:  # RGB, the only matrix that a PNG may have (11.3.2.6)
        from tinypics.image import h273

        if h273.is_defined(numbers[0], numbers[1]):
            return {"nclx": (numbers[0], numbers[1]), "narrow": numbers[3] == 0}
    if b"iCCP" in chunks:
        return {"icc": _inflate_profile(chunks[b"iCCP"], icc_bytes + 1)}
    if b"sRGB" in chunks:
        return {}
    gamma = int.from_bytes(chunks.get(b"gAMA", b"")[:4])
    places = struct.unpack(">8I", chunks[b"cHRM"]) if len(chunks.get(b"cHRM", b"")) == 32 and not grey else ()
    plain = abs(gamma - _GAMMA) <= _GAMMA_ROUNDED or not _LEAST_GAMMA <= gamma <= _MOST_GAMMA
    apart = (abs(found - wanted) for found, wanted in zip(places, _CHROMATICITIES, strict=False))
    if max(apart, default=0) <= _CHROMATICITY_ROUNDED:
        places = ()
    if plain and not places:
        return {}
    from tinypics.image import h273

    return {"icc": h273.profile_from_chromaticities(None if plain else 100_000 / gamma, places, grey=grey)}


# The gamma and the chromaticities of sRGB (11.3.2.3), as writers round them: 1/2.2 is written as 0.45, too.
_GAMMA: Final = 45_455
_GAMMA_ROUNDED: Final = 460
_LEAST_GAMMA, _MOST_GAMMA = 10_000, 1_000_000
_CHROMATICITIES: Final = (31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000)
_CHROMATICITY_ROUNDED: Final = 100


def _is_usable(chunk: bytes, kind: bytes, *, plays: bool) -> bool:
    """Whether a needed chunk is intact. Chunks of an animation need an intact `acTL` before them."""
    if kind in (b"fcTL", b"fdAT"):
        return plays
    if kind == b"acTL" and len(chunk) != 20:
        return False
    return zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:])


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
