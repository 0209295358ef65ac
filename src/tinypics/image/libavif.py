"""Pillow's libavif, called for more than Pillow asks of it: 16 bits, and a few rows at a time.

The functions and structures are those of libavif's public header avif.h, and have been the same since version 1.0.
"""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinypics.image.geometry import Size

RGB, RGBA = 0, 1  # avifRGBFormat
_OK: Final = 0


class _Rgb(ctypes.Structure):
    """avifRGBImage, and space for members of later versions."""

    _fields_ = (
        ("width", ctypes.c_uint32),
        ("height", ctypes.c_uint32),
        ("depth", ctypes.c_uint32),
        ("format", ctypes.c_int),
        ("chroma_upsampling", ctypes.c_int),
        ("chroma_downsampling", ctypes.c_int),
        ("avoid_libyuv", ctypes.c_int),
        ("ignore_alpha", ctypes.c_int),
        ("alpha_premultiplied", ctypes.c_int),
        ("is_float", ctypes.c_int),
        ("max_threads", ctypes.c_int),
        ("pixels", ctypes.c_void_p),
        ("row_bytes", ctypes.c_uint32),
        ("later", ctypes.c_uint8 * 256),
    )


@cache
def library() -> Any:
    """Pillow's libavif: symbols are also looked up in the libraries that an extension module is linked with.

    :returns: None if Pillow was built in another way, or with a version whose structures are not known.
    """
    from PIL import _avif

    found: Any = ctypes.CDLL(_avif.__file__)
    try:
        found.avifVersion.restype = ctypes.c_char_p
        if not found.avifVersion().startswith(b"1."):
            return None
        for name in ("avifDecoderCreate", "avifImageCreateEmpty"):
            getattr(found, name).restype = ctypes.c_void_p
        pointer = ctypes.c_void_p
        found.avifDecoderReadMemory.argtypes = (pointer, pointer, ctypes.c_char_p, ctypes.c_size_t)
        found.avifImageSetViewRect.argtypes = (pointer, pointer, pointer)
        found.avifRGBImageSetDefaults.argtypes = (pointer, pointer)
        found.avifImageYUVToRGB.argtypes = (pointer, pointer)
        found.avifDecoderDestroy.argtypes = found.avifImageDestroy.argtypes = (pointer,)
    except AttributeError:
        return None
    return found


@contextmanager
def decoded(data: bytes) -> Iterator[Any]:
    """The first picture of a file, which an avifImage holds for the time of the block; None if libavif refuses it."""
    with empty() as image:
        decoder = library().avifDecoderCreate()
        if not decoder:
            raise MemoryError
        try:  # the image gets a copy, so that the decoder's own frames are freed before colours are converted
            done = library().avifDecoderReadMemory(decoder, image, data, len(data)) == _OK
        finally:
            library().avifDecoderDestroy(decoder)
        yield image if done else None


@contextmanager
def empty() -> Iterator[Any]:
    """An avifImage without pixels."""
    image = library().avifImageCreateEmpty()
    if not image:
        raise MemoryError
    try:
        yield image
    finally:
        library().avifImageDestroy(image)


def view(target: Any, image: Any, top: int, size: Size) -> bool:
    """Make `target`, an empty avifImage, show `size` pixels of `image` from row `top` on; False if it cannot."""
    rectangle = (ctypes.c_uint32 * 4)(0, top, *size)  # avifCropRect
    return bool(library().avifImageSetViewRect(target, image, rectangle) == _OK)


def convert(image: Any, size: Size, depth: int, channels: int, samples: bytearray) -> bool:
    """Write the colours of `image` into `samples`: `channels` (3: RGB, 4: RGBA) of `depth` bits, not premultiplied.

    :returns: False if libavif cannot, or if the image does not have `size`.
    """
    rgb = _Rgb()
    library().avifRGBImageSetDefaults(ctypes.byref(rgb), image)
    rgb.depth, rgb.format, rgb.row_bytes = depth, RGBA if channels == 4 else RGB, size[0] * channels * depth // 8
    if (rgb.width, rgb.height) != size or rgb.row_bytes * size[1] > len(samples):
        return False
    rgb.alpha_premultiplied, rgb.max_threads = 0, 1
    rgb.pixels = ctypes.addressof(ctypes.c_char.from_buffer(samples))
    return bool(library().avifImageYUVToRGB(image, ctypes.byref(rgb)) == _OK)
