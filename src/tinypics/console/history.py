"""The states that an execution visited, from its history, with durations and attempts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tinypics.stack.executions import message_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_SCHEDULED = ("TaskScheduled", "LambdaFunctionScheduled")
_FAILED = {
    "TaskFailed": "taskFailedEventDetails",
    "TaskTimedOut": "taskTimedOutEventDetails",
    "LambdaFunctionFailed": "lambdaFunctionFailedEventDetails",
    "LambdaFunctionTimedOut": "lambdaFunctionTimedOutEventDetails",
}
_ENDED_BADLY = ("ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted")


@dataclass
class Visit:
    """One visit of a state: `at` milliseconds after the start, for `ms` milliseconds; None: it is the current state.

    `errors` are those of failed attempts, as name and message; `answered` is the error of an answer that is a value.
    """

    state: str
    at: float
    ms: float | None = None
    attempts: int = 0
    errors: list[tuple[str, str]] = field(default_factory=list)
    failed: bool = False
    answered: str | None = None

    @property
    def retries(self) -> int:
        return max(0, self.attempts - 1)


def visits(events: Iterable[dict[str, Any]]) -> list[Visit]:
    """The visits of an execution, in the order of their start."""
    found: list[Visit] = []
    start = None
    for event in events:
        start = start or event["timestamp"]
        now = (event["timestamp"] - start).total_seconds() * 1000
        kind = event["type"]
        if kind.endswith("StateEntered"):
            _leave(found, now)
            found.append(Visit(event["stateEnteredEventDetails"]["name"], now))
        elif not found:
            continue
        elif kind.endswith("StateExited") or kind == "ExecutionSucceeded":
            _leave(found, now)
        elif kind in _SCHEDULED:
            found[-1].attempts += 1
        elif kind == "TaskSucceeded":
            found[-1].answered = _error_of(answers(event))
        elif kind in _FAILED:
            details = event.get(_FAILED[kind], {})
            found[-1].errors.append((details.get("error", kind), message_of(details.get("cause", ""))))
        elif kind in _ENDED_BADLY:
            found[-1].failed = True
            _leave(found, now)
    return found


def _leave(found: list[Visit], now: float) -> None:
    if found and found[-1].ms is None:
        found[-1].ms = now - found[-1].at


def answers(event: dict[str, Any]) -> list[dict[str, Any]]:
    """The function's answers in an event of the history, one per picture; on AWS with the invocation's id."""
    output = json.loads(event.get("taskSucceededEventDetails", {}).get("output", "{}"))
    payload = output.get("Payload") if isinstance(output, dict) else None  # other tasks differ
    if not isinstance(payload, dict):
        return []
    metadata = output.get("SdkResponseMetadata", {})
    ids = {"request_id": metadata["RequestId"]} if "RequestId" in metadata else {}
    return [{**answer, **ids} for answer in payload.get("records", [payload])]


def _error_of(found: Iterable[dict[str, Any]]) -> str | None:
    return next((str(answer.get("error")) for answer in found if answer.get("status") == "FAILED"), None)
