"""Grey samples of more than 8 bits as 8 bits, where Pillow's own conversion would be wrong."""

from __future__ import annotations

from PIL import Image

_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0  # TIFF 6.0, section 3


def to_eight_bits(image: Image.Image, bits: int) -> Image.Image:
    """An image of mode I;16 (any byte order), I or F as L or LA. `bits` are those of a sample in the file."""
    return _from_sixteen_bits(image, bits) if image.mode.startswith("I;16") else _stretch_range(image)


def _from_sixteen_bits(image: Image.Image, bits: int) -> Image.Image:
    """Scale grey of 16 bits to 8. Pillow's own conversion clips at 255, so that nearly everything would be white.

    :param bits: of the file. Pillow does not scale the 12 bits of a TIFF to 16, as it does those of other formats.
    """
    values = image.convert("I")
    white = (1 << bits) - 1 if hasattr(image, "tag_v2") else 65535
    scale = [min(255, (value * 255 + white // 2) // white) for value in range(65536)]
    if getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == _WHITE_IS_ZERO:  # Pillow supports it for 8 bits only
        scale.reverse()
    grey = values.point(scale, "L")
    clear = image.info.get("transparency")
    if not isinstance(clear, int):
        return grey
    alpha = values.point([0 if value == clear else 255 for value in range(65536)], "L")
    return Image.merge("LA", (grey, alpha))


def _stretch_range(image: Image.Image) -> Image.Image:
    """32-bit TIFF has no defined white: the darkest value becomes black, the brightest white."""
    low, high = image.getextrema()
    scale = 255 / (high - low) if high > low else 0.0  # type: ignore[operator]
    return image.convert("F").point(lambda value: value * scale - low * scale).convert("L")  # type: ignore[operator]
