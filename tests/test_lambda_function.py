from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from obstore.store import MemoryStore
from PIL import Image

import lambda_function
from tinypics.aws import settings
from tinypics.aws.settings import Settings
from tinypics.errors import StoreUnavailable
from tinypics.store.bucket import Bucket

MISSION = {"bucket": "original-pics", "key": "yourImage.jpg", "dest_bucket": "tiny-pics", "width": 128, "height": 128}


class Context:
    aws_request_id = "request-1"


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> dict[str, MemoryStore]:
    found = {"original-pics": MemoryStore(), "tiny-pics": MemoryStore()}
    monkeypatch.setattr(lambda_function, "open_bucket", lambda name: Bucket(name, found[name]))
    monkeypatch.setattr(
        lambda_function,
        "SETTINGS",
        Settings(source_buckets=frozenset({"original-pics", "unavailable", "bug"}), output_bucket="tiny-pics"),
    )
    buffer = io.BytesIO()
    Image.new("RGB", (600, 400), "teal").save(buffer, "JPEG")
    Bucket("", found["original-pics"]).put("yourImage.jpg", buffer.getvalue(), attributes={}, replaces=None)
    return found


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_missions_event_gets_the_missions_answer(
    stores: dict[str, MemoryStore], capsys: pytest.CaptureFixture[str]
) -> None:
    answer = lambda_function.lambda_handler(MISSION, Context())
    assert (
        answer.items()
        >= {
            "status": "SUCCESS",
            "source_bucket": "original-pics",
            "source_key": "yourImage.jpg",
            "dest_bucket": "tiny-pics",
            "dest_key": "yourImage.jpg",
            "width": 128,
            "height": 128,
            "format": "jpeg",
        }.items()
    )
    data = Bucket("", stores["tiny-pics"]).open("yourImage.jpg", max_bytes=10**6).read_all()
    assert Image.open(io.BytesIO(data)).size == (128, 128)
    assert answer["bytes"] == len(data)
    assert answer["source"].items() >= {"width": 600, "height": 400, "format": "jpeg"}.items()
    assert set(answer["timings_ms"]) == {"fetch", "decode", "transform", "encode", "store"}
    (line,) = lines(capsys)
    assert line.items() >= answer.items()
    assert (line["level"], line["request_id"]) == ("INFO", "request-1")


def test_a_list_answers_for_each_rendition(stores: dict[str, MemoryStore]) -> None:
    event = {"bucket": "original-pics", "key": "yourImage.jpg", "renditions": ["60x", "thumb=32x32-png"]}
    answer = lambda_function.lambda_handler(event, Context())
    assert [(item["dest_key"], item["width"], item["height"]) for item in answer["renditions"]] == [
        ("yourImage.jpg/60x.jpg", 60, 40),
        ("yourImage.jpg/thumb.png", 32, 32),
    ]
    assert (answer["width"], answer["height"]) == (60, 40)


def test_a_permanent_failure_is_answered_and_logged_with_its_subject(
    stores: dict[str, MemoryStore], capsys: pytest.CaptureFixture[str]
) -> None:
    answer = lambda_function.lambda_handler(MISSION | {"width": "128"}, Context())
    assert (answer["status"], answer["error"], answer["source_key"]) == ("FAILED", "InvalidRequest", "yourImage.jpg")
    (line,) = lines(capsys)
    assert (line["level"], line["error"]) == ("ERROR", "InvalidRequest")


def test_a_transient_failure_is_logged_and_raised(
    stores: dict[str, MemoryStore], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unavailable(name: str) -> Bucket:
        raise StoreUnavailable(f"bucket {name}: 503 SlowDown")

    monkeypatch.setattr(lambda_function, "open_bucket", unavailable)
    with pytest.raises(StoreUnavailable):
        lambda_function.lambda_handler(MISSION, Context())
    (line,) = lines(capsys)
    assert (line["status"], line["level"], line["source_key"]) == ("RETRY", "WARN", "yourImage.jpg")


def test_a_notification_answers_for_each_record(
    stores: dict[str, MemoryStore], capsys: pytest.CaptureFixture[str]
) -> None:
    def record(key: str) -> dict[str, Any]:
        s3 = {"bucket": {"name": "original-pics"}, "object": {"key": key, "size": 0}}
        return {"eventName": "ObjectCreated:Put", "s3": s3}

    answer = lambda_function.lambda_handler({"Records": [record("yourImage.jpg"), record("folder/")]}, Context())
    assert answer["status"] == "SUCCESS"
    assert [item.get("skipped", False) for item in answer["records"]] == [False, True]
    assert len(lines(capsys)) == 2


# --- Queues


def message(identity: str, body: object) -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    return {"eventSource": "aws:sqs", "messageId": identity, "body": text}


GOOD = MISSION
PERMANENT = MISSION | {"key": "missing.jpg"}
TRANSIENT = MISSION | {"bucket": "unavailable"}
UNFORESEEN = MISSION | {"bucket": "bug"}


@pytest.fixture
def failing(stores: dict[str, MemoryStore], monkeypatch: pytest.MonkeyPatch) -> None:
    def open_bucket(name: str) -> Bucket:
        if name == "unavailable":
            raise StoreUnavailable("503 SlowDown")
        if name == "bug":
            raise KeyError("bug")
        return Bucket(name, stores[name])

    monkeypatch.setattr(lambda_function, "open_bucket", open_bucket)


@pytest.mark.parametrize("pattern", range(32))
def test_only_messages_that_may_succeed_later_come_again(failing: None, pattern: int) -> None:
    again = [bool(pattern & 1 << bit) for bit in range(5)]
    batch = [message(f"m{bit}", TRANSIENT if bad else (GOOD, PERMANENT)[bit % 2]) for bit, bad in enumerate(again)]
    answer = lambda_function.lambda_handler({"Records": batch}, Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": f"m{bit}"} for bit, bad in enumerate(again) if bad]}


def test_a_poison_message_does_not_bring_back_the_others(
    failing: None, capsys: pytest.CaptureFixture[str], stores: dict[str, MemoryStore]
) -> None:
    batch = [message(f"m{number}", MISSION | {"dest_key": f"{number}.jpg"}) for number in range(9)]
    batch.insert(4, message("poison", "{" + "x" * 250_000))
    assert lambda_function.lambda_handler({"Records": batch}, Context()) == {"batchItemFailures": []}
    assert [line["status"] for line in lines(capsys)].count("SUCCESS") == 9


def test_a_message_that_meets_a_bug_comes_again_alone_and_says_where(
    failing: None, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = [message("good", GOOD), message("bug", UNFORESEEN)]
    answer = lambda_function.lambda_handler({"Records": batch}, Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "bug"}]}
    assert "KeyError" in lines(capsys)[1]["traceback"]


def test_a_queue_may_carry_notifications(failing: None, stores: dict[str, MemoryStore]) -> None:
    s3 = {"bucket": {"name": "original-pics"}, "object": {"key": "yourImage.jpg"}}
    body = {"Records": [{"eventName": "ObjectCreated:Put", "s3": s3}]}
    assert lambda_function.lambda_handler({"Records": [message("m", body)]}, Context()) == {"batchItemFailures": []}
    assert Bucket("", stores["tiny-pics"]).head("yourImage.jpg") is not None


def test_every_record_has_its_try_before_a_transient_failure_is_raised(
    failing: None, stores: dict[str, MemoryStore]
) -> None:
    def record(bucket: str) -> dict[str, Any]:
        return {
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": bucket}, "object": {"key": "yourImage.jpg"}},
        }

    with pytest.raises(StoreUnavailable):
        lambda_function.lambda_handler({"Records": [record("unavailable"), record("original-pics")]}, Context())
    assert Bucket("", stores["tiny-pics"]).head("yourImage.jpg") is not None


# --- An invalid configuration


WRONG = {"TINYPICS_OUTPUT_BUCKET": "tiny-pics", "TINYPICS_TAGS": "no-tag"}
SAYS = 'TINYPICS_TAGS: expected at most ten tags like team=photos&kind=thumbnail, got "no-tag"'


@pytest.fixture(params=["a variable that is wrong", "one that is missing"])
def misconfigured(
    request: pytest.FixtureRequest, stores: dict[str, MemoryStore], monkeypatch: pytest.MonkeyPatch
) -> str:
    missing = request.param == "one that is missing"
    monkeypatch.setattr(lambda_function, "SETTINGS", Settings() if missing else settings.load(WRONG))
    return "TINYPICS_OUTPUT_BUCKET: expected the name of a bucket, got nothing" if missing else SAYS


def uploaded(key: str) -> dict[str, Any]:
    s3 = {"bucket": {"name": "original-pics"}, "object": {"key": key}}
    return {"eventName": "ObjectCreated:Put", "s3": s3}


UPLOAD = {
    "source": "aws.s3",
    "detail-type": "Object Created",
    "detail": {"bucket": {"name": "original-pics"}, "object": {"key": "yourImage.jpg"}},
}


@pytest.mark.parametrize("event", [UPLOAD, {"Records": [uploaded("yourImage.jpg")]}])
def test_a_wrong_configuration_is_the_answer_to_every_event(
    event: dict[str, Any], misconfigured: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = lambda_function.lambda_handler(event, Context())
    named = {"status": "FAILED", "error": "InvalidConfiguration", "message": misconfigured}
    about = {"source_bucket": "original-pics", "source_key": "yourImage.jpg"}
    assert answer.items() >= (named | about).items()
    (line,) = lines(capsys)
    assert line.items() >= (answer | {"level": "ERROR", "request_id": "request-1"}).items()


@pytest.mark.parametrize("event", [MISSION, {}, [], None, {"bucket": "foreign", "key": "k"}])
def test_also_to_one_that_would_be_refused_otherwise(event: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lambda_function, "SETTINGS", settings.load(WRONG))
    answer = lambda_function.lambda_handler(event, Context())
    assert (answer["status"], answer["error"], answer["message"]) == ("FAILED", "InvalidConfiguration", SAYS)


def test_each_record_of_a_notification_has_its_answer_and_its_line(
    misconfigured: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = lambda_function.lambda_handler({"Records": [uploaded("a.jpg"), uploaded("b.jpg")]}, Context())
    assert (answer["status"], answer["error"]) == ("FAILED", "InvalidConfiguration")
    assert [line["source_key"] for line in lines(capsys)] == ["a.jpg", "b.jpg"]
    assert [record["message"] for record in answer["records"]] == [misconfigured] * 2


def test_a_wrong_deployment_loses_no_message(
    misconfigured: str,
    stores: dict[str, MemoryStore],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    batch = {"Records": [message("one", UPLOAD), message("two", {"Records": [uploaded("yourImage.jpg")]})]}
    answer = lambda_function.lambda_handler(batch, Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "one"}, {"itemIdentifier": "two"}]}
    assert [line["error"] for line in lines(capsys)] == ["InvalidConfiguration"] * 2
    monkeypatch.setattr(lambda_function, "SETTINGS", settings.load(WRONG | {"TINYPICS_TAGS": ""}))
    assert lambda_function.lambda_handler(batch, Context()) == {"batchItemFailures": []}
    assert Bucket("", stores["tiny-pics"]).head("yourImage.jpg") is not None


def test_a_backfill_is_refused_by_name_before_anything_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lambda_function, "SETTINGS", settings.load(WRONG))
    event = {"backfill": {"id": "run", "input": {"bucket": "original-pics"}}}
    answer = lambda_function.lambda_handler(event, Context())
    assert answer == {"status": "FAILED", "error": "InvalidConfiguration", "message": SAYS}


@pytest.mark.parametrize("module", ["lambda_function", "tinypics.aws.api"])
def test_no_variable_can_keep_a_function_from_being_loaded(module: str) -> None:
    program = f"import {module} as loaded; print(type(loaded.SETTINGS).__name__, loaded.SETTINGS.message)"
    source = str(Path(lambda_function.__file__).parent)
    environment = os.environ | dict.fromkeys(settings.READERS, " /\n") | {"PYTHONPATH": source}
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert ran.stdout.startswith("InvalidConfiguration TINYPICS_PREFIX: expected ")
