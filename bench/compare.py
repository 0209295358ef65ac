"""Compares outputs with a floating-point reference of the same picture, so that speed at the cost of quality shows."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pi_heif
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image, ImageCms, ImageOps

from tests.reference import Pixels, lanczos, psnr

if TYPE_CHECKING:
    from bench.rows import Wanted

pi_heif.register_heif_opener()

_GREY = 127.5  # the background of transparent pixels, in outputs and references
_WINDOW = 7
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


@dataclass(frozen=True, slots=True)
class Quality:
    """Quality of one output: `psnr` in dB, `ssim` (at most 1), and its size in bytes."""

    psnr: float
    ssim: float
    bytes: int


class WrongOutput(Exception):
    """The output is not the requested picture."""


def reference(data: bytes, wanted: Wanted) -> Pixels:
    """The picture in `data` at the size of `wanted`, in floats: fully decoded, upright, in sRGB, one Lanczos pass."""
    with Image.open(io.BytesIO(data)) as opened:
        image = _in_srgb(ImageOps.exif_transpose(opened))
    box = _covering(image.size, (wanted.width, wanted.height))
    size = (wanted.width, wanted.height)
    alpha = np.asarray(image.getchannel("A"), np.float64) / 255 if image.mode == "RGBA" else None
    channels = []
    for band in image.getbands()[:3]:  # one at a time: a hundred megapixels are 800 MB each
        plane = np.asarray(image.getchannel(band), np.float64)
        shown = plane if alpha is None else plane * alpha + _GREY * (1 - alpha)
        channels.append(lanczos(shown[..., None], size, box)[..., 0])
    return np.stack(channels, axis=2)


def judge(output: bytes, wanted: Wanted, expected: Pixels, frames: int = 1) -> Quality:
    """Raises WrongOutput if size, format or number of frames differ from the requested ones."""
    with Image.open(io.BytesIO(output)) as image:
        facts = (image.size, (image.format or "").lower(), getattr(image, "n_frames", 1))
        if facts != ((wanted.width, wanted.height), wanted.format, frames):
            raise WrongOutput(f"{facts} instead of {wanted}, {frames} frames")
        shown = _on_grey(image)
    return Quality(psnr(shown, expected), ssim(shown @ _LUMA, expected @ _LUMA), len(output))


_LUMA = np.array([0.299, 0.587, 0.114])


def ssim(one: Pixels, other: Pixels) -> float:
    """Mean structural similarity of two planes of values 0..255: Wang et al. 2004, with uniform windows of 7 x 7."""
    mean_one, mean_other = _means(one), _means(other)
    variance_one = _means(one * one) - mean_one**2
    variance_other = _means(other * other) - mean_other**2
    together = _means(one * other) - mean_one * mean_other
    likeness = (2 * mean_one * mean_other + _C1) * (2 * together + _C2)
    likeness /= (mean_one**2 + mean_other**2 + _C1) * (variance_one + variance_other + _C2)
    return float(likeness.mean())


def _means(plane: Pixels) -> Pixels:
    down = sliding_window_view(plane, _WINDOW, axis=0).mean(axis=-1)
    return np.asarray(sliding_window_view(down, _WINDOW, axis=1).mean(axis=-1), np.float64)


def _in_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if profile and image.mode == "RGB":
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        converted = ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), intent, flags=ImageCms.Flags.BLACKPOINTCOMPENSATION
        )
        return converted or image
    return image


def _on_grey(image: Image.Image) -> Pixels:
    pixels = np.asarray(image.convert("RGBA"), np.float64)
    alpha = pixels[..., 3:] / 255
    return np.asarray(pixels[..., :3] * alpha + _GREY * (1 - alpha), np.float64)


def _covering(size: tuple[int, int], wanted: tuple[int, int]) -> tuple[float, float, float, float]:
    """The largest centred box with the aspect ratio of `wanted`."""
    scale = min(size[0] / wanted[0], size[1] / wanted[1])
    wide, high = wanted[0] * scale, wanted[1] * scale
    left, top = (size[0] - wide) / 2, (size[1] - high) / 2
    return left, top, left + wide, top + high
