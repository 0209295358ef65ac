"""The parts of the check of the arm64 artifact find errors, without an emulator."""

from __future__ import annotations

import pytest
from PIL import Image

from tests.arm64.check import source, unlike
from tests.pictures import QUADRANTS, encoded, quadrants
from tinypics import resize
from tinypics.image.formats import FORMATS, HEAD, OUTPUTS, sniff


@pytest.mark.parametrize("name", [codec.name for codec in FORMATS.values() if codec.bundled])
def test_a_picture_of_every_format_is_made_in_code(name: str) -> None:
    assert sniff(source(FORMATS[name])[:HEAD]).name == name


@pytest.mark.parametrize("name", OUTPUTS)
def test_what_is_made_here_is_right(name: str) -> None:
    expected = resize(source(FORMATS["png"]), f"48x32-{name}")
    assert list(unlike(expected.data, expected)) == []


@pytest.mark.parametrize(
    ("image", "format", "said"),
    [
        (quadrants((48, 32)), "WEBP", "expected PNG (48, 32) RGB, got WEBP (48, 32) RGB"),
        (quadrants((48, 30)), "PNG", "expected PNG (48, 32) RGB, got PNG (48, 30) RGB"),
        (quadrants((48, 32)).convert("L"), "PNG", "expected PNG (48, 32) RGB, got PNG (48, 32) L"),
        (quadrants((48, 32)).point(lambda value: value - 2), "PNG", "expected the pixels that are made here"),
        (quadrants((48, 32), QUADRANTS[::-1]), "PNG", "expected about (230, 20, 20) in a corner, got (240, 240, 240)"),
    ],
    ids=["format", "size", "mode", "pixels", "corners"],
)
def test_every_difference_is_seen(image: Image.Image, format: str, said: str) -> None:
    expected = resize(encoded(quadrants((48, 32)), "PNG"), "48x32")
    assert any(fault.startswith(said) for fault in unlike(encoded(image, format, lossless=True), expected))
