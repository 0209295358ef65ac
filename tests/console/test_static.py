"""The page's own files pass simple lint rules, and cannot turn text into HTML."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tinypics.console.app import STATIC

SCRIPTS = sorted(STATIC.glob("*.js"))
IMPORT = re.compile(r'^import (?:\{([^}]*)\}|\* as (\w+)) from "\./([\w.]+)";$', re.MULTILINE)
SINKS = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "srcdoc")

each_script = pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)


@each_script
def test_what_is_imported_exists_and_is_used(path: Path) -> None:
    text = path.read_text()
    body = IMPORT.sub("", text)
    for names, module, file in IMPORT.findall(text):
        given = (STATIC / file).read_text()
        for name in [each.strip() for each in names.split(",") if each.strip()]:
            assert re.search(rf"^export (?:async )?(?:const|class|function) {name}\b", given, re.MULTILINE), name
            assert re.search(rf"\b{name}\b", body), name
        assert not module or re.search(rf"\b{module}\b", body)
    assert len(IMPORT.findall(text)) == len(re.findall(r"^import ", text, re.MULTILINE))


@each_script
def test_nothing_makes_html_of_text(path: Path) -> None:
    assert not [sink for sink in SINKS if sink in path.read_text()]


@each_script
def test_a_module_is_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 250


def test_the_page_stays_small() -> None:
    """New code replaces other code, so that the whole can still be read."""
    assert sum(len(path.read_text().splitlines()) for path in SCRIPTS) <= 2409


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.svg")), ids=lambda path: path.name)
def test_a_drawing_becomes_part_of_the_page_without_styles_scripts_or_links(path: Path) -> None:
    assert not re.search(r"<style|\sstyle=|<script|\son\w+=|href=|<foreignObject", path.read_text())


def test_the_page_has_no_script_or_style_of_its_own_and_loads_nothing_from_elsewhere() -> None:
    page = (STATIC / "index.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script>|<script (?![^>]*src=)", page)
    assert all(place.startswith(("/static/", "#")) for place in re.findall(r'(?:src|href)="([^"]*)"', page))
    assert "@import" not in (STATIC / "style.css").read_text()
    assert "url(" not in (STATIC / "style.css").read_text()
