"""Pixels to the compressed rows of a PNG, by the native module and ISA-L's deflate."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from tinypics.image import native

if TYPE_CHECKING:
    from PIL import Image

_CHANNELS: Final = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}
_BAND: Final = 32  # rows: of 8 to 64, the files are the same to 1 %


def pixels(image: Image.Image) -> bytes | None:
    """The rows of the image, compressed (PNG 3rd edition, section 10); None: Pillow must do it.

    ISA-L finds fewer repetitions than zlib, but takes a tenth of its time. So each band of rows is tried with and
    without filters: drawn areas are smaller without, photos with them.
    """
    kernels, channels, deflate = native.kernels(), _CHANNELS.get(image.mode), _deflate()
    if kernels is None or channels is None or deflate is None:
        return None
    image.load()
    try:
        _, source = image.__arrow_c_array__()
    except ValueError:  # in several blocks of memory
        return None
    (width, height), stream, parts = image.size, deflate.compressobj(), []
    for first in range(0, height, _BAND):
        count = min(_BAND, height - first)
        plain, filtered = bytearray(count * (1 + channels * width)), bytearray(count * (1 + channels * width))
        with native.calls():
            kernels.png_rows(source, 1 if channels == 1 else 4, image.size, channels, first, count, plain, filtered)
        smaller = min(plain, filtered, key=lambda rows: len(deflate.compress(rows)))
        parts.append(stream.compress(smaller))
    return b"".join([*parts, stream.flush()])


def with_pixels(data: bytes, size: tuple[int, int], compressed: bytes) -> bytes:
    """The PNG `data` of one pixel, with these pixels instead: its other chunks, as Pillow writes them, stay."""
    parts, at = [data[:8]], 8
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        kind, content = data[at + 4 : at + 8], data[at + 8 : end - 4]
        if kind == b"IHDR":
            content = struct.pack(">II", *size) + content[8:]
        elif kind == b"IDAT":
            content = compressed
        checksum = zlib.crc32(kind + content)
        parts += [struct.pack(">I4s", len(content), kind), content, struct.pack(">I", checksum)]
        at = end
    return b"".join(parts)


@cache
def _deflate() -> Any:
    """ISA-L's zlib; None where it is not installed."""
    try:
        from isal import isal_zlib
    except ImportError:
        return None
    return isal_zlib
