"""Thousands of executions: few elements, no long task, every one of them reached."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.e2e]

TOTAL = 2000
PAGE = 100
BLOCKED = 500  # milliseconds of one task, on a machine that is busy with other tests

WATCH = """
window.longest = 0;
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.longest = Math.max(window.longest, entry.duration);
}).observe({ type: "longtask", buffered: false });
"""


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
    page.route("**/api/executions?*", pages)
    page.route("**/api/subjects", subjects)
    page.evaluate(WATCH)
    page.evaluate("location.hash = '#/?status='")
    expect(page.locator("a.row", has_text=f"{name(0)}.jpg")).to_be_visible()
    return page


def test_two_thousand_executions_scroll_with_a_screenful_of_elements(long_list: Page) -> None:
    most = 0
    while "2,000 in all" not in long_list.locator(".foot").inner_text():
        long_list.mouse.wheel(0, 3000)
        long_list.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 20)))")
        most = max(most, long_list.locator(".executions li").count())
    assert most <= 60
    long_list.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(long_list.locator("a.row", has_text=f"{name(TOTAL - 1)}.jpg")).to_be_visible()
    assert long_list.locator(".executions").evaluate("list => list.clientHeight") == TOTAL * 68
    assert long_list.evaluate("window.longest") < BLOCKED


def test_rows_keep_their_order_for_the_keyboard_and_screen_readers(long_list: Page) -> None:
    long_list.evaluate("scrollTo(0, 3000)")
    expect(long_list.locator("a.row", has_text=f"{name(40)}.jpg")).to_be_visible()
    long_list.evaluate("scrollTo(0, 2000)")
    expect(long_list.locator("a.row", has_text=f"{name(22)}.jpg")).to_be_visible()
    places = [int(place) for place in long_list.locator(".executions li").evaluate_all(
        "rows => rows.map((row) => row.getAttribute('aria-posinset'))")]  # fmt: skip
    assert places == sorted(places)


def test_what_is_read_stays_where_it_is_when_new_ones_come(long_list: Page) -> None:
    long_list.evaluate("scrollTo(0, 3000)")
    row = long_list.locator("a.row", has_text=f"{name(40)}.jpg")
    expect(row).to_be_visible()
    before = row.evaluate("row => row.getBoundingClientRect().top")
    fresh = {**listed(99_999), "started": listed(0)["started"] + 1000}

    def newer(route: Route) -> None:
        route.fulfill(json={"items": [fresh, *(listed(number) for number in range(PAGE - 1))], "next": "100"})

    long_list.route("**/api/executions?*", newer)
    expect(long_list.locator(".executions li[aria-posinset='42']")).to_contain_text(f"{name(40)}.jpg", timeout=15_000)
    assert row.evaluate("row => row.getBoundingClientRect().top") == before
