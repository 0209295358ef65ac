"""Samples of more than 8 bits, kept until they are resampled and their colours are those of sRGB.

Pillow decodes colours to 8 bits. Its raw mode for the other byte order gives the low byte of each sample instead of
the high one, so that a second decode has the rest. This is done only where a profile's curve would show the loss.
A profile of tables, which only littlecms can apply, and only to 8 bits, is applied to the values of 8 bits around each
sample, and the results are interpolated.
"""

from __future__ import annotations

import sys
from functools import cache, reduce
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from PIL import Image, ImageChops, ImageMath

from tinypics.image import colour, h273, icc, light
from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinypics.image.headers.header import Header
    from tinypics.image.icc import Colour, Curve, Shaper


@value
class Deep:
    """Channels of 16 bits (mode I;16), alpha (not premultiplied) last; and the meaning of their numbers."""

    bands: tuple[Image.Image, ...]
    profile: Shaper | bytes
    """Curves and colourants, or an ICC profile of tables."""
    dropped: tuple[str, ...]


def read(
    image: Image.Image,
    header: Header,
    profile: bytes | None,
    again: Callable[[], Any],
    clear: Image.Image | None = None,
) -> Deep | None:
    """The samples of a picture that is decoded to `image`; None if 8 bits do.

    :param again: opens the file once more.
    :param clear: alpha of 8 bits, for samples without one of their own.
    """
    if header.frames > 1 or colour.source_profile(profile, header)[0] is None:
        return None
    grey = image.mode.startswith("I;16")
    bands = _grey(image, header) if grey else _colours(image, header, again())
    if bands and clear:
        bands.append(clear.convert("I").point(lambda value: value * 257).convert("I;16"))
    return described(bands, header, profile)


def opaque(high: Image.Image, clear: Sequence[int], low: Any) -> Image.Image:
    """Alpha for the clear colour of an RGB picture of 16 bits: 255 where a pixel differs in any bit.

    :param high: the high bytes of its samples.
    :param low: the file, opened once more.
    """
    _load_low(low)
    alpha = Image.new("L", high.size)
    for image, shift in ((high, 8), (low, 0)):
        levels = [level >> shift & 255 for level in clear]
        differs = image.point([255 * (at != level) for level in levels for at in range(256)])
        alpha = reduce(ImageChops.lighter, differs.split(), alpha)
    return alpha


def described(bands: Sequence[Image.Image], header: Header, profile: bytes | None) -> Deep | None:
    """Channels with the meaning of their numbers; None if there are none, or if they are those of sRGB already."""
    target, hdr = colour.source_profile(profile, header)
    count = _COUNTS.get(target[16:20], 0) if target else 0
    if target is None or not bands or not count:
        return None
    if len(bands) <= 2 < count == 3:  # grey, with an RGB profile
        bands = [*[bands[0]] * 3, *bands[1:]]
    shaper = icc.shaper(target)
    usable = shaper or colour.is_usable(target, {1: "L", 3: "RGB", 4: "CMYK"}[count])
    if len(bands) not in (count, count + (count < 4)) or not usable:
        return None
    return Deep(tuple(bands), shaper or target, ("hdr",) if hdr else ())


_COUNTS: Final = {b"GRAY": 1, b"RGB ": 3, b"CMYK": 4}


def _grey(image: Image.Image, header: Header) -> list[Image.Image]:
    band = image.convert("I").convert("I;16")
    if header.bits == 16 or header.decoder.name != "tiff":
        return [band]
    scale = 65535 / ((1 << header.bits) - 1)  # Pillow scales the samples of other formats to 16 bits
    return [band.point(lambda value: value * scale + 0.5)]


def _colours(high: Image.Image, header: Header, low: Any) -> list[Image.Image]:
    if not _load_low(low):
        return []
    if header.channels == 2:  # both bytes of both samples, in the four channels of one decode
        return [_joined(low.getchannel(at), low.getchannel(at + 1)) for at in (0, 2)]
    return [_joined(one, other) for one, other in zip(high.split(), low.split(), strict=True)]


def _load_low(image: Any) -> bool:
    """Decode the low bytes of the samples, in the place of the high ones; False if there is no raw mode for them."""
    swapped = [_swapped(tile.args if isinstance(tile.args, str) else tile.args[0]) for tile in image.tile]
    if not swapped or None in swapped:
        return False
    image.tile = [
        tile._replace(args=name if isinstance(tile.args, str) else (name, *tile.args[1:]))
        for tile, name in zip(image.tile, swapped, strict=True)
    ]
    image.load()
    return True


def _swapped(name: str) -> str | None:
    """The raw mode that reads the low bytes as this one reads the high bytes."""
    if name == "LA;16B":
        return "RGBA"
    kind, _, order = name.partition(";16")
    little = order == "L" or (order == "N" and sys.byteorder == "little")
    return (
        f"{kind};16{'B' if little else 'L'}" if kind in ("RGB", "RGBA", "CMYK") and order in ("L", "B", "N") else None
    )


def _joined(high: Image.Image, low: Image.Image) -> Image.Image:
    return Image.frombytes("I;16", high.size, Image.merge("LA", (low, high)).tobytes())


def to_srgb(deep: Deep, resample: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """The picture after `resample`, in sRGB: L, LA, RGB or RGBA."""
    count = len(deep.bands) - (len(deep.bands) in (2, 4) and not _is_cmyk(deep.profile))
    colours, alpha = deep.bands[:count], deep.bands[count:]
    if not alpha:
        return _converted([resample(band) for band in colours], deep.profile)
    share = alpha[0].convert("F")
    small = resample(share)
    bands = []
    for band in colours:
        part = ImageMath.lambda_eval(lambda of: of["band"] * of["share"], band=band.convert("F"), share=share)
        whole = ImageMath.lambda_eval(
            lambda of: of["part"] / of["max"](of["share"], _LEAST_SHARE), part=resample(part), share=small
        )
        bands.append(whole)
    image = _converted(bands, deep.profile)
    opaque = small.point(lambda part: part * (255 / 65535) + 0.5).convert("L")
    return Image.merge(image.mode + "A", [*image.split(), opaque])


_LEAST_SHARE: Final = 64  # the least alpha that colour is divided by; below it the colour is invisible


def _is_cmyk(profile: Shaper | bytes) -> bool:
    return isinstance(profile, bytes) and profile[16:20] == b"CMYK"


def _converted(bands: list[Image.Image], shaper: Shaper | bytes) -> Image.Image:
    if isinstance(shaper, bytes):
        return _interpolated(bands, shaper)
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


_HIGH: Final = b"".join(bytes([byte]) * 256 for byte in range(256))
_LOW: Final = bytes(range(256)) * 256


def _lit(band: Image.Image, curve: Curve) -> Image.Image:
    """Light as floats: the curve in 256 straight pieces, chosen by the high byte and followed by the low one."""
    whole = band.convert("I")
    high, low = whole.point(_HIGH, "L"), whole.point(_LOW, "L")
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


_STRIP: Final = 1 << 18  # pixels that are interpolated at a time


def _interpolated(bands: list[Image.Image], profile: bytes) -> Image.Image:
    """The profile's colours for 16 bits: multilinear interpolation between those for 8 bits."""
    width, height = bands[0].size
    rows = max(1, _STRIP // width)
    result = Image.new("L" if len(bands) == 1 else "RGB", (width, height))
    for top in range(0, height, rows):
        box = (0, top, width, min(height, top + rows))
        result.paste(_interpolated_strip([band.crop(box).convert("I") for band in bands], profile), box[:2])
    return result


@cache
def _by_257() -> tuple[bytes, bytes]:
    """Quotients and remainders of 16-bit samples."""
    return bytes(at // 257 for at in range(65536)), bytes(min(255, at % 257) for at in range(65536))


def _interpolated_strip(bands: list[Image.Image], profile: bytes) -> Image.Image:
    """65535 is 255 times 257, so that the quotient by 257 is the value of 8 bits below a sample."""
    quotients, remainders = _by_257()
    lower = [band.point(quotients, "L") for band in bands]
    upper = [band.point([min(255, level + 1) for level in range(256)]) for band in lower]
    parts = [band.point(remainders, "L") for band in bands]
    weights = [
        {up: part.point([abs(257 * (not up) - at) / 257 for at in range(256)], "F") for up in (False, True)}
        for part in parts
    ]
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[len(bands)]
    sums: list[Image.Image] = []
    for corner in product((False, True), repeat=len(bands)):
        chosen = [above if up else below for up, below, above in zip(corner, lower, upper, strict=True)]
        colours = colour.to_srgb(Image.merge(mode, chosen) if len(chosen) > 1 else chosen[0], profile).split()
        weight = weights[0][corner[0]]
        for up, each in zip(corner[1:], weights[1:], strict=True):
            weight = ImageMath.lambda_eval(lambda of: of["one"] * of["other"], one=weight, other=each[up])
        sums = [
            ImageMath.lambda_eval(
                lambda of: of["sum"] + of["weight"] * of["level"], sum=total, weight=weight, level=level.convert("F")
            )
            for total, level in zip(sums or [Image.new("F", weight.size)] * len(colours), colours, strict=True)
        ]
    levels = [total.point(lambda value: value + 0.5).convert("L") for total in sums]
    return Image.merge("RGB", levels) if len(levels) > 1 else levels[0]
