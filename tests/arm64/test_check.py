"""The parts of the check of the arm64 artifact find errors, without an emulator."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.arm64 import kernels
from tests.arm64.check import other_kernels, source, unlike
from tests.pictures import QUADRANTS, encoded, quadrants
from tinypics import resize
from tinypics.image.formats import FORMATS, HEAD, OUTPUTS, sniff

SOURCE = Path(__file__).parents[2] / "src"


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


@pytest.mark.skipif(not kernels.digests(), reason="the native module was not compiled")
def test_kernels_of_another_processor_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The interpreter of these tests stands for the emulated one, with its packages."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nshift 3\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    assert list(other_kernels(SOURCE, python)) == []
    ours = kernels.digests()
    monkeypatch.setattr(kernels, "digests", lambda: ours | {"another": "0"})
    assert list(other_kernels(SOURCE, python)) == ["native kernels: another differs"]
    monkeypatch.setenv("TINYPICS_NATIVE", "0")
    assert "the artifact has no native kernels" in list(other_kernels(SOURCE, python))
