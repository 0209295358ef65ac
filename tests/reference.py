"""An independent Lanczos resampler in floats, as a reference for the pipeline: slow, simple, no shortcuts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float64]


def lanczos(pixels: Pixels, size: tuple[int, int], box: tuple[float, float, float, float] | None = None) -> Pixels:
    """`box` of `pixels` (height x width x channels, 0..255) at `size` (width, height); three lobes, wider to shrink."""
    left, top, right, bottom = box or (0, 0, pixels.shape[1], pixels.shape[0])
    down = _weights(pixels.shape[0], size[1], top, bottom)
    across = _weights(pixels.shape[1], size[0], left, right)
    narrow = np.tensordot(down, pixels, axes=(1, 0))
    return np.clip(np.tensordot(narrow, across, axes=(1, 1)).transpose(0, 2, 1), 0, 255)


def _weights(length: int, wanted: int, start: float, end: float) -> NDArray[np.float64]:
    """One row for each output pixel: the weights of the input pixels."""
    scale = (end - start) / wanted
    reach = max(scale, 1.0)
    centres = start + (np.arange(wanted) + 0.5) * scale
    distance = (np.arange(length)[None, :] + 0.5 - centres[:, None]) / reach
    weights = np.where(np.abs(distance) < 3, np.sinc(distance) * np.sinc(distance / 3), 0.0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float64)


def psnr(one: Pixels, other: Pixels) -> float:
    """Peak signal to noise ratio in dB, of values 0..255."""
    error = float(np.mean((one.astype(np.float64) - other.astype(np.float64)) ** 2))
    return float("inf") if error == 0 else 10 * float(np.log10(255**2 / error))
