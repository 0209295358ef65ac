"""The rows of the benchmark: a source, its outputs, and the target ratio."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Wanted:
    """One output. It has the aspect ratio of the source, so that every fit gives the same picture."""

    width: int
    height: int
    format: str = "jpeg"
    quality: int | None = 80  # None: lossless


@dataclass(frozen=True, slots=True)
class Row:
    """One source, by its name in `pictures`, and its outputs. `target`: our CPU time over sharp's, at most."""

    title: str
    source: str
    wanted: tuple[Wanted, ...]
    target: float | None = None
    group: str = "tasks"


THUMBNAIL: Final = Wanted(128, 96)
FOUR: Final = (THUMBNAIL, Wanted(320, 240), Wanted(800, 600), Wanted(1600, 1200))
EIGHT: Final = (*FOUR, Wanted(64, 48), Wanted(480, 360), Wanted(640, 480), Wanted(1200, 900))

TASKS: Final = (
    Row("sharp's own task, 2725x2225 to 720x588", "task", (Wanted(720, 588),), target=1.45),
    Row("JPEG 12 MP to 128", "jpeg-12", (THUMBNAIL,), target=0.95),
    Row("JPEG 12 MP to 800", "jpeg-12", (Wanted(800, 600),)),
    Row("JPEG 12 MP to 1600", "jpeg-12", (Wanted(1600, 1200),)),
    Row("JPEG 48 MP to 128", "jpeg-48", (THUMBNAIL,), target=0.95),
    Row("JPEG 12 MP to 128, 320, 800 and 1600", "jpeg-12", FOUR, target=0.75),
    Row("progressive JPEG 12 MP to 128", "progressive-12", (THUMBNAIL,), target=0.25),
    Row("progressive JPEG 48 MP to 128", "progressive-48", (THUMBNAIL,)),
    Row("PNG photo 12 MP to 128", "png-photo", (Wanted(128, 96, "png", None),), target=2.6),
    Row("PNG with alpha 2048x1536 to 720x540", "png-alpha", (Wanted(720, 540, "png", None),), target=2.6),
    Row("PNG screenshot 2880x1800 to 800x500", "png-screenshot", (Wanted(800, 500, "png", None),), target=2.6),
    Row("WebP 12 MP to 128", "webp-12", (Wanted(128, 96, "webp"),), target=2.6),
    Row("AVIF 12 MP to 128", "avif-12", (Wanted(128, 96, "avif", 60),), target=0.55),
    Row("HEIC 12 MP to 128", "heic-12", (THUMBNAIL,)),
    Row("GIF of 40 frames, 480x360, to WebP 240", "gif-animated", (Wanted(240, 180, "webp"),)),
    Row("JPEG 12 MP to WebP 800", "jpeg-12", (Wanted(800, 600, "webp"),)),
    Row("JPEG 12 MP to AVIF 800", "jpeg-12", (Wanted(800, 600, "avif", 60),)),
)

MEGAPIXELS: Final = (1, 3, 12, 24, 48, 100)
COUNTS: Final = (1, 2, 4, 8)


def side(megapixels: int) -> tuple[int, int]:
    """Width and height of a 4:3 picture of about so many megapixels, not above."""
    unit = math.isqrt(megapixels * 1_000_000 // (4 * 3 * 16 * 16)) * 16
    return (4032, 3024) if megapixels == 12 else (4 * unit, 3 * unit)


GROWTH: Final = (
    *(Row(f"growth by size: JPEG {mp} MP to 128", f"grown-{mp}", (THUMBNAIL,), group="pixels") for mp in MEGAPIXELS),
    *(Row(f"growth by number: JPEG 12 MP to {n}", "grown-12", EIGHT[:n], group="renditions") for n in COUNTS),
)

ROWS: Final = TASKS + GROWTH
