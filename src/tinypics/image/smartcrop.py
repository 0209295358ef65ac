"""Crops by content: the border to trim, and the part that a smart crop keeps.

Both are sums over a small or plain copy, in Pillow's C code. They find the busy or salient part of a picture, not
faces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PIL import Image

from tinypics.image import transform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinypics.image.geometry import Box, Point, Size
    from tinypics.image.transform import Level

_SIDE: Final = 96  # pixels of the analysed copy: enough to tell a face from a hedge


def content_box(level: Level, tolerance: int) -> Box:
    """The box without the border that has the colour of the upper left corner; the whole box if nothing is left.

    `tolerance` is the largest difference (of 255) between any channel of a border's pixel and that colour.
    """
    from PIL import ImageChops

    image = transform.oriented(level)
    corner = Image.new(image.mode, image.size, image.getpixel((0, 0)))
    difference, *others = ImageChops.difference(image, corner).split()
    for band in others:
        difference = ImageChops.lighter(difference, band)
    box = difference.point([0] * (tolerance + 1) + [255] * (255 - tolerance)).getbbox()
    return box or (0, 0, *image.size)


def find_focus(level: Level, region: Box, shape: Size, strategy: str) -> Point:
    """The centre (in 0..1 of `region`) of the part with the aspect ratio of `shape` and the highest score.

    `entropy` scores variety; `attention` scores edges, saturated colours and skin.
    """
    width, height = region[2] - region[0], region[3] - region[1]
    scale = max(1.0, max(width, height) / _SIDE)
    size = (max(1, round(width / scale)), max(1, round(height / scale)))
    image = transform.unpremultiply(transform.resample(level, region, size)).convert("RGB")
    window = (min(size[0], round(size[1] * shape[0] / shape[1])), min(size[1], round(size[0] * shape[1] / shape[0])))
    window = (max(1, window[0]), max(1, window[1]))
    if window[0] < size[0]:
        start = _best_position(_scores(image, window, strategy))
        return (start + window[0] / 2) / size[0], 0.5
    start = _best_position(_scores(image.transpose(Image.Transpose.TRANSPOSE), (window[1], window[0]), strategy))
    return 0.5, (start + window[1] / 2) / size[1]


def _best_position(scores: Sequence[float]) -> int:
    """The position of the highest score; of several, the one nearest to the middle."""
    middle = (len(scores) - 1) / 2
    return max(range(len(scores)), key=lambda position: (scores[position], -abs(position - middle)))


def _scores(image: Image.Image, window: Size, strategy: str) -> list[float]:
    """The score of each position of the window along the width."""
    if strategy == "entropy":
        grey = image.convert("L")
        starts = range(image.width - window[0] + 1)
        return [round(grey.crop((start, 0, start + window[0], image.height)).entropy(), 6) for start in starts]
    salience = _salience(image)
    columns = [salience.crop((x, 0, x + 1, image.height)) for x in range(image.width)]
    sums = [sum(value * count for value, count in enumerate(column.histogram())) for column in columns]
    return [float(sum(sums[start : start + window[0]])) for start in range(image.width - window[0] + 1)]


# Skin of any shade, in YCbCr (Chai and Ngan, 1999).
_SKIN_CB: Final = [255 if 77 <= value <= 127 else 0 for value in range(256)]
_SKIN_CR: Final = [255 if 133 <= value <= 173 else 0 for value in range(256)]


def _salience(image: Image.Image) -> Image.Image:
    from PIL import ImageChops, ImageFilter

    # A filter does not change the outermost pixels, so repeat them first and crop afterwards.
    framed = image.resize((image.width + 2, image.height + 2), Image.Resampling.NEAREST)
    edges = framed.convert("L").filter(ImageFilter.FIND_EDGES).crop((1, 1, image.width + 1, image.height + 1))
    _, saturation, brightness = image.convert("HSV").split()
    vivid = ImageChops.multiply(saturation, brightness)
    _, cb, cr = image.convert("YCbCr").split()
    skin = ImageChops.multiply(
        ImageChops.multiply(cb.point(_SKIN_CB), cr.point(_SKIN_CR)), vivid.point(lambda v: min(255, 4 * v))
    )
    return ImageChops.add(ImageChops.add(edges, vivid, 2), skin, 2)
