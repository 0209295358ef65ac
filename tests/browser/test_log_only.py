"""Stacks without executions of uploads, because of a queue or of EXPRESS: the log has the result of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import FilePayload, expect

from tests.browser.conftest import new_context, once_told
from tests.local_stack import PROJECT, LocalStack
from tests.pictures import encoded, photo
from tinypics.console.server import serving
from tinypics.local import deploy
from tinypics.stack.clients import Cloud

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.e2e]


QUEUE = {"Trigger": "queue"}
EXPRESS = {"WorkflowType": "EXPRESS", "Api": "off"}


@pytest.mark.parametrize(
    ("parameters", "figure", "failures"),
    [(QUEUE, "Uploads0no messages", "No execution failed"), (EXPRESS, "Pictures", "keeps no list")],
    ids=["queue", "express"],
)
def test_uploads_show_their_results_in_the_log(
    browser: Browser,
    tmp_path_factory: pytest.TempPathFactory,
    parameters: dict[str, str],
    figure: str,
    failures: str,
) -> None:
    picture = encoded(photo((320, 240)), "JPEG")
    data = tmp_path_factory.mktemp("emulator")
    with (
        deploy.running(data, PROJECT, 0, parameters) as (_, facts),
        serving(Cloud.local(facts.endpoint, facts.region), facts.stack) as address,
    ):
        page = new_context(browser).new_page()
        page.goto(address)
        files = {"good.jpg": picture, "bad.jpg": picture[:2000]}
        page.locator(".zone").wait_for()
        page.set_input_files(
            "#files", [FilePayload(name=key, mimeType="image/jpeg", buffer=body) for key, body in files.items()]
        )
        good, bad = (page.locator(".uploads li", has_text=key) for key in files)
        stack = LocalStack(facts, data)
        once_told(stack, lambda ms: expect(good.locator(".pill")).to_have_text("Made", timeout=ms))
        expect(good.locator(".thumb img")).to_have_count(1)
        once_told(stack, lambda ms: expect(bad.locator(".why")).to_contain_text("CorruptImage", timeout=ms))
        page.evaluate("location.hash = '#/executions'")
        expect(page.locator(".plain-rows li", has_text="good.jpg")).to_contain_text("320 × 240 JPEG")
        page.evaluate("location.hash = '#/health'")
        expect(page.locator(".figure", has_text=figure)).to_be_visible()
        page.evaluate("location.hash = '#/try?bucket=original-pics&key=good.jpg'")
        page.get_by_role("button", name="Start the workflow").click()
        shown = page.get_by_text("128 × 128").filter(visible=True)  # from its execution, or from the list
        expect(shown.first).to_be_visible()
        page.evaluate("location.hash = '#/failures'")
        expect(page.locator(".empty")).to_contain_text(failures)
        page.context.close()
