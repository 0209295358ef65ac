"""The terminal's output for a function that raises, and for a task that is retried."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tinypics.cli import workflow
from tinypics.stack.executions import outcome

START = datetime(2026, 1, 1, tzinfo=UTC)


class Services:
    """A fake Lambda and Step Functions."""

    pause = 0.0
    stack = type("stack", (), {"function": "f", "state_machine": "arn"})

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.polls = iter(["RUNNING", "RUNNING"])

    def client(self, _: str) -> Services:
        return self

    def invoke(self, *, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803
        assert (FunctionName, Payload) == ("f", "{}")
        return {**self.answers, "Payload": io.BytesIO(json.dumps(self.answers["Payload"]).encode())}

    def describe_state_machine(self, **_: str) -> dict[str, str]:
        return {"type": "STANDARD"}

    def start_execution(self, **_: str) -> dict[str, str]:
        return {"executionArn": "execution"}

    def describe_execution(self, **_: str) -> dict[str, Any]:
        return {"status": next(self.polls, "FAILED"), "error": "StoreUnavailable", "cause": "503"}

    def get_paginator(self, _: str) -> Services:
        return self

    def paginate(self, **_: object) -> list[dict[str, Any]]:
        failed = {"type": "TaskFailed", "taskFailedEventDetails": {"error": "StoreUnavailable", "cause": "503\x1b[2J"}}
        events: list[dict[str, Any]] = [
            {"type": "ExecutionStarted"},
            {"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "ResizeImage"}},
            failed,
        ]
        return [
            {"events": [event | {"timestamp": START + timedelta(seconds=at)} for at, event in enumerate(events)]},
        ]


def test_a_function_that_raises(capsys: pytest.CaptureFixture[str]) -> None:
    raised = {"errorType": "StoreUnavailable", "errorMessage": "503"}
    assert workflow.invoke(Services(FunctionError="Unhandled", Payload=raised), "{}") == 1  # type: ignore[arg-type]
    shown = capsys.readouterr()
    assert json.loads(shown.out) == raised
    assert "The function raised StoreUnavailable: 503\nA workflow would retry it." in shown.err


def test_a_task_that_is_tried_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert workflow.run(Services(), "{}") == 1  # type: ignore[arg-type]
    shown = capsys.readouterr()
    assert shown.err.splitlines() == [
        "  1.00 s  ResizeImage",
        "  2.00 s    StoreUnavailable: 503\\x1b[2J",
        "FAILED StoreUnavailable: 503",
    ]
    assert json.loads(shown.out) == {"status": "FAILED", "error": "StoreUnavailable", "message": "503"}


def test_an_end_without_a_named_error_is_named_after_the_end() -> None:
    assert outcome({"status": "TIMED_OUT"}) == {"status": "FAILED", "error": "TIMED_OUT", "message": ""}
