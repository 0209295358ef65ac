"""The path of an execution, from events as in Step Functions' API reference, HistoryEvent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tinypics.console.history import visits

START = datetime(2026, 11, 24, tzinfo=UTC)


def event(ms: int, kind: str, **details: Any) -> dict[str, Any]:
    return {"timestamp": START + timedelta(milliseconds=ms), "type": kind, **details}


def entered(ms: int, kind: str, name: str) -> dict[str, Any]:
    return event(ms, f"{kind}StateEntered", stateEnteredEventDetails={"name": name})


def failed(ms: int, error: str) -> dict[str, Any]:
    return event(
        ms,
        "TaskFailed",
        taskFailedEventDetails={"error": error, "cause": '{"errorMessage": "because", "stackTrace": []}'},
    )


RETRIED = [
    event(0, "ExecutionStarted"),
    entered(10, "Task", "ResizeImage"),
    event(10, "TaskScheduled"),
    failed(50, "StoreUnavailable"),
    event(1050, "TaskScheduled"),
    event(1090, "TaskSucceeded"),
    event(1100, "TaskStateExited"),
    entered(1100, "Choice", "CheckStatus"),
    event(1101, "ChoiceStateExited"),
    entered(1101, "Fail", "Failed"),
    event(1102, "ExecutionFailed"),
]


def test_each_state_has_its_time_its_attempts_and_their_errors() -> None:
    found = visits(RETRIED)
    assert [(visit.state, visit.at, visit.ms) for visit in found] == [
        ("ResizeImage", 10, 1090),
        ("CheckStatus", 1100, 1),
        ("Failed", 1101, 1),
    ]
    assert (found[0].attempts, found[0].retries, found[0].errors) == (2, 1, [("StoreUnavailable", "because")])
    assert [visit.failed for visit in found] == [False, False, True]
    assert [visit.retries for visit in found[1:]] == [0, 0]


def test_where_an_execution_is_has_no_end_yet() -> None:
    found = visits(RETRIED[:5])
    assert [(visit.state, visit.ms, visit.attempts) for visit in found] == [("ResizeImage", None, 2)]


def test_an_execution_that_is_stopped_ends_where_it_was() -> None:
    found = visits([*RETRIED[:3], event(900, "ExecutionAborted")])
    assert [(visit.state, visit.ms, visit.failed) for visit in found] == [("ResizeImage", 890, True)]
    assert visits([event(0, "ExecutionStarted"), event(1, "ExecutionAborted")]) == []
