"""The site of the docs builds without a warning, has every page, loads nothing from elsewhere, and fits on a phone."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tinypics import install

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

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


def test_the_edit_button_leads_to_the_source_of_the_page(site: Path) -> None:
    for page in site.glob("*.html"):
        if page.stem == "404":
            continue
        (source,) = re.findall(rf'href="{install.REPOSITORY}/edit/main/([^"]+)"', page.read_text())
        assert (PROJECT / source).is_file()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def phone(browser: Browser, address: str) -> Iterator[Page]:
    """A narrow page. A request to another host, or an error of a script, fails the test."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, base_url=address)
    context.set_default_timeout(100_000)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    wrong: list[str] = []
    page.on("request", lambda sent: wrong.append(sent.url) if not sent.url.startswith((address, "data:")) else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    assert wrong == []


@pytest.mark.browser
def test_no_page_is_wider_than_a_phone(site: Path, phone: Page) -> None:
    pages = sorted(page.name for page in site.glob("*.html"))
    widths = {}
    # Each page would index all pages for its search, which takes most of the CPU time.
    index = json.loads((site / "search" / "search_index.json").read_text()) | {"docs": []}
    phone.route("**/search_index.json", lambda route: route.fulfill(json=index))
    for name in pages:
        phone.goto(f"/{name}")
        widths[name] = phone.evaluate("document.documentElement.scrollWidth")
    assert widths == dict.fromkeys(pages, 390)


@pytest.mark.browser
def test_a_word_is_found_from_any_page(phone: Page) -> None:
    phone.goto("/costs.html")
    phone.locator("label[for=__search]").first.click()
    phone.get_by_text("Type to start searching").wait_for()  # the index is loaded
    phone.get_by_role("textbox").press_sequentially("subsampling")
    found = phone.locator(".md-search-result__link", has_text="Pictures in, pictures out").first
    found.click()
    phone.wait_for_url("**/formats.html?*")


@pytest.mark.browser
def test_the_copy_button_takes_the_commands_and_leaves_prompts_and_output(phone: Page) -> None:
    phone.goto("/troubleshooting.html")
    phone.get_by_title("Copy to clipboard").first.click()
    phone.locator(".md-dialog--active").wait_for()
    assert phone.evaluate("navigator.clipboard.readText()") == "tinypics why broken.jpg"
