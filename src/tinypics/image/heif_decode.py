"""HEIF (ISO/IEC 23008-12) beyond Pillow: pictures in HEVC, and the clean aperture of an AVIF."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from tinypics.errors import UnsupportedFormat

if TYPE_CHECKING:
    from collections.abc import Sequence


# Modes of pi_heif with samples of 16 bits, little-endian.
_CHANNELS: Final = {"L;16": 1, "I;16": 1, "LA;16": 2, "RGB;16": 3, "RGBA;16": 4}


class HeifReader:
    """A file whose header libheif has read; it decodes the primary picture, upright, when `decode` is called.

    libheif applies the rotation boxes. The orientation in EXIF repeats them, and is to be ignored (23008-12, 6.5.10).

    :raises UnsupportedFormat: pi_heif is not installed.
    """

    def __init__(self, data: bytes) -> None:
        try:
            import pi_heif
        except ImportError as error:
            from tinypics import install

            raise UnsupportedFormat(f"HEIC/HEIF needs the package pi-heif: {install.command('heif')}") from error
        self._open: Any = partial(pi_heif.open_heif, data)
        self._file = self._open(convert_hdr_to_8bit=True)
        self.size = self._file.size
        self.info: dict[str, Any] = self._file.info

    def decode(self, *, deep: bool) -> tuple[Image.Image, Sequence[Image.Image]]:
        """The picture in 8 bits, and its channels in 16 bits if these are wanted (`deep`) and the file has more."""
        if not deep:
            return self._file.to_pillow(), ()
        wide = self._open(convert_hdr_to_8bit=False)
        count = _CHANNELS.get(wide.mode)
        if count is None:  # 8 bits, or alpha that colours are multiplied by
            return self._file.to_pillow(), ()
        size, data = wide.size, wide.data
        across = wide.stride // 2 // count  # pixels of a row, padding included
        mode = ("L", "LA", "RGB", "RGBA")[count - 1]
        image = Image.frombytes(mode, (across, size[1]), bytes(data[1::2])).crop((0, 0, *size))
        scale = 65535 / (65535 >> 16 - wide.info["bit_depth"] << 16 - wide.info["bit_depth"])
        bands = []
        for number in range(count):
            channel = bytearray(len(data) // count)
            for byte in (0, 1):
                channel[byte::2] = data[2 * number + byte :: 2 * count]
            band = Image.frombytes("I;16", (across, size[1]), bytes(channel)).crop((0, 0, *size))
            bands.append(band.point(lambda value: value * scale + 0.5))  # libheif adds zeros behind the sample's bits
        image.info.update(self.info)
        return image, bands


def crop_to_aperture(image: Image.Image, crop: tuple[float, float, float, float]) -> Image.Image:
    """The clean aperture (ISO/IEC 14496-12, 12.1.4): its size, and how far its centre is from the picture's."""
    width, height, right, down = crop
    left, top = round(right + (image.width - width) / 2), round(down + (image.height - height) / 2)
    box = (left, top, left + round(width), top + round(height))
    inside = 0 <= left < box[2] <= image.width and 0 <= top < box[3] <= image.height
    return image.crop(box) if inside else image
