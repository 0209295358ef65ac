"""The job of `tinypics backfill` on a deployed stack: from options, a list of keys, or the report of another run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from tinypics.aws.backfill import listing
from tinypics.aws.backfill.job import KEYS, Job, to_listed
from tinypics.backfill.estimate import Estimate, estimate
from tinypics.backfill.key_list import Row, key_lines, read_keys
from tinypics.backfill.outcome import RESOURCES_EXHAUSTED
from tinypics.backfill.survey import Survey
from tinypics.cli.backfill import progress
from tinypics.cli.target import readable_errors
from tinypics.cli.terminal import CommandFailed, plain
from tinypics.errors import CapExceeded, InvalidRequest
from tinypics.stack import deployed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tinypics.aws.settings import Settings
    from tinypics.cli.target import Target
    from tinypics.stack.deployed import Stack
    from tinypics.store.objects import Listed

_MAX_COUNTED: Final = 10_000_000
"""Objects that the command counts: ten thousand requests, five cents."""


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
        stack = stack_with_backfills(target)
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
        """Count the pictures. Raises CapExceeded with every exceeded cap, and the options that pass.

        A larger bucket than `_MAX_COUNTED` is counted in part.
        """
        survey, selection = Survey(), self.job.selection(self.settings)
        with progress.count_bar() as bar:
            task = bar.add_task("", total=None)
            for objects in self._pages(target):
                bar.advance(task, len(objects))
                for each in objects:
                    survey.add(each, selection)
                if survey.listed >= _MAX_COUNTED:
                    break
        cost = self.cost(survey).total
        try:
            self.job.caps.check(survey, cost)
        except CapExceeded as error:
            least = "at least " if survey.listed >= _MAX_COUNTED else ""
            options = self.job.caps.options(survey, cost)
            raise CapExceeded(f"{error}; the same command passes with {least}{options}") from None
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
        raise CommandFailed(f"Nothing to retry: {plain(path)} lists no failure" + (f" {error}." if error else "."))
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


def stack_with_backfills(target: Target) -> Stack:
    if target.stack.backfill and target.stack.backfill_bucket:
        return target.stack
    raise CommandFailed("This stack is of a version without backfills: deploy it again (docs/deploying.md).")
