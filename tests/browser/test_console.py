"""The console in a real browser, with a real emulator."""

from __future__ import annotations

import base64
import functools
import re
import urllib.request
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import FilePayload, expect

from tests.browser.conftest import copied, once_told
from tests.pictures import encoded, photo
from tinypics.stack.troubleshooting import ADVICE

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Locator, Page, Route

    from tests.local_stack import LocalStack

pytestmark = [pytest.mark.browser, pytest.mark.e2e]

HOSTILE = "<img src=x onerror=alert(1)>.jpg"
SMALL = encoded(photo((320, 240)), "JPEG")
BROKEN = SMALL[: len(SMALL) // 2]

DROP = """
([selector, files]) => {
    const transfer = new DataTransfer();
    for (const [name, type, data] of files) {
        const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
        transfer.items.add(new File([bytes], name, { type }));
    }
    const zone = document.querySelector(selector);
    for (const kind of ["dragenter", "dragover", "drop"])
        zone.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
}
"""


@functools.cache
def big() -> bytes:
    return encoded(photo((800, 600)).resize((4000, 3000)), "JPEG", quality=85)


def drop(page: Page, *files: tuple[str, bytes]) -> None:
    page.evaluate(DROP, [".zone", [[name, "image/jpeg", base64.b64encode(data).decode()] for name, data in files]])


def uploaded(page: Page, key: str) -> Locator:
    return page.locator(".uploads li").filter(has=page.get_by_text(key, exact=True))


def open_details(page: Page, key: str) -> None:
    """Opens the execution of an upload, whose row is hidden where its tile is shown."""
    link = uploaded(page, key).get_by_role("link", name="Details", include_hidden=True)
    go(page, link.get_attribute("href") or "")


def go(page: Page, place: str) -> None:
    page.evaluate("place => { location.hash = place; }", place)


def test_a_dropped_photo_shows_its_states_and_its_thumbnail(page: Page, stack: LocalStack) -> None:
    drop(page, ("beach.jpg", big()))
    row = uploaded(page, "beach.jpg")
    steps = ["Resize", "Check the answer", "Succeeded"]
    expect(row.locator(".trail .step")).to_have_text(steps)
    expect(row.locator(".pill")).to_have_text("Succeeded")
    expect(row.locator(".thumb img")).to_have_js_property("naturalWidth", 128)  # no longer the dropped file
    expect(row.locator(".description")).to_contain_text("4000 × 3000 JPEG")
    expect(page.locator("a.tile", has_text="beach.jpg").locator(".note")).to_contain_text("128 × 128")
    expect(row).to_be_hidden()  # each picture once

    go(page, "#/executions")
    row.get_by_role("link", name="Details").click()
    expect(page.locator("h1")).to_have_text("beach.jpg")
    expect(page.locator("[data-state].visited")).to_have_text(["ResizeImage", "CheckStatus", "Succeeded"])
    expect(page.locator("path.visited")).to_have_count(2)
    expect(page.locator(".steps .name")).to_have_text(steps)
    expect(page.locator(".steps .took").first).to_have_text(re.compile(r"\d (ms|s)$"))
    facts = page.locator(".facts-beside")
    expect(facts).to_contain_text("128 × 128 · JPEG")
    expect(facts).to_contain_text(re.compile(r"9\d\.\d % smaller"))
    shown = page.locator(".stage img")
    expect(shown).to_have_js_property("clientWidth", 128)  # its true size
    expect(shown).to_have_js_property("clientHeight", 128)
    page.get_by_role("button", name="Original").click()
    expect(facts).to_contain_text("4000 × 3000 · JPEG")
    line = page.locator("details.line")
    once_told(stack, lambda ms: expect(line).to_contain_text("SUCCESS made 128 × 128 JPEG", timeout=ms))
    expect(page.get_by_label("Input", exact=True)).to_contain_text('"key": "beach.jpg"')


def test_a_broken_file_shows_its_cause_and_advice_and_can_be_retried(page: Page, stack: LocalStack) -> None:
    drop(page, ("broken.jpg", BROKEN))
    row = uploaded(page, "broken.jpg")
    expect(row.locator(".why")).to_contain_text("CorruptImage the JPEG cannot be decoded")
    row.get_by_role("link", name="Details").click()
    advice = page.locator(".advice")
    expect(advice).to_contain_text("CorruptImage")
    expect(advice).to_contain_text(ADVICE["CorruptImage"].do.replace("`", ""))
    expect(page.locator("[data-state=Failed].visited.bad")).to_have_count(1)
    expect(page.locator(".steps li.bad").first).to_contain_text("answered: CorruptImage")
    line = page.locator("details.line[open] pre")
    once_told(stack, lambda ms: expect(line).to_contain_text('"error": "CorruptImage"', timeout=ms))

    go(page, "#/failures")
    group = page.locator(".failure", has_text="CorruptImage")
    expect(group).to_contain_text("broken.jpg")
    stack.s3.put_object(Bucket="original-pics", Key="another.jpg", Body=BROKEN)
    page.get_by_role("button", name="Show them").click()
    expect(page.locator(".failure li", has_text="another.jpg")).to_have_count(1)
    stack.s3.put_object(Bucket="original-pics", Key="broken.jpg", Body=SMALL)  # as the advice says
    group.get_by_role("button", name="Retry").click()
    expect(page.locator("#toast")).to_contain_text("failed again")
    expect(page.locator(".failure li", has_text="broken.jpg")).to_have_count(0)  # other tests' pictures fail again
    go(page, "#/executions?status=SUCCEEDED")
    expect(page.locator("a.row", has_text="broken.jpg").first).to_be_visible()


def test_a_hostile_key_is_text_everywhere(page: Page) -> None:
    page.evaluate("window.alert = () => { document.title = 'broken into'; }")
    drop(page, (HOSTILE, SMALL))
    expect(uploaded(page, HOSTILE).locator(".pill")).to_have_text("Succeeded")
    expect(page.locator("a.tile .key", has_text=HOSTILE)).to_have_text(HOSTILE)
    open_details(page, HOSTILE)
    expect(page.locator("h1")).to_have_text(HOSTILE)
    page.get_by_role("link", name="Try other settings").click()
    expect(page.get_by_label("Key")).to_have_value(HOSTILE)
    expect(page.locator("#snippet")).to_contain_text(f'"key": "{HOSTILE}"')
    assert page.locator("img[src=x]").count() == 0
    assert page.title() != "broken into"


def test_a_key_that_is_taken_is_not_written_over_without_asking(page: Page, stack: LocalStack) -> None:
    drop(page, ("taken.jpg", SMALL))
    expect(uploaded(page, "taken.jpg").locator(".pill")).to_have_text("Succeeded")
    before = stack.s3.head_object(Bucket="original-pics", Key="taken.jpg")["ETag"]
    drop(page, ("taken.jpg", big()))
    row = page.locator(".uploads li.refused")
    expect(row).to_contain_text("There is a picture with this key already")
    assert stack.s3.head_object(Bucket="original-pics", Key="taken.jpg")["ETag"] == before
    row.get_by_role("button", name="Replace it").click()
    expect(page.locator(".uploads li.ended")).to_have_count(2)
    assert stack.s3.head_object(Bucket="original-pics", Key="taken.jpg")["ETag"] != before


@pytest.fixture
def rough(context: BrowserContext, address: str) -> Page:
    """The open console, for tests with an unreachable service, which browsers report as an error."""
    page = context.new_page()
    page.goto(address)
    page.locator(".zone").wait_for()
    return page


def test_what_could_not_be_sent_says_why_and_is_sent_again_all_at_once(rough: Page) -> None:
    files = [FilePayload(name=f"net-{n}.jpg", mimeType="image/jpeg", buffer=SMALL) for n in range(3)]
    answers = ["<Error><Code>ExpiredToken</Code></Error>", None, None]

    def refuse(route: Route) -> None:
        if body := answers.pop():
            route.fulfill(status=400, body=body, headers={"Access-Control-Allow-Origin": "*"})
        else:
            route.abort()

    rough.route(re.compile("/original-pics/net-"), refuse)
    rough.set_input_files("#files", files)
    refused = rough.locator(".uploads li.refused")
    expect(refused.filter(has_text="The bucket could not be reached. Is tinypics up still running?")).to_have_count(2)
    expect(refused.filter(has_text="S3 refused the upload: ExpiredToken.")).to_have_count(1)
    expect(rough.locator(".summary")).to_have_text("0 made · 3 failed · 0 waiting")
    rough.unroute_all()
    rough.get_by_role("button", name="Retry all").click()
    expect(rough.locator(".uploads li.ended")).to_have_count(3)

    rough.set_input_files("#files", files)  # a second time: the keys exist now
    expect(refused).to_have_count(3)
    rough.get_by_role("button", name="Replace all").click()
    expect(rough.locator(".summary")).to_have_text("6 made · 0 failed · 0 waiting")


def test_uploads_are_stopped(rough: Page) -> None:
    rough.route(re.compile("/original-pics/still-"), lambda _: None)  # never answered
    rough.set_input_files(
        "#files", [FilePayload(name=f"still-{n}.jpg", mimeType="image/jpeg", buffer=SMALL) for n in range(7)]
    )
    expect(rough.locator(".summary")).to_have_text("0 made · 0 failed · 7 waiting")
    expect(rough.locator(".uploads li.sending")).to_have_count(3)
    rough.get_by_role("button", name="Stop").click()
    expect(rough.locator("#toast")).to_have_text("4 files will not be uploaded")
    expect(rough.locator(".uploads li.refused", has_text="Stopped.")).to_have_count(3)
    rough.get_by_role("button", name="Clear").click()
    expect(rough.locator(".totals")).to_be_hidden()


def test_no_more_is_sent_than_a_laptop_can_take_and_the_rest_goes_while_another_view_is_looked_at(rough: Page) -> None:
    rough.route(re.compile(r"/api/executions(\?.*)?$"), lambda route: route.fulfill(json={"items": [], "next": None}))
    files = [FilePayload(name=f"many-{n:02}.jpg", mimeType="image/jpeg", buffer=SMALL) for n in range(10)]
    rough.set_input_files("#files", files)
    expect(rough.locator(".uploads li.waiting")).to_have_count(8)  # without any answer
    expect(rough.locator(".summary")).to_have_text("0 made · 0 failed · 10 waiting")
    with rough.expect_response(re.compile("/original-pics/many-09")):
        go(rough, "#/failures")
        rough.unroute_all()
    go(rough, "#/")
    expect(rough.locator(".summary")).to_have_text("10 made · 0 failed · 0 waiting")


def test_a_view_that_cannot_be_shown_says_so_and_can_be_tried_again(rough: Page) -> None:
    rough.route("**/api/health?*", lambda route: route.abort())
    go(rough, "#/health")
    expect(rough.get_by_role("alert")).to_contain_text("The console does not answer.")
    rough.unroute_all()
    rough.get_by_role("button", name="Retry").click()
    expect(rough.locator("h1")).to_have_text("Health")
    go(rough, "#/executions/no-such-execution")
    expect(rough.get_by_role("alert")).to_contain_text("ExecutionNotFound")


def test_chosen_and_pasted_files_are_uploaded_as_well(page: Page) -> None:
    page.set_input_files("#files", FilePayload(name="chosen.jpg", mimeType="image/jpeg", buffer=SMALL))
    expect(uploaded(page, "chosen.jpg").locator(".pill")).to_have_text("Succeeded")
    page.evaluate(
        """data => {
            const clipboardData = new DataTransfer();
            const bytes = Uint8Array.from(data);
            clipboardData.items.add(new File([bytes], "image.png", { type: "image/png" }));
            document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
        }""",
        list(encoded(photo((64, 48)), "PNG")),
    )
    pasted = page.locator(".uploads li", has_text="pasted-")
    expect(pasted.locator(".pill")).to_have_text("Succeeded")
    expect(page.locator(".summary")).to_have_text("2 made · 0 failed · 0 waiting")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".uploads li")).to_have_count(0)
    expect(page.locator(".summary")).to_be_hidden()


def test_a_chosen_folder_keeps_its_paths_without_system_files(page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "holiday"
    (folder / "day 1").mkdir(parents=True)
    (folder / "day 1" / "a.jpg").write_bytes(SMALL)
    (folder / ".DS_Store").write_bytes(b"x")
    page.set_input_files("#folder", folder)
    expect(uploaded(page, "holiday/day 1/a.jpg").locator(".pill")).to_have_text("Succeeded")
    expect(page.locator(".uploads li")).to_have_count(1)


def test_an_original_that_browsers_do_not_show_is_shown_as_another(page: Page) -> None:
    drop(page, ("scan.tif", encoded(photo((640, 480)), "TIFF")))
    open_details(page, "scan.tif")
    page.get_by_role("button", name="Original").click()
    original = page.locator(".stage")
    expect(original).to_contain_text("Browsers do not show TIFF. This is a JPEG of it.")
    expect(original.locator("img")).to_have_count(1)
    expect(original.locator("img")).to_have_js_property("naturalWidth", 640)


def test_run_again_starts_another_execution(page: Page) -> None:
    drop(page, ("again.jpg", SMALL))
    open_details(page, "again.jpg")
    page.get_by_role("button", name="Run again").click()
    expect(page).to_have_url(re.compile("console-"))
    expect(page.locator(".subject .pill")).to_have_text("Up to date")  # nothing to resize
    expect(page.locator("h1")).to_have_text("again.jpg")


def test_an_altered_workflow_has_the_list_of_its_states_without_the_drawing(page: Page) -> None:
    workflow = page.evaluate("fetch('/api/workflow').then((answer) => answer.json())")
    workflow["states"]["Succeeded"] = ["Notify"]
    page.route("**/api/workflow", lambda route: route.fulfill(json=workflow))
    drop(page, ("altered.jpg", SMALL))
    open_details(page, "altered.jpg")
    expect(page.locator(".steps .name")).to_have_text(["Resize", "Check the answer", "Succeeded"])
    expect(page.locator("[data-state]")).to_have_count(0)


def test_try_it_shows_a_preview_of_the_event_and_code_that_sends_it(page: Page, stack: LocalStack) -> None:
    stack.s3.put_object(Bucket="original-pics", Key="wide.jpg", Body=encoded(photo((800, 200)), "JPEG"))
    go(page, "#/try?bucket=original-pics&key=wide.jpg")
    image = page.locator(".result img")
    expect(image).to_be_visible()
    expect(page.locator(".result")).to_contain_text(re.compile("128x128\\s*128 × 128 · JPEG"))  # the stack's own
    page.get_by_label("Width").fill("160")
    page.get_by_label("Fit").select_option("inside")
    page.get_by_label("Format").select_option("webp")
    expect(page.locator(".result")).to_contain_text(re.compile("160x128-inside-webp\\s*160 × 40 · WEBP"))
    expect(image).to_have_js_property("clientWidth", 160)
    expect(image).to_have_js_property("clientHeight", 40)

    page.get_by_label("Fit").select_option("cover")
    page.locator(".focusable").click(position={"x": 10, "y": 10})
    expect(page.locator(".focus-mark")).to_be_visible()
    expect(page.locator(".result")).to_contain_text("160x128-at0.")
    expect(page.locator("#snippet")).to_contain_text(re.compile(r'"gravity": "0\.0\d+,0\.\d+"'))
    page.get_by_label("Point: x,y").fill("1,0.5")  # the same with the keyboard
    expect(page.locator("#snippet")).to_contain_text('"gravity": "1,0.5"')
    page.reload()  # the address contains the whole form
    expect(page.get_by_label("Point: x,y")).to_have_value("1,0.5")
    expect(page.get_by_label("Format")).to_have_value("webp")
    expect(page.locator(".result")).to_contain_text("160x128-at1x0.5-webp")
    page.get_by_role("button", name="Python").click()
    expect(page.locator("#snippet")).to_contain_text("import boto3")
    page.get_by_role("button", name="Copy").click()
    copied(page, r"start_execution\(")

    page.get_by_label("Width").fill("99999")
    expect(page.locator(".result")).to_contain_text("InvalidRequest: width: expected a whole number from 1 to 16384")
    page.get_by_label("Width").fill("64")
    expect(page.locator(".result")).to_contain_text("64 × 128")
    page.get_by_role("button", name="Start the workflow").click()
    expect(page.locator(".subject .pill")).to_have_text("Succeeded")


def test_health_counts_the_results_in_the_log(page: Page, stack: LocalStack) -> None:
    drop(page, ("healthy.jpg", SMALL))
    expect(uploaded(page, "healthy.jpg").locator(".pill")).to_have_text("Succeeded")
    go(page, "#/health")
    pictures = page.locator(".figure", has_text="Pictures").locator("strong")
    once_told(stack, lambda ms: expect(pictures).to_have_text(re.compile(r"[1-9]"), timeout=ms))
    expect(page.locator(".figure", has_text="Median time")).to_contain_text("ms")
    expect(page.locator(".figure", has_text="Cold starts")).to_be_visible()
    expect(page.locator(".figure", has_text="cost")).to_have_count(0)  # the emulator is free
    page.wait_for_function(
        "() => [...document.querySelectorAll('.chart rect.good')].some((bar) => bar.height.baseVal.value > 0)"
    )


def test_health_shows_how_far_a_backfill_is(page: Page) -> None:
    run = {"name": "all", "status": "RUNNING", "started": 0, "ended": None, "total": 200_000, "done": 49_990,
           "lost": 10, "states": None}  # fmt: skip
    ended = {**run, "name": "small", "status": "SUCCEEDED", "total": 15, "done": 15, "lost": 0,
             "states": {"done": 13, "failed": 2}}  # fmt: skip
    figures = page.evaluate("fetch('/api/health').then((answer) => answer.json())") | {"backfills": [run, ended]}
    page.route("**/api/health?*", lambda route: route.fulfill(json=figures))
    go(page, "#/health")
    card = page.get_by_label("Backfills")
    expect(card).to_contain_text("49,990 with a result of 200,000 objects")
    expect(card).to_contain_text("10 without an outcome")
    expect(card).to_contain_text("tinypics backfill --attach all")
    expect(card.get_by_role("progressbar").first).to_have_attribute("value", "50000")
    small = card.locator("li").nth(1)
    expect(small).to_contain_text("13 made, 0 skipped, 2 failed of 15 objects")
    expect(small.locator(".pill.bad")).to_have_text("Ended with failures")


def test_without_the_token_there_is_no_page(context: BrowserContext, address: str) -> None:
    page = context.new_page()
    answer = page.goto(address.split("?")[0])
    assert answer
    assert answer.status == 403
    assert "with its token" in page.inner_text("body")


def test_the_token_leaves_the_address_and_the_page_stays_open(page: Page) -> None:
    assert "token" not in page.url
    go(page, "#/failures")
    page.reload()
    expect(page.locator("h1")).to_have_text("Failures")  # a deep link
    expect(page.locator("nav a[aria-current=page]")).to_have_text("Failures")


def test_another_page_gets_nothing_from_it(page: Page, context: BrowserContext, address: str) -> None:
    """Even with the cookie in the browser's jar."""
    origin = address.split("/?")[0]
    other = context.new_page()
    other.route("http://evil.example/*", lambda route: route.fulfill(body="<p>evil", content_type="text/html"))
    other.goto("http://evil.example/")
    given = "{ method: 'POST', credentials: 'include', body: '{}' }"
    asked = f"path => fetch(path, {given}).then((answer) => answer.status, () => 'refused')"
    assert other.evaluate(asked, f"{origin}/api/executions") == "refused"
    with urllib.request.urlopen(address) as answer:  # the token is enough for the page itself
        assert answer.status == 200


def test_the_keyboard_reaches_everything(page: Page) -> None:
    drop(page, ("keyboard.jpg", SMALL))
    expect(page.locator("a.tile", has_text="keyboard.jpg")).to_be_visible()
    expect(uploaded(page, "keyboard.jpg").locator(".pill")).to_have_text("Succeeded")
    expect(uploaded(page, "keyboard.jpg")).to_be_hidden()  # from now on the page does not change
    seen = []
    for _ in range(24):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("(document.activeElement.innerText || '').split('\\n')[0].trim()"))
        if seen[-1] == "keyboard.jpg":
            break
    assert {"Skip to content", "Try it", "choose files", "Executions"} <= set(seen)
    assert seen[-1] == "keyboard.jpg"
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("keyboard.jpg")
