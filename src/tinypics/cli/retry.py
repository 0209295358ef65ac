"""`tinypics retry`: start failed executions of the workflow again, with their own input."""

from __future__ import annotations

import hashlib
import heapq
import itertools
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tinypics.aws import events
from tinypics.cli.console import CommandFailed, err, out, plain
from tinypics.cli.target import readable_errors
from tinypics.cli.workflow import outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinypics.cli.target import Target

_FAILED = ("FAILED", "TIMED_OUT", "ABORTED")
_CAUSE = 120  # characters that are shown of one


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


@readable_errors()
def retry(target: Target, since: float, error: str | None, limit: int, *, dry_run: bool, yes: bool) -> int:
    """Try again what failed in the last `since` seconds, `limit` at most. 0 if nothing failed again, else 1."""
    states = target.client("stepfunctions")
    machine = target.stack.state_machine
    if states.describe_state_machine(stateMachineArn=machine)["type"] == "EXPRESS":
        raise CommandFailed(
            "An EXPRESS workflow keeps no history, so there is no list of what failed.\n"
            "`tinypics verify --fix` makes whatever is missing; the workflow's log group says why it was."
        )
    start = datetime.fromtimestamp(time.time() - since, UTC)
    with err.status("Looking for failed executions"):
        found = list(itertools.islice(_failures(states, machine, start, error), limit + 1))
    chosen = found[:limit]
    for failure in chosen:
        out.print(_line("✗", failure.at, failure.subject, failure.error, failure.message))
    if len(found) > limit:
        err.print(f"There are more than {limit:,}: these are the newest. --max takes more, or run this again.")
    if not chosen:
        out.print("Nothing to try again: no execution failed" + (f" with {plain(error)}." if error else "."))
        return 0
    if dry_run:
        return 0
    if not yes:
        typer.confirm(f"Start {len(chosen):,} again?", abort=True)
    return 1 if _run(target, states, chosen) else 0


def _failures(states: Any, machine: str, start: datetime, error: str | None) -> Iterator[Failure]:
    """Newest first, one for each input, without those that were tried again already."""
    seen = set()
    newest = heapq.merge(
        *(_listed(states, machine, status, start) for status in _FAILED),
        key=lambda item: item["startDate"],
        reverse=True,
    )
    for listed in newest:
        execution = states.describe_execution(executionArn=listed["executionArn"])
        if execution["input"] in seen:
            continue
        seen.add(execution["input"])
        why = outcome(execution)
        failure = Failure(listed["executionArn"], listed["startDate"], execution["input"], why["error"], why["message"])
        if error in (None, failure.error) and not _tried(states, machine, failure):
            yield failure


def _listed(states: Any, machine: str, status: str, start: datetime) -> Iterator[dict[str, Any]]:
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter=status)
    every = (item for page in pages for item in page["executions"])
    return itertools.takewhile(lambda item: bool(item["startDate"] >= start), every)  # newest first


def _arn(machine: str, name: str) -> str:
    return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"


def _tried(states: Any, machine: str, failure: Failure) -> bool:
    """Whether it is being tried again, or was with success. When that failed, too, it is a failure of its own."""
    try:
        states.describe_execution(executionArn=_arn(machine, failure.again))
    except states.exceptions.ExecutionDoesNotExist:
        return False
    return True


def _run(target: Target, states: Any, failures: list[Failure]) -> int:
    """Start all, wait for all, and tell of each how it ended. How many failed again."""
    machine, failed = target.stack.state_machine, 0
    columns = TextColumn("Trying again"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task("", total=len(failures))
        running = {_start(states, machine, failure): failure for failure in failures}
        while running:
            for arn, failure in list(running.items()):
                execution = states.describe_execution(executionArn=arn)
                if execution["status"] == "RUNNING":
                    continue
                del running[arn]
                progress.advance(bar)
                answer = outcome(execution)
                again = execution["status"] != "SUCCEEDED"
                failed += again
                why = (answer["error"], answer["message"]) if again else ("", "")
                out.print(_line("✗" if again else "✓", execution["startDate"], failure.subject, *why))
            if running:
                time.sleep(target.pause)
    out.print(f"{len(failures) - failed:,} of {len(failures):,} succeeded.")
    return failed


def _start(states: Any, machine: str, failure: Failure) -> str:
    try:
        started = states.start_execution(stateMachineArn=machine, name=failure.again, input=failure.input)
    except states.exceptions.ExecutionAlreadyExists:  # somebody else tries it again at this moment
        return _arn(machine, failure.again)
    return str(started["executionArn"])


def _line(mark: str, at: datetime, key: str, error: str, message: str) -> str:
    short = message if len(message) <= _CAUSE else message[: _CAUSE - 1] + "…"
    why = f"  {plain(error)}: {plain(short)}" if error else ""
    return f"{mark} {at.astimezone():%Y-%m-%d %H:%M:%S}  {plain(key)}{why}"
