"""Parts of the console that need no emulator."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.waiting import PATIENCE
from tinypics.aws.settings import Settings
from tinypics.console import loglines
from tinypics.console.app import _aws_error
from tinypics.console.executions import successors
from tinypics.console.health import bars, percentile, summary
from tinypics.console.preview import Busy, Previews
from tinypics.stack.clients import Cloud
from tinypics.stack.deployed import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator

STACK = Stack("in", "out", "f", "arn:aws:states:us-east-1:0:stateMachine:resize", "/log", None)


class Logs:
    """FilterLogEvents with one line per page, and some empty pages."""

    def __init__(self, *pages: list[str]) -> None:
        self.pages = pages
        self.asked = 0

    def get_paginator(self, operation: str) -> Logs:
        assert operation == "filter_log_events"
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        for number, texts in enumerate(self.pages):
            self.asked += 1
            events = [{"timestamp": number, "message": text} for text in texts]
            yield {"events": events} | ({"nextToken": str(number + 1)} if number + 1 < len(self.pages) else {})


def test_lines_are_read_page_by_page_up_to_a_bound() -> None:
    a, b, c = lines = [{"n": number} for number in range(3)]
    texts = [json.dumps(line) for line in lines]
    logs = Logs(texts[:1], [], texts[1:])
    assert loglines.read(logs, "/log", 0, None, 3) == ([(0, a), (2, b), (2, c)], True)
    assert loglines.read(logs, "/log", 0, 9, 2) == ([(0, a), (2, b)], False)
    logs = Logs(texts[:1], texts[1:], texts)
    assert loglines.read(logs, "/log", 0, None, 3) == ([(0, a), (1, b), (1, c)], False)
    assert logs.asked == 2


def test_answers_without_lines_come_to_an_end_and_are_not_taken_for_everything() -> None:
    endless = Logs(*[[]] * 1000)
    assert loglines.read(endless, "/log", 0, None, 10) == ([], False)
    assert endless.asked < 100


@pytest.mark.parametrize("text", ["START RequestId: 1", "[1]", "", '"text"', "{"])
def test_lines_of_another_kind_are_left_out_but_count(text: str) -> None:
    assert loglines.read(Logs([text, "{}", '{"a": 1}']), "/log", 0, None, 2) == ([], False)


def test_the_answer_distinguishes_lines_of_one_picture() -> None:
    answer = {"status": "SUCCESS", "source_key": "k", "duration_ms": 3.1, "source": {"bytes": 1}}
    line = {**answer, "level": "INFO", "request_id": "1"}
    assert loglines.belongs(line, "k", [answer])
    assert not loglines.belongs(line | {"duration_ms": 3.2}, "k", [answer])  # another execution's
    assert not loglines.belongs(line, "k", [answer | {"request_id": "2"}])
    assert not loglines.belongs(line, "k", [])
    assert loglines.belongs({"status": "RETRY", "source_key": "k"}, "k", [])
    assert not loglines.belongs({"status": "RETRY", "source_key": "other"}, "k", [])


def test_expired_credentials_are_reported_with_advice() -> None:
    error = ClientError({"Error": {"Code": "ExpiredTokenException", "Message": "It has expired."}}, "ListExecutions")
    answer = _aws_error(None, error)  # type: ignore[arg-type]
    assert answer.status_code == 502
    assert b"ExpiredTokenException" in answer.body
    assert b"Renew your credentials" in answer.body


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"Type": "Succeed"}, []),
        ({"Type": "Task", "Next": "B", "Retry": [{"ErrorEquals": ["E"]}]}, ["B"]),
        ({"Type": "Map", "End": True, "Catch": [{"ErrorEquals": ["E"], "Next": "C"}]}, ["C"]),
        (
            {"Type": "Choice", "Choices": [{"Condition": "{% $x %}", "Next": "B"}, {"Next": "A"}, {"Next": "B"}]},
            ["A", "B"],
        ),
        ({"Type": "Choice", "Choices": [{"And": [], "Next": "B"}], "Default": "A"}, ["A", "B"]),
    ],
)
def test_the_states_that_may_follow_another(state: dict[str, Any], expected: list[str]) -> None:
    assert successors(state) == expected


def test_figures_of_some_lines() -> None:
    lines: list[dict[str, Any]] = [
        {"status": "FAILED", "source_key": "a", "error": "SourceNotFound"},  # before it was uploaded
        {"status": "SUCCESS", "source_key": "a", "duration_ms": 10.0, "gb_seconds": 0.5, "cold_start": True},
        {"status": "SUCCESS", "source_key": "b", "duration_ms": 30.0, "gb_seconds": 0.25, "skipped": True},
        {"status": "SUCCESS", "source_key": "a", "skipped": True},  # a backfill after it was made
        {"status": "FAILED", "source_key": "c", "duration_ms": 20.0, "error": "CorruptImage"},
        {"status": "FAILED", "source_key": "c", "error": "CorruptImage"},
        {"status": "RETRY", "source_key": "b", "error": "StoreUnavailable"},
    ]
    found = summary(lines)
    assert (found["pictures"], found["attempts"], found["retried"]) == (3, 7, 1)
    assert found["counts"] == {"made": 1, "current": 1, "failed": 1}
    assert found["errors"] == {"SourceNotFound": 1, "CorruptImage": 1, "StoreUnavailable": 1}
    assert found["ms"] == {"p50": 20.0, "p95": 30.0, "p99": 30.0}
    assert found["cost"] == "$0.000011"  # 0.75 GB-seconds of $0.0000133, and seven requests of $0.0000002
    assert summary([])["ms"]["p50"] is None


@pytest.mark.parametrize(("share", "expected"), [(1, 1), (50, 50), (95, 95), (99, 99), (100, 100)])
def test_percentiles_of_a_hundred(share: int, expected: int) -> None:
    assert percentile([float(n) for n in range(1, 101)], share) == expected
    assert percentile([7.0], share) == 7


def test_bars_are_of_equal_time_and_lose_nothing() -> None:
    told = [(stamp, {"status": "SUCCESS" if stamp % 2 else "FAILED"}) for stamp in (0, 1, 500, 999, 1000, 1001)]
    found = bars(told, 0, 1000)
    assert sum(bar["good"] + bar["bad"] for bar in found) == len(told)
    assert found[0] == {"good": 1, "bad": 1}
    assert found[-1] == {"good": 2, "bad": 1}


def test_more_previews_than_may_wait_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = Cloud.local("http://127.0.0.1:1", "us-east-1")
    previews = Previews(cloud, STACK)
    monkeypatch.setattr(Previews, "settings", lambda _: Settings())
    go = threading.Event()
    entered = threading.Semaphore(0)

    def slow(*_: object) -> None:
        entered.release()
        assert go.wait(PATIENCE)

    monkeypatch.setattr(Previews, "_render", slow)
    event = {"bucket": "original-pics", "dest_bucket": "tiny-pics", "key": "k", "width": 1}
    threads = [threading.Thread(target=previews.preview, args=(event,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert entered.acquire(timeout=PATIENCE)
    while previews._slots._value:  # until all four wait
        pass
    with pytest.raises(Busy):
        previews.preview(event)
    go.set()
    for thread in threads:
        thread.join(PATIENCE)


def test_addresses_on_aws_are_regional_and_signed_in_the_way_that_every_region_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for region in ("us-east-1", "eu-central-1"):
        cloud = Cloud.aws(None, region)
        assert cloud.region == region
        signed = cloud.presigner().generate_presigned_url("get_object", Params={"Bucket": "pics", "Key": "a b"})
        assert signed.startswith(f"https://pics.s3.{region}.amazonaws.com/a%20b?X-Amz-Algorithm=AWS4-HMAC-SHA256")
