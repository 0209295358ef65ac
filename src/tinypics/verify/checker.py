"""Checks the invariant that a stack keeps. `repair` repairs what it finds.

The invariant: every valid picture of the source bucket has its complete outputs and manifest, they belong to its
current version, and there are no other outputs of this stack. To decide whether a source is valid and which keys its
outputs have, the checker runs the same code as the function, with a store in memory.
"""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from obstore.store import MemoryStore

from tinypics.delivery import keys, layouts, outputs, reconcile, result
from tinypics.delivery.request import Skip
from tinypics.errors import REFUSED, InvalidRequest, LoopRefused, SourceChanged, SourceNotFound, TinypicsError
from tinypics.store.bucket import Bucket
from tinypics.store.objects import Conflict, Listed
from tinypics.values import replace
from tinypics.verify.findings import (
    CLASHING,
    DAMAGED,
    FOREIGN,
    MANAGED,
    MISSING,
    ON_DEMAND,
    ORPHANED,
    STALE,
    UNCHECKED,
    CheckReport,
    Finding,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tinypics.delivery.outputs import ExistingOutputs, Handling, Layout
    from tinypics.delivery.request import Request
    from tinypics.delivery.resizing import Resizer
    from tinypics.image.limits import Limits
    from tinypics.store.objects import Stat

_T = TypeVar("_T")

_PAGE = 256  # objects checked before the next page is listed

_NOWHERE = "(memory)"  # not a valid name of a bucket
_REASONS = {
    "complete": "its source has other outputs",
    "wrong": "its source has other outputs",
    "gone": "its source is gone",
    "skipped": "its source is none",
    "unreadable": "its source cannot be read under this key",
}


@dataclass(frozen=True)
class Checker:
    """Compares a source bucket with its output bucket.

    `request_of` returns the request for an upload of a key, or raises the error that the stack would answer. Only keys
    with the prefix `prefix` are checked; `output_prefix` is prepended for their outputs. `threads` objects are checked
    in parallel. `resize_all` resizes sources without outputs, in a sandbox if the process holds credentials.
    """

    source: Bucket
    output: Bucket
    request_of: Callable[[Listed], Request | Skip]
    limits: Limits
    handling: Handling
    resize_all: Resizer
    threads: int
    prefix: str = ""
    output_prefix: str = ""
    # Decode one picture at a time, to bound memory.
    _decoding: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def check(self, sources: Iterable[Listed], outputs: Iterable[Listed]) -> CheckReport:
        """Check every source, then every output. Changes nothing. `outputs` is read after `sources`."""
        report = CheckReport()
        with ThreadPoolExecutor(self.threads) as pool:
            for page in pages(sources):
                for listed, verdict in zip(page, pool.map(self.examine, page), strict=True):
                    report.add(listed.key, verdict)
            for page in pages(outputs):
                owned: defaultdict[str, list[Listed]] = defaultdict(list)
                for listed, (kind, detail) in zip(page, pool.map(self._classify, page), strict=True):
                    if kind == MANAGED:
                        owned[detail].append(listed)
                    elif kind == UNCHECKED:
                        report.findings.append(Finding(UNCHECKED, "", listed.key, detail))
                    elif kind == FOREIGN:
                        report.foreign.append(listed.key)
                    report.outputs[kind] += 1
                for owner, verdict in zip(owned, pool.map(self.examine_key, owned), strict=True):
                    self._judge(owner, owned[owner], verdict, report)
        return report

    def examine(self, listed: Listed) -> Verdict:
        """The verdict on a listed source."""
        try:
            return self._examine(listed)
        except TinypicsError as error:
            return _unchecked_verdict(listed.key, error)

    def examine_key(self, key: str) -> Verdict:
        """The verdict on a source that may not exist."""
        try:
            stat = self.source.head(key)
            return self._examine(Listed(key, stat.size, stat.etag)) if stat else Verdict("gone")
        except TinypicsError as error:
            return _unchecked_verdict(key, error)

    def _examine(self, listed: Listed) -> Verdict:
        try:
            request = self.request_of(listed)
            if isinstance(request, Skip):
                return Verdict("skipped")
            layout = layouts.layout_of(request, self.output, self.handling)
        except InvalidRequest as error:
            return Verdict("unreadable", refusal=error)
        except LoopRefused as error:
            return Verdict(error.name, refusal=error)
        existing = _look(layout)
        if existing.obstacle:
            clash = Finding(CLASHING, request.key, layout.output_keys[0], existing.obstacle.message)
            return Verdict("clashing", (clash,))
        if (existing.source_etag, existing.recipe) == (listed.etag, request.recipe):
            return Verdict("complete", (), _entitled(layout, existing))
        stat = self.source.head(request.key)
        if stat is None:
            return Verdict("gone")
        if stat.etag != listed.etag:  # overwritten since it was listed
            return self._examine(Listed(listed.key, stat.size, stat.etag))
        if existing.source_etag == stat.etag:
            return Verdict("wrong", _wrong_outputs(layout, existing), _entitled(layout, existing))
        return self._resize_in_memory(layout, existing)

    def _resize_in_memory(self, layout: Layout, existing: ExistingOutputs) -> Verdict:
        """There are no current outputs: resize the source into memory to see whether it should have some."""
        request = layout.request
        nowhere = Bucket(_NOWHERE, MemoryStore())
        trial = replace(request, dest_bucket=_NOWHERE)
        with self._decoding:
            try:
                outcome = reconcile.run(
                    trial, lambda name: self._bucket_named(name, nowhere), self.limits, self.handling, self.resize_all
                )
            except SourceNotFound:
                return Verdict("gone")
            except InvalidRequest as error:
                return Verdict("unreadable", refusal=error)
            except (*REFUSED, LoopRefused) as error:
                return Verdict(error.name, refusal=error)
        if isinstance(outcome, result.Gone):
            return Verdict("gone")
        if existing.source_etag is None:
            kind, reason = MISSING, "there is none"
        else:
            kind, reason = STALE, "made of another version of the source"
        return Verdict("wrong", (Finding(kind, request.key, layout.marker, reason),), _entitled(layout, existing))

    def _bucket_named(self, name: str, nowhere: Bucket) -> Bucket:
        return nowhere if name == _NOWHERE else self.source

    def maker(self, key: str, stat: Stat) -> str | None:
        """The source of an output, by the fingerprint in its metadata; None if it is not one of this bucket's."""
        possible = keys.possible_sources(key.removeprefix(self.output_prefix))
        mark = stat.metadata.get(outputs.SOURCE)
        return next((each for each in possible if keys.fingerprint(self.source.name, each) == mark), None)

    def is_current_on_demand(self, owner: str, stat: Stat) -> bool:
        """Whether an output was made on demand, of the version that its source has."""
        if outputs.ON_DEMAND not in stat.metadata:
            return False
        source = self.source.head(owner)
        return source is not None and source.etag == stat.metadata.get(outputs.SOURCE_ETAG)

    def _classify(self, listed: Listed) -> tuple[str, str]:
        """The kind of an object in the output bucket (see `CheckReport`), and the key of its source or an error."""
        try:
            return self._kind_of(listed)
        except InvalidRequest:
            return FOREIGN, ""  # the stack writes no such key
        except TinypicsError as error:
            return UNCHECKED, f"{error.name}: {error.message}"

    def _kind_of(self, listed: Listed) -> tuple[str, str]:
        stat = self.output.head(keys.check(listed.key))
        if stat is None:
            return "gone", ""  # deleted since it was listed
        if outputs.SOURCE not in stat.metadata:
            return FOREIGN, ""
        if outputs.PLACED in stat.metadata:
            return "placed", ""
        owner = self.maker(listed.key, stat)
        if owner is not None and self.is_current_on_demand(owner, stat):
            return ON_DEMAND, owner
        # With the prefix `a/`, the listing of outputs also has those in the folder of a source `a`.
        return (MANAGED, owner) if owner is not None and owner.startswith(self.prefix) else ("others", "")

    def _judge(self, owner: str, outputs: list[Listed], verdict: Verdict, report: CheckReport) -> None:
        """Report the orphans among the outputs of one source."""
        if verdict.entitled is None:
            report.findings += verdict.findings
            return
        left_alone = not self.handling.follow_deletes and verdict.state not in ("complete", "wrong")
        for listed in outputs:
            if listed.key in verdict.entitled:
                continue
            if left_alone:
                report.outputs[MANAGED] -= 1
                report.outputs["kept"] += 1
            else:
                reason = _REASONS.get(verdict.state, f"its source is refused: {verdict.state}")
                report.findings.append(Finding(ORPHANED, owner, listed.key, reason, listed.etag))


def _look(layout: Layout) -> ExistingOutputs:
    for _ in range(reconcile.ATTEMPTS):
        with suppress(Conflict):
            return layout.confirm(layout.look())
    raise SourceChanged(f"{layout.marker} was overwritten {reconcile.ATTEMPTS} times while it was read")


def _wrong_outputs(layout: Layout, existing: ExistingOutputs) -> tuple[Finding, ...]:
    """The findings on outputs of the current version that are not all there, or of another recipe."""
    key = layout.request.key
    gone, other = "it is gone, and in the manifest", "it is not the object that the manifest names"
    damaged = tuple(
        Finding(DAMAGED, key, each, other if etag else gone)
        for each, etag in existing.damaged.items()
        if each in layout.output_keys
    )
    reason = "made by another recipe" if existing.outputs else "its manifest is incomplete"
    return damaged or (Finding(STALE, key, layout.marker, reason),)


def _entitled(layout: Layout, existing: ExistingOutputs) -> frozenset[str]:
    """The keys of outputs that are no orphans. Those of an outdated manifest stay until the new ones are written."""
    outdated = existing.source_etag is not None and existing.recipe != layout.request.recipe
    return frozenset({*layout.output_keys, layout.marker, *(layout.owned(existing) if outdated else ())})


def _unchecked_verdict(key: str, error: TinypicsError) -> Verdict:
    return Verdict(UNCHECKED, (Finding(UNCHECKED, key, "", f"{error.name}: {error.message}"),), entitled=None)


def pages(listing: Iterable[_T]) -> Iterator[list[_T]]:
    """A listing in pages of `_PAGE` objects."""
    remaining = iter(listing)
    while page := list(itertools.islice(remaining, _PAGE)):
        yield page
