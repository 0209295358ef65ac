"""Hundreds of executions: a page of a hundred rows, and a link to the older ones."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import FilePayload, expect

from tests.pictures import encoded, photo

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.e2e]

TOTAL = 250
PAGE = 100
LIST = re.compile(r"/api/executions(\?.*)?$")


def name(number: int) -> str:
    return f"execution-{number:05}"


def listed(number: int) -> dict[str, Any]:
    started = 1_795_500_000_000 - number * 1000
    status = "FAILED" if number % 10 == 3 else "SUCCEEDED"
    return {"name": name(number), "status": status, "started": started, "ended": started + 250, "now": started}


def pages(route: Route) -> None:
    """ListExecutions of a stack with a long past: newest first, a hundred at a time."""
    after = route.request.url.partition("next=")[2]
    start = int(after or 0)
    items = [listed(number) for number in range(start, min(TOTAL, start + PAGE))]
    route.fulfill(json={"items": items, "next": str(start + PAGE) if start + PAGE < TOTAL else None})


def subjects(route: Route) -> None:
    names = json.loads(route.request.post_data or "{}")["names"]
    assert len(names) <= PAGE
    asked = [each for each in names if each.startswith("execution-")]  # not those that were listed before
    about = {
        each: {"bucket": "original-pics", "key": f"{each}.jpg", "status": listed(int(each[-5:]))["status"],
               "error": None, "message": None, "result": "made", "thumbnail": None, "source": None, "made": []}
        for each in asked
    }  # fmt: skip
    route.fulfill(json=about)


@pytest.fixture
def long_list(page: Page) -> Page:
    page.route(LIST, pages)
    page.route("**/api/subjects", subjects)
    page.evaluate("location.hash = '#/executions'")
    expect(page.locator("a.row", has_text=f"{name(0)}.jpg")).to_be_visible()
    return page


def keys(first: int, last: int) -> list[str]:
    return [f"{name(number)}.jpg" for number in range(first, last)]


def test_every_execution_is_reached_page_by_page_and_the_way_back_is_the_browsers(long_list: Page) -> None:
    rows, foot = long_list.locator(".executions .key"), long_list.locator(".executions .foot")
    expect(rows).to_have_text(keys(0, 100))
    expect(foot).to_have_text(re.compile("^The newest 100"))
    expect(foot.get_by_role("link", name="Newest")).to_be_hidden()
    foot.get_by_role("link", name="Older").click()
    expect(rows).to_have_text(keys(100, 200))
    expect(foot).to_have_text(re.compile("^100 older ones"))
    foot.get_by_role("link", name="Older").click()
    expect(rows).to_have_text(keys(200, 250))
    expect(foot).to_have_text(re.compile("^The oldest 50"))
    expect(foot.get_by_role("link", name="Older")).to_be_hidden()
    long_list.go_back()
    expect(rows).to_have_text(keys(100, 200))
    foot.get_by_role("link", name="Newest").click()
    expect(rows).to_have_text(keys(0, 100))


def test_what_is_read_stays_where_it_is_when_new_ones_come(long_list: Page) -> None:
    long_list.evaluate("scrollTo(0, 3000)")
    row = long_list.locator("a.row", has_text=f"{name(40)}.jpg")
    expect(row).to_be_in_viewport()
    expect(long_list.locator(".executions .key")).to_have_text(keys(0, PAGE))
    row.focus()
    before = row.evaluate("row => row.getBoundingClientRect().top")
    fresh = {**listed(99_999), "started": listed(0)["started"] + 1000}

    def newer(route: Route) -> None:
        route.fulfill(json={"items": [fresh, *(listed(number) for number in range(PAGE - 1))], "next": "100"})

    long_list.route(LIST, newer)
    expect(long_list.locator(".executions .key").first).to_have_text(f"{name(99_999)}.jpg")
    expect(long_list.locator(".executions .key")).to_have_text([f"{name(99_999)}.jpg", *keys(0, PAGE - 1)])
    long_list.wait_for_function(
        "([row, top]) => row.getBoundingClientRect().top === top", arg=[row.element_handle(), before]
    )
    expect(row).to_be_focused()


def test_a_row_that_ends_while_it_is_focused_keeps_the_focus(long_list: Page) -> None:
    running = {**listed(0), "status": "RUNNING", "ended": None}
    others = [listed(number) for number in range(1, PAGE)]
    long_list.route(LIST, lambda route: route.fulfill(json={"items": [running, *others], "next": None}))
    row = long_list.locator("a.row").first
    expect(row.locator(".pill")).to_have_text("Running")
    row.focus()
    long_list.route(LIST, pages)  # comes before the other route, so no poll gets the list of the server
    expect(row.locator(".pill")).to_have_text("Succeeded")
    expect(row).to_be_focused()


def test_an_upload_is_found_behind_a_page_of_other_executions(page: Page) -> None:
    soon = page.evaluate("Date.now()") + 60_000
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "PUT" else None)

    def busy(route: Route) -> None:
        if not sent:  # an upload has no execution before it begins
            return route.fulfill(json={"items": [], "next": None})
        first = "next=" not in route.request.url
        numbers = range(PAGE) if first else [PAGE]
        items = [{**listed(number), "started": soon} for number in numbers]
        return route.fulfill(json={"items": items, "next": "older" if first else None})

    page.route(LIST, busy)
    page.route("**/api/subjects", subjects)
    page.route(f"**/api/executions/{name(PAGE)}", lambda route: route.fulfill(json={**listed(PAGE), "visits": []}))
    picture = encoded(photo((64, 48)), "JPEG")
    page.set_input_files("#files", FilePayload(name=f"{name(PAGE)}.jpg", mimeType="image/jpeg", buffer=picture))
    expect(page.locator(".uploads li.ended")).to_contain_text(f"{name(PAGE)}.jpg")
