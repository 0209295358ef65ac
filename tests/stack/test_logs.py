"""The new lines of a log, at each poll."""

from __future__ import annotations

from typing import Any

from tinypics.stack.logs import Line, Tail


class Logs:
    """As much of a log service as a tail needs."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def get_paginator(self, operation: str) -> Logs:
        assert operation == "filter_log_events"
        return self

    def paginate(self, *, logGroupName: str, startTime: int) -> list[dict[str, Any]]:  # noqa: N803
        assert logGroupName == "/log"
        return [{"events": [event for event in self.events if event["timestamp"] >= startTime]}, {"events": []}]


def brief(lines: list[Line]) -> list[tuple[int, str]]:
    return [(line.at, line.text) for line in lines]


def test_every_line_comes_once_also_when_it_comes_late() -> None:
    logs = Logs()
    tail = Tail(logs, "/log", since=100)
    logs.events = [{"timestamp": 99_999, "message": "old"}, {"timestamp": 100_000, "message": "a", "eventId": "1"}]
    assert brief(tail.lines()) == [(100_000, "a")]
    logs.events += [{"timestamp": 130_000, "message": "c"}, {"timestamp": 110_000, "message": "b", "eventId": "2"}]
    assert brief(tail.lines()) == [(110_000, "b"), (130_000, "c")]
    logs.events += [{"timestamp": 121_000, "message": "late"}]
    assert brief(tail.lines()) == [(121_000, "late")]
    assert tail.lines() == []
