"""Samples of an AVIF with more than 8 bits. Pillow asks libavif for 8 bits."""

from __future__ import annotations

from typing import Final

from PIL import Image

from tinypics.image import libavif

_BITS: Final = 16


def read(data: bytes, mode: str, size: tuple[int, int]) -> list[Image.Image]:
    """The channels of the first picture as I;16, alpha (not premultiplied) last, before rotation boxes are applied.

    :param mode: of Pillow's image of the same file: RGB or RGBA.
    :returns: nothing, so that 8 bits must do, if this Pillow's libavif cannot be called, or refuses the file.
    """
    if libavif.library() is None or mode not in ("RGB", "RGBA"):
        return []
    width = len(mode) * _BITS // 8
    with libavif.decoded(data) as image:
        samples = bytearray(width * size[0] * size[1]) if image else bytearray()
        if not image or not libavif.convert(image, size, _BITS, len(mode), samples):
            return []
    bands = []
    for at in range(0, width, 2):
        channel = bytearray(len(samples) // len(mode))
        for byte in (0, 1):
            channel[byte::2] = samples[at + byte :: width]
        bands.append(Image.frombytes("I;16", size, bytes(channel)))
    return bands
