"""Each kind of event under AWS's runtime client: its answer, and one of our log lines for each record."""

from __future__ import annotations

import io
import itertools
import json
from typing import Any

import pytest
from PIL import Image

from tests.artifact import PROJECT
from tests.e2e import faults
from tests.e2e.faults import Fault
from tests.pictures import encoded, photo
from tests.runtime.api import WITHIN
from tests.runtime.conftest import Start
from tests.runtime.function import Function
from tests.runtime.store import SOURCE, Store
from tinypics.errors import TransientError

pytestmark = pytest.mark.e2e

PICTURE = encoded(photo((320, 240)), "JPEG")
KEY = "yourImage.jpg"
AWKWARD = "a b/ü+%41&=.jpg"
JUNK: list[object] = [None, 5, [], ["a.jpg"], {}, "text"]


def sample(name: str) -> dict[str, Any]:
    return dict(json.loads((PROJECT / "events" / f"{name}.json").read_text()))


DIRECT = sample("resize")


def queued(*bodies: str) -> dict[str, Any]:
    """A batch of SQS messages, numbered from 0."""
    return {
        "Records": [
            {"messageId": str(number), "body": body, "eventSource": "aws:sqs", "awsRegion": "us-east-1"}
            for number, body in enumerate(bodies)
        ]
    }


def size(data: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(data)).size


def test_a_direct_event(function: Function, store: Store) -> None:
    store.put(KEY, PICTURE)
    done = function.invoke(DIRECT)
    facts = {"status": "SUCCESS", "source_bucket": SOURCE, "source_key": KEY, "dest_key": KEY, "width": 128}
    assert done.answer.items() >= facts.items()
    assert size(store.output(KEY)) == (128, 128)
    (line,) = done.lines
    assert line.items() >= done.answer.items()
    assert line["level"] == "INFO"
    assert done.runtime_lines == []


def test_an_upload_by_eventbridge(function: Function, store: Store) -> None:
    event = sample("eventbridge-upload")
    event["detail"]["object"] |= {"etag": store.put(AWKWARD, PICTURE), "size": len(PICTURE)}
    done = function.invoke(event)
    assert (done.answer["status"], done.answer["source_key"]) == ("SUCCESS", AWKWARD)
    assert size(store.output(AWKWARD)) == (128, 128)
    (line,) = done.lines
    assert line.items() >= done.answer.items()
    assert done.runtime_lines == []


def test_a_notification_of_s3(function: Function, store: Store) -> None:
    event = sample("s3-notification")
    event["Records"][0]["s3"]["object"] |= {"eTag": store.put(AWKWARD, PICTURE), "size": len(PICTURE)}
    done = function.invoke(event)
    assert (done.answer["status"], done.answer["source_key"]) == ("SUCCESS", AWKWARD)
    assert size(store.output(AWKWARD)) == (128, 128)
    (line,) = done.lines
    assert line.items() >= done.answer.items()
    assert done.runtime_lines == []


def test_a_batch_of_messages(function: Function, store: Store) -> None:
    store.put(KEY, PICTURE)
    store.put(AWKWARD, PICTURE)
    upload = json.dumps(sample("s3-notification"))
    done = function.invoke(queued(upload, json.dumps(DIRECT), json.dumps(DIRECT | {"key": "missing.jpg"})))
    assert done.answer == {"batchItemFailures": []}
    assert [(line["status"], line["source_key"]) for line in done.lines] == [
        ("SUCCESS", AWKWARD),
        ("SUCCESS", KEY),
        ("FAILED", "missing.jpg"),
    ]
    assert done.lines[2]["error"] == "SourceNotFound"
    assert size(store.output(KEY)) == size(store.output(AWKWARD)) == (128, 128)
    assert done.runtime_lines == []


def test_junk_in_a_batch_is_refused_by_name_and_not_redelivered(function: Function, store: Store) -> None:
    store.put(KEY, PICTURE)
    junk = ["{", "", "no JSON", *map(json.dumps, JUNK)]
    test = json.dumps(sample("s3-test-event"))
    done = function.invoke(queued(*junk, test, json.dumps(DIRECT)))
    assert done.answer == {"batchItemFailures": []}
    *refused, tested, made = done.lines
    assert [(line["status"], line["error"]) for line in refused] == [("FAILED", "InvalidRequest")] * len(junk)
    assert (tested["status"], tested["skipped"]) == ("SUCCESS", True)
    assert (made["status"], made["source_key"]) == ("SUCCESS", KEY)
    assert size(store.output(KEY)) == (128, 128)
    assert done.runtime_lines == []


@pytest.mark.parametrize("event", JUNK, ids=json.dumps)
def test_an_event_that_is_junk_is_answered(function: Function, event: object) -> None:
    done = function.invoke(event)
    assert (done.answer["status"], done.answer["error"]) == ("FAILED", "InvalidRequest")
    (line,) = done.lines
    assert (line["level"], line["message"]) == ("ERROR", done.answer["message"])
    assert done.runtime_lines == []


def test_junk_among_the_records_of_a_notification(function: Function, store: Store) -> None:
    store.put(AWKWARD, PICTURE)
    done = function.invoke({"Records": [*JUNK, *sample("s3-notification")["Records"]]})
    assert (done.answer["status"], done.answer["error"]) == ("FAILED", "InvalidRequest")
    assert [line["status"] for line in done.lines] == ["FAILED"] * len(JUNK) + ["SUCCESS"]
    assert [record["status"] for record in done.answer["records"]] == [line["status"] for line in done.lines]
    assert size(store.output(AWKWARD)) == (128, 128)
    assert done.runtime_lines == []


def test_variables_of_the_stack_decide_the_outputs_of_an_upload(start: Start, store: Store) -> None:
    store.put(KEY, PICTURE)
    event = sample("eventbridge-upload")
    event["detail"]["object"] = {"key": KEY}
    with start(TINYPICS_RENDITIONS="64x48,thumb=32x32-webp", TINYPICS_OUTPUT_PREFIX="small/") as function:
        done = function.invoke(event)
    assert done.answer["manifest"] == f"small/{KEY}/manifest.json"
    assert size(store.output(f"small/{KEY}/64x48.jpg")) == (64, 48)
    assert size(store.output(f"small/{KEY}/thumb.webp")) == (32, 32)
    (line,) = done.lines
    assert line.items() >= done.answer.items()
    assert done.runtime_lines == []


def test_a_function_that_is_configured_wrongly_names_the_variable_for_every_event(start: Start, store: Store) -> None:
    store.put(KEY, PICTURE)
    refused = {"status": "FAILED", "error": "InvalidConfiguration"}
    with start(TINYPICS_RENDITIONS="foo") as function:
        for event in (DIRECT, sample("eventbridge-upload"), sample("s3-notification")):
            done = function.invoke(event)
            assert done.answer.items() >= refused.items()
            assert done.answer["message"].startswith("TINYPICS_RENDITIONS: ")
            assert [line.items() >= done.answer.items() for line in done.lines] == [True]
        batch = function.invoke(queued(json.dumps(DIRECT), "junk"))
        assert [each["itemIdentifier"] for each in batch.answer["batchItemFailures"]] == ["0", "1"]
        assert [line.items() >= refused.items() for line in batch.lines] == [True, True]
        counted = function.invoke({"backfill": {"id": "run-1", "input": {"bucket": SOURCE}}})
        assert counted.answer.items() >= refused.items()
        assert function.invoke({"Items": []}).answer.items() >= refused.items()


def test_a_backfill_is_counted_by_the_sdk_of_the_runtime_and_worked_on(function: Function, store: Store) -> None:
    store.put(KEY, PICTURE)
    store.put(AWKWARD, PICTURE)
    counted = function.invoke({"backfill": {"id": "run-1", "input": {"bucket": SOURCE}}})
    assert (counted.answer["status"], counted.answer["survey"]["objects"]) == ("COUNTED", 2)
    assert counted.lines == []
    assert {line["level"] for line in counted.runtime_lines} <= {"INFO"}  # the SDK's
    items = [{"run": counted.answer["run"], "item": {"Key": key}} for key in (AWKWARD, KEY)]
    done = function.invoke({"Items": items})
    assert (done.answer["status"], done.answer["done"], done.answer["left"]) == ("SUCCESS", 2, 0)
    assert [(line["status"], line["source_key"]) for line in done.lines] == [("SUCCESS", AWKWARD), ("SUCCESS", KEY)]
    assert size(store.output(KEY)) == size(store.output(AWKWARD)) == (128, 128)
    assert done.runtime_lines == []


# --- Errors that the workflow retries


def retried() -> list[set[str]]:
    """The error names that a workflow state retries, for each state that invokes the function."""
    found: list[set[str]] = []

    def look(state: dict[str, Any]) -> dict[str, Any]:
        if state.get("Resource") == "arn:aws:states:::lambda:invoke":
            rules = [rule for rule in state["Retry"] if rule.get("MaxAttempts", 3)]
            found.append({name for rule in rules for name in rule["ErrorEquals"]})
        return state

    for definition in PROJECT.glob("*-definition.json"):
        json.loads(definition.read_text(), object_hook=look)
    return found


def arrange(error: str, store: Store) -> float:
    """Make the next event fail with this error; returns its time limit in seconds."""
    heights = itertools.count(241)

    def change() -> None:
        store.put(KEY, encoded(photo((320, next(heights))), "JPEG"))

    harm = {"StoreUnavailable": faults.SLOW_DOWN, "SourceChanged": faults.then(change)}
    if error in harm:
        store.proxy.faults.append(Fault(harm[error], "GET", f"^/{SOURCE}/", times=None))
    return 0.9 if error == "DeadlineExceeded" else WITHIN


TRANSIENT = [error.__name__ for error in TransientError.__subclasses__()]


@pytest.mark.parametrize("error", TRANSIENT)
def test_a_transient_error_is_raised_by_a_name_that_the_workflows_retry(
    function: Function, store: Store, error: str
) -> None:
    store.put(KEY, PICTURE)
    done = function.invoke(DIRECT, left=arrange(error, store))
    assert done.error is not None
    assert done.error["errorType"] == error
    assert len(retried()) > 1
    assert all(error in names for names in retried())
    (line,) = done.lines
    assert (line["level"], line["status"], line["error"], line["source_key"]) == ("WARN", "RETRY", error, KEY)
    (theirs,) = done.runtime_lines
    assert (theirs["level"], theirs["errorType"]) == ("ERROR", error)
    store.proxy.clear()
    assert function.invoke(DIRECT).answer["status"] == "SUCCESS"


@pytest.mark.parametrize("error", TRANSIENT)
def test_a_message_that_meets_a_transient_error_is_redelivered(function: Function, store: Store, error: str) -> None:
    store.put(KEY, PICTURE)
    done = function.invoke(queued(json.dumps(DIRECT)), left=arrange(error, store))
    assert done.answer == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    (line,) = done.lines
    assert (line["status"], line["error"]) == ("RETRY", error)
    assert done.runtime_lines == []
