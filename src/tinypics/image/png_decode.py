"""The pixels of a PNG by the native reader: inflated, unfiltered and averaged a few rows at a time."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from tinypics.image import native

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinypics.image.picture import OpenPicture

_PIECE: Final = 64 * 1024  # compressed bytes at a time: the decompressor copies those that it does not use
_INFLATED: Final = 256 * 1024  # bytes of a piece's result, so that a bomb needs no more
_MODES: Final = {1: "L", 2: "La", 3: "RGB", 4: "RGBa"}


def takes(picture: OpenPicture) -> bool:
    """Whether the native reader decodes the picture, unless its data are damaged."""
    header, image = picture.header, picture.image
    if native.kernels() is None or header.decoder.name != "png" or header.frames > 1 or "interlace" in image.info:
        return False
    return image.mode == "P" or ("transparency" not in image.info and (header.bits >= 8 or image.mode in ("1", "L")))


def read(picture: OpenPicture, box: int) -> Image.Image | None:
    """The picture at 1/box of its size, in mode L, La, RGB or RGBa; None: Pillow reads it, or says what is wrong."""
    header = picture.header
    colours, mode = _palette(picture)
    image = Image.new(mode, (-(-picture.size[0] // box), -(-picture.size[1] // box)), None)
    try:
        _, pixels = image.__arrow_c_array__()
        width = 1 if mode == "L" else 4
        channels = 1 if colours else header.channels
        with native.calls():
            reader = native.kernels().png_new(pixels, width, picture.size, channels, header.bits, box, colours)
            return image if _fill(reader, header.data, picture.size[1]) else None
    except (ValueError, struct.error, _inflate().error):
        return None


@cache
def _inflate() -> Any:
    """ISA-L's zlib, which takes half of the time, where it is installed."""
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib
    return isal_zlib


def _palette(picture: OpenPicture) -> tuple[bytes, str]:
    """R, G, B, A of each colour that pixels have as numbers, if they do; and the mode of the result."""
    header, image = picture.header, picture.image
    if image.mode != "P":
        if header.bits >= 8:
            return b"", _MODES[header.channels]
        count = 1 << header.bits
        return bytes(level * 255 // (count - 1) for level in range(count) for _ in range(4)), "L"
    clear = image.info.get("transparency")
    alpha = bytes([255] * clear + [0]) if isinstance(clear, int) else clear or b""
    values = image.palette.palette[: 3 << header.bits]
    colours = zip(values[::3], values[1::3], values[2::3], strict=True)
    table = (bytes((*each, alpha[at] if at < len(alpha) else 255)) for at, each in enumerate(colours))
    return b"".join(table), "RGB" if clear is None else "RGBa"


def _fill(reader: Any, data: bytes, height: int) -> bool:
    """Whether all rows are there, and the file ends as it should.

    The checksums of pixels are not compared, as Pillow does not: those of zlib are.
    """
    feed, stream, rows = native.kernels().png_feed, _inflate().decompressobj(), 0
    for piece in _pieces(data):
        left: Any = piece
        while left and not stream.eof:
            rows = feed(reader, stream.decompress(left, _INFLATED))
            if rows < 0:
                return False
            left = stream.unconsumed_tail
    return rows == height and stream.eof and not stream.unused_data


def _pieces(data: bytes) -> Iterator[memoryview]:
    """The compressed pixels. Raises ValueError for a chunk that only an animation has, or behind them."""
    view, at, begun = memoryview(data), 8, False
    while True:
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 8 + length
        if kind == b"IDAT":
            begun = True
            for start in range(at + 8, end, _PIECE):
                yield view[start : min(start + _PIECE, end)]
        elif kind == b"IEND":
            return
        elif begun or kind in (b"acTL", b"fcTL"):
            raise ValueError(kind)
        at = end + 4
