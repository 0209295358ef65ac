"""Home, the page of a picture, and uploads of many files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import FilePayload, expect

from tests.browser.conftest import copied, new_context
from tests.local_stack import PROJECT
from tests.pictures import encoded, photo
from tinypics.console.server import serving
from tinypics.local import deploy
from tinypics.stack.clients import Cloud

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, Route

    from tests.local_stack import LocalStack

pytestmark = [pytest.mark.browser, pytest.mark.e2e]

SMALL = encoded(photo((320, 240)), "JPEG")
BROKEN = SMALL[: len(SMALL) // 2]
TOTAL = 500
PAGE = 60


def files(**named: bytes) -> list[FilePayload]:
    return [FilePayload(name=f"{name}.jpg", mimeType="image/jpeg", buffer=body) for name, body in named.items()]


def go(page: Page, place: str) -> None:
    page.evaluate("place => { location.hash = place; }", place)


def tile(page: Page, key: str) -> Locator:
    return page.locator("a.tile").filter(has=page.get_by_text(key, exact=True))


def listed(number: int) -> dict[str, Any]:
    return {"key": f"picture-{number:03}.jpg", "source": None, "at": 1_795_500_000_000 - number * 3_600_000,
            "bytes": 4000, "number": 1, "sizes": [{"width": 128, "height": 128}], "thumbnail": None}  # fmt: skip


def library(route: Route) -> None:
    """A bucket of five hundred pictures, an hour apart."""
    start = int(route.request.url.partition("start=")[2] or 0)
    found = [listed(number) for number in range(start, min(TOTAL, start + PAGE))]
    more = start + PAGE if start + PAGE < TOTAL else None
    answer = {"items": found, "total": TOTAL, "start": start, "next": more, "whole": True, "after": None}
    route.fulfill(json=answer | {"most": 10_000})


def test_after_a_restart_home_shows_the_pictures_and_each_has_its_page(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = tmp_path_factory.mktemp("emulator")
    parameters = {"Renditions": "thumb=64x64,240x-webp", "UrlBase": "https://cdn.example.com/"}
    for restarted in (False, True):
        with (
            deploy.running(data, PROJECT, 0, parameters) as (_, facts),
            serving(Cloud.local(facts.endpoint, facts.region), facts.stack) as address,
        ):
            context = new_context(browser, viewport={"width": 1280, "height": 900})
            context.grant_permissions(["clipboard-read", "clipboard-write"])
            page = context.new_page()
            page.goto(address)
            page.locator(".zone").wait_for()
            if not restarted:
                page.set_input_files("#files", files(**{"day two": SMALL}))
            expect(tile(page, "day two.jpg")).to_contain_text("2 sizes")
            if restarted:
                look_at(page, "day two.jpg")
            context.close()


def look_at(page: Page, key: str) -> None:
    """The page of a picture with two renditions, of which the stack has no execution any more."""
    expect(page.locator(".days h2")).to_have_text(re.compile("Today|Yesterday"))  # a test can go past midnight
    tile(page, key).click()
    expect(page.locator("h1")).to_have_text(key)
    strip = page.locator(".strip button")
    expect(strip.locator("strong")).to_have_text(["thumb", "240x-webp", "Original"])
    shown = page.locator(".stage img")
    expect(shown).to_have_attribute("width", "64")
    strip.nth(1).click()
    expect(strip.nth(1)).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".facts-beside")).to_contain_text("240 × 180 · WebP")
    expect(shown).to_have_js_property("clientWidth", 240)  # its true size
    page.get_by_role("button", name="Copy URL").click()
    address = r"https://cdn\.example\.com/day%20two\.jpg/"
    copied(page, rf"^{address}240x-webp\.webp\?v=[0-9a-f]{{8}}$")
    page.get_by_label("Another size").fill("100y")
    page.get_by_role("button", name="Show its address").click()
    expect(page.locator(".another .warn")).to_contain_text("rendition: expected a size")
    page.get_by_label("Another size").fill("100x")
    page.get_by_role("button", name="Show its address").click()
    expect(page.locator(".another code")).to_have_text(re.compile(address + r"100x\.jpg\?v=[0-9a-f]{8}&s=1[\w-]{22}"))
    page.locator("header .primary", has_text="Copy HTML").click()
    copied(page, "^<picture><img src=")
    expect(page.locator(".snippet")).to_contain_text("thumb=64x64 is left out")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "day two-240x-webp.webp"
    expect(page.get_by_text("None: the stack keeps no execution of it any more.")).to_be_visible()
    page.get_by_role("link", name="Looks wrong? Try other settings").click()
    expect(page.get_by_label("Key")).to_have_value(key)
    expect(page.locator(".result")).to_contain_text("64 × 64")


def test_a_picture_is_found_by_a_part_of_its_key_and_the_way_back_keeps_the_search(
    page: Page, stack: LocalStack
) -> None:
    for key in ("album/Sea.jpg", "album/hill.jpg"):
        stack.s3.put_object(Bucket="tiny-pics", Key=key, Body=SMALL)
    expect(page.locator("a.tile", has_text="hill.jpg")).to_be_visible()
    page.get_by_label("Search by key").fill("sea")
    expect(page.locator("a.tile")).to_have_count(1)
    page.locator("a.tile").click()
    expect(page.locator("h1")).to_have_text("album/Sea.jpg")
    page.get_by_role("link", name="All pictures").click()
    expect(page.get_by_label("Search by key")).to_have_value("sea")
    expect(page.locator("a.tile")).to_have_count(1)
    page.get_by_label("Search by key").fill("nowhere")
    expect(page.locator(".library .empty")).to_contain_text("No picture's key contains “nowhere”")


def test_back_returns_to_the_place_in_a_list_of_hundreds_that_was_searched(page: Page) -> None:
    page.route("**/api/pictures*", library)
    go(page, "#/")
    page.get_by_label("Search by key").fill("picture")
    expect(page).to_have_url(re.compile("#/[?]find=picture$"))
    expect(page.locator(".library .foot")).to_contain_text("1 to 60 of 500 pictures")
    days = page.locator(".days h2")
    expect(days.nth(2)).to_be_visible()  # sixty hours have three days at least
    chosen = page.locator("a.tile", has_text="picture-050.jpg")
    chosen.scroll_into_view_if_needed()
    before = chosen.evaluate("tile => tile.getBoundingClientRect().top")
    page.route("**/api/picture?*", lambda route: route.fulfill(json={
        "name": "picture-050.jpg", "at": 0, "original": None, "removed": [], "manifest": None, "renditions": [{
            "width": 64, "height": 48, "bytes": 9, "format": "jpeg", "label": "JPEG", "saved": None, "url": "data:,",
            "download": "#", "path": "", "key": "picture-050.jpg"}]}))  # fmt: skip
    chosen.click()
    expect(page.locator("h1")).to_have_text("picture-050.jpg")
    page.go_back()
    expect(chosen).to_be_in_viewport()
    page.wait_for_function(
        "([tile, top]) => tile.getBoundingClientRect().top === top", arg=[chosen.element_handle(), before]
    )
    page.locator(".library .foot").get_by_role("link", name="Older").click()
    expect(page.locator(".library .foot")).to_contain_text("61 to 120 of 500 pictures")
    page.wait_for_function("() => scrollY === 0")


def test_a_bucket_that_is_too_large_to_be_sorted_says_so_and_goes_on(page: Page) -> None:
    def some(route: Route) -> None:
        assert "after=" not in route.request.url or "after=m.jpg" in route.request.url
        first = "after=" not in route.request.url
        answer = {"items": [listed(1 if first else 2)], "total": 1, "start": 0, "next": None, "whole": False}
        route.fulfill(json=answer | {"after": "m.jpg" if first else None, "most": 10_000})

    page.route("**/api/pictures*", some)
    go(page, "#/?start=")
    foot = page.locator(".library .foot")
    expect(foot).to_contain_text("the newest of 10,000 objects at most, from the first keys on")
    foot.get_by_role("link", name="Next 10,000 objects").click()
    expect(page.locator("a.tile")).to_contain_text("picture-002.jpg")
    expect(foot).to_contain_text("from the next keys on")


def test_many_uploads_end_in_one_true_line_with_the_failures_first(page: Page) -> None:
    good = {f"bulk-{number:02}": SMALL for number in range(9)}
    bad = {f"bulk-bad-{number}": BROKEN for number in range(2)}
    page.set_input_files("#files", files(**good, **bad))
    expect(page.locator(".summary")).to_contain_text("waiting")
    expect(page.locator(".summary")).to_have_text("9 made · 2 failed · 0 waiting")
    expect(page.get_by_label("All uploads")).to_have_attribute("max", "11")
    expect(page.get_by_label("All uploads")).to_have_js_property("value", 11)
    rows = page.locator(".uploads li")
    expect(rows).to_have_count(2)  # the others are in the list of pictures
    expect(rows.nth(0)).to_contain_text("bulk-bad-")
    expect(rows.nth(1)).to_contain_text("bulk-bad-")
    replaced = rows.nth(0).locator(".key").inner_text()
    rows.nth(0).get_by_role("link", name="Details").click()
    expect(page.locator("h1")).to_have_text(replaced)
    page.get_by_role("button", name="Replace the file").wait_for()
    page.set_input_files("#replacement", files(mended=SMALL))
    expect(page.locator(".summary")).to_have_text("10 made · 2 failed · 0 waiting")
    expect(tile(page, replaced)).to_be_visible()
    page.locator(".tray").get_by_role("link", name="Causes and remedies").click()
    expect(page.locator(".failure", has_text="CorruptImage")).to_contain_text("A retry of the same file fails again")


def test_a_taken_key_can_be_kept_beside_and_no_picture_is_asked_about(page: Page, stack: LocalStack) -> None:
    stack.s3.put_object(Bucket="original-pics", Key="both.jpg", Body=SMALL)
    page.set_input_files("#files", files(both=encoded(photo((64, 48)), "JPEG")))
    row = page.locator(".uploads li").first
    expect(row.get_by_role("link", name="See it")).to_have_attribute("href", re.compile("/original-pics/both.jpg"))
    row.get_by_role("button", name="Keep both").click()
    expect(row.locator(".pill")).to_have_text("Succeeded")
    expect(row.locator(".key")).to_have_text(re.compile(r"^both-\d{4}-.*\.jpg$"))
    page.set_input_files("#files", FilePayload(name="notes.md", mimeType="text/markdown", buffer=b"# Notes"))
    refused = page.locator(".uploads li.refused")
    expect(refused).to_contain_text("By its name this is no picture")
    expect(refused.get_by_role("button", name="Upload it anyway")).to_be_visible()


def after_a_removed_one(route: Route) -> None:
    """Answer with the newest pictures, after one without a source."""
    response = route.fetch()
    listed = response.json()
    newest = listed["items"][0]
    route.fulfill(response=response, json={**listed, "items": [{**newest, "source": "removed.jpg"}, *listed["items"]]})


def test_try_it_starts_with_a_picture_that_exists_and_takes_a_file(page: Page) -> None:
    page.set_input_files("#files", files(first=SMALL))
    expect(tile(page, "first.jpg")).to_be_visible()
    page.route("**/api/pictures", after_a_removed_one)
    held: list[Route] = []
    page.route("**/api/preview", lambda route: held.append(route))
    go(page, "#/try")
    expect(page.get_by_label("Key")).to_have_value("removed.jpg")  # before its original is there
    expect(page.locator(".result")).to_contain_text("Making the preview")
    page.unroute("**/api/preview")
    for route in held:
        route.continue_()
    expect(page.get_by_label("Key")).not_to_have_value("removed.jpg")
    expect(page.locator(".result")).to_contain_text("128 × 128")
    page.set_input_files(
        "#own", FilePayload(name="mine.png", mimeType="image/png", buffer=encoded(photo((90, 30)), "PNG"))
    )
    expect(page.get_by_label("Key")).to_have_value("mine.png")
    expect(page.locator(".result")).to_contain_text("128 × 128 · PNG")
    expect(page.locator(".focusable")).to_have_js_property("naturalWidth", 90)
    expect(page.get_by_role("button", name="Start the workflow")).to_be_disabled()
    page.locator(".offer button[title='first.jpg']").click()
    expect(page.locator(".result")).to_contain_text("128 × 128 · JPEG")
    expect(page.get_by_role("button", name="Start the workflow")).to_be_enabled()


def test_an_address_without_a_page_says_so(page: Page) -> None:
    for address in ("#/foo", "#/pictures/%E0%A4"):  # the latter is not UTF-8
        go(page, address)
        expect(page.get_by_role("alert")).to_contain_text(f"the console has no page {address}")
        expect(page.get_by_role("button", name="Retry")).to_have_count(0)
