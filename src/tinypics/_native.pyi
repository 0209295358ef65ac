"""The native module; see src/native/module.c. Images are given by the second capsule of their `__arrow_c_array__`."""

from typing import Any, TypeAlias

Buffer: TypeAlias = bytes | bytearray | memoryview

def revision() -> int:
    """The revision of this interface, as `image/native.py` expects it."""

def level() -> int:
    """The vectors of this processor: 0 none, 1 SSE4.1 or NEON, 2 AVX2."""

def jpeg_takes(head: Buffer, size: tuple[int, int], channels: int, scale: int) -> bool:
    """Whether `head` begins with a header of a JPEG that `jpeg_feed` reads unless its data are damaged.

    :param size, channels: as found in the header.
    :param scale: 2, 4 or 8.
    """

def jpeg_new(pixels: Any, size: tuple[int, int], channels: int, scale: int) -> Any:
    """A reader of a JPEG at 1/scale of its size.

    :param pixels: the second capsule of `__arrow_c_array__` of an image of that size, of mode L or RGB.
    """

def jpeg_feed(reader: Any, data: Buffer) -> int:
    """Give the reader the next bytes of the file: 0, more are needed; 1, the image is complete; 2, it is declined."""

def png_new(
    pixels: Any, pixel_bytes: int, size: tuple[int, int], channels: int, bits: int, box: int, palette: Buffer
) -> Any:
    """A reader of the rows of a PNG. Alpha is premultiplied, and each pixel is the mean of a box of them.

    :param pixels: of an image of 1/box of the size, of mode L (`pixel_bytes` 1), or La, RGB or RGBa (4).
    :param channels: of the file; 1 for numbers in a palette.
    :param palette: R, G, B, A of each colour; empty if there is none.
    """

def png_feed(reader: Any, data: Buffer) -> int:
    """Give the reader the next inflated bytes. Returns the number of complete rows of the file; -1: it is declined."""

def png_rows(
    pixels: Any,
    pixel_bytes: int,
    size: tuple[int, int],
    channels: int,
    first: int,
    count: int,
    plain: bytearray,
    filtered: bytearray,
) -> bool:
    """Write `count` rows of an image from number `first` on, each behind the number of its filter; True.

    :param channels: that are written: 1 of one byte a pixel, or 2 to 4 of four.
    :param plain: is filled with rows without a filter.
    :param filtered: is filled with the same rows, each with the filter that leaves the least.
    """

def resample(
    pixel_bytes: int,
    source: object,
    source_size: tuple[int, int],
    box: tuple[float, float, float, float],
    target: object,
    size: tuple[int, int],
    level: int = ...,
    /,
) -> bool:
    """Resample a box of `source` to `target`, of 1 or 4 bytes a pixel; False if the weights need more than 16 bits.

    :param level: the vectors to use, at most `level()`, which is the default. All give the same pixels.
    :raises ValueError: a box, size or image that does not fit. Pixels that `source` holds elsewhere are never read.
    """
