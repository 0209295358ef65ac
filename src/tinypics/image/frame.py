"""A decoder's image as a frame: cropped, in one of the modes that the other steps support, and premultiplied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PIL import Image

from tinypics.image.decoders import open_again
from tinypics.image.picture import Frame, OpenPicture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinypics.image.deep import Deep
    from tinypics.image.headers.header import Header

_MODES: Final = ("L", "LA", "RGB", "RGBA", "CMYK")
_PREMULTIPLIED: Final = {"LA": "La", "RGBA": "RGBa"}
_CONVERSIONS: Final = {"1": "L", "La": "LA", "RGBa": "RGBA"}  # all other modes are colours: YCbCr, LAB


def make_frame(
    picture: OpenPicture,
    image: Image.Image,
    scale: int,
    duration: float = 0,
    *,
    truncated: bool = False,
    bands: Sequence[Image.Image] = (),
) -> Frame:
    """The frame of a decoded image.

    :param scale: the image has 1/scale of the picture's size.
    :param bands: the samples of more than 8 bits, where the decoder gave them beside the image.
    """
    decoded = _crop(image, picture.header)
    size = picture.size if scale > 1 else decoded.size
    extent = (size[0] / scale, size[1] / scale)
    image = _convert_mode(decoded, picture)
    deep = _read_deep(picture, decoded, image, bands) if picture.deep and not truncated else None
    straight = image if image.mode in _PREMULTIPLIED else None
    if straight is not None:
        image = image.convert(_PREMULTIPLIED[image.mode])
    return Frame(image, size, extent, duration, truncated, straight, deep)


def _crop(image: Image.Image, header: Header) -> Image.Image:
    if header.crop is None or header.decoder.name != "avif":  # libheif crops, libavif does not
        return image
    from tinypics.image import heif_decode

    return heif_decode.crop_to_aperture(image, header.crop)


def _read_deep(
    picture: OpenPicture, image: Image.Image, shown: Image.Image, bands: Sequence[Image.Image]
) -> Deep | None:
    """The samples of what is decoded to `image`, and converted to `shown`."""
    from tinypics.image import deep

    header = picture.header
    if header.decoder.name == "avif":
        from tinypics.image import avif_samples

        bands = [_crop(band, header) for band in avif_samples.read(header.data, image.mode, picture.size)]
    elif isinstance(picture.image, Image.Image):
        clear = shown.getchannel("A") if "transparency" in image.info else None
        return deep.read(image, header, picture.icc, lambda: open_again(header), clear)
    return deep.described(bands, header, picture.icc)


def _convert_mode(image: Image.Image, picture: OpenPicture) -> Image.Image:
    """Convert to one of the modes of `Frame`, but for alpha, which is not premultiplied yet."""
    if image.mode.startswith("I;16"):
        from tinypics.image import wide_samples

        return wide_samples.to_eight_bits(image, picture.header.bits)
    if image.mode == "RGBA" and picture.header.decoder.name == "bmp" and not any(image.getchannel("A").getextrema()):
        image = image.convert("RGB")  # a program without alpha left the fourth byte at zero
    clear = image.info.get("transparency")
    if image.mode == "RGB" and picture.header.bits == 16 and isinstance(clear, tuple):
        # Pillow keeps the high bytes of the pixels only, and many colours may have those of the transparent one.
        if picture.header.frames == 1:
            from tinypics.image import deep

            alpha = deep.opaque(image, clear, open_again(picture.header))
            return Image.merge("RGBA", [*image.split(), alpha])
        image.info["transparency"] = tuple(value >> 8 for value in clear)
    if image.mode == "L" and isinstance(clear, int) and picture.header.bits in (2, 4):
        # tRNS has the value before its scaling to 8 bits (PNG 3rd edition, 11.3.1.1); Pillow compares the one after.
        image.info["transparency"] = clear * 255 // (2**picture.header.bits - 1)
    if image.mode in ("P", "PA") or clear is not None:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode == "RGBA" and picture.header.channels == 2:
        image = image.convert("LA")  # Pillow has no grey and alpha of 16 bits
    # Pillow assumes that a CMYK JPEG is Adobe's, which stores inverted inks, and inverts it.
    if image.mode == "CMYK" and picture.header.decoder.name == "jpeg" and "adobe" not in image.info:
        image = image.point(lambda ink: 255 - ink)
    return image if image.mode in _MODES else image.convert(_CONVERSIONS.get(image.mode, "RGB"))
