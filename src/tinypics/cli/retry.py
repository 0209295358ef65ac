"""`tinypics retry`: start failed executions of the workflow again, with their own input."""

from __future__ import annotations

import difflib
import itertools
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn

from tinypics.backfill.report import list_counts
from tinypics.cli.target import readable_errors
from tinypics.cli.terminal import CommandFailed, err, out, plain, progress
from tinypics.stack.executions import RUNNING, failures, keeps_history, outcome, start_retry
from tinypics.stack.troubleshooting import ADVICE, advice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinypics.cli.target import Target
    from tinypics.stack.executions import Failure

_CAUSE = 120  # characters of a cause that are shown


@readable_errors()
def retry(target: Target, since: float, error: str | None, limit: int, *, dry_run: bool, yes: bool) -> int:
    """Retry at most `limit` executions that failed in the last `since` seconds. 0 if none failed again, else 1."""
    states = target.client("stepfunctions")
    machine = target.stack.state_machine
    if not keeps_history(states, machine):
        raise CommandFailed(
            "An EXPRESS workflow keeps no history, so there is no list of what failed.\n"
            "`tinypics verify --fix` makes missing outputs; the workflow's log group has the causes."
        )
    hopeless: Counter[str] = Counter()
    start = datetime.fromtimestamp(time.time() - since, UTC)
    with err.status("Looking for failed executions"):
        hopeful = _hopeful(failures(states, machine, start, error), error, hopeless)
        found = list(itertools.islice(hopeful, limit + 1))
    chosen = found[:limit]
    for failure in chosen:
        out.print(_line("✗", failure.at, failure.subject, failure.error, failure.message))
    if len(found) > limit:
        err.print(f"There are more than {limit:,}: these are the newest. --max takes more, or run the command again.")
    if hopeless:
        names = plain(list_counts(hopeless))
        err.print(f"{names}: these fail again, so they are left out. --error NAME retries them nevertheless.")
    if not chosen and hopeless:
        return 0
    if not chosen:
        out.print("Nothing to retry: no execution failed" + (f" with {plain(error)}." if error else "."))
        if near := _nearest(error):
            err.print(f"Did you mean --error {near}?", style="yellow")
        return 0
    if dry_run:
        return 0
    if not yes:
        typer.confirm(f"Retry {len(chosen):,}?", abort=True)
    return 1 if _run(target, states, chosen) else 0


def _nearest(error: str | None) -> str | None:
    """The error name that `error` may stand for. States of a changed workflow may fail with other names."""
    names = {each.lower(): each for each in ADVICE}
    if error is None or error in ADVICE:
        return None
    return next((names[near] for near in difflib.get_close_matches(error.lower(), names, n=1)), None)


def _hopeful(found: Iterator[Failure], error: str | None, hopeless: Counter[str]) -> Iterator[Failure]:
    """Without the errors that fail again, which are counted in `hopeless`; all of them if the user named the error."""
    for failure in found:
        if error is None and not advice(failure.error).retry:
            hopeless[failure.error] += 1
        else:
            yield failure


def _run(target: Target, states: Any, failures: list[Failure]) -> int:
    """Start all retries, wait for them, and print each result; returns how many failed again."""
    machine, failed = target.stack.state_machine, 0
    with progress("Retrying", BarColumn(), MofNCompleteColumn()) as shown:
        bar = shown.add_task("", total=len(failures))
        running = {start_retry(states, machine, failure): failure for failure in failures}
        while running:
            for arn, failure in list(running.items()):
                execution = states.describe_execution(executionArn=arn)
                if execution["status"] == RUNNING:
                    continue
                del running[arn]
                shown.advance(bar)
                answer = outcome(execution)
                again = execution["status"] != "SUCCEEDED"
                failed += again
                why = (answer["error"], answer["message"]) if again else ("", "")
                out.print(_line("✗" if again else "✓", execution["startDate"], failure.subject, *why))
            if running:
                time.sleep(target.pause)
    out.print(f"{len(failures) - failed:,} of {len(failures):,} succeeded.")
    return failed


def _line(mark: str, at: datetime, key: str, error: str, message: str) -> str:
    short = message if len(message) <= _CAUSE else message[: _CAUSE - 1] + "…"
    why = f"  {plain(error)}: {plain(short)}" if error else ""
    return f"{mark} {at.astimezone():%Y-%m-%d %H:%M:%S}  {plain(key)}{why}"
