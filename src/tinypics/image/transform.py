"""Pixels to pixels: *resample this box to this size*, and the steps from there to what an encoder can write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PIL import Image

from tinypics.image import native
from tinypics.image.geometry import UPRIGHT, Orientation
from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinypics.image.geometry import Box, Plan, Point, Size
    from tinypics.image.picture import Frame

# Reducing by whole numbers first, down to this many times the size, is faster and without visible loss.
_GAP: Final = 3.1
# If the encoder's own loss is about 35 dB, 46 dB here are invisible, too (0.1 dB of the output). Not after another
# reduction by whole numbers, in a decoder: two of them make moire of fine stripes.
_LOSSY_GAP: Final = 1.9
# A rendition is made from a larger one that has at least this many times its pixels along each side.
_CASCADE: Final = 2.0

_TRANSPOSE: Final = {
    Orientation(False, True, False): Image.Transpose.FLIP_LEFT_RIGHT,
    Orientation(False, True, True): Image.Transpose.ROTATE_180,
    Orientation(False, False, True): Image.Transpose.FLIP_TOP_BOTTOM,
    Orientation(True, False, False): Image.Transpose.TRANSPOSE,
    Orientation(True, True, False): Image.Transpose.ROTATE_270,
    Orientation(True, True, True): Image.Transpose.TRANSVERSE,
    Orientation(True, False, True): Image.Transpose.ROTATE_90,
}


@value
class Level:
    """Pixels to resample from: the upper left `extent` of `image`, oriented, is the `region` of the picture."""

    image: Image.Image
    extent: Point
    region: Box
    orientation: Orientation = UPRIGHT

    def suffices_for(self, plan: Plan) -> bool:
        """Whether the plan's box can be resampled from this level without visible loss."""
        left, top, right, bottom = self.region
        box = plan.box
        if not (left <= box[0] and top <= box[1] and right >= box[2] and bottom >= box[3]):
            return False
        across, down = self.scale
        return (box[2] - box[0]) * across >= _CASCADE * plan.size[0] and (
            box[3] - box[1]
        ) * down >= _CASCADE * plan.size[1]

    @property
    def scale(self) -> Point:
        """Pixels of this level per pixel of the upright picture."""
        left, top, right, bottom = self.region
        width, height = (self.extent[1], self.extent[0]) if self.orientation.swap else self.extent
        return width / (right - left), height / (bottom - top)


def base_level(frame: Frame, orientation: Orientation) -> Level:
    """The level of the decoded picture, which `orientation` makes upright."""
    width, height = orientation.size(frame.size)
    return Level(frame.image, frame.extent, (0, 0, width, height), orientation)


def resample(
    level: Level, box: Box, size: Size, *, linear: bool = False, lossy: bool = False, nearest: bool = False
) -> Image.Image:
    """*Resample this box to this size*, upright: `box` is in pixels of the picture. Lanczos with three lobes.

    `lossy`: the output's own encoding loss hides a small one here. `nearest`: take the nearest pixel instead.
    """
    across, down = level.scale
    x, y = level.region[:2]
    within = ((box[0] - x) * across, (box[1] - y) * down, (box[2] - x) * across, (box[3] - y) * down)
    left, top, right, bottom = level.orientation.source_box(within, level.extent)
    width, height = level.image.size
    stored = (max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height)))
    stored_size, gap = level.orientation.size(size), _LOSSY_GAP if lossy and min(across, down) >= 1 else _GAP

    def filtered(image: Image.Image) -> Image.Image:
        if nearest:
            return image.resize(stored_size, Image.Resampling.NEAREST, stored)
        if (made := native.resample(image, stored, stored_size)) is not None:
            return made
        if image.mode == "I;16":  # Pillow does not reduce it by whole numbers
            return image.resize(stored_size, Image.Resampling.LANCZOS, stored)
        return image.resize(stored_size, Image.Resampling.LANCZOS, stored, gap)

    if linear:
        from tinypics.image import light

        image = light.in_linear_light(level.image, filtered)
    else:
        image = filtered(level.image)
    image.info = {}  # drop the source's comments, loops and profiles, which an encoder would write
    return image if level.orientation == UPRIGHT else image.transpose(_TRANSPOSE[level.orientation])


def cut(image: Image.Image, frame: Frame, orientation: Orientation, plan: Plan) -> Image.Image | None:
    """The plan's box of an image that was decoded to `frame`, upright; None if it needs resampling."""
    left, top, right, bottom = plan.box
    whole = all(side == round(side) for side in plan.box) and frame.extent == frame.size
    if not whole or plan.size != (right - left, bottom - top):
        return None
    stored = orientation.source_box(plan.box, frame.extent)
    piece = image.crop(tuple(round(side) for side in stored))  # type: ignore[arg-type]
    piece.info = {}
    return piece if orientation == UPRIGHT else piece.transpose(_TRANSPOSE[orientation])


def oriented(level: Level) -> Image.Image:
    """The whole image of the level, upright."""
    return level.image if level.orientation == UPRIGHT else level.image.transpose(_TRANSPOSE[level.orientation])


def cascade(base: Level, plans: Sequence[Plan], lossy: Sequence[bool]) -> list[Image.Image]:
    """One image for each plan: the largest first, and each from the smallest image so far that has enough pixels.

    `lossy`: for which of them the output's own encoding loss hides a small one here.
    """
    levels: dict[int, Level] = {}
    for number in sorted(range(len(plans)), key=lambda n: -plans[n].size[0] * plans[n].size[1]):
        plan = plans[number]
        enough = [level for level in levels.values() if level.suffices_for(plan)]
        source = min(enough, key=lambda level: level.extent[0] * level.extent[1], default=base)
        image = resample(source, plan.box, plan.size, lossy=lossy[number])
        levels[number] = Level(image, image.size, plan.box)
    return [levels[number].image for number in range(len(plans))]


def unpremultiply(image: Image.Image) -> Image.Image:
    """Convert to alpha that is not premultiplied."""
    if image.mode not in ("RGBa", "La"):
        return image
    return image.convert({"RGBa": "RGBA", "La": "LA"}[image.mode])


def is_transparent(image: Image.Image) -> bool:
    """Whether any pixel is transparent."""
    return image.mode in ("RGBA", "LA") and image.getchannel("A").getextrema()[0] < 255  # type: ignore[operator]


def flatten(image: Image.Image, background: str | None, *, alpha: bool) -> Image.Image:
    """Fill transparency with the background, or with white if the format has no alpha. Drops opaque alpha."""
    if image.mode not in ("RGBA", "LA"):
        return image
    opaque = "L" if image.mode == "LA" else "RGB"
    if not is_transparent(image):
        return image.convert(opaque)
    if background is None and alpha:
        return image
    under = rgba(background, alpha=alpha)
    flat = Image.alpha_composite(Image.new("RGBA", image.size, under), image.convert("RGBA"))
    return flat if under[3] < 255 else flat.convert("RGB" if background else opaque)


def pad(image: Image.Image, plan: Plan, background: str | None, *, alpha: bool) -> Image.Image:
    """Put the picture on its canvas."""
    if plan.canvas == plan.size:
        return image
    around = rgba(background, alpha=alpha)
    mode = "RGBA" if around[3] < 255 or "A" in image.mode else "RGB"
    canvas = Image.new("RGBA", plan.canvas, around).convert(mode)
    canvas.paste(image.convert(mode), plan.at)
    return canvas


def rgba(background: str | None, *, alpha: bool) -> tuple[int, int, int, int]:
    """The background colour. The default is transparent, or white if the format has no alpha."""
    red, green, blue, *rest = bytes.fromhex(background or ("ffffff00" if alpha else "ffffff"))
    return red, green, blue, rest[0] if rest and alpha else 255
