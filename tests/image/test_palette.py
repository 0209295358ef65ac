"""Drawings with a palette keep it as PNG, if the difference is invisible."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.pictures import encoded, opened, packed_rows, photo, png
from tinypics import resize
from tinypics.image import native, palette

INKS = ("#dc2828", "#285ac8", "#1e9646", "#fab414", "#141414")


def drawing(size: tuple[int, int] = (1200, 900), mode: str = "RGB") -> Image.Image:
    """Boxes, discs, lines and words; without a ground where the mode has alpha."""
    image = Image.new("RGBA", size, (255, 255, 255, 0 if mode == "RGBA" else 255))
    draw, random = ImageDraw.Draw(image), np.random.default_rng(3)
    for number in range(60):
        x, y = (int(v) for v in random.integers((0, 0), (size[0] * 11 // 12, size[1] * 14 // 15)))
        ink = INKS[number % len(INKS)]
        if number % 3 == 0:
            draw.rectangle((x, y, x + 90, y + 40), outline=ink, width=2)
        elif number % 3 == 1:
            draw.ellipse((x, y, x + 70, y + 70), fill=ink)
        else:
            draw.line((x, y, x + 90, y + 50), fill=ink, width=3)
        draw.text((x + 5, y + 5), f"Label {number}", fill="#141414")
    return image.convert(mode)


@functools.cache
def tabled(mode: str, colours: int) -> bytes:
    image = drawing(mode=mode)
    method = Image.Quantize.FASTOCTREE if mode == "RGBA" else Image.Quantize.MEDIANCUT
    return encoded(image.quantize(colours, method=method), "PNG", optimize=True)


@functools.cache
def photo_png() -> bytes:
    return encoded(photo((400, 300)), "PNG")


def over(image: Image.Image, ground: str = "#80602f") -> np.ndarray[Any, Any]:
    """The pixels as they are seen."""
    seen = Image.new("RGBA", image.size, ground)
    seen.alpha_composite(image.convert("RGBA"))
    return np.asarray(seen.convert("RGB")).astype(float)


def psnr(one: Image.Image, other: Image.Image) -> float:
    return float(10 * np.log10(255**2 / max(((over(one) - over(other)) ** 2).mean(), 1e-9)))


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_drawing_without_a_palette_is_compressed_well(mode: str) -> None:
    """At level 2, its PNG has 1.3 times the bytes of its source."""
    image = drawing(mode=mode)
    source = encoded(image, "PNG", compress_level=6)
    made = resize(source, "1200x-png")
    assert len(made.data) <= 1.05 * len(source)
    assert opened(made.data).tobytes() == image.tobytes()


@pytest.mark.table
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("colours", [4, 16, 64, 256])
def test_a_drawing_of_half_the_width_has_no_more_than_one_and_a_half_times_the_bytes(mode: str, colours: int) -> None:
    source = tabled(mode, colours)
    output = resize(source, "600x")
    assert len(output.data) <= 1.5 * len(source)
    true = opened(source).convert("RGBA").convert("RGBa").resize((600, 450), Image.Resampling.LANCZOS).convert("RGBA")
    assert psnr(opened(output.data), true) > 40


@pytest.mark.table
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("colours", [2, 16, 256])
def test_a_drawing_of_the_same_size_is_the_same(mode: str, colours: int) -> None:
    source = tabled(mode, colours)
    for text in ("1200x", "1200x-lossless"):
        output = resize(source, text)
        assert len(output.data) <= 1.2 * len(source)
        assert np.abs(over(opened(output.data)) - over(opened(source))).max() <= (1 if mode == "RGBA" else 0)


def test_a_part_of_a_drawing_keeps_its_colours() -> None:
    source = tabled("RGB", 64)
    output = resize(source, "500x900-at0.2x0.5")
    whole = np.asarray(opened(source).convert("RGB"))
    found = np.asarray(opened(output.data).convert("RGB"))
    assert any(np.array_equal(found, whole[:, x : x + 500]) for x in range(701))


@pytest.mark.table
@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_levels_of_grey_are_a_drawing_too(bits: int) -> None:
    levels = np.asarray(drawing().convert("L")).astype(int) * (2**bits - 1) // 255
    source = png((1200, 900), 0, bits, packed_rows(levels[..., None], bits))
    same, half = resize(source, "1200x"), resize(source, "600x")
    assert len(same.data) <= 1.2 * len(source)
    assert len(half.data) <= 1.5 * len(source)
    assert np.array_equal(np.asarray(opened(same.data).convert("L")), np.asarray(opened(source).convert("L")))
    true = opened(source).convert("L").resize((600, 450), Image.Resampling.LANCZOS)
    assert psnr(opened(half.data), true) > 40


def test_without_loss_no_colour_is_taken_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "kernels", lambda: None)  # Pillow's resampler, so that the colours are known
    output = resize(tabled("RGB", 16), "600x-lossless")
    true = opened(tabled("RGB", 16)).convert("RGB").resize((600, 450), Image.Resampling.LANCZOS)
    assert np.array_equal(np.asarray(opened(output.data).convert("RGB")), np.asarray(true))


def test_a_photo_in_a_table_becomes_true_colour_where_a_table_would_show() -> None:
    source = encoded(photo((600, 450)).quantize(256), "PNG", optimize=True)
    assert opened(resize(source, "300x").data).mode == "RGB"
    assert len(resize(source, "300x").data) <= 1.5 * len(source)
    assert len(resize(source, "600x").data) <= 1.2 * len(source)


def test_true_colours_stay_true_colours() -> None:
    assert opened(resize(encoded(drawing(), "PNG"), "600x").data).mode == "RGB"


def test_a_gif_becomes_a_png_with_a_table() -> None:
    source = encoded(drawing().quantize(16), "GIF")
    output = resize(source, "1200x-png")
    assert opened(output.data).mode == "P"
    assert np.array_equal(np.asarray(opened(output.data).convert("RGB")), np.asarray(opened(source).convert("RGB")))


@pytest.mark.table
@pytest.mark.parametrize("width", [1200, 800, 600, 300, 64])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_auto_tells_a_drawing_by_its_own_colours(width: int, mode: str) -> None:
    assert resize(tabled(mode, 16), f"{width}x-auto").format == ("webp" if mode == "RGBA" else "png")
    assert resize(photo_png(), f"{min(width, 400)}x-auto").format == "jpeg"
    assert resize(photo_png(), "12x-auto").format == "jpeg"  # of at most 108 colours itself


def test_numbers_are_those_of_the_very_colours() -> None:
    image = Image.new("RGB", (3, 1))
    for x, colour in enumerate(((9, 9, 9), (9, 9, 10), (9, 9, 11))):
        image.putpixel((x, 0), colour)
    assert palette.index_colours(image, {(9, 9, 9): 7, (9, 9, 10): 0, (9, 9, 11): 255}).tobytes() == b"\7\0\xff"


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_colours_are_chosen_in_every_mode(mode: str) -> None:
    image = drawing((400, 300), "RGBA").resize((200, 150), Image.Resampling.LANCZOS).convert(mode)
    found = palette.reduce_colours(image, exact=False)
    assert found is not None
    assert psnr(found, image) > 38
    assert len(found.getcolors() or ()) <= (16 if mode == "L" else 256)
    exact = palette.reduce_colours(image, exact=True)
    assert exact is None or np.array_equal(np.asarray(exact.convert("RGBA")), np.asarray(image.convert("RGBA")))
