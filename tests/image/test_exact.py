"""Lossless outputs keep each pixel's colour where nothing is resampled, seen or not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.pictures import encoded, opened
from tinypics import resize

PIXELS = np.random.default_rng(8).integers(0, 256, (24, 32, 4)).astype(np.uint8)
PIXELS[:6, :, 3] = 0
PIXELS[6:12, :, 3] = 3


@pytest.mark.parametrize("name", ["png", "webp-lossless"])
@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_every_pixel_is_kept_where_nothing_is_resampled(mode: str, format: str, name: str) -> None:
    image = Image.fromarray(PIXELS).convert(mode)
    options: dict[str, Any] = {"lossless": True, "exact": True} if format == "WEBP" else {}
    data = encoded(image, format, **options)
    wanted = np.asarray(image.convert("RGBA"))
    assert np.array_equal(np.asarray(opened(resize(data, f"32x24-{name}").data).convert("RGBA")), wanted)
    turned = opened(resize(data, f"24x32-rotate90-{name}").data).convert("RGBA")
    assert np.array_equal(np.asarray(turned), np.rot90(wanted, -1))
    # Half of the height is cut off, evenly at both ends.
    assert np.array_equal(np.asarray(opened(resize(data, f"32x12-{name}").data).convert("RGBA")), wanted[6:18])


@pytest.mark.parametrize("name", ["png", "webp-lossless"])
def test_resampling_changes_nothing_seen_but_by_rounding(name: str) -> None:
    for alpha in (40, 128, 200, 255):
        data = encoded(Image.new("RGBA", (32, 24), (200, 60, 30, alpha)), "PNG")
        found = np.asarray(opened(resize(data, f"16x12-{name}").data).convert("RGBA")).astype(int)
        assert np.abs((found[..., :3] - (200, 60, 30)) * alpha / 255).max() <= 1
        assert (found[..., 3] == alpha).all()
