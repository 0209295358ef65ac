"""The rows of the benchmark: a source, its outputs, and the target ratio."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Wanted:
    """One output. It has the aspect ratio of the source, so that every fit gives the same picture."""

    width: int
    height: int
    format: str = "jpeg"
    quality: int | None = 80  # None: lossless
    baseline: bool = False  # tinypics, too, writes a JPEG as sharp does: baseline, with optimised tables


@dataclass(frozen=True, slots=True)
class Row:
    """One source, by its name in `pictures`, and its outputs. `target`: our CPU time over sharp's, at most."""

    title: str
    source: str
    wanted: tuple[Wanted, ...]
    target: float | None = None
    group: str = "tasks"


THUMBNAIL: Final = Wanted(128, 96)
LARGE: Final = Wanted(1600, 1200)
AS_SHARP: Final = ", encoded as by sharp"
FOUR: Final = (THUMBNAIL, Wanted(320, 240), Wanted(800, 600), LARGE)
EIGHT: Final = (*FOUR, Wanted(64, 48), Wanted(480, 360), Wanted(640, 480), Wanted(1200, 900))

TASKS: Final = (
    Row("sharp's own task, 2725x2225 to 720x588", "task", (Wanted(720, 588),), target=0.9),
    Row(f"sharp's own task{AS_SHARP}", "task", (Wanted(720, 588, baseline=True),), target=0.75),
    Row("JPEG 12 MP to 128", "jpeg-12", (THUMBNAIL,), target=0.45),
    Row("JPEG 12 MP to 800", "jpeg-12", (Wanted(800, 600),), target=0.8),
    Row(f"JPEG 12 MP to 800{AS_SHARP}", "jpeg-12", (Wanted(800, 600, baseline=True),)),
    Row("JPEG 12 MP to 1600", "jpeg-12", (LARGE,), target=0.8),
    Row(f"JPEG 12 MP to 1600{AS_SHARP}", "jpeg-12", (replace(LARGE, baseline=True),)),
    Row("JPEG 48 MP to 128", "jpeg-48", (THUMBNAIL,), target=0.5),
    Row("JPEG 12 MP to 128, 320, 800 and 1600", "jpeg-12", FOUR, target=0.42),
    Row("progressive JPEG 12 MP to 128", "progressive-12", (THUMBNAIL,), target=0.06),
    Row("progressive JPEG 48 MP to 128", "progressive-48", (THUMBNAIL,), target=0.05),
    Row("PNG photo 12 MP to 128", "png-photo", (Wanted(128, 96, "png", None),), target=0.55),
    Row("PNG with alpha 2048x1536 to 720x540", "png-alpha", (Wanted(720, 540, "png", None),), target=0.75),
    Row("PNG screenshot 2880x1800 to 800x500", "png-screenshot", (Wanted(800, 500, "png", None),), target=0.95),
    Row("WebP 12 MP to 128", "webp-12", (Wanted(128, 96, "webp"),), target=0.82),
    Row("AVIF 12 MP to 128", "avif-12", (Wanted(128, 96, "avif", 60),), target=0.35),
    Row("HEIC 12 MP to 128", "heic-12", (THUMBNAIL,)),
    Row("GIF of 40 frames, 480x360, to WebP 240", "gif-animated", (Wanted(240, 180, "webp"),), target=0.95),
    Row("JPEG 12 MP to WebP 800", "jpeg-12", (Wanted(800, 600, "webp"),), target=0.8),
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
