"""What an execution's history says of its way: each state that it came through, how long, and how often tried."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

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
    """One stay in a state. `at` and `ms` are milliseconds, since the start and in it; `ms` None: it is there now.

    `errors` are those of attempts that failed, as name and message.
    """

    state: str
    at: float
    ms: float | None = None
    attempts: int = 0
    errors: list[tuple[str, str]] = field(default_factory=list)
    failed: bool = False

    @property
    def retries(self) -> int:
        return max(0, self.attempts - 1)


def visits(events: Iterable[dict[str, Any]]) -> list[Visit]:
    """The stays of an execution in the order in which they began."""
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
        elif kind in _FAILED:
            details = event.get(_FAILED[kind], {})
            found[-1].errors.append((details.get("error", kind), details.get("cause", "")))
        elif kind in _ENDED_BADLY:
            found[-1].failed = True
            _leave(found, now)
    return found


def _leave(found: list[Visit], now: float) -> None:
    if found and found[-1].ms is None:
        found[-1].ms = now - found[-1].at
