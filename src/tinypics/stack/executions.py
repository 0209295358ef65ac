"""A stack's executions in Step Functions, on the laptop or on AWS, and retries of those that failed."""

from __future__ import annotations

import hashlib
import heapq
import itertools
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tinypics.aws import events

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

RUNNING: Final = "RUNNING"
FAILED_STATUSES: Final = ("FAILED", "TIMED_OUT", "ABORTED")


class Failure(NamedTuple):
    """A failed execution: its start, input and error."""

    arn: str
    at: datetime
    input: str
    error: str
    message: str

    @property
    def retry_name(self) -> str:
        """The name of the execution that retries it. It is always the same, so that only one starts."""
        return f"retry-{hashlib.sha256(self.arn.encode()).hexdigest()[:40]}"

    @property
    def subject(self) -> str:
        return events.subject(json.loads(self.input)).get("source_key", "?")

    @property
    def bucket(self) -> str:
        return events.subject(json.loads(self.input)).get("source_bucket", "")

    @classmethod
    def from_execution(cls, execution: dict[str, Any]) -> Failure:
        """From the response of DescribeExecution."""
        why = outcome(execution)
        return cls(execution["executionArn"], execution["startDate"], execution["input"], why["error"], why["message"])


def outcome(execution: dict[str, Any]) -> dict[str, Any]:
    """The answer of an ended execution, in the form of the function's own answers."""
    if execution["status"] == "SUCCEEDED":
        document: dict[str, Any] = json.loads(execution["output"])
        return document
    error = execution.get("error", execution["status"])  # TIMED_OUT and ABORTED have no error
    return {"status": "FAILED", "error": error, "message": message_of(execution.get("cause", ""))}


def message_of(cause: str) -> str:
    """The message in a `cause`. Of a function that raised, Lambda makes it a JSON document with the stack trace."""
    try:
        document = json.loads(cause)
    except ValueError:
        return cause
    message = document.get("errorMessage") if isinstance(document, dict) else None
    return message if isinstance(message, str) else cause


def keeps_history(states: Any, machine: str) -> bool:
    """Whether a workflow keeps its executions and their histories: STANDARD ones do, EXPRESS ones do not."""
    return bool(states.describe_state_machine(stateMachineArn=machine)["type"] != "EXPRESS")


def history(states: Any, arn: str, max_events: int | None = None) -> list[dict[str, Any]]:
    """The events of an execution so far, oldest first."""
    pages = states.get_paginator("get_execution_history").paginate(
        executionArn=arn, PaginationConfig={"MaxItems": max_events}
    )
    return [event for page in pages for event in page["events"]]


def arn_of(machine: str, name: str) -> str:
    """The ARN of an execution."""
    return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"


def failures(states: Any, machine: str, start: datetime, error: str | None = None) -> Iterator[Failure]:
    """Failed executions that were started since `start`, the last to fail first, one for each input. Those with a
    retry that runs or succeeded are left out."""
    seen = set()
    newest = heapq.merge(
        *(_list(states, machine, status, start) for status in FAILED_STATUSES),
        key=_end_time,
        reverse=True,
    )
    for listed in newest:
        execution = states.describe_execution(executionArn=listed["executionArn"])
        if execution["input"] in seen:
            continue
        seen.add(execution["input"])
        failure = Failure.from_execution(execution)
        if error in (None, failure.error) and not _has_retry(states, machine, failure):
            yield failure


def start_retry(states: Any, machine: str, failure: Failure) -> str:
    """Start a retry with the same input; the ARN of its execution, even if a concurrent call has started it."""
    try:
        started = states.start_execution(stateMachineArn=machine, name=failure.retry_name, input=failure.input)
    except states.exceptions.ExecutionAlreadyExists:
        return arn_of(machine, failure.retry_name)
    return str(started["executionArn"])


def _list(states: Any, machine: str, status: str, start: datetime) -> Iterator[dict[str, Any]]:
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter=status)
    every = (item for page in pages for item in page["executions"])
    # The list is sorted by end time. An execution that retried for hours precedes some that started after it.
    recent = itertools.takewhile(lambda item: _end_time(item) >= start, every)
    return (item for item in recent if item["startDate"] >= start)


def _end_time(item: dict[str, Any]) -> datetime:
    ended: datetime = item.get("stopDate") or item["startDate"]
    return ended


def _has_retry(states: Any, machine: str, failure: Failure) -> bool:
    """Whether a retry is running or succeeded. A failed retry is listed as its own failure."""
    try:
        states.describe_execution(executionArn=arn_of(machine, failure.retry_name))
    except states.exceptions.ExecutionDoesNotExist:
        return False
    return True
