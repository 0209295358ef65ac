"""From an upload, an invocation, an execution or an API call to a thumbnail, with a real emulator."""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from tests.waiting import PATIENCE, SELDOM, eventually

if TYPE_CHECKING:
    from tests.local_stack import LocalStack

pytestmark = pytest.mark.e2e

IN, OUT = "original-pics", "tiny-pics"
KEYS = ["a b/ü+%41&=.jpg", "100%.png", "日本/写真.jpeg", "/".join(["k" * 199] * 5) + "!"]


def photo(width: int = 640, height: int = 480) -> bytes:
    buffer = io.BytesIO()
    gradient = Image.linear_gradient("L")
    channels = [gradient.rotate(angle).resize((width, height)) for angle in (0, 90, 180)]
    Image.merge("RGB", channels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


PHOTO = photo()


@pytest.fixture(autouse=True)
def empty_buckets(stack: LocalStack) -> Iterator[None]:
    yield
    for bucket in (IN, OUT):
        for item in stack.s3.list_objects_v2(Bucket=bucket).get("Contents", []):
            stack.s3.delete_object(Bucket=bucket, Key=item["Key"])


def stored(stack: LocalStack, key: str) -> Image.Image | None:
    try:
        body = stack.s3.get_object(Bucket=OUT, Key=key)["Body"].read()
    except stack.s3.exceptions.NoSuchKey:
        return None
    return Image.open(io.BytesIO(body))


def outputs(stack: LocalStack) -> list[str]:
    return [item["Key"] for item in stack.s3.list_objects_v2(Bucket=OUT).get("Contents", [])]


def upload(stack: LocalStack, key: str, body: bytes = PHOTO) -> None:
    stack.s3.put_object(Bucket=IN, Key=key, Body=body)


def mission(key: str, **fields: Any) -> dict[str, Any]:
    return {"bucket": IN, "key": key, "dest_bucket": OUT, "width": 128, "height": 128} | fields


def invoke(stack: LocalStack, event: object) -> dict[str, Any]:
    response = stack.functions.invoke(FunctionName=stack.facts.stack.function, Payload=json.dumps(event))
    assert "FunctionError" not in response
    answer: dict[str, Any] = json.loads(response["Payload"].read())
    return answer


def run(stack: LocalStack, event: object) -> dict[str, Any]:
    """Start the workflow and wait for its end; returns DescribeExecution's answer."""
    name = str(uuid.uuid4())
    arn = stack.workflows.start_execution(
        stateMachineArn=stack.facts.stack.state_machine, name=name, input=json.dumps(event)
    )["executionArn"]
    return finished(stack, arn)


def has_ended(execution: dict[str, Any]) -> bool:
    """The emulator writes the status of a failed execution before its error."""
    return execution["status"] == "SUCCEEDED" or (execution["status"] != "RUNNING" and "error" in execution)


def finished(stack: LocalStack, arn: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = stack.workflows.describe_execution(executionArn=arn)
        return found if has_ended(found) else None

    return eventually(look, SELDOM)


def execution_for(stack: LocalStack, key: str) -> dict[str, Any]:
    """Wait for the execution that an upload of `key` started."""

    def look() -> dict[str, Any] | None:
        machine = stack.facts.stack.state_machine
        for item in stack.workflows.list_executions(stateMachineArn=machine)["executions"]:
            found: dict[str, Any] = stack.workflows.describe_execution(executionArn=item["executionArn"])
            if has_ended(found) and key in json.dumps(json.loads(found["input"]), ensure_ascii=False):
                return found
        return None

    return eventually(look, SELDOM)


def attempts(stack: LocalStack, execution: dict[str, Any]) -> int:
    history = stack.workflows.get_execution_history(executionArn=execution["executionArn"])["events"]
    return sum(event["type"] == "TaskScheduled" for event in history)


def call(stack: LocalStack, path: str, body: bytes | None = None) -> tuple[int, dict[str, Any]]:
    url = path if path.startswith("http") else f"{stack.facts.stack.api_url}{path}"
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


# --- Valid pictures


def test_an_upload_of_12_megapixels_becomes_a_thumbnail(stack: LocalStack) -> None:
    upload(stack, "photo.jpg", photo(4032, 3024))
    thumbnail = eventually(lambda: stored(stack, "photo.jpg"), SELDOM)
    assert (thumbnail.size, thumbnail.format) == ((128, 128), "JPEG")
    assert stack.s3.head_object(Bucket=OUT, Key="photo.jpg")["ContentType"] == "image/jpeg"
    assert execution_for(stack, "photo.jpg")["status"] == "SUCCEEDED"


@pytest.mark.parametrize("way", ["invoke", "run", "api"])
def test_the_missions_event_gives_the_missions_answer(stack: LocalStack, way: str) -> None:
    # The uploads also trigger the workflow; the direct events run in addition.
    upload(stack, "yourImage.jpg")
    event = mission("yourImage.jpg", dest_key=f"{way}.jpg")
    if way == "invoke":
        answer = invoke(stack, event)
    elif way == "run":
        execution = run(stack, event)
        assert execution["status"] == "SUCCEEDED"
        answer = json.loads(execution["output"])
    else:
        status, started = call(stack, "/resize", json.dumps(event).encode())
        assert status == 202

        def look() -> dict[str, Any] | None:
            status, state = call(stack, started["status_url"])
            assert (status, state["id"]) == (200, started["id"])
            return state if state["status"] != "RUNNING" else None

        state = eventually(look, SELDOM)
        assert state["status"] == "SUCCEEDED"
        answer = state["result"]
    expected = {"status": "SUCCESS", "source_bucket": IN, "dest_bucket": OUT, "width": 128, "height": 128}
    assert answer.items() >= expected.items()
    thumbnail = stored(stack, f"{way}.jpg")
    assert thumbnail is not None
    assert thumbnail.size == (128, 128)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: f"{len(key.encode())}-bytes")
def test_a_key_survives_every_way_in(stack: LocalStack, key: str) -> None:
    upload(stack, key)
    assert eventually(lambda: stored(stack, key), SELDOM).size == (128, 128)
    event = mission(key, width=40, height=30)
    for answer in (invoke(stack, event), json.loads(run(stack, event)["output"])):
        assert (answer["status"], answer["source_key"]) == ("SUCCESS", key)
        thumbnail = stored(stack, answer["dest_key"])
        assert thumbnail is not None
        assert thumbnail.size == (40, 30)
    status, started = call(stack, "/resize", json.dumps(mission(key, width=20, height=20)).encode())
    assert status == 202
    eventually(lambda: call(stack, started["status_url"])[1].get("result"), SELDOM)
    assert stored(stack, key).size == (20, 20)  # type: ignore[union-attr]


def test_an_s3_notification_to_the_function_itself_works_too(stack: LocalStack) -> None:
    upload(stack, "a b/ü+%41&=.jpg")
    record = {
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": IN}, "object": {"key": "a+b/%C3%BC%2B%2541%26%3D.jpg", "size": len(PHOTO)}},
    }
    answer = invoke(stack, {"Records": [record]})
    assert (answer["status"], answer["dest_key"]) == ("SUCCESS", "a b/ü+%41&=.jpg")


def test_every_invocation_leaves_one_json_line(stack: LocalStack) -> None:
    upload(stack, "logged/ü.jpg")
    invoke(stack, mission("logged/ü.jpg", dest_key="logged-once.jpg"))

    def look() -> list[dict[str, Any]] | None:
        pages = stack.logs.get_paginator("filter_log_events").paginate(logGroupName=stack.facts.stack.log_group)
        texts = [text for page in pages for event in page["events"] for text in event["message"].splitlines()]
        found = [json.loads(text) for text in texts if text.startswith("{") and "logged-once.jpg" in text]
        if not found:  # on a busy machine the emulator writes a line with those of the next invocation
            invoke(stack, {})
        return found

    (line,) = eventually(look, SELDOM)
    assert (
        line.items()
        >= {
            "status": "SUCCESS",
            "source_bucket": IN,
            "source_key": "logged/ü.jpg",
            "dest_bucket": OUT,
            "dest_key": "logged-once.jpg",
            "width": 128,
            "height": 128,
        }.items()
    )
    assert line["source"]["bytes"] == len(PHOTO)
    assert set(line["timings_ms"]) == {"fetch", "decode", "transform", "encode", "store"}
    assert line["request_id"]


# --- Invalid pictures: a failed execution with the error's name, after one attempt, and no output


def png_cut_short() -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((300, 300), 60).save(buffer, "PNG")
    return buffer.getvalue()[:-5000]


BAD_UPLOADS = {
    "text.jpg": (b"this is a text file, whatever its name says\n" * 50, "UnsupportedFormat"),
    "cut.png": (png_cut_short(), "CorruptImage"),
    "empty.jpg": (b"", "CorruptImage"),
}
BAD_EVENTS = [
    (mission("missing.jpg"), "SourceNotFound", "missing.jpg"),
    (
        mission("good.jpg", bucket="foreign"),
        "AccessDenied",
        'bucket: expected a bucket of this stack (original-pics), got "foreign"',
    ),
    (mission("good.jpg", dest_bucket="foreign"), "AccessDenied", "dest_bucket: expected a bucket of this stack"),
    (mission("good.jpg", width=0), "InvalidRequest", "width: expected a whole number"),
    (mission("good.jpg", width="128"), "InvalidRequest", 'got "128"'),
    (mission("good.jpg", fit="squash"), "InvalidRequest", "fit: expected"),
    (mission("good.jpg", dest_bucket=IN), "LoopRefused", "another bucket"),
    ({"hello": "world"}, "InvalidRequest", "event: expected only the fields"),
]


@pytest.mark.parametrize("name", BAD_UPLOADS)
def test_a_bad_upload_fails_by_name_and_the_next_good_one_works(stack: LocalStack, name: str) -> None:
    body, error = BAD_UPLOADS[name]
    key = f"{uuid.uuid4()}/{name}"  # other files share the stack, and its executions
    upload(stack, key, body)
    execution = execution_for(stack, key)
    assert (execution["status"], execution["error"]) == ("FAILED", error)
    assert len(execution["cause"]) > 20
    assert attempts(stack, execution) == 1
    assert outputs(stack) == []
    upload(stack, "good.jpg")
    assert eventually(lambda: stored(stack, "good.jpg"), SELDOM).size == (128, 128)


@pytest.mark.parametrize(("event", "error", "message"), BAD_EVENTS)
def test_a_bad_event_fails_by_name(stack: LocalStack, event: dict[str, Any], error: str, message: str) -> None:
    upload(stack, "good.jpg")
    eventually(lambda: stored(stack, "good.jpg"), SELDOM)
    before = outputs(stack)
    execution = run(stack, event)
    assert (execution["status"], execution["error"]) == ("FAILED", error)
    assert message in execution["cause"]
    assert attempts(stack, execution) == 1
    assert outputs(stack) == before


def test_what_is_not_a_picture_by_intention_is_skipped_and_does_not_fail(stack: LocalStack) -> None:
    upload(stack, "folder/", b"")
    execution = execution_for(stack, "folder/")
    assert execution["status"] == "SUCCEEDED"
    assert json.loads(execution["output"])["skipped"] is True
    test_event = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": IN}
    assert run(stack, test_event)["status"] == "SUCCEEDED"
    assert invoke(stack, test_event)["skipped"] is True
    assert outputs(stack) == []


# --- The API


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (b"{", "InvalidRequest", "body: expected a JSON document"),
        (json.dumps(mission("a.jpg", width="128")).encode(), "InvalidRequest", 'width: expected a whole number'),
        (json.dumps(mission("a.jpg", colour="red")).encode(), "InvalidRequest", '"colour"'),
    ],
)  # fmt: skip
def test_the_api_refuses_a_bad_body_with_the_named_error(
    stack: LocalStack, body: bytes, error: str, message: str
) -> None:
    status, answer = call(stack, "/resize", body)
    assert (status, answer["error"]) == (400, error)
    assert message in answer["message"]


def test_the_api_tells_how_a_failed_execution_failed(stack: LocalStack) -> None:
    _, started = call(stack, "/resize", json.dumps(mission("nowhere.jpg")).encode())

    def look() -> dict[str, Any] | None:
        _, state = call(stack, started["status_url"])
        return state if state["status"] != "RUNNING" else None

    state = eventually(look, SELDOM)
    assert (state["status"], state["error"]) == ("FAILED", "SourceNotFound")
    assert "nowhere.jpg" in state["message"]


def test_the_api_does_not_know_an_id_that_it_did_not_give(stack: LocalStack) -> None:
    assert call(stack, f"/resize/{uuid.uuid4()}")[0] == 404
