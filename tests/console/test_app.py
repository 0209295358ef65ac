"""The page's requests, with a running emulator."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.console.conftest import BACKFILL, JPEG
from tests.pictures import encoded, opened, photo
from tinypics.console.executions import advised
from tinypics.console.preview import Previews
from tinypics.stack.clients import Cloud

if TYPE_CHECKING:
    from tests.console.conftest import Page

pytestmark = pytest.mark.e2e

PNG = encoded(photo((400, 100)), "PNG")


def event(key: str, **more: Any) -> dict[str, Any]:
    return {"bucket": "original-pics", "key": key, "dest_bucket": "tiny-pics", **more}


def started(page: Page, key: str, **more: Any) -> dict[str, Any]:
    """The ended execution of a direct event."""
    return page.ended(page.post("/api/executions", {"event": event(key, **more)})["name"])


def put(place: dict[str, Any], data: bytes) -> int:
    request = urllib.request.Request(place["url"], data, place["headers"], method="PUT")
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_the_stack_endpoint_has_the_facts_of_the_page(page: Page) -> None:
    found = page.get("/api/stack")
    assert (found["source_bucket"], found["output_bucket"]) == ("original-pics", "tiny-pics")
    assert (found["local"], found["listed"], found["by_queue"]) == (True, True, False)
    assert found["renditions"] == ["128x128"]
    assert {"cover", "inside"} <= set(found["fits"])
    assert found["backfill"] == BACKFILL  # as this console was started


def test_the_workflow_is_the_deployed_one(page: Page) -> None:
    found = page.get("/api/workflow")
    assert (found["name"], found["type"]) == ("tinypics-resize", "STANDARD")
    assert {"ResizeImage", "Succeeded", "Failed"} <= set(found["states"])
    assert found["states"]["CheckStatus"] == ["Failed", "Succeeded"]


def test_an_upload_goes_by_a_signed_address_and_takes_no_key_that_is_taken(page: Page) -> None:
    key = "up load/ü+%41 & 'x'.jpg"
    place = page.post("/api/uploads", {"key": key, "type": "image/jpeg"})
    assert place["url"].startswith(page.stack.facts.endpoint)
    assert put(place, JPEG) == 200
    found = page.about(key)
    assert (found["status"], found["result"]) == ("SUCCEEDED", "made")
    assert (found["source"]["width"], found["made"][0]["width"]) == (320, 128)
    with urllib.request.urlopen(found["thumbnail"]) as answer:
        assert answer.read(2) == b"\xff\xd8"
    assert put(place, PNG) == 412  # the second one
    taken = page.post("/api/uploads", {"key": key, "type": "image/jpeg"})
    assert (taken["taken"], taken["key"]) == (True, key)
    with urllib.request.urlopen(taken["url"]) as answer:
        assert answer.read() == JPEG
    again = page.post("/api/uploads", {"key": key, "type": "image/jpeg", "replace": True})
    assert put(again, PNG) == 200


@pytest.mark.parametrize("given", [{}, {"key": 1}, {"key": "/x"}, {"key": "x", "type": 3}, {"key": "a/../b"}])
def test_an_upload_of_no_key_is_refused(page: Page, given: dict[str, Any]) -> None:
    answer = page.ask("POST", "/api/uploads", given)
    assert (answer.status, answer.document["error"]) == (400, "InvalidRequest")


def test_an_execution_has_its_way_its_pictures_and_its_lines(page: Page) -> None:
    page.put("whole.jpg")
    page.about("whole.jpg")  # the upload's own recipe would replace these renditions
    found = started(page, "whole.jpg", renditions=["64x48", "thumb=32x32-webp"])
    assert (found["status"], found["key"]) == ("SUCCEEDED", "whole.jpg")
    assert [visit["state"] for visit in found["visits"]] == ["ResizeImage", "CheckStatus", "Succeeded"]
    assert found["visits"][0]["attempts"] == 1
    assert found["input"]["renditions"] == ["64x48", "thumb=32x32-webp"]
    assert found["output"]["status"] == "SUCCESS"
    (pictures,) = page.get(f"/api/executions/{found['name']}/pictures")
    original = pictures["original"]
    assert (original["width"], original["height"], original["bytes"]) == (320, 240, len(JPEG))
    assert (original["shown"], original["there"], original["overwritten"]) == (True, True, False)
    assert [item["key"] for item in pictures["renditions"]] == ["whole.jpg/64x48.jpg", "whole.jpg/thumb.webp"]
    for item in pictures["renditions"]:
        with urllib.request.urlopen(item["url"]) as answer:
            assert len(answer.read()) == item["bytes"]
        assert item["saved"] == round(100 * (1 - item["bytes"] / len(JPEG)), 1)
    assert pictures["manifest"]["picture"].startswith("<picture>")
    (line,) = page.lines(found["name"])
    assert (line["line"]["status"], line["line"]["source_key"]) == ("SUCCESS", "whole.jpg")

    page.stack.s3.delete_object(Bucket="tiny-pics", Key="whole.jpg/manifest.json")
    page.put("whole.jpg", PNG)
    (pictures,) = page.get(f"/api/executions/{found['name']}/pictures")
    assert pictures["original"]["overwritten"]
    assert pictures["manifest"] is None


def test_a_failed_execution_comes_with_advice_and_one_of_a_missing_picture_says_so(page: Page) -> None:
    found = started(page, "missing.jpg", width=64)
    assert (found["status"], found["error"]) == ("FAILED", "SourceNotFound")
    assert "Check `bucket` and `key`" in found["advice"]["do"]
    assert found["visits"][-1] == found["visits"][-1] | {"state": "Failed", "failed": True}
    (pictures,) = page.get(f"/api/executions/{found['name']}/pictures")
    assert (pictures["original"]["there"], pictures["original"]["url"]) == (False, None)
    assert pictures["renditions"] == []


def test_what_browsers_do_not_show_is_known(page: Page) -> None:
    page.put("scan.tif", encoded(photo((64, 48)), "TIFF"))
    found = started(page, "scan.tif", width=32)
    (pictures,) = page.get(f"/api/executions/{found['name']}/pictures")
    assert (pictures["original"]["shown"], pictures["original"]["label"]) == (False, "TIFF")


def test_an_execution_runs_again_with_its_own_input(page: Page) -> None:
    page.put("again.jpg")
    page.about("again.jpg")  # the upload's own output has the same key
    first = started(page, "again.jpg", renditions=["40x"])
    second = page.ended(page.post(f"/api/executions/{first['name']}/again")["name"])
    assert second["name"] != first["name"]
    assert second["input"] == first["input"]
    assert (second["status"], second["result"]) == ("SUCCEEDED", "skipped")


def test_removed_pictures_are_reported(page: Page) -> None:
    page.put("gone.jpg")
    page.about("gone.jpg")
    page.stack.s3.delete_object(Bucket="original-pics", Key="gone.jpg")
    name = page.post("/api/executions", {"event": {
        "source": "aws.s3", "detail-type": "Object Deleted",
        "detail": {"bucket": {"name": "original-pics"}, "object": {"key": "gone.jpg"}}}})["name"]  # fmt: skip
    assert page.ended(name)["result"] == "removed"
    assert page.get(f"/api/executions/{name}/pictures")[0]["renditions"] == []


def test_the_list_comes_in_pages_by_status(page: Page) -> None:
    page.put("listed.jpg")
    good, bad = started(page, "listed.jpg", width=20), started(page, "not-listed.jpg", width=20)
    names = {
        status: {item["name"] for item in page.get(f"/api/executions?status={status}")["items"]}
        for status in ("SUCCEEDED", "FAILED")
    }
    assert good["name"] in names["SUCCEEDED"] - names["FAILED"]
    assert bad["name"] in names["FAILED"] - names["SUCCEEDED"]
    assert page.post("/api/subjects", {"names": [good["name"], "unknown"]}).keys() == {good["name"]}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("GET", "/api/executions/unknown", None, 404, "ExecutionNotFound"),
        ("GET", "/api/executions/a%20b", None, 400, "InvalidRequest"),
        ("GET", "/api/executions?status=WELL", None, 400, "InvalidRequest"),
        ("GET", "/api/executions?next=nonsense", None, 502, None),
        ("GET", "/api/failures?seconds=-1", None, 400, "InvalidRequest"),
        ("POST", "/api/executions", {"event": "text"}, 400, "InvalidRequest"),
        ("POST", "/api/executions", b"not json", 400, "InvalidRequest"),
        ("POST", "/api/executions", b"[" * 100_000, 400, "InvalidRequest"),
        ("POST", "/api/executions", b'["a list"]', 400, "InvalidRequest"),
        ("POST", "/api/executions/unknown/again", {}, 404, "ExecutionNotFound"),
        ("POST", "/api/subjects", {"names": ["../x"]}, 400, "InvalidRequest"),
        ("POST", "/api/subjects", {"names": "x"}, 400, "InvalidRequest"),
        ("POST", "/api/snippets", {"event": 3}, 400, "InvalidRequest"),
        ("POST", "/api/address", {"key": 1, "rendition": "40x"}, 400, "InvalidRequest"),
        ("POST", "/api/address", {"key": "good.jpg"}, 400, "InvalidRequest"),
        ("POST", "/api/failures/retry", {"names": []}, 400, "InvalidRequest"),
        ("POST", "/api/failures/retry", {"names": ["unknown"]}, 404, "ExecutionNotFound"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    page: Page, method: str, path: str, body: object, status: int, error: str | None
) -> None:
    answer = page.ask(method, path, body)
    assert answer.status == status, answer.body
    assert error in (None, answer.document["error"])


def test_a_preview_equals_the_output_of_the_function(page: Page) -> None:
    page.put("preview.png", PNG)
    asked = event("preview.png", width=80, height=80, format="jpeg", gravity="0.9,0.5")
    answer = page.ask("POST", "/api/preview", {"event": asked})
    facts = json.loads(answer.headers["Tinypics-Facts"])
    assert (facts["width"], facts["height"], facts["bytes"]) == (80, 80, len(answer.body))
    assert (facts["source"]["width"], facts["rendition"]) == (400, "80x80-at0.9x0.5-jpeg")
    stored = started(page, **asked, dest_key="preview.jpg")["output"]
    made = page.stack.s3.get_object(Bucket="tiny-pics", Key=stored["dest_key"])["Body"].read()
    assert answer.body == made
    assert page.ask("POST", "/api/preview", {"event": asked}).body == made  # from the cache
    page.put("preview.png", encoded(photo((200, 200)), "PNG"))  # another version: the previous one is not shown for it
    facts = json.loads(page.ask("POST", "/api/preview", {"event": asked}).headers["Tinypics-Facts"])
    assert facts["source"]["width"] == 200


def test_a_file_that_is_not_in_the_bucket_has_a_preview(page: Page) -> None:
    asked = quote(json.dumps(event("mine.png", width=50)))
    answer = page.ask("POST", f"/api/preview/file?event={asked}", PNG)
    facts = json.loads(answer.headers["Tinypics-Facts"])
    assert (facts["width"], facts["source"]["width"], facts["bytes"]) == (50, 400, len(answer.body))
    assert page.ask("POST", f"/api/preview/file?event={asked}", b"text").document["error"] == "UnsupportedFormat"
    assert page.ask("POST", "/api/preview/file?event=1", PNG).document["error"] == "InvalidRequest"


def test_the_remedy_of_a_failure_is_in_its_advice(page: Page) -> None:
    page.put("cut.jpg", JPEG[: len(JPEG) // 2])
    found = started(page, "cut.jpg", width=30)
    assert found["advice"]["remedy"] == "replace"
    assert found["visits"][0]["answered"] == "CorruptImage"
    assert started(page, "cut.jpg", width=0)["advice"]["remedy"] == "change"
    assert advised("StoreUnavailable")["remedy"] == "retry"


def test_a_picture_that_crashes_its_decoder_costs_one_preview(page: Page) -> None:
    page.put("crash.jpg")
    facts = page.stack.facts
    previews = Previews(Cloud.local(facts.endpoint, facts.region), facts.stack)
    asked = event("crash.jpg", width=64)
    previews.preview(asked)
    decoder = previews._sandbox._pid
    assert decoder
    assert decoder != os.getpid()
    os.kill(decoder, signal.SIGSEGV)
    os.waitid(os.P_PID, decoder, os.WEXITED | os.WNOWAIT)  # deleted; its status remains for its starter
    output, _ = previews.preview(asked)
    assert output.width == 64


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"key": "nowhere.jpg"}, "SourceNotFound"),
        ({"key": "folder/"}, "InvalidRequest"),
        ({"width": 0}, "InvalidRequest"),
        ({"key": "text.jpg"}, "UnsupportedFormat"),
    ],
)
def test_a_preview_that_cannot_be_says_why(page: Page, more: dict[str, Any], error: str) -> None:
    page.put("text.jpg", b"text")
    answer = page.ask("POST", "/api/preview", {"event": event("text.jpg", width=10) | more})
    assert (answer.status, answer.document["error"]) == (200, error)


@pytest.mark.parametrize(("rendition", "signed"), [("128x128", False), ("40x-png", True)])
def test_addresses_show_the_picture_and_only_those_of_other_sizes_are_signed(
    page: Page, rendition: str, signed: bool
) -> None:
    page.put("address.jpg")
    url = page.post("/api/address", {"key": "address.jpg", "rendition": rendition})["url"]
    assert ("&s=" in url) == signed
    with urllib.request.urlopen(url) as answer:
        assert opened(answer.read()).width == int(rendition.partition("x")[0])


def test_snippets_for_this_stack_work_as_printed(page: Page) -> None:
    page.put("it's $HOME.jpg")
    found = page.post("/api/snippets", {"event": event("it's $HOME.jpg", width=24)})
    ran = subprocess.run([sys.executable, "-c", found["python"]], capture_output=True, text=True, check=True)
    assert page.ended(ran.stdout.strip().rpartition(":")[2])["status"] == "SUCCEEDED"
    ran = subprocess.run(["sh", "-c", f"{found['curl']} --silent"], capture_output=True, text=True, check=True)
    assert page.ended(json.loads(ran.stdout)["id"])["key"] == "it's $HOME.jpg"


def test_failures_are_grouped_and_retried_once(page: Page) -> None:
    failed = started(page, "later.jpg", width=16)
    (group,) = [each for each in page.get("/api/failures")["groups"] if each["error"] == "SourceNotFound"]
    assert failed["name"] in [item["name"] for item in group["items"]]
    assert group["advice"]["retry"]
    page.put("later.jpg")
    again = page.post("/api/failures/retry", {"names": [failed["name"]]})[failed["name"]]
    assert page.ended(again)["status"] == "SUCCEEDED"
    assert page.post("/api/failures/retry", {"names": [failed["name"]]})[failed["name"]] == again  # not twice
    names = [item["name"] for group in page.get("/api/failures")["groups"] for item in group["items"]]
    assert failed["name"] not in names
    assert page.ask("POST", "/api/failures/retry", {"names": [again]}).document["error"] == "InvalidRequest"


@pytest.mark.parametrize(
    ("key", "data", "shown"),
    [("cut.jpg", JPEG[: len(JPEG) // 2], True), ("text.jpg", b"hello", False), ("cut.tif", JPEG[:500], False)],
)
def test_a_failure_shows_its_source_if_a_browser_can_and_may(page: Page, key: str, data: bytes, shown: bool) -> None:
    page.put(key, data)
    failed = page.about(key)
    groups = page.get("/api/failures")["groups"]
    (item,) = [item for group in groups for item in group["items"] if item["name"] == failed["name"]]
    assert (item["thumbnail"] is not None) == shown
    if shown:
        with urllib.request.urlopen(item["thumbnail"]) as answer:
            assert answer.read() == data


def test_health_counts_the_lines_of_the_log(page: Page) -> None:
    page.put("health.jpg")
    before = page.get("/api/health?seconds=3600")
    started(page, "health.jpg", width=12)
    started(page, "unhealthy.jpg", width=12)
    after = page.get("/api/health?seconds=3600")
    assert after["attempts"] >= before["attempts"] + 2
    assert after["pictures"] > before["pictures"]  # "unhealthy.jpg"; the upload may have counted the other one
    assert after["counts"]["failed"] > before["counts"].get("failed", 0)
    assert after["errors"]["SourceNotFound"] >= 1
    assert after["gb_seconds"] > before["gb_seconds"]
    assert after["cost"] is None  # the emulator is free
    assert after["ms"]["p50"] <= after["ms"]["p99"]
    assert sum(bar["bad"] for bar in after["bars"]) >= after["counts"]["failed"]
    assert [queue["name"] for queue in after["queues"]] == ["Dead letters"]
    assert after["queues"][0]["waiting"] == 0


def test_the_newest_pictures_by_the_log(page: Page) -> None:
    page.put("newest.jpg")
    page.about("newest.jpg")
    good = started(page, "newest.jpg", renditions=["48x"])
    started(page, "newest-missing.jpg", width=48)
    found = page.get("/api/recent")
    assert len(found) <= 100
    assert [row["at"] for row in found] == sorted((row["at"] for row in found), reverse=True)
    rows = {(row["key"], row["result"] if row["status"] == "SUCCESS" else row["error"]): row for row in found}
    assert ("newest-missing.jpg", "SourceNotFound") in rows
    made = next(row for row in found if row["key"] == "newest.jpg" and row["made"][0]["width"] == 48)
    assert made["ms"] == good["output"]["duration_ms"]
    with urllib.request.urlopen(made["thumbnail"]) as answer:
        assert len(answer.read()) == made["made"][0]["bytes"]
