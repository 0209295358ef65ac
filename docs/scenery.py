"""Drawn landscapes, for the pages: the project contains no photos."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageDraw, ImageFilter


def scene(top: tuple[int, ...], low: tuple[int, ...], land: tuple[int, ...], size: tuple[int, int]) -> Image.Image:
    """Hills before a sky with a sun."""
    wide, high = size
    chance = random.Random(sum(top))  # noqa: S311 - a drawing
    sky = Image.linear_gradient("L").resize(size)
    image = Image.composite(Image.new("RGB", size, low), Image.new("RGB", size, top), sky)
    sun = Image.new("L", size)
    x, y, r = chance.uniform(0.25, 0.75) * wide, 0.42 * high, 0.07 * high
    ImageDraw.Draw(sun).ellipse((x - r, y - r, x + r, y + r), fill=235)
    glow = sun.filter(ImageFilter.GaussianBlur(r))
    image.paste((255, 244, 214), mask=glow)
    image.paste((255, 250, 236), mask=sun.filter(ImageFilter.GaussianBlur(3)))
    draw = ImageDraw.Draw(image)
    for layer in range(4):
        share = (layer + 1) / 4
        colour = tuple(round(a * (1 - share) + b * share) for a, b in zip(low, land, strict=True))
        waves = [(chance.uniform(0.6, 2.4), chance.uniform(0, 7), chance.uniform(0.02, 0.06)) for _ in range(3)]
        base = high * (0.5 + 0.12 * layer)
        ridge = [
            (px, base + high * sum(a * math.sin(f * 6 * px / wide + p) for f, p, a in waves))
            for px in range(0, wide, 4)
        ]
        draw.polygon([(0, high), *ridge, (wide, high)], fill=colour)
    return image
