"""The kernel `nearest`: every pixel of the output is one of the source's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.image.test_colour_spaces import curve, iccp, profile
from tests.pictures import encoded, opened, packed_rows, png
from tinypics import resize
from tinypics.image import icc

COLOURS = np.array([(200, 30, 40, 255), (20, 180, 90, 128), (250, 220, 10, 0), (5, 5, 5, 255)], np.uint8)
ART = np.random.default_rng(5).integers(0, 4, (16, 16))


def picture(mode: str) -> Image.Image:
    return Image.fromarray(COLOURS[ART]).convert(mode)


def shown(data: bytes, text: str, mode: str) -> Any:
    return np.asarray(opened(resize(data, text).data).convert(mode))


@pytest.mark.parametrize("name", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_enlarged_pixels_are_squares_of_their_own_colour(name: str, mode: str) -> None:
    data = encoded(picture(mode), name, **({"lossless": True, "exact": True} if name == "WEBP" else {}))
    for text, scale in (("256x-enlarge-nearest-png", 16), ("48x48-nearest-lossless-webp", 3)):
        expected = np.asarray(picture(mode)).repeat(scale, 0).repeat(scale, 1)
        assert (shown(data, text, mode) == expected).all()


def test_a_smaller_picture_has_pixels_of_the_source_only() -> None:
    large = picture("RGBA").resize((256, 256), Image.Resampling.NEAREST)
    for text in ("16x-nearest", "16x16-nearest-linear"):
        assert (shown(encoded(large, "PNG"), text, "RGBA") == np.asarray(picture("RGBA"))).all()


@pytest.mark.parametrize("text", ["256x-enlarge-nearest", "256x-enlarge-nearest-auto", "40x40-nearest", "7x-nearest"])
def test_a_palette_is_kept_exactly(text: str) -> None:
    output = resize(encoded(picture("RGB").quantize(4), "PNG"), text)
    assert output.format == "png"
    assert opened(output.data).mode == "P"
    found = opened(output.data).convert("RGB").getcolors() or ()
    assert {colour for _, colour in found} == {tuple(colour) for colour in COLOURS[:, :3].tolist()}


def test_orientation_cover_and_background_apply_as_ever() -> None:
    data = encoded(picture("RGB"), "PNG")
    assert (shown(data, "32x64-nearest", "RGB")[::4, ::4] == COLOURS[ART][:, 4:12, :3]).all()
    assert (shown(data, "64x32-nearest-rotate90", "RGB")[::4, ::4] == np.rot90(COLOURS[ART][:, :, :3], -1)[4:12]).all()
    padded = shown(data, "64x32-contain-enlarge-nearest-bg010203", "RGB")
    assert tuple(padded[0, 0]) == (1, 2, 3)
    assert (padded[::2, 16:48:2] == COLOURS[ART][:, :, :3]).all()


def test_a_jpeg_is_not_decoded_at_a_smaller_size() -> None:
    """At an eighth of its size, each of the decoder's pixels is the mean of 64."""
    fine = Image.fromarray((np.indices((512, 512)).sum(0) % 2 * 255).astype(np.uint8))
    data = encoded(fine, "JPEG", quality=100)
    assert set(np.unique(shown(data, "32x-nearest-png", "L") // 64)) <= {0, 3}
    assert set(np.unique(shown(data, "32x-png", "L") // 64)) <= {1, 2}


def test_an_animation_keeps_its_colours() -> None:
    frames = [picture("RGB"), picture("RGB").transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)
    image = opened(resize(data, "64x-enlarge-nearest").data)
    for number, frame in enumerate(frames):
        image.seek(number)
        assert (np.asarray(image.convert("RGB")) == np.asarray(frame.convert("RGB")).repeat(4, 0).repeat(4, 1)).all()


def test_samples_of_16_bits_are_converted_as_they_are() -> None:
    samples = (ART[:, :, None] * 20_000 + 101).astype(np.uint16).repeat(3, 2)
    data = png((16, 16), 2, 16, packed_rows(samples, 16), [iccp(profile(curve(1.0), icc.SRGB))])
    same = shown(data, "16x-png", "RGB")
    for text in ("64x-enlarge-nearest-png", "64x-enlarge-nearest-linear-png"):
        assert (shown(data, text, "RGB") == same.repeat(4, 0).repeat(4, 1)).all()
