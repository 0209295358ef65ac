"""Explains why a file cannot be decoded: where it ends, and where it should end.

Only a file that a decoder has refused loads this module.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from tinypics.errors import CorruptImage
from tinypics.image.headers import isobmff, jpeg_segments, tiff_pages

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinypics.image.headers.header import Header

_KB: Final = 1000
_MAX_PADDING: Final = 64  # bytes after an end marker


def describe(header: Header, image: Any) -> str:
    """One clause: the file ends too early, or its content is damaged. `image` is the decoder's object, or None."""
    length = header.stream.size if header.stream else len(header.data)
    tail = header.stream.tail(_MAX_PADDING) if header.stream else header.data[-_MAX_PADDING:]
    try:
        measure = _EXPECTED.get(header.decoder.name)
        expected = measure(header) if measure else 0
    except (struct.error, IndexError, ValueError, CorruptImage):
        expected = 0
    end = _ENDS.get(header.decoder.name)
    if expected <= length and (end is None or end in tail):
        return "its data are damaged"
    expected = max(expected, _from_rows(header, image, length))
    unit, name = (_KB, "kB") if max(length, expected) >= 2 * _KB else (1, "bytes")
    if expected > length:
        return f"it ends after {round(length / unit):,} of about {round(expected / unit):,} {name}"
    return f"it ends after {round(length / unit):,} {name}, in the middle of its picture"


def _from_rows(header: Header, image: Any, length: int) -> int:
    """The estimated length of the complete file, from the share of the rows that were decoded."""
    if header.decoder.name not in ("jpeg", "png") or header.buffered or not isinstance(image, Image.Image):
        return 0
    core = image._im
    box = core.getbbox() if core is not None else None  # rows that were not decoded are zero
    return int(length * image.height // box[3]) if box and box[3] < image.height else 0


def _webp(header: Header) -> int:
    """RIFF has the length of the rest of the file."""
    return 8 + int.from_bytes(header.data[4:8], "little")


def _png(header: Header) -> int:
    """The end of the first chunk that is cut short, plus an end chunk."""
    at = 8
    while at + 8 <= len(header.data):
        at += 12 + int.from_bytes(header.data[at : at + 4])
    return at + 12 if at > len(header.data) else 0


def _bmp(header: Header) -> int:
    """The rows of an uncompressed BMP, each padded to four bytes."""
    data = header.data
    (start,) = struct.unpack_from("<I", data, 10)
    if int.from_bytes(data[14:18], "little") < 40 or int.from_bytes(data[30:34], "little") not in (0, 3):
        return 0
    (bits,) = struct.unpack_from("<H", data, 28)
    return int(start + header.size[1] * (-(-header.size[0] * bits // 32) * 4))


def _tiff(header: Header) -> int:
    """The end of the last strip or tile."""
    page = tiff_pages.read_page(header.data)
    starts = page.numbers(tiff_pages.STRIPS) or page.numbers(tiff_pages.TILES)
    lengths = page.numbers(tiff_pages.STRIP_BYTES) or page.numbers(tiff_pages.TILE_BYTES)
    return max((start + length for start, length in zip(starts, lengths, strict=False)), default=0)


def _isobmff(header: Header) -> int:
    """The end of the last box, by its own length."""
    data, at = header.data, 0
    for _ in range(isobmff.MAX_BOXES):
        if at + 8 > len(data):
            break
        (length,) = struct.unpack_from(">I", data, at)
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, at + 8)
        if length < 8:
            break
        at += length
    return at


_EXPECTED: Final[dict[str, Callable[[Header], int]]] = {
    "webp": _webp,
    "png": _png,
    "bmp": _bmp,
    "tiff": _tiff,
    "avif": _isobmff,
    "heif": _isobmff,
}
_ENDS: Final = {"jpeg": jpeg_segments.END, "png": b"IEND", "gif": b";", "jp2": jpeg_segments.END}
