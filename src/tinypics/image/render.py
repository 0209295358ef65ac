"""From a decoded picture to the input of an encoder: each rendition's recipe, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinypics.errors import CorruptImage
from tinypics.image import colour, smartcrop, transform
from tinypics.image.formats import FORMATS, output_format
from tinypics.image.geometry import Plan, Turn, plan, turn_of
from tinypics.image.rendition import SMART
from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from tinypics.image.decode import Opened, Still
    from tinypics.image.geometry import Box
    from tinypics.image.headers.header import Header
    from tinypics.image.rendition import Rendition


@value
class Recipe:
    """All decisions about one rendition that are made before its pixels are processed."""

    rendition: Rendition
    turn: Turn
    """From the stored picture to the requested one: EXIF orientation, then the rendition's own turn."""
    plan: Plan
    animated: bool
    lossy: bool
    """See `is_lossy`."""


def animates(header: Header, rendition: Rendition) -> bool:
    """Whether the rendition is an animation, as its source is."""
    asked = rendition.format or header.codec.name
    return header.frames > 1 and header.codec.name in _MOVING and (asked == "auto" or FORMATS[asked].animated)


_MOVING = ("gif", "webp", "png")  # an AVIF sequence is not read as one


def is_lossy(header: Header, rendition: Rendition) -> bool:
    """Whether the rendition will certainly be encoded with its format's default quality, or a lower one."""
    asked = rendition.format or header.codec.name
    default = None if asked == "auto" else FORMATS[asked].quality
    return default is not None and not rendition.lossless and (rendition.quality or default) <= default


def recipe(opened: Opened, still: Still, rendition: Rendition) -> Recipe:
    """The recipe adapted to the decoded size, and to the content if the rendition trims or crops smartly."""
    turn = opened.turn.then(turn_of(rendition))
    level = transform.level_of(still, turn)
    region: Box = level.region
    if rendition.trim is not None:
        region = smartcrop.without_border(level, rendition.trim)
    left, top, right, bottom = region
    size = (round(right - left), round(bottom - top))
    planned = plan(size, rendition)
    if rendition.gravity in SMART and planned.crops(size):
        found = smartcrop.interesting(level, region, planned.size, rendition.gravity)
        planned = plan(size, rendition, found)
    header = opened.header
    return Recipe(rendition, turn, planned.moved(left, top), animates(header, rendition), is_lossy(header, rendition))


def images(opened: Opened, still: Still, recipes: Sequence[Recipe]) -> list[Image.Image]:
    """One image for each recipe, of modes L, LA, RGB, RGBA or CMYK. Recipes share a cascade if they can."""
    made: dict[int, Image.Image] = {}
    groups: dict[Turn, list[int]] = {}
    for number, recipe in enumerate(recipes):
        if recipe.rendition.linear:
            made[number] = _linear(opened, still, recipe)
        else:
            groups.setdefault(recipe.turn, []).append(number)
    for turn, numbers in groups.items():
        base = transform.level_of(still, turn)
        chosen = [recipes[number] for number in numbers]
        resampled = transform.cascade(base, [each.plan for each in chosen], [each.lossy for each in chosen])
        made |= {number: transform.straight(image) for number, image in zip(numbers, resampled, strict=True)}
    return [made[number] for number in range(len(recipes))]


def _linear(opened: Opened, still: Still, recipe: Recipe) -> Image.Image:
    """Convert colours first, because linear light is defined for sRGB only."""
    image, _ = in_srgb(transform.straight(still.image), opened)
    base = transform.Level(image, still.extent, (0, 0, *recipe.turn.size(still.size)), recipe.turn)
    return transform.resample(base, recipe.plan.box, recipe.plan.size, linear=True)


def in_srgb(image: Image.Image, opened: Opened) -> tuple[Image.Image, bool]:
    """The image in sRGB, and whether its profile was used; a broken profile is ignored."""
    understood = True
    numbers = opened.header.nclx
    icc = opened.icc
    if icc is None and numbers:
        icc = colour.profile_of(numbers)
    if icc is not None and not colour.is_srgb(icc):
        try:
            return colour.to_srgb(image, icc), True
        except CorruptImage:
            understood = False
    return (image.convert("RGB") if image.mode == "CMYK" else image), understood


def format_of(opened: Opened, recipe: Recipe, image: Image.Image) -> str:
    """The name of the format to write, by the rendition and the content of its first image."""
    rendition = recipe.rendition
    return output_format(
        rendition.format,
        opened.header.codec.name,
        transparent=transform.is_transparent(image),
        animated=recipe.animated,
        few_colours=rendition.format == "auto" and image.getcolors(256) is not None,
        lossless=rendition.lossless,
    )


@value
class Finished:
    image: Image.Image
    icc: bytes | None
    """The profile to write with it."""
    dropped: tuple[str, ...]


def finish(opened: Opened, recipe: Recipe, image: Image.Image, name: str) -> Finished:
    """Convert colours, transparency and padding to what the format `name` supports."""
    rendition, alpha = recipe.rendition, FORMATS[name].alpha
    dropped = []
    icc = _kept_profile(opened, recipe, image, name)
    if icc is None and not rendition.linear:
        image, understood = in_srgb(image, opened)
        if not understood:
            dropped.append("profile")
    if not alpha and transform.is_transparent(image):
        dropped.append("alpha")
    image = transform.flatten(image, rendition.background, alpha=alpha)
    image = transform.pad(image, recipe.plan, rendition.background, alpha=alpha)
    return Finished(image, icc, tuple(dropped))


def _kept_profile(opened: Opened, recipe: Recipe, image: Image.Image, name: str) -> bytes | None:
    """The source's profile, if it is requested and fits the output: never CMYK, and never grey for a WebP."""
    icc, rendition = opened.icc, recipe.rendition
    if not icc or rendition.keep not in ("icc", "all") or rendition.linear or name == "gif":
        return None
    modes = ("L", "LA", "RGB", "RGBA") if name in ("jpeg", "png") else ("RGB", "RGBA")
    return icc if image.mode in modes and colour.is_usable(icc, image.mode) else None
