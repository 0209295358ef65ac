"""Samples of an AVIF with more than 8 bits, from the libavif that Pillow's own decoder is linked with.

Pillow asks libavif for 8 bits. The functions and the structure below are those of libavif's public header avif.h, and
have been the same since version 1.0.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any, Final

from PIL import Image

_RGB, _RGBA = 0, 1  # avifRGBFormat
_BITS: Final = 16
_OK: Final = 0


class Rgb(ctypes.Structure):
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
def _library() -> Any:
    """Pillow's libavif: symbols are also looked up in the libraries that an extension module is linked with.

    :returns: None if Pillow was built in another way, or with a version whose structures are not known.
    """
    from PIL import _avif

    library: Any = ctypes.CDLL(_avif.__file__)
    try:
        library.avifVersion.restype = ctypes.c_char_p
        if not library.avifVersion().startswith(b"1."):
            return None
        for name in ("avifDecoderCreate", "avifImageCreateEmpty"):
            getattr(library, name).restype = ctypes.c_void_p
        pointer = ctypes.c_void_p
        library.avifDecoderReadMemory.argtypes = (pointer, pointer, ctypes.c_char_p, ctypes.c_size_t)
        library.avifRGBImageSetDefaults.argtypes = (pointer, pointer)
        library.avifImageYUVToRGB.argtypes = (pointer, pointer)
        library.avifDecoderDestroy.argtypes = library.avifImageDestroy.argtypes = (pointer,)
    except AttributeError:
        return None
    return library


def read(data: bytes, mode: str, size: tuple[int, int]) -> list[Image.Image]:
    """The channels of the first picture as I;16, alpha (not premultiplied) last, before rotation boxes are applied.

    :param mode: of Pillow's image of the same file: RGB or RGBA.
    :returns: nothing, so that 8 bits must do, if this Pillow's libavif cannot be called, or refuses the file.
    """
    library = _library()
    if library is None or mode not in ("RGB", "RGBA"):
        return []
    image = library.avifImageCreateEmpty()
    if not image:
        raise MemoryError
    try:
        samples = _colours(library, image, mode, size) if _decode(library, image, data) else b""
    finally:
        library.avifImageDestroy(image)
    width = 2 * len(mode)
    bands = []
    for at in range(0, width if samples else 0, 2):
        channel = bytearray(len(samples) // len(mode))
        for byte in (0, 1):
            channel[byte::2] = samples[at + byte :: width]
        bands.append(Image.frombytes("I;16", size, bytes(channel)))
    return bands


def _decode(library: Any, image: Any, data: bytes) -> bool:
    decoder = library.avifDecoderCreate()
    if not decoder:
        raise MemoryError
    try:  # the image gets a copy, so that the decoder's own frames are freed before colours are converted
        return bool(library.avifDecoderReadMemory(decoder, image, data, len(data)) == _OK)
    finally:
        library.avifDecoderDestroy(decoder)


def _colours(library: Any, image: Any, mode: str, size: tuple[int, int]) -> bytes | bytearray:
    rgb = Rgb()
    library.avifRGBImageSetDefaults(ctypes.byref(rgb), image)
    if (rgb.width, rgb.height) != size:
        return b""
    rgb.depth, rgb.format, rgb.row_bytes = _BITS, _RGBA if mode == "RGBA" else _RGB, size[0] * len(mode) * 2
    rgb.alpha_premultiplied, rgb.max_threads = 0, 1
    samples = bytearray(rgb.row_bytes * size[1])
    rgb.pixels = ctypes.addressof(ctypes.c_char.from_buffer(samples))
    return samples if library.avifImageYUVToRGB(image, ctypes.byref(rgb)) == _OK else b""
