"""Samples of more than 8 bits, kept until they are resampled and their colours are those of sRGB.

Pillow decodes colours to 8 bits. Its raw mode for the other byte order gives the low byte of each sample instead of
the high one, so that a second decode has the rest. This is done only where a profile's curve would show the loss.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from PIL import Image, ImageMath

from tinypics.image import colour, h273, icc, light
from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinypics.image.headers.header import Header
    from tinypics.image.icc import Colour, Curve, Shaper


@value
class Deep:
    """Channels of 16 bits (mode I;16), alpha (not premultiplied) last; and the meaning of their numbers."""

    bands: tuple[Image.Image, ...]
    shaper: Shaper
    dropped: tuple[str, ...]


def read(image: Image.Image, header: Header, profile: bytes | None, again: Callable[[], Any]) -> Deep | None:
    """The samples of a picture that is decoded to `image`; None if 8 bits do.

    :param again: opens the file once more.
    """
    target, hdr = colour.source_profile(profile, header)
    shaper = icc.shaper(target) if target else None
    if shaper is None or header.frames > 1 or "transparency" in image.info:
        return None
    bands = _grey(image) if image.mode.startswith("I;16") else _colours(image, header, again())
    if len(bands) not in (len(shaper.curves), len(shaper.curves) + 1):
        return None
    return Deep(tuple(bands), shaper, ("hdr",) if hdr else ())


def _grey(image: Image.Image) -> list[Image.Image]:
    white_is_zero = getattr(image, "tag_v2", {}).get(262) == 0  # TIFF 6.0, section 3: PhotometricInterpretation
    return [] if white_is_zero else [image.convert("I").convert("I;16")]


def _colours(high: Image.Image, header: Header, low: Any) -> list[Image.Image]:
    swapped = [_swapped(tile.args if isinstance(tile.args, str) else tile.args[0]) for tile in low.tile]
    if not swapped or None in swapped:
        return []
    low.tile = [
        tile._replace(args=name if isinstance(tile.args, str) else (name, *tile.args[1:]))
        for tile, name in zip(low.tile, swapped, strict=True)
    ]
    low.load()
    if header.channels == 2:  # both bytes of both samples, in the four channels of one decode
        return [_joined(low.getchannel(at), low.getchannel(at + 1)) for at in (0, 2)]
    return [_joined(one, other) for one, other in zip(high.split(), low.split(), strict=True)]


def _swapped(name: str) -> str | None:
    """The raw mode that reads the low bytes as this one reads the high bytes."""
    if name == "LA;16B":
        return "RGBA"
    kind, _, order = name.partition(";16")
    little = order == "L" or (order == "N" and sys.byteorder == "little")
    return f"{kind};16{'B' if little else 'L'}" if kind in ("RGB", "RGBA") and order in ("L", "B", "N") else None


def _joined(high: Image.Image, low: Image.Image) -> Image.Image:
    return Image.frombytes("I;16", high.size, Image.merge("LA", (low, high)).tobytes())


def to_srgb(deep: Deep, resample: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """The picture after `resample`, in sRGB: L, LA, RGB or RGBA."""
    count = len(deep.shaper.curves)
    colours, alpha = deep.bands[:count], deep.bands[count:]
    if not alpha:
        return _converted([resample(band) for band in colours], deep.shaper)
    share = alpha[0].convert("F")
    small = resample(share)
    bands = []
    for band in colours:
        part = ImageMath.lambda_eval(lambda of: of["band"] * of["share"], band=band.convert("F"), share=share)
        whole = ImageMath.lambda_eval(
            lambda of: of["part"] / of["max"](of["share"], _LEAST_SHARE), part=resample(part), share=small
        )
        bands.append(whole)
    image = _converted(bands, deep.shaper)
    opaque = small.point(lambda part: part * (255 / 65535) + 0.5).convert("L")
    return Image.merge(image.mode + "A", [*image.split(), opaque])


_LEAST_SHARE: Final = 64  # the least alpha that colour is divided by; below it the colour is invisible


def _converted(bands: list[Image.Image], shaper: Shaper) -> Image.Image:
    lit = [_lit(band, curve) for band, curve in zip(bands, shaper.curves, strict=True)]
    if not shaper.colourants:
        return light.band_to_srgb(lit[0])
    mixed = [_mixed(lit, row) for row in h273.to_srgb(shaper.colourants)]
    return Image.merge("RGB", [light.band_to_srgb(band) for band in mixed])


def _mixed(lit: list[Image.Image], row: Colour) -> Image.Image:
    red, green, blue = row
    mixed: Image.Image = ImageMath.lambda_eval(
        lambda of: of["r"] * red + of["g"] * green + of["b"] * blue, r=lit[0], g=lit[1], b=lit[2]
    )
    return mixed


def _lit(band: Image.Image, curve: Curve) -> Image.Image:
    """Light as floats: the curve in 256 straight pieces, chosen by the high byte and followed by the low one."""
    whole = band.convert("I")
    high = whole.point([at >> 8 for at in range(65536)], "L")
    low = whole.point([at & 255 for at in range(65536)], "L")
    points = [curve(at * 256 / 65535) for at in range(256)] + [curve(1.0)]
    ends = [256] * 255 + [255]  # the last piece ends at 65535
    slopes = [(points[at + 1] - points[at]) / ends[at] for at in range(256)]
    lit: Image.Image = ImageMath.lambda_eval(
        lambda of: of["start"] + of["slope"] * of["low"],
        start=high.point(points[:256], "F"),
        slope=high.point(slopes, "F"),
        low=low.point([float(at) for at in range(256)], "F"),
    )
    return lit
