"""HEIF (ISO/IEC 23008-12) beyond Pillow: pictures in HEVC, and the clean aperture of an AVIF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinypics.errors import UnsupportedFormat

if TYPE_CHECKING:
    from PIL import Image


def open_image(data: bytes) -> Any:
    """pi_heif's lazy image, which is upright.

    libheif applies the rotation boxes. The orientation in EXIF repeats them, and is to be ignored (23008-12, 6.5.10).

    :raises UnsupportedFormat: pi_heif is not installed.
    """
    try:
        import pi_heif
    except ImportError as error:
        raise UnsupportedFormat('HEIC/HEIF needs the package pi-heif: pip install "tinypics[heif]"') from error
    return pi_heif.open_heif(data, convert_hdr_to_8bit=True)


def crop_to_aperture(image: Image.Image, crop: tuple[float, float, float, float]) -> Image.Image:
    """The clean aperture (ISO/IEC 14496-12, 12.1.4): its size, and how far its centre is from the picture's."""
    width, height, right, down = crop
    left, top = round(right + (image.width - width) / 2), round(down + (image.height - height) / 2)
    box = (left, top, left + round(width), top + round(height))
    inside = 0 <= left < box[2] <= image.width and 0 <= top < box[3] <= image.height
    return image.crop(box) if inside else image
