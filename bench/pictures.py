"""The source pictures: files from the folder of real pictures if it exists, or else generated ones, written once."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PIL import Image, ImageOps, ImageSequence

from bench.rows import MEGAPIXELS, side
from tests.pictures import encoded, photo

if TYPE_CHECKING:
    from collections.abc import Mapping

Image.MAX_IMAGE_PIXELS = None  # these pictures are trusted
FOLDER: Final = Path(os.environ.get("TINYPICS_IMAGES", Path(__file__).parents[2] / "shared" / "images"))
_PHOTO: Final = "photo-12mp-phone-422.jpg"


@dataclass(frozen=True, slots=True)
class Recipe:
    """A source: a file from the folder of real pictures, or else an encoded crop of the photo."""

    size: tuple[int, int]
    format: str = "JPEG"
    file: str | None = None
    options: Mapping[str, Any] = field(default_factory=lambda: {"quality": 90})
    alpha: bool = False
    frames: int = 1


RECIPES: Final[Mapping[str, Recipe]] = {
    "task": Recipe((2725, 2225), file="bench-2725x2225.jpg"),
    "jpeg-12": Recipe((4032, 3024), file=_PHOTO),
    "jpeg-48": Recipe((8064, 6048), file="photo-48mp-mosaic.jpg"),
    "progressive-12": Recipe(
        (4032, 3024), file="photo-12mp-progressive.jpg", options={"quality": 90, "progressive": True}
    ),
    "progressive-48": Recipe((8064, 6048), options={"quality": 90, "progressive": True}),
    "png-photo": Recipe((4032, 3024), "PNG", options={}),
    "png-alpha": Recipe((2048, 1536), "PNG", "bench-alpha-2048x1536.png", {}, alpha=True),
    "png-screenshot": Recipe((2880, 1800), "PNG", "screenshot.png", {}),
    "webp-12": Recipe((4032, 3024), "WEBP", "photo-12mp-lossy.webp", {"quality": 80}),
    "avif-12": Recipe((4032, 3024), "AVIF", "photo-12mp.avif", {"quality": 60}),
    "heic-12": Recipe((3992, 2992), "HEIF", "iphone-1.heic"),
    "gif-animated": Recipe((480, 360), "GIF", options={"save_all": True, "duration": 50, "loop": 0}, frames=40),
    **{f"grown-{mp}": Recipe(side(mp)) for mp in MEGAPIXELS},
}


def source(name: str, folder: Path, recipes: Mapping[str, Recipe] = RECIPES) -> Path | None:
    """The file of the picture `name`, generated in `folder` if necessary; None if it cannot be generated."""
    recipe = recipes[name]
    if recipe.file and (FOLDER / recipe.file).exists():
        return FOLDER / recipe.file
    if recipe.format == "HEIF":  # read only
        return None
    made = folder / f"{name}.{recipe.format.lower()}"
    if not made.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made.write_bytes(_made(recipe))
    return made


def _made(recipe: Recipe) -> bytes:
    image = cut(recipe.size)
    options = dict(recipe.options)
    if recipe.alpha:
        image.putalpha(Image.linear_gradient("L").resize(recipe.size))
    if recipe.frames > 1:
        frames = list(_moving(recipe.size, recipe.frames))
        image, options["append_images"] = frames[0], frames[1:]
    return encoded(image, recipe.format, **options)


def cut(size: tuple[int, int]) -> Image.Image:
    """The upper left of the photo, tiled with mirrored copies up to `size`: large pictures have as much detail."""
    tile = _photo(min(size[0], 4032), min(size[1], 3024))
    canvas = Image.new("RGB", size)
    for y in range(0, size[1], tile.height):
        for x in range(0, size[0], tile.width):
            turned = ImageOps.mirror(tile) if x // tile.width % 2 else tile
            canvas.paste(ImageOps.flip(turned) if y // tile.height % 2 else turned, (x, y))
    return canvas


@cache
def _photo(wide: int, high: int) -> Image.Image:
    if (FOLDER / _PHOTO).exists():
        return Image.open(io.BytesIO((FOLDER / _PHOTO).read_bytes())).convert("RGB").crop((0, 0, wide, high))
    return photo((wide, high))


def _moving(size: tuple[int, int], count: int) -> list[Image.Image]:
    """A panning camera: every frame differs from the last one everywhere, the worst case for an animation."""
    if (FOLDER / "animated.webp").exists():
        with Image.open(FOLDER / "animated.webp") as animation:
            frames = [frame.convert("RGB").resize(size) for frame in ImageSequence.Iterator(animation)]
    else:
        wide = cut((size[0] + 4 * count, size[1]))
        frames = [wide.crop((4 * n, 0, 4 * n + size[0], size[1])) for n in range(count)]
    return [frame.quantize(256) for frame in frames[:count]]
