"""Repair of findings: the function makes missing outputs again, and orphans are deleted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tinypics.delivery import keys, outputs
from tinypics.delivery.request import Request
from tinypics.errors import TinypicsError
from tinypics.store.objects import Listed
from tinypics.verify.checker import pages
from tinypics.verify.findings import DAMAGED, MISSING, ORPHANED, STALE, Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tinypics.verify.checker import Checker

REPAIRS = 4  # parallel invocations, few enough to leave concurrency for uploads
REMADE = (MISSING, STALE, DAMAGED)


def repair(checker: Checker, findings: Sequence[Finding], invoke: Callable[[str], str | None]) -> Iterator[str | None]:
    """Repair findings; yields None for each success, and a message for each failure.

    `invoke` runs the function on the source of a key, and returns the error, if any. When all sources have been resized
    again, orphans are deleted. Each is deleted only if its ETag is unchanged, and if a second check finds that its
    source is complete and should not have it.
    """
    damaged = {finding.source for finding in findings if finding.kind == DAMAGED}
    sources = dict.fromkeys(finding.source for finding in findings if finding.kind in REMADE)

    orphans = [finding for finding in findings if finding.kind == ORPHANED]

    def remake(source: str) -> str | None:
        if source in damaged:
            _clear(checker, source)
        return invoke(source)

    with ThreadPoolExecutor(REPAIRS) as pool:
        for page in pages(sources):
            yield from pool.map(lambda source: _describe_failure(source, lambda: remake(source)), page)
        for some in pages(orphans):
            yield from pool.map(lambda orphan: _describe_failure(orphan.output, lambda: _remove(checker, orphan)), some)


def _clear(checker: Checker, source: str) -> None:
    """Delete a wrong manifest and the outputs that do not match it, because the function would trust both.

    Foreign objects are left to the function, which replaces them.
    """
    verdict = checker.examine_key(source)
    damaged = [finding.output for finding in verdict.findings if finding.kind == DAMAGED]
    request = checker.request_of(Listed(source, 0, ""))
    if damaged and isinstance(request, Request):
        for key in (keys.manifest(request.base_key), *damaged):
            stat = checker.output.head(key)
            if stat and checker.maker(key, stat) == source:
                checker.output.delete(key)


def _remove(checker: Checker, orphan: Finding) -> None:
    verdict = checker.examine_key(orphan.source)
    if verdict.findings or verdict.entitled is None or orphan.output in verdict.entitled:
        return
    stat = checker.output.head(orphan.output)
    if stat is None or stat.etag != orphan.etag or outputs.PLACED in stat.metadata:
        return
    if checker.maker(orphan.output, stat) == orphan.source:
        checker.output.delete(orphan.output)


def _describe_failure(key: str, work: Callable[[], str | None]) -> str | None:
    """The error of `work`, prefixed with `key`; None if it succeeded."""
    try:
        failure = work()
    except TinypicsError as error:
        failure = f"{error.name}: {error.message}"
    return f"{key}: {failure}" if failure else None
