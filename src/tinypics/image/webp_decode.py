"""A WebP at a fraction of its size, by libwebp, which Pillow contains but does not ask for that.

libwebp averages the rows while it decodes, so that there is never a picture of the full size. Not with alpha: it would
average colours that are not premultiplied. Nor of lossless files, which it decodes at their full size first.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

if TYPE_CHECKING:
    from tinypics.image.geometry import Size

_ABI: Final = 0x0209  # WEBP_DECODER_ABI_VERSION of decode.h: libwebp refuses another major version
_RGBA: Final = 1  # MODE_RGBA
_LOSSY: Final = 1
_OUT_OF_MEMORY: Final = 1  # VP8_STATUS_OUT_OF_MEMORY


def _fields(names: str, *others: tuple[str, Any]) -> Any:
    return [*((name, ctypes.c_int) for name in names.split()), *others]


class _Features(ctypes.Structure):
    _fields_ = _fields("width height has_alpha has_animation format", ("pad", ctypes.c_uint32 * 5))


class _Output(ctypes.Structure):
    """WebPDecBuffer, of which the union has room for four planes."""

    _fields_ = _fields(
        "colorspace width height is_external_memory",
        ("rgba", ctypes.c_void_p),
        ("stride", ctypes.c_int),
        ("size", ctypes.c_size_t),
        ("planes", ctypes.c_uint8 * 56),
        ("pad", ctypes.c_uint32 * 4),
        ("private_memory", ctypes.c_void_p),
    )


class _Options(ctypes.Structure):
    _fields_ = _fields(
        "bypass_filtering no_fancy_upsampling use_cropping crop_left crop_top crop_width crop_height use_scaling "
        "scaled_width scaled_height use_threads dithering_strength flip alpha_dithering_strength",
        ("pad", ctypes.c_uint32 * 5),
    )


class _Config(ctypes.Structure):
    _fields_ = [("input", _Features), ("output", _Output), ("options", _Options)]


@cache
def _libwebp() -> Any:
    """Pillow's libwebp: symbols are also looked up in the libraries that an extension module is linked with.

    :returns: None if Pillow was built in another way, or with another major version of the interface.
    """
    from PIL import _webp

    try:
        library = ctypes.CDLL(_webp.__file__)
        fits = library.WebPInitDecoderConfigInternal(ctypes.byref(_Config()), _ABI)
    except (OSError, AttributeError):
        return None
    return library if fits else None


def scales(data: bytes) -> bool:
    """Whether libwebp can scale this picture: lossy, opaque, not animated."""
    library, found = _libwebp(), _Features()
    if library is None or library.WebPGetFeaturesInternal(data, ctypes.c_size_t(len(data)), ctypes.byref(found), _ABI):
        return False
    return (found.has_alpha, found.has_animation, found.format) == (0, 0, _LOSSY)


def read(data: bytes, size: Size) -> Image.Image:
    """The picture at this size, which is smaller.

    :raises OSError: its data are damaged.
    """
    library, config = _libwebp(), _Config()
    library.WebPInitDecoderConfigInternal(ctypes.byref(config), _ABI)
    stride = 4 * size[0]
    pixels = ctypes.create_string_buffer(stride * size[1])
    options, output = config.options, config.output
    options.use_scaling, options.scaled_width, options.scaled_height = 1, *size
    output.colorspace, output.is_external_memory = _RGBA, 1
    output.rgba, output.stride, output.size = ctypes.addressof(pixels), stride, len(pixels)
    status = library.WebPDecode(data, ctypes.c_size_t(len(data)), ctypes.byref(config))
    if status == _OUT_OF_MEMORY:
        raise MemoryError
    if status:
        raise OSError(f"libwebp: status {status}")
    return Image.frombytes("RGB", size, memoryview(pixels), "raw", "RGBX")
