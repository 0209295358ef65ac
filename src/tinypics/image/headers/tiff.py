"""The first directory of a TIFF (TIFF 6.0 section 2, and BigTIFF). EXIF data have the same structure."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from tinypics.errors import CorruptImage, ImageTooLarge
from tinypics.values import replace, value

if TYPE_CHECKING:
    from tinypics.image.headers.header import Header
    from tinypics.image.limits import Limits

_WIDTH, _HEIGHT, _BITS, _STRIPS, _ORIENTATION, _CHANNELS, _ROWS = 256, 257, 258, 273, 274, 277, 278
_TILE_WIDTH, _TILE_HEIGHT, _TILES = 322, 323, 324
# Bytes of a value by its type, for the types of sizes and counts.
_FORMATS: Final = {1: "B", 3: "H", 4: "I", 16: "Q"}
_MAX_TAGS: Final = 4096


@value
class Directory:
    size: tuple[int, int]
    channels: int
    bits: int
    strips: int
    """Strips or tiles."""
    block: int
    """Pixels in one strip or tile."""
    more: bool
    """Whether there are more pages."""


def read_directory(data: bytes) -> Directory:
    """The first page's facts.

    :raises CorruptImage: no size, no strips, or too many tags.
    :raises struct.error: cut short.
    """
    first, counts, more = _read_tags(data)
    size = (first.get(_WIDTH, 0), first.get(_HEIGHT, 0))
    strips = counts.get(_STRIPS, 0) + counts.get(_TILES, 0)
    if not strips:
        raise CorruptImage("the TIFF has no strips and no tiles")
    if _TILES in counts:
        block = first.get(_TILE_WIDTH, 0) * first.get(_TILE_HEIGHT, 0)
    else:
        block = size[0] * min(first.get(_ROWS, size[1]), size[1])
    return Directory(size, first.get(_CHANNELS, 1), first.get(_BITS, 1), strips, block, more)


def orientation(exif: bytes) -> int:
    """The orientation in EXIF data (a TIFF): 1 to 8; 1 if it is missing or broken."""
    try:
        first, _, _ = _read_tags(exif.removeprefix(b"Exif\0\0"))
    except (struct.error, OverflowError, CorruptImage):
        return 1
    value = first.get(_ORIENTATION, 1)
    return value if 1 <= value <= 8 else 1


def _read_tags(data: bytes) -> tuple[dict[int, int], dict[int, int], bool]:
    """The first directory: the first value of each integer tag, the count of its values, and whether pages follow."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    offset = order + ("Q" if big else "I")
    (at,) = struct.unpack_from(offset, data, 8 if big else 4)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, at)
    if count > _MAX_TAGS:
        raise CorruptImage(f"more than {_MAX_TAGS} tags")
    at += 8 if big else 2
    step, room = (20, 8) if big else (12, 4)
    first: dict[int, int] = {}
    counts: dict[int, int] = {}
    for entry in range(at, at + count * step, step):
        tag, kind = struct.unpack_from(order + "HH", data, entry)
        (counts[tag],) = struct.unpack_from(offset, data, entry + 4)
        if kind not in _FORMATS or not counts[tag]:
            continue
        value = entry + step - room
        if counts[tag] * struct.calcsize(_FORMATS[kind]) > room:
            (value,) = struct.unpack_from(offset, data, value)
        (first[tag],) = struct.unpack_from(order + _FORMATS[kind], data, value)
    following = at + count * step
    return first, counts, any(data[following : following + room])


def read(header: Header, limits: Limits) -> Header:
    from tinypics.image.headers import tiff_layout, tiff_pages  # this module reads the EXIF of every JPEG, too

    shown = tiff_pages.shown_page(header.data)
    data = header.data
    if shown is not None:
        turned = shown.numbers(_ORIENTATION) or tiff_pages.read_page(data).numbers(_ORIENTATION)
        data = tiff_pages.with_page(data, shown, {_ORIENTATION: turned or None})
    whole = tiff_pages.read_page(data)
    whole.check_compression()
    page = read_directory(data)
    if page.strips > limits.strips:
        raise ImageTooLarge(f"the TIFF has more than {limits.strips} strips")
    block, samples, extras = page.block, tiff_layout.unusual_samples(whole), []
    if samples:  # all of it is read at once
        block = page.size[0] * page.size[1]
        if samples.colours == tiff_layout.INKS and samples.alpha:
            extras.append("alpha")
    more = page.more if shown is None else shown.reduced or bool(shown.following)
    return replace(
        header,
        data=data,
        size=page.size,
        channels=page.channels,
        bits=page.bits,
        strips=page.strips,
        block=block,
        copies=1 if samples or shown is not None else 0,
        extras=(*extras, "pages") if more else tuple(extras),
    )
