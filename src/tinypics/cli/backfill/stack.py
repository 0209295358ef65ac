"""`tinypics backfill` on a deployed stack: count, confirm, start its workflow once, and follow it; attach and stop."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import typer
from botocore.exceptions import BotoCoreError

from tinypics import prices
from tinypics.aws.backfill import listing
from tinypics.aws.backfill.job import KEYS, Job, to_listed
from tinypics.backfill.estimate import Estimate, estimate
from tinypics.backfill.key_list import Row, key_lines, read_keys
from tinypics.backfill.outcome import FAILED, RESOURCES_EXHAUSTED
from tinypics.backfill.report import COMPLETE, STOPPED
from tinypics.backfill.survey import Survey
from tinypics.cli.backfill.progress import (
    count_bar,
    print_and_save,
    print_survey,
    progress_text,
    readable_refusals,
    work_bar,
)
from tinypics.cli.target import readable_errors
from tinypics.cli.terminal import INTERRUPTED, CommandFailed, err, out, plain
from tinypics.errors import InvalidRequest, TinypicsError
from tinypics.stack import backfill_runs, deployed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tinypics.aws.settings import Settings
    from tinypics.cli.target import Target
    from tinypics.stack.deployed import Stack
    from tinypics.store.objects import Listed

GRACE: Final = 6.0
"""Seconds for a run to stop by itself before its workflow is stopped."""


@dataclass(frozen=True, slots=True)
class StackBackfill:
    """The job for a stack's workflow, and the settings of its function.

    `keys` is the job's list of keys, if it must be uploaded first.
    """

    job: Job
    settings: Settings
    memory_mb: int
    keys: tuple[str, ...] | None = None

    @classmethod
    @readable_errors()
    def from_options(cls, target: Target, options: dict[str, Any], rows: Iterable[Row] | None) -> Self:
        """From fields of a job, and the rows of a list of keys, if any.

        The default bucket is that of the list, or the stack's own. The default prefix in the stack's bucket is the one
        that the stack watches. Raises InvalidRequest, AccessDenied, LoopRefused.
        """
        stack = _stack_with_backfills(target)
        settings, memory = deployed.function(target.cloud, stack)
        given = {name: value for name, value in options.items() if value is not None}
        keys = None
        if rows is not None:
            bucket, keys = _bucket_and_keys(rows, given.get("bucket"), stack.source_bucket)
            name = f"lists/{hashlib.sha256(key_lines(bucket, keys)).hexdigest()[:32]}.jsonl"
            given |= {"bucket": bucket, "source": KEYS, "list_bucket": stack.backfill_bucket, "list_key": name}
        given.setdefault("bucket", stack.source_bucket)
        if rows is None and given["bucket"] == stack.source_bucket:
            given.setdefault("prefix", settings.prefix)
        job = Job.from_dict(given)
        job.admit(settings)
        return cls(job, settings.with_renditions(job.renditions) if job.renditions else settings, memory, keys)

    def survey(self, target: Target) -> Survey:
        """Count the pictures. Raises CapExceeded as soon as a cap is exceeded."""
        survey, selection = Survey(), self.job.selection(self.settings)
        with count_bar() as progress:
            bar = progress.add_task("", total=None)
            for objects in self._pages(target):
                progress.advance(bar, len(objects))
                for each in objects:
                    survey.add(each, selection)
                self.job.caps.check(survey, self.cost(survey).total)
        return survey

    def cost(self, survey: Survey) -> Estimate:
        return estimate(survey, self.settings.renditions, memory_mb=self.memory_mb, batch=self.job.batch)

    def _pages(self, target: Target) -> Iterator[list[Listed]]:
        if self.keys is not None:
            yield [to_listed({"key": key}, KEYS) for key in self.keys]
        else:
            yield from (objects for objects, _ in listing.pages(self.job, None, target.client("s3")))


@readable_errors()
def from_report(target: Target, path: Path, error: str | None) -> StackBackfill:
    """A run for the failures of another run, read from its `report.csv`. Raises InvalidRequest, AccessDenied.

    The renditions are those in the `report.json` beside it, or else the stack's own. If the function was killed, each
    object is a batch of its own, so that only the object that kills it fails again.
    """
    rows = [row for row in read_key_list(path) if error in (None, row.error)]
    if not rows:
        raise CommandFailed(f"Nothing to try again: {plain(path)} lists no failure" + (f" {error}." if error else "."))
    options: dict[str, Any] = {"renditions": _renditions_of(path.with_name("report.json"))}
    if any(row.error == RESOURCES_EXHAUSTED for row in rows):
        options["batch"] = 1
    return StackBackfill.from_options(target, options, rows)


def _renditions_of(report: Path) -> list[str] | None:
    try:
        return list(json.loads(report.read_text(encoding="utf-8"))["renditions"]) or None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def read_key_list(path: Path) -> list[Row]:
    """Read a file with a list of keys."""
    try:
        return list(read_keys(path))
    except (OSError, ValueError) as error:
        raise CommandFailed(f"{plain(path)}: {plain(error)}") from None


@readable_errors()
def start(target: Target, backfill: StackBackfill, *, dry_run: bool, yes: bool, report_to: Path) -> int:
    """Count, confirm, start, follow; returns the exit code. If the same job is running, attach to it instead."""
    stack = target.stack
    runs = {} if dry_run else backfill_runs.list_running(target.cloud, stack)
    for identity, job in runs.items():
        if job == backfill.job:
            err.print(f"Backfill {identity} does just that already: joining it.")
            return attach(target, identity, report_to)
    with readable_refusals():
        survey = backfill.survey(target)
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
    err.print(f"Backfill {run.identity}. Ctrl-C leaves it, and it goes on.")
    try:
        with _explain_lost_contact(run):
            _follow(target, run)
    except KeyboardInterrupt:
        err.print(f"It goes on without you. {_attach_command(run)}\nStop it: tinypics backfill --stop {run.identity}")
        return INTERRUPTED
    return _finish(run, report_to)


@readable_errors()
def stop(target: Target, identity: str | None, report_to: Path) -> int:
    """Stop a run (None: the newest), wait until it has ended, and report; returns the exit code."""
    run = _find_run(target, identity)
    with _explain_lost_contact(run):
        running = run.is_running()
        if running:  # stop it before reading its journal, which may take long
            with err.status("Finishing the pictures in progress"):
                _stop(target, run)
        run.refresh()
        if not running and run.report.state == STOPPED:
            run.stop()  # the emulator continues a map after its execution was stopped
    if not running:
        err.print(f"Backfill {run.identity} does not run any more.")
        return _finish(run, report_to)
    print_and_save(run.report, report_to)
    return 0


def _stop(target: Target, run: backfill_runs.Run) -> None:
    deadline = time.monotonic() + GRACE
    run.stop()
    while run.is_running() and time.monotonic() < deadline:
        time.sleep(target.pause)
    run.abort()


@contextlib.contextmanager
def _explain_lost_contact(run: backfill_runs.Run) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, TinypicsError) as error:
        raise CommandFailed(f"Lost sight of it: {plain(error)}\nIt may well go on. {_attach_command(run)}") from None


def _attach_command(run: backfill_runs.Run) -> str:
    return f"Join it: tinypics backfill --attach {run.identity}"


def _find_run(target: Target, identity: str | None) -> backfill_runs.Run:
    stack = _stack_with_backfills(target)
    identity = identity or backfill_runs.newest(target.cloud, stack)
    if identity is None:
        raise CommandFailed("No backfill was started yet.")
    run = backfill_runs.Run(target.cloud, stack, identity)
    with _explain_lost_contact(run):
        exists = run.exists()
    if not exists:
        raise CommandFailed(f"There is no backfill {plain(identity)}; their journals are kept for 30 days.")
    return run


def _follow(target: Target, run: backfill_runs.Run) -> None:
    with work_bar() as progress:
        bar = progress.add_task("", total=None, counts="")
        begun = time.monotonic()
        while run.refresh():
            took = time.monotonic() - begun
            tally = run.report.tally
            how = progress_text(tally, run.seconds_working()) if run.counted else "its workflow counts"
            if run.report.cost:
                how += f"  {prices.dollars(run.report.cost)}"
            progress.update(bar, completed=tally.finished, total=tally.total or None, counts=how)
            time.sleep(max(target.pause, took))  # Poll no faster than a poll takes, or watching slows the run down.
            begun = time.monotonic()


def _finish(run: backfill_runs.Run, report_to: Path) -> int:
    report = run.report
    if not run.counted and report.state != STOPPED:
        raise CommandFailed(f"{plain(report.reason) or 'Its journal is gone'}. Nothing was resized.")
    print_and_save(report, report_to)
    return 0 if report.state == COMPLETE and not report.tally.states[FAILED] else 1


def _stack_with_backfills(target: Target) -> Stack:
    if target.stack.backfill and target.stack.backfill_bucket:
        return target.stack
    raise CommandFailed("This stack is of a version without backfills: deploy it again (docs/deploying.md).")


def _bucket_and_keys(rows: Iterable[Row], given: str | None, default: str) -> tuple[str, tuple[str, ...]]:
    """The bucket of a list, and its distinct keys. The bucket of rows without one is `given`, or the default."""
    keys: dict[str, None] = {}
    buckets = {given} if given else set()
    for row in rows:
        keys[row.key] = None
        buckets.add(row.bucket or given or default)
    if not keys:
        raise InvalidRequest("--keys: expected at least one key, got an empty list")
    if len(buckets) > 1:
        raise InvalidRequest.expected("--keys", "keys of one bucket", ", ".join(sorted(buckets)))
    return buckets.pop(), tuple(keys)


def _print_plan(target: Target, backfill: StackBackfill, survey: Survey) -> None:
    job = backfill.job
    print_survey(survey, job.bucket + (f", keys that start with {job.prefix}" if job.prefix else ""))
    texts = ",".join(map(str, backfill.settings.renditions))
    output = backfill.settings.output_bucket or target.stack.output_bucket
    out.print(f"To {plain(output)}: {texts}; {job.concurrency} batches of {job.batch} at a time.")
    if target.cloud.endpoint is None:  # the emulator is free
        cost = prices.dollars(backfill.cost(survey).total)
        out.print(f"About {cost} at list prices of {prices.AS_OF}, if there are no outputs yet.")
