"""`tinypics backfill --engine local`: a backfill by processes of this machine, from any store to any other."""

from __future__ import annotations

import contextlib
import functools
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import typer

from tinypics.backfill import worker
from tinypics.backfill.estimate import Caps, list_requests, resize_requests
from tinypics.backfill.outcome import FAILED, ObjectOutcome
from tinypics.backfill.report import COMPLETE, STOPPED, BackfillReport
from tinypics.backfill.survey import Selection, Survey, parse_time
from tinypics.cli.backfill import progress
from tinypics.cli.terminal import INTERRUPTED, err, out, plain
from tinypics.errors import AccessDenied, CapExceeded, DestinationNotFound, InvalidRequest
from tinypics.image.limits import DEFAULT, Limits
from tinypics.image.rendition import Rendition
from tinypics.prices import dollars
from tinypics.store.listing import list_location
from tinypics.store.location import FILE, Location, outputs_within
from tinypics.store.s3 import is_loopback

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    import boto3

    from tinypics.store.objects import Listed

MAX_PROCESSES: Final = 256
ABORT_AFTER: Final = 20
"""Abort if the first 20 pictures all fail with a store error."""
_STORE_ERRORS: Final = (AccessDenied.__name__, DestinationNotFound.__name__, "StoreUnavailable")
_MIN_PRICE: Final = 0.01  # US dollars
_MEMORY_SHARE: Final = 0.6
"""The share of this machine's memory for the pictures of all processes."""


@dataclass(frozen=True, slots=True)
class LocalBackfill:
    """The input of a run: locations, selection, renditions and processes. `session` is for locations on S3."""

    source: Location
    output: Location
    selection: Selection
    renditions: tuple[Rendition, ...]
    processes: int
    session: boto3.Session | None

    @classmethod
    def from_options(
        cls,
        source: str,
        output: str,
        renditions: list[str],
        *,
        endpoint: str | None = None,
        prefix: str = "",
        since: datetime | None = None,
        any_name: bool = False,
        processes: int | None = None,
        profile: str | None = None,
        region: str | None = None,
    ) -> LocalBackfill:
        """Parse the options. `prefix` is a prefix of whole keys, with the path in `source`.

        Raises InvalidRequest, LoopRefused.
        """
        places = Location.parse(source, endpoint), Location.parse(output, endpoint)
        selection = Selection(prefix or places[0].prefix, since, outputs_within(*places) or "", any_name=any_name)
        if not selection.prefix.startswith(places[0].prefix):
            raise InvalidRequest.expected("--prefix", f"one that starts with {places[0].prefix}", prefix)
        if processes and processes > MAX_PROCESSES:
            raise InvalidRequest.expected("--concurrency", f"at most {MAX_PROCESSES} processes", processes)
        session = None
        if "s3" in (place.scheme for place in places):
            from tinypics.cli.backfill import credentials

            session = credentials.session(profile, region)
        wanted = tuple(map(Rendition.parse, renditions))
        return cls(*places, selection, wanted, processes or os.cpu_count() or 1, session)

    def survey(self, caps: Caps, report: BackfillReport) -> Survey:
        """Count the pictures. Raises CapExceeded as soon as a cap is exceeded."""
        found = Survey()
        with progress.count_bar() as bar:
            task = bar.add_task("", total=None)
            for each in self._list(report):
                bar.advance(task)
                if found.add(each, self.selection):
                    caps.check(found)
        caps.check(found, self.price(found))
        return found

    def price(self, survey: Survey) -> float:
        """The cost of requests in US dollars; 0 for folders."""
        if FILE in (self.source.scheme, self.output.scheme):
            return 0.0
        return resize_requests(survey.objects, self.renditions) + list_requests(survey.listed)

    @property
    def in_emulator(self) -> bool:
        endpoint = self.source.endpoint or self.output.endpoint
        return endpoint is not None and is_loopback(endpoint)

    def run(self, caps: Caps, report: BackfillReport) -> Generator[ObjectOutcome, None, None]:
        """An outcome for each picture, in any order. Closing the iterator finishes the pictures in progress.

        The caps apply again, because pictures may have been added since the count: it ends, with `report.reason`,
        before the first one over a cap.
        """
        work = functools.partial(
            worker.process,
            source=str(self.source),
            output=str(self.output),
            renditions=[str(rendition) for rendition in self.renditions],
            limits=_limits(self.processes),
            endpoint=self.source.endpoint or self.output.endpoint,
        )
        with contextlib.ExitStack() as stack:
            if self.session:
                from tinypics.cli.backfill import credentials

                stack.enter_context(credentials.in_environment(self.session))
            yield from stack.enter_context(
                contextlib.closing(worker.run(self._within(caps, report), work, self.processes))
            )

    def _within(self, caps: Caps, report: BackfillReport) -> Iterator[Listed]:
        found = Survey()
        for each in self._list(report):
            if found.add(each, self.selection):
                try:
                    caps.check(found, self.price(found))
                except CapExceeded as error:
                    report.reason = f"pictures were added after the count: {error}"
                    return
                yield each

    def _list(self, report: BackfillReport) -> Iterator[Listed]:
        if self.source.scheme == "s3" and self.session:
            from tinypics.cli.backfill import credentials

            return credentials.list_source(self.session, self.source)

        def not_listed(folder: str) -> None:
            message = "its objects cannot be listed: permission is missing, or the store client cannot represent a key"
            report.add(ObjectOutcome(f"{folder}/", FAILED, InvalidRequest.__name__, message))

        return list_location(self.source, not_listed)


def backfill(job: LocalBackfill, caps: Caps, *, dry_run: bool, yes: bool, report_to: Path) -> int:
    """Count, confirm, work, report. The exit code: 0; 1 if any picture failed; 130 after Ctrl-C."""
    started = datetime.now(UTC)
    texts = tuple(map(str, job.renditions))
    identity = f"{started:%Y%m%dT%H%M%S}-local"
    report = BackfillReport(identity, job.source.bucket_name, job.selection.prefix, texts, started)
    with progress.readable_refusals():
        survey = job.survey(caps, report)
        progress.check_prefix(survey, job.source, job.selection.prefix, job.source.prefix)
        _print_plan(job, survey)
        if dry_run or not survey.objects:
            return 0
        if not yes:
            typer.confirm("Start?", abort=True)
        job.output.make()
        report.tally.total = survey.objects
        report.estimate = None if job.in_emulator else job.price(survey)
        code = _work(job, caps, report)
    report.ended = datetime.now(UTC)
    progress.print_and_save(report, report_to)
    return code


def parse_since(text: str | None) -> datetime | None:
    """Parse the option `--since`. Raises InvalidRequest."""
    try:
        return parse_time(text) if text is not None else None
    except ValueError as error:
        raise InvalidRequest.expected("--since", "a time like 2026-11-24 or 2026-11-24T06:00Z", text) from error


def _work(job: LocalBackfill, caps: Caps, report: BackfillReport) -> int:
    outcomes = job.run(caps, report)
    try:
        with progress.work_bar() as bar:
            task = bar.add_task("", total=report.tally.total, counts="")
            begun = time.monotonic()
            for outcome in outcomes:
                report.add(outcome)
                bar.update(task, advance=1, counts=progress.describe(report.tally, time.monotonic() - begun))
                if outcome.state == FAILED:
                    err.print(f"{plain(outcome.key)}: {outcome.error}: {plain(outcome.message)}", style="red")
                if reason := _abort_reason(report):
                    report.reason = reason
                    return 1
    except KeyboardInterrupt:
        report.state, report.reason = STOPPED, "Ctrl-C; every written file is complete"
        return INTERRUPTED
    finally:
        outcomes.close()
    if report.reason:
        return 1
    report.state = COMPLETE
    report.tally.total = max(report.tally.total, report.tally.finished)  # some may be added during the run
    return 1 if report.tally.states[FAILED] else 0


def _abort_reason(report: BackfillReport) -> str:
    """The reason to abort: every picture so far failed with a store error. Empty if there is none."""
    tally = report.tally
    causes = {name: tally.errors[name] for name in _STORE_ERRORS if tally.errors[name]}
    if tally.finished < ABORT_AFTER or sum(causes.values()) < tally.finished:
        return ""
    return f"the first {tally.finished} pictures all failed with {', '.join(causes)}"


def _limits(processes: int) -> Limits:
    """Limits with a share of the machine's memory, because all processes decode at the same time."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Limits(memory=min(DEFAULT.memory, int(memory * _MEMORY_SHARE / processes)))


def _print_plan(job: LocalBackfill, survey: Survey) -> None:
    progress.print_survey(survey, job.source)
    texts = ", ".join(map(str, job.renditions))
    out.print(f"To {plain(job.output)}: {texts}; {job.processes} processes of this machine.")
    price = job.price(survey)
    if price >= _MIN_PRICE and not job.in_emulator:
        out.print(f"Requests cost about {dollars(price)} at the list prices of S3.")
