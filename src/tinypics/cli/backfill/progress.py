"""Output of backfills, by the stack or by this machine: the count, the progress and the report."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress

from tinypics.backfill.outcome import DONE, FAILED, SKIPPED
from tinypics.backfill.report import list_counts
from tinypics.backfill.survey import OUTSIDE
from tinypics.cli.terminal import COUNT, CommandFailed, err, nothing_in, out, plain, progress, size
from tinypics.errors import (
    AccessDenied,
    CapExceeded,
    InvalidConfiguration,
    InvalidRequest,
    LoopRefused,
    TinypicsError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tinypics.backfill.outcome import Tally
    from tinypics.backfill.report import BackfillReport
    from tinypics.backfill.survey import Survey


@contextlib.contextmanager
def readable_refusals() -> Iterator[None]:
    """Turn errors before the start into one sentence."""
    try:
        yield
    except (AccessDenied, CapExceeded, InvalidConfiguration, InvalidRequest, LoopRefused) as error:
        raise CommandFailed(f"{error.name}: {plain(error)}. Nothing was started.") from None
    except TinypicsError as error:
        raise CommandFailed(f"{error.name}: {plain(error)}") from None


def count_bar() -> Progress:
    return progress("Counting", BarColumn(), COUNT)


def check_prefix(survey: Survey, place: object, prefix: str, usual: str) -> None:
    """Raise CommandFailed if no key starts with `prefix`, which may be a typing error unless it is the `usual` one."""
    if prefix != usual and survey.listed == survey.left_out[OUTSIDE]:
        raise CommandFailed(nothing_in(place, prefix))


def print_survey(survey: Survey, place: object) -> None:
    kinds = list_counts(survey.by_extension, "without extension")
    pictures = "picture" if survey.objects == 1 else "pictures"
    out.print(f"{survey.objects:,} {pictures} in {plain(place)}, {size(survey.bytes)}: {plain(kinds) or 'none'}")
    if survey.left_out:
        out.print(f"{survey.left_out.total():,} left out: {plain(list_counts(survey.left_out))}")


def work_bar() -> Progress:
    return progress(BarColumn(), MofNCompleteColumn(), "{task.fields[counts]}")


def describe(tally: Tally, seconds: float) -> str:
    """The progress `seconds` after the start: counts, failures by name, rate, time left."""
    found = [f"{tally.states[state]:,} {state}" for state in (DONE, SKIPPED, FAILED) if tally.states[state]]
    if tally.states[FAILED]:
        found[-1] += f" ({plain(list_counts(tally.errors))})"
    left = tally.eta(seconds)
    return f"{', '.join(found)}  {tally.rate(seconds):,.0f}/s" + ("" if left is None else f"  {_clock(left)} left")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def print_and_save(report: BackfillReport, folder: Path) -> None:
    out.print(plain_lines(report.summary()))
    report.write(folder)
    err.print(f"The report is in {plain(folder)}.")


def plain_lines(text: str) -> str:
    return "\n".join(map(plain, text.rstrip().splitlines()))
