"""Grey samples of more than 8 bits as 8 bits, where Pillow's own conversion would be wrong."""

from __future__ import annotations

from functools import cache

from PIL import Image


def to_eight_bits(image: Image.Image, bits: int) -> Image.Image:
    """An image of mode I;16 (any byte order) as L or LA. Pillow clips at 255, so that nearly everything would be white.

    :param bits: of the file. Pillow does not scale the 12 bits of a TIFF to 16, as it does those of other formats.
    """
    values = image.convert("I")
    white = (1 << bits) - 1 if hasattr(image, "tag_v2") else 65535
    grey = values.point(eight_bits(white), "L")
    clear = image.info.get("transparency")
    if not isinstance(clear, int):
        return grey
    alpha = values.point([0 if value == clear else 255 for value in range(65536)], "L")
    return Image.merge("LA", (grey, alpha))


@cache
def eight_bits(white: int) -> bytes:
    """The 8-bit value of every 16-bit sample, if `white` is the largest of its file."""
    return bytes(min(255, (value * 255 + white // 2) // white) for value in range(65536))
