"""The site of the docs builds without a warning, has every page, and loads nothing from other hosts."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.release

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)
    assert ran.returncode == 0, ran.stderr
    return folder


def test_every_page_is_in_the_menu(site: Path) -> None:
    pages = {path.stem for path in (PROJECT / "docs").glob("*.md")} | {
        "index",
        "contributing",
        "changelog",
        "benchmarks",
    }
    assert {path.stem for path in site.glob("*.html")} == pages | {"404"}
    menu = set(re.findall(r'href="([\w-]+)\.html"', (site / "index.html").read_text()))
    assert pages - menu <= {"index"}, "add it to nav in mkdocs.yml"


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in site.glob("*.html"):
        text = page.read_text()
        loaded = re.findall(r'<(?:script|img|iframe)[^>]+src="([^"]+)"', text)
        loaded += re.findall(r'<link[^>]+rel="(?:stylesheet|preload|preconnect)"[^>]+href="([^"]+)"', text)
        assert not [address for address in loaded if "//" in address], page.name
        assert loaded
    for style in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//", style.read_text()), style.name


def test_every_file_that_a_page_links_to_is_there(site: Path) -> None:
    for page in site.glob("*.html"):
        for link in re.findall(r'href="([^"#:?]+)["#?]', page.read_text()):
            assert (page.parent / link.lstrip("/")).exists(), (page.name, link)


def test_the_reference_has_the_docstrings(site: Path) -> None:
    text = (site / "library.html").read_text()
    assert 'id="tinypics.image.pipeline.resize_all"' in text
    assert "with one decode" in text
    assert 'id="tinypics.errors.CorruptImage"' in text
