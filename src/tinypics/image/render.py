"""From a decoded picture to the input of an encoder: one step after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinypics.image import transform
from tinypics.image.formats import FORMATS, output_format
from tinypics.image.geometry import Orientation, Plan, plan, requested_orientation
from tinypics.image.options import SMART
from tinypics.values import replace, value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from tinypics.image.deep import Deep
    from tinypics.image.geometry import Box
    from tinypics.image.headers.header import Header
    from tinypics.image.picture import Frame, OpenPicture
    from tinypics.image.rendition import Rendition


@value
class RenderPlan:
    """All decisions about one rendition that are made before its pixels are processed."""

    rendition: Rendition
    orientation: Orientation
    """From the stored picture to the requested one: EXIF orientation, then the rendition's own."""
    geometry: Plan
    animated: bool
    lossy: bool
    """See `is_lossy`."""
    few_colours: bool
    """The source has at most 256, as a drawing has: resampling makes more of them. Counted where `auto` asks."""


def is_animated(header: Header, rendition: Rendition) -> bool:
    """Whether the rendition is an animation, as its source is."""
    asked = rendition.format or header.codec.name
    return header.frames > 1 and header.codec.reads_animation and (asked == "auto" or FORMATS[asked].animated)


def is_lossy(header: Header, rendition: Rendition) -> bool:
    """Whether the rendition will certainly be encoded with its format's default quality, or a lower one."""
    asked = rendition.format or header.codec.name
    default = None if asked == "auto" else FORMATS[asked].quality
    return default is not None and not rendition.lossless and (rendition.quality or default) <= default


def plan_render(picture: OpenPicture, frame: Frame, rendition: Rendition) -> RenderPlan:
    """The plan adapted to the decoded size, and to the content if the rendition trims or crops smartly."""
    orientation = picture.orientation.then(requested_orientation(rendition))
    level = transform.base_level(frame, orientation)
    region: Box = level.region
    if rendition.trim is not None or rendition.gravity in SMART:
        from tinypics.image import smartcrop
    if rendition.trim is not None:
        region = smartcrop.content_box(level, rendition.trim)
    left, top, right, bottom = region
    size = (round(right - left), round(bottom - top))
    geometry = plan(size, rendition)
    if rendition.gravity in SMART and geometry.crops(size):
        found = smartcrop.find_focus(level, region, geometry.size, rendition.gravity)
        geometry = plan(size, rendition, found)
    header = picture.header
    geometry = geometry.offset_by(left, top)
    few_colours = rendition.format == "auto" and frame.image.getcolors(256) is not None
    return RenderPlan(
        rendition,
        orientation,
        geometry,
        is_animated(header, rendition),
        is_lossy(header, rendition),
        few_colours,
    )


@value
class Rendered:
    """An image of the output's size, of mode L, LA, RGB, RGBA or CMYK."""

    image: Image.Image
    dropped: tuple[str, ...] | None = None
    """Parts that it lost by its conversion to sRGB; None: it has the source's colours still."""


def render(picture: OpenPicture, frame: Frame, plans: Sequence[RenderPlan]) -> list[Rendered]:
    """One image for each plan. Plans share a cascade if they can."""
    images: dict[int, Rendered] = {}
    straight = frame.straight
    groups: dict[Orientation, list[int]] = {}
    for number, render_plan in enumerate(plans):
        if frame.deep is not None and render_plan.rendition.keep not in ("icc", "all"):
            images[number] = _render_deep(frame, frame.deep, render_plan)
        elif (
            straight is not None
            and (cut := transform.cut(straight, frame, render_plan.orientation, render_plan.geometry)) is not None
        ):
            images[number] = Rendered(cut)
        elif render_plan.rendition.kernel == "nearest":
            base = transform.base_level(replace(frame, image=straight or frame.image), render_plan.orientation)
            box, size = render_plan.geometry.box, render_plan.geometry.size
            images[number] = Rendered(transform.resample(base, box, size, nearest=True))
        elif render_plan.rendition.linear:
            images[number] = _resample_linear(picture, frame, render_plan)
        else:
            groups.setdefault(render_plan.orientation, []).append(number)
    for orientation, numbers in groups.items():
        base = transform.base_level(frame, orientation)
        chosen = [plans[number] for number in numbers]
        resampled = transform.cascade(base, [each.geometry for each in chosen], [each.lossy for each in chosen])
        rendered = [Rendered(transform.unpremultiply(image)) for image in resampled]
        images |= dict(zip(numbers, rendered, strict=True))
    return [images[number] for number in range(len(plans))]


def _render_deep(frame: Frame, deep: Deep, render_plan: RenderPlan) -> Rendered:
    """Resample and convert samples of 16 bits; light is made of 8 bits of sRGB only if it is to be resampled."""
    from tinypics.image.deep import to_srgb

    orientation, geometry, rendition = render_plan.orientation, render_plan.geometry, render_plan.rendition
    base, nearest = transform.base_level(frame, orientation), rendition.kernel == "nearest"
    if rendition.linear and not nearest:
        base = replace(base, image=to_srgb(deep, lambda band: band))
        return Rendered(transform.resample(base, geometry.box, geometry.size, linear=True), deep.dropped)

    def resampled(band: Image.Image) -> Image.Image:
        return transform.resample(replace(base, image=band), geometry.box, geometry.size, nearest=nearest)

    return Rendered(to_srgb(deep, resampled), deep.dropped)


def _resample_linear(picture: OpenPicture, frame: Frame, render_plan: RenderPlan) -> Rendered:
    """Convert colours first, because linear light is defined for sRGB only."""
    image, dropped = convert_to_srgb(transform.unpremultiply(frame.image), picture)
    orientation, geometry = render_plan.orientation, render_plan.geometry
    base = transform.Level(image, frame.extent, (0, 0, *orientation.size(frame.size)), orientation)
    return Rendered(transform.resample(base, geometry.box, geometry.size, linear=True), dropped)


def convert_to_srgb(image: Image.Image, picture: OpenPicture) -> tuple[Image.Image, tuple[str, ...]]:
    """The image in sRGB, and parts that it lost by that."""
    if picture.icc is None and picture.header.nclx is None and image.mode != "CMYK":
        return image, ()
    from tinypics.image import colour

    return colour.convert_to_srgb(image, picture.icc, picture.header)


def choose_format(picture: OpenPicture, render_plan: RenderPlan, rendered: Rendered) -> str:
    """The name of the format to write, by the rendition and the content of its first image."""
    rendition, image = render_plan.rendition, rendered.image
    return output_format(
        rendition.format,
        picture.header.codec.name,
        transparent=transform.is_transparent(image),
        animated=render_plan.animated,
        few_colours=render_plan.few_colours,
        lossless=rendition.lossless,
    )


@value
class FinishedFrame:
    image: Image.Image
    icc: bytes | None
    """The profile to write with it."""
    dropped: tuple[str, ...]


def finish(picture: OpenPicture, render_plan: RenderPlan, rendered: Rendered, name: str) -> FinishedFrame:
    """Convert colours, transparency and padding to what the format `name` supports."""
    rendition, alpha = render_plan.rendition, FORMATS[name].alpha
    image, lost = rendered.image, rendered.dropped
    icc = _profile_to_keep(picture, render_plan, image, name) if lost is None else None
    if icc is None and lost is None:
        image, lost = convert_to_srgb(image, picture)
    dropped = list(lost or ())
    if not alpha and transform.is_transparent(image):
        dropped.append("alpha")
    background = _in_profile(rendition.background, icc)
    image = transform.flatten(image, background, alpha=alpha)
    image = transform.pad(image, render_plan.geometry, background, alpha=alpha)
    return FinishedFrame(image, icc, tuple(dropped))


def _in_profile(background: str | None, icc: bytes | None) -> str | None:
    """The background, which is given in sRGB, in the numbers of the profile that the output keeps."""
    if background is None or icc is None:
        return background
    from tinypics.image import colour

    return bytes(colour.from_srgb(tuple(bytes.fromhex(background)[:3]), icc)).hex() + background[6:]


def _profile_to_keep(picture: OpenPicture, render_plan: RenderPlan, image: Image.Image, name: str) -> bytes | None:
    """The source's profile, if it is requested and fits the output: never CMYK, and never grey for a WebP.

    Nor grey where a background makes it colour.
    """
    icc, rendition = picture.icc, render_plan.rendition
    if not icc or rendition.keep not in ("icc", "all") or name == "gif":
        return None
    plain = rendition.background is None and render_plan.geometry.canvas == render_plan.geometry.size
    modes = ("L", "LA", "RGB", "RGBA") if name in ("jpeg", "png") and plain else ("RGB", "RGBA")
    from tinypics.image import colour

    return icc if image.mode in modes and colour.is_usable(icc, image.mode) else None
