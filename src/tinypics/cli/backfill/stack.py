"""`tinypics backfill` on a deployed stack: start its workflow once, follow it, attach and stop."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

import typer
from botocore.exceptions import BotoCoreError

from tinypics import prices
from tinypics.backfill.key_list import key_lines
from tinypics.backfill.outcome import FAILED
from tinypics.backfill.report import COMPLETE, STOPPED
from tinypics.cli.backfill import progress
from tinypics.cli.backfill.stack_job import stack_with_backfills
from tinypics.cli.target import readable_errors
from tinypics.cli.terminal import INTERRUPTED, CommandFailed, err, out, plain
from tinypics.errors import TinypicsError
from tinypics.local import package
from tinypics.stack import backfill_runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tinypics.backfill.survey import Survey
    from tinypics.cli.backfill.stack_job import StackBackfill
    from tinypics.cli.target import Target

GRACE: Final = 6.0
"""Seconds for a run to stop by itself before its workflow is stopped."""


@readable_errors()
def start(target: Target, backfill: StackBackfill, *, dry_run: bool, yes: bool, report_to: Path) -> int:
    """Count, confirm, start, follow; returns the exit code. If the same job is running, attach to it instead."""
    stack = target.stack
    runs = {} if dry_run else backfill_runs.list_running(target.cloud, stack)
    for identity, job in runs.items():
        if job == backfill.job:
            err.print(f"Backfill {identity} has this job already: attaching to it.")
            return attach(target, identity, report_to)
    with progress.readable_refusals():
        survey = backfill.survey(target)
    progress.check_prefix(survey, backfill.job.bucket, backfill.job.prefix, backfill.settings.prefix)
    _print_plan(target, backfill, survey)
    if dry_run or not survey.objects:
        return 0
    for identity in runs:
        err.print(f"Another backfill is running: {identity}.", style="yellow")
    if not yes:
        typer.confirm("Start?", abort=True)
    if backfill.keys is not None:
        body = key_lines(backfill.job.bucket, backfill.keys)
        target.client("s3").put_object(Bucket=stack.backfill_bucket, Key=backfill.job.list_key, Body=body)
    return attach(target, backfill_runs.start(target.cloud, stack, backfill.job), report_to)


@readable_errors()
def attach(target: Target, identity: str | None, report_to: Path) -> int:
    """Follow a run (None: the newest) until it ends, and report; returns the exit code. Ctrl-C detaches."""
    run = _find_run(target, identity)
    err.print(f"Backfill {run.identity}. Ctrl-C detaches; the run continues.")
    try:
        with _explain_lost_contact(target, run):
            _follow(target, run)
    except KeyboardInterrupt:
        stopping = target.command("backfill", "--stop", arguments=[run.identity])
        err.print(f"The run continues. {_attach_command(target, run)}\nStop it: {stopping}")
        return INTERRUPTED
    return _finish(run, report_to)


@readable_errors()
def stop(target: Target, identity: str | None, report_to: Path) -> int:
    """Stop a run (None: the newest), wait until it has ended, and report; returns the exit code."""
    run = _find_run(target, identity)
    with _explain_lost_contact(target, run):
        running = run.is_running()
        if running:  # stop it before reading its journal, which may take long
            with err.status("Finishing the pictures in progress"):
                _stop(target, run)
        run.refresh()
        if not running and run.report.state == STOPPED:
            run.stop()  # the emulator continues a map after its execution was stopped
    if not running:
        err.print(f"Backfill {run.identity} has ended.")
        return _finish(run, report_to)
    progress.print_and_save(run.report, report_to)
    return 0


def _stop(target: Target, run: backfill_runs.Run) -> None:
    deadline = time.monotonic() + GRACE
    run.stop()
    while run.is_running() and time.monotonic() < deadline:
        time.sleep(target.pause)
    run.abort()


@contextlib.contextmanager
def _explain_lost_contact(target: Target, run: backfill_runs.Run) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, TinypicsError) as error:
        raise CommandFailed(
            f"Lost the connection: {plain(error)}\nThe run may continue. {_attach_command(target, run)}"
        ) from None


def _attach_command(target: Target, run: backfill_runs.Run) -> str:
    return f"Attach to it: {target.command('backfill', '--attach', arguments=[run.identity])}"


def _find_run(target: Target, identity: str | None) -> backfill_runs.Run:
    stack = stack_with_backfills(target)
    identity = identity or backfill_runs.newest(target.cloud, stack)
    if identity is None:
        raise CommandFailed("No backfill was started yet.")
    with progress.readable_refusals():
        run = backfill_runs.Run(target.cloud, stack, identity)
    with _explain_lost_contact(target, run):
        exists = run.exists()
    if not exists:
        raise CommandFailed(f"There is no backfill {plain(identity)}; journals are kept for 30 days.")
    return run


def _follow(target: Target, run: backfill_runs.Run) -> None:
    with progress.work_bar() as bar:
        task = bar.add_task("", total=None, counts="")
        begun = time.monotonic()
        while run.refresh():
            took = time.monotonic() - begun
            tally = run.report.tally
            how = progress.describe(tally, run.seconds_working()) if run.counted else "its workflow counts"
            if run.report.cost:
                how += f"  {prices.dollars(run.report.cost)}"
            bar.update(task, completed=tally.finished, total=tally.total or None, counts=how)
            time.sleep(max(target.pause, took))  # Poll no faster than a poll takes, or watching slows the run down.
            begun = time.monotonic()


def _finish(run: backfill_runs.Run, report_to: Path) -> int:
    report = run.report
    if not run.counted and report.state != STOPPED:
        raise CommandFailed(f"{plain(report.reason) or 'Its journal is gone'}. Nothing was resized.")
    progress.print_and_save(report, report_to)
    return 0 if report.state == COMPLETE and not report.tally.states[FAILED] else 1


def _print_plan(target: Target, backfill: StackBackfill, survey: Survey) -> None:
    job = backfill.job
    progress.print_survey(survey, job.bucket + (f", keys that start with {job.prefix}" if job.prefix else ""))
    texts = ",".join(map(str, backfill.settings.renditions))
    output = backfill.settings.output_bucket or target.stack.output_bucket
    on_aws = target.cloud.endpoint is None
    at_once = f"{job.concurrency} batches of {job.batch}" if on_aws else f"{package.AT_ONCE} pictures"
    out.print(f"To {plain(output)}: {texts}; {at_once} at a time.")
    if on_aws:  # the emulator is free
        cost = prices.dollars(backfill.cost(survey).total)
        out.print(f"About {cost} at list prices of {prices.AS_OF}, if there are no outputs yet.")
