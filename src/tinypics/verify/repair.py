"""Repair of findings: the function makes missing outputs again, and orphans are deleted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tinypics.delivery import outputs
from tinypics.errors import TinypicsError
from tinypics.store.objects import Conflict
from tinypics.verify.checker import pages
from tinypics.verify.findings import DAMAGED, MISSING, ORPHANED, STALE, Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tinypics.verify.checker import Checker

REPAIRS = 4  # parallel invocations, few enough to leave concurrency for uploads
REMADE = (MISSING, STALE, DAMAGED)
REPAIRED = (*REMADE, ORPHANED)
"""The kinds of findings that a repair can end."""


def repair(checker: Checker, findings: Sequence[Finding], invoke: Callable[[str], str | None]) -> Iterator[str | None]:
    """Repair findings; yields None for each success, and a message for each failure.

    `invoke` runs the function on the source of a key, and returns the error, if any. When all sources have been resized
    again, orphans are deleted. Each is deleted only if its ETag is unchanged, and if a second check finds that its
    source is complete and should not have it.
    """
    sources = dict.fromkeys(finding.source for finding in findings if finding.kind in REMADE)

    orphans = [finding for finding in findings if finding.kind == ORPHANED]
    with ThreadPoolExecutor(REPAIRS) as pool:
        for page in pages(sources):
            yield from pool.map(lambda source: _describe_failure(source, lambda: invoke(source)), page)
        for some in pages(orphans):
            yield from pool.map(
                lambda orphan: _describe_failure(orphan.output, lambda: _remove(checker, orphan, invoke)), some
            )


def _remove(checker: Checker, orphan: Finding, invoke: Callable[[str], str | None]) -> str | None:
    verdict = checker.examine_key(orphan.source)
    if verdict.findings or verdict.entitled is None or orphan.output in verdict.entitled:
        return None
    stat = checker.output.head(orphan.output)
    if stat is None or stat.etag != orphan.etag or outputs.PLACED in stat.metadata:
        return None
    if checker.maker(orphan.output, stat) != orphan.source:
        return None
    if checker.is_current_on_demand(orphan.source, stat):
        return None  # made again since, with the same bytes
    try:
        checker.output.delete(orphan.output, etag=orphan.etag)
    except Conflict:
        return None
    # The source may have come back, and the function may have made an equal output, between the check and the delete.
    return invoke(orphan.source) if checker.examine_key(orphan.source).findings else None


def _describe_failure(key: str, work: Callable[[], str | None]) -> str | None:
    """The error of `work`, prefixed with `key`; None if it succeeded."""
    try:
        failure = work()
    except TinypicsError as error:
        failure = f"{error.name}: {error.message}"
    return f"{key}: {failure}" if failure else None
