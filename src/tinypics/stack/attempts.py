"""The work on one picture: executions of the workflow, and lines of the function's log."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tinypics.aws import events
from tinypics.stack import logs
from tinypics.stack.executions import FAILED_STATUSES, RUNNING, Failure, arn_of, keeps_history, outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tinypics.stack.clients import Cloud
    from tinypics.stack.deployed import Stack

EARLY: Final = timedelta(seconds=5)
"""An object's date has no fractions of a second, and the clocks of two services differ."""
_LATEST: Final = timedelta(minutes=10)  # from an upload to its event; EventBridge takes seconds
_MAX_LISTED: Final = 20_000
_MAX_DESCRIBED: Final = 200  # executions whose input is read
_MAX_PAGES: Final = 50  # of the log, up to a megabyte each


class Attempt(NamedTuple):
    """One execution, or one line of the log: its start, status, and error if it failed."""

    at: datetime
    status: str
    error: str = ""
    message: str = ""
    name: str = ""


def executions(cloud: Cloud, stack: Stack, key: str, uploaded: datetime) -> list[Attempt]:
    """The executions that an upload of `key` started, oldest first, with the retry of the last one.

    Step Functions has no search by input, so only executions that started in the minutes after the upload are read.
    """
    states, machine = cloud.client("stepfunctions"), stack.state_machine
    if not keeps_history(states, machine):
        return []
    found = []
    for listed in _started_after(states, machine, uploaded):
        execution = states.describe_execution(executionArn=listed["executionArn"])
        if events.subject(json.loads(execution["input"])).get("source_key") == key:
            found.append(execution)
    if found and found[-1]["status"] in FAILED_STATUSES:
        found += _retry_of(states, machine, found[-1])
    return [_attempt(execution) for execution in found]


def _started_after(states: Any, machine: str, uploaded: datetime) -> list[dict[str, Any]]:
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine)
    listed = itertools.islice((item for page in pages for item in page["executions"]), _MAX_LISTED)
    begin, end = uploaded - EARLY, uploaded + _LATEST
    # The newest come first, and one that ended before the upload cannot be followed by any of it.
    recent = itertools.takewhile(lambda item: item.get("stopDate", end) >= begin, listed)
    return sorted((item for item in recent if begin <= item["startDate"] <= end), key=lambda item: item["startDate"])[
        :_MAX_DESCRIBED
    ]


def _retry_of(states: Any, machine: str, execution: dict[str, Any]) -> list[dict[str, Any]]:
    name = Failure.from_execution(execution).retry_name
    try:
        return [states.describe_execution(executionArn=arn_of(machine, name))]
    except states.exceptions.ExecutionDoesNotExist:
        return []


def _attempt(execution: dict[str, Any]) -> Attempt:
    name = execution["executionArn"].rpartition(":")[2]
    answer = {} if execution["status"] == RUNNING else outcome(execution)
    return Attempt(
        execution["startDate"], execution["status"], answer.get("error", ""), answer.get("message", ""), name
    )


def log_lines(cloud: Cloud, stack: Stack, key: str, since: datetime) -> Iterator[Attempt]:
    """The function's results for `key` since then, oldest first; of a very long log only its older part."""
    pages = logs.pages(cloud.client("logs"), stack.log_group, int(since.timestamp() * 1000), pattern=_pattern(key))
    for page, _ in itertools.islice(pages, _MAX_PAGES):
        for line in page:
            found = logs.document(line.text) or {}
            if found.get("source_key") == key and isinstance(found.get("status"), str):
                at = since.fromtimestamp(line.at / 1000, since.tzinfo)
                yield Attempt(at, found["status"], str(found.get("error", "")), str(found.get("message", "")))


def _pattern(key: str) -> str | None:
    """A pattern that CloudWatch Logs matches with the line's JSON; None for keys that would need quoting in it."""
    return f'{{ $.source_key = "{key}" }}' if key.isascii() and not set(key) & set('"\\*') else None
