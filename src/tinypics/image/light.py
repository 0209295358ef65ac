"""Conversion between sRGB values and linear light (IEC 61966-2-1), and resampling in linear light."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import Image


def srgb_to_linear(value: float) -> float:
    """sRGB value to linear light, both 0..1 (IEC 61966-2-1)."""
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(light: float) -> float:
    """Linear light to sRGB value, both 0..1: the inverse of `srgb_to_linear`."""
    return light * 12.92 if light <= 0.0031308 else float(1.055 * light ** (1 / 2.4) - 0.055)


@cache
def _linear_table() -> list[float]:
    return [srgb_to_linear(value / 255) for value in range(256)]


@cache
def _srgb_table() -> list[int]:
    return [round(255 * linear_to_srgb(light / 65535)) for light in range(65536)]


def in_linear_light(image: Image.Image, resample: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """`resample` applied to light instead of values: mode L, LA, RGB or RGBA to the same, alpha not premultiplied."""
    from PIL import Image, ImageMath

    if "A" not in image.mode:
        return Image.merge(image.mode, [band_to_srgb(resample(_band_to_linear(band))) for band in image.split()])
    *colours, alpha = image.split()
    share = alpha.point([value / 255 for value in range(256)], "F")
    small = resample(share)
    bands = []
    for band in colours:
        part = ImageMath.lambda_eval(lambda of: of["light"] * of["share"], light=_band_to_linear(band), share=share)
        whole = ImageMath.lambda_eval(
            lambda of: of["light"] / of["max"](of["share"], _LEAST_SHARE), light=resample(part), share=small
        )
        bands.append(band_to_srgb(whole))
    return Image.merge(image.mode, [*bands, small.point(lambda value: value * 255 + 0.5).convert("L")])


_LEAST_SHARE: Final = 1 / 1024  # the least alpha that light is divided by; below it the colour is invisible


def _band_to_linear(band: Image.Image) -> Image.Image:
    return band.point(_linear_table(), "F")


def band_to_srgb(light: Image.Image) -> Image.Image:
    """Linear light as floats (which may overshoot) to sRGB bytes, over 16 bits so that dark tones do not band."""
    return light.point(lambda value: value * 65535 + 0.5).convert("I").point(_srgb_table(), "L")
