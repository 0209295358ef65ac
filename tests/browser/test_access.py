"""Every view, on a screen and on a phone, light and dark, is accessible and fits into the width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import FilePayload, expect

from tests.browser.conftest import new_context
from tests.pictures import encoded, photo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.local_stack import LocalStack

pytestmark = [pytest.mark.browser, pytest.mark.e2e]

VIEWS = {
    "#/": "a.tile",
    "#/?find=good": ".uploads li:is(.ended, .refused)",
    "#/pictures/good.jpg": ".stage img",
    "#/executions": "a.row",
    "#/executions?status=RUNNING": ".empty",
    "good": ".stage img",
    "bad": ".advice",
    "#/try?bucket=original-pics&key=good.jpg": ".result img",
    "#/failures": ".failure",
    "#/health": ".figure",
}
GRAVE = ("serious", "critical")


@pytest.fixture(scope="module")
def names(stack: LocalStack) -> dict[str, str]:
    """The executions of a valid and of an invalid picture."""
    picture = encoded(photo((320, 240)), "JPEG")
    found = {}
    for key, body in (("good", picture), ("bad", picture[:2000])):
        stack.s3.put_object(Bucket="original-pics", Key=f"{key}.jpg", Body=body)
        event = f'{{"bucket": "original-pics", "key": "{key}.jpg", "width": 64}}'
        arn = stack.workflows.start_execution(stateMachineArn=stack.facts.stack.state_machine, input=event)[
            "executionArn"
        ]
        found[key] = arn.rpartition(":")[2]
    return found


# Colours do not depend on the width, and the layout does not depend on the colours.
@pytest.fixture(params=[("light", 1280), ("dark", 1280), ("light", 390)], ids=lambda p: f"{p[0]}-{p[1]}")
def page(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    scheme, width = request.param
    # Only axe, a script in the page, is exempt from the policy; console/test_access.py tests the policy itself.
    viewport = {"width": width, "height": 844}
    context = new_context(browser, viewport=viewport, color_scheme=scheme, reduced_motion="reduce", bypass_csp=True)
    page = context.new_page()
    page.goto(address)
    page.locator(".zone").wait_for()
    # A failed upload, or one whose key is taken, keeps its row.
    file = FilePayload(name="any.jpg", mimeType="image/jpeg", buffer=encoded(photo((320, 240)), "JPEG")[:2000])
    page.set_input_files("#files", file)
    yield page
    context.close()


def test_axe_finds_nothing_grave_and_nothing_runs_off_the_side(page: Page, names: dict[str, str]) -> None:
    for view, sign in VIEWS.items():
        place = f"#/executions/{names[view]}" if view in names else view
        page.evaluate("place => { location.hash = place; }", place)
        expect(page.locator(sign).first).to_be_visible()
        found: dict[str, Any] = Axe().run(page).response
        grave = [
            (each["id"], [node["html"][:200] for node in each["nodes"]])
            for each in found["violations"]
            if each["impact"] in GRAVE
        ]
        assert grave == [], view
        assert len(found["passes"]) > 10
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
