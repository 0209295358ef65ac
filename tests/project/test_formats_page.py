"""docs/formats.md agrees with the code, and the real pipeline makes the samples."""

from __future__ import annotations

import re
from pathlib import Path

from docs import formats
from tests.pictures import encoded, opened, quadrants
from tinypics import Output, resize
from tinypics.image.rendition import Rendition

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "formats.md").read_text(encoding="utf-8")


def test_every_rendition_on_the_page_is_one() -> None:
    texts = re.findall(r"`((?:\w+=)?\d*x\d*(?:-[\w.]+)*)`", PAGE)
    assert len(texts) > 20
    for text in texts:
        assert str(Rendition.parse(text)) == text
        assert resize(encoded(quadrants(), "PNG"), text).data


def test_every_word_of_dropped_is_on_the_page() -> None:
    """The words on the page equal those in the code, where each is a string."""
    section = PAGE.split("## What was dropped\n")[1].split("\n## ")[0]
    documented = set(re.findall(r"^\| `([\w-]+)`", section, re.MULTILINE))
    said = set(re.findall(r"`([a-z-]+)`", (Output.__doc__ or "").split("`dropped`")[1]))
    assert documented == said


def test_samples(tmp_path: Path) -> None:
    formats.samples(tmp_path)
    pictures = [path for path in tmp_path.iterdir() if path.suffix != ".html"]
    assert len(pictures) == len(formats.SAMPLES)
    assert all(opened(path.read_bytes()).width for path in pictures)
    assert all(path.name in (tmp_path / "index.html").read_text() for path in pictures)
