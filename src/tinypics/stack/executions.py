"""What Step Functions tells of a stack's executions, on the laptop or on AWS, and which are worth another try."""

from __future__ import annotations

import hashlib
import heapq
import itertools
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from tinypics.aws import events

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

FAILED = ("FAILED", "TIMED_OUT", "ABORTED")


class Failure(NamedTuple):
    """An execution that failed: when it was started, with what, and why it failed."""

    arn: str
    at: datetime
    input: str
    error: str
    message: str

    @property
    def again(self) -> str:
        """The name of the execution that tries it again: always the same, so that it is tried once, whoever asks."""
        return f"retry-{hashlib.sha256(self.arn.encode()).hexdigest()[:40]}"

    @property
    def subject(self) -> str:
        return events.subject(json.loads(self.input)).get("source_key", "?")

    @classmethod
    def of(cls, execution: dict[str, Any]) -> Failure:
        """Of what DescribeExecution says of one that failed."""
        why = outcome(execution)
        return cls(execution["executionArn"], execution["startDate"], execution["input"], why["error"], why["message"])


def outcome(execution: dict[str, Any]) -> dict[str, Any]:
    """The answer of an execution that has ended, in the shape of the function's own answers."""
    if execution["status"] == "SUCCEEDED":
        document: dict[str, Any] = json.loads(execution["output"])
        return document
    error = execution.get("error", execution["status"])  # TIMED_OUT and ABORTED name no error
    return {"status": "FAILED", "error": error, "message": execution.get("cause", "")}


def arn_of(machine: str, name: str) -> str:
    """The ARN of the execution of that name."""
    return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"


def failures(states: Any, machine: str, start: datetime, error: str | None = None) -> Iterator[Failure]:
    """Those that were started since `start`, the last to fail first, one for each input, without those that were tried
    again already."""
    seen = set()
    newest = heapq.merge(
        *(_listed(states, machine, status, start) for status in FAILED),
        key=_ended,
        reverse=True,
    )
    for listed in newest:
        execution = states.describe_execution(executionArn=listed["executionArn"])
        if execution["input"] in seen:
            continue
        seen.add(execution["input"])
        failure = Failure.of(execution)
        if error in (None, failure.error) and not _tried(states, machine, failure):
            yield failure


def start_again(states: Any, machine: str, failure: Failure) -> str:
    """Start it again with its own input; the ARN of the execution that does, also when somebody else was faster."""
    try:
        started = states.start_execution(stateMachineArn=machine, name=failure.again, input=failure.input)
    except states.exceptions.ExecutionAlreadyExists:
        return arn_of(machine, failure.again)
    return str(started["executionArn"])


def _listed(states: Any, machine: str, status: str, start: datetime) -> Iterator[dict[str, Any]]:
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter=status)
    every = (item for page in pages for item in page["executions"])
    # The list goes by the end. One that began long ago and tried for hours stands before some that began since.
    recent = itertools.takewhile(lambda item: _ended(item) >= start, every)
    return (item for item in recent if item["startDate"] >= start)


def _ended(item: dict[str, Any]) -> datetime:
    ended: datetime = item.get("stopDate") or item["startDate"]
    return ended


def _tried(states: Any, machine: str, failure: Failure) -> bool:
    """Whether it is being tried again, or was with success. When that failed, too, it is a failure of its own."""
    try:
        states.describe_execution(executionArn=arn_of(machine, failure.again))
    except states.exceptions.ExecutionDoesNotExist:
        return False
    return True
