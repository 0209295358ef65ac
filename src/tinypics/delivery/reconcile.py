"""One request from fetch to store. It knows stores and pictures, neither events nor AWS.

1. Look: if the outputs that are there are those of the source's version and of the recipe, nothing is to be done.
2. Read the source. If it is gone or no picture, its outputs are deleted; if not, they are written, each only if the
   object at its key is still the one that was seen.
3. Look at the source again. If it has changed, or if other outputs of it had to be deleted, start over.

All knowledge comes from the buckets. So the final outputs are those of the newest source, in whatever order its
requests run, and wherever they are cut short and retried. A request that fails permanently writes nothing.
"""

from __future__ import annotations

import functools
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from tinypics.delivery import layouts, resizing
from tinypics.delivery.outputs import ExistingOutputs
from tinypics.delivery.result import STEPS, Gone, Result
from tinypics.errors import (
    REFUSED,
    InvalidRequest,
    LoopRefused,
    PermanentError,
    SourceChanged,
    SourceNotFound,
    SourceTooLarge,
    TinypicsError,
)
from tinypics.store import threads
from tinypics.store.download import Download
from tinypics.store.objects import Conflict
from tinypics.values import replace, value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tinypics.delivery.outputs import Handling, Layout
    from tinypics.delivery.request import Request
    from tinypics.delivery.resizing import Resizer
    from tinypics.delivery.result import Outcome
    from tinypics.image.limits import Limits
    from tinypics.image.rendition import Rendition
    from tinypics.image.results import Resized
    from tinypics.store.bucket import Bucket

ATTEMPTS = 5  # for a source that is overwritten during each of them

_NO_PICTURE = (SourceNotFound, LoopRefused, *REFUSED)
"""Errors of a source that has no outputs."""


def run(
    request: Request,
    open_bucket: Callable[[str], Bucket],
    limits: Limits,
    handling: Handling,
    resize_all: Resizer,
) -> Outcome:
    """Make the outputs agree with the source. Raises the errors of `errors.py` and no others."""
    source = open_bucket(request.bucket)
    layout = layouts.layout_of(request, open_bucket(request.dest_bucket), handling)

    def run_other(key: str) -> None:
        with suppress(InvalidRequest, *_NO_PICTURE):  # the events of that source have told it
            run(replace(request, key=key, etag=None, size=None), open_bucket, limits, handling, resize_all)

    def make_heirs() -> None:
        for key in layout.heirs() if request.follows else ():
            if source.head(key):
                run_other(key)

    try:
        outcome = _reconcile(_Attempt(request, source, layout, limits, resize_all, run_other))
    except _NO_PICTURE:
        make_heirs()
        raise
    if isinstance(outcome, Gone):
        make_heirs()
    return outcome


def _reconcile(attempt: _Attempt) -> Outcome:
    request = attempt.request
    for _ in range(ATTEMPTS):
        try:
            outcome = attempt.run()
        except Conflict:
            outcome = None
        if outcome is not None:
            return outcome
        # The event's ETag is known to be stale now.
        attempt = replace(attempt, request=replace(request, etag=None, size=None), first=False)
    raise SourceChanged(f'object "{request.key}" in bucket {request.bucket} was overwritten {ATTEMPTS} times meanwhile')


@value
class _Attempt:
    """One attempt. Its methods raise Conflict if the outputs change meanwhile."""

    request: Request
    source: Bucket
    layout: Layout
    limits: Limits
    resize_all: Resizer
    run_other: Callable[[str], None]
    first: bool = True

    def run(self) -> Outcome | None:
        """The outcome; None if another attempt is needed."""
        started = time.perf_counter()
        existing, opened, made = self._read()
        try:
            if opened is None and self._is_current(existing, self.request.etag):
                # The event may be a retry of one whose source is gone since.
                etag, existing = threads.together([self._source_etag, functools.partial(self.layout.confirm, existing)])
                if etag != existing.source_etag:
                    return None
                if self._is_current(existing, etag):
                    return self._keep(existing, started)
            opened = opened or self._open()
            if isinstance(opened, PermanentError):
                return self._refuse(opened, existing, opened.etag if isinstance(opened, SourceTooLarge) else None)
            if existing.source_etag == opened.stat.etag:
                existing = self.layout.confirm(existing)
            if self._is_current(existing, opened.stat.etag):
                return self._keep(existing, started)
            if existing.obstacle:
                return self._refuse(existing.obstacle, existing, opened.stat.etag)
            return self._replace(existing, opened, made, started)
        finally:
            if isinstance(opened, Download):
                opened.close()

    def _read(self) -> tuple[ExistingOutputs, Download | PermanentError | None, Resized | TinypicsError | None]:
        """Read the existing outputs and, if it is needed in any case, the source, in parallel.

        A picture that most likely has no outputs is resized before they are known.
        """
        request = self.request
        if request.etag is not None and request.size is None:  # its outputs may be there
            return self.layout.look(), None, None
        opening, looking = threads.Call(self._open), threads.Call(self.layout.look)
        opened, made = opening.result(), None
        try:
            is_new = request.size is not None or request.on_demand
            if isinstance(opened, Download) and is_new and looking.is_alive():
                made = self._resize(opened, request.renditions)
            existing = looking.result()
            self._check_order(existing, opened)
        except BaseException:
            if isinstance(opened, Download):
                opened.close()
            raise
        return existing, opened, made

    def _check_order(self, existing: ExistingOutputs, opened: Download | PermanentError) -> None:
        """Raise Conflict if the outputs may be those of a newer version than was opened."""
        if not isinstance(opened, Download) or existing.source_etag in (None, opened.stat.etag):
            return
        if self._source_etag() != opened.stat.etag:
            raise Conflict(f'object "{self.request.key}" was overwritten after it was opened')

    def _open(self) -> Download | PermanentError:
        request = self.request
        try:
            return self.source.open(
                request.key, version_id=request.version_id, max_bytes=self.limits.bytes, size=request.size
            )
        except (SourceNotFound, SourceTooLarge) as error:
            return error

    def _source_etag(self) -> str | None:
        stat = self.source.head(self.request.key, version_id=self.request.version_id)
        return stat.etag if stat else None

    def _is_current(self, existing: ExistingOutputs, etag: str | None) -> bool:
        return (existing.source_etag, existing.recipe) == (etag, self.request.recipe)

    def _keep(self, existing: ExistingOutputs, started: float) -> Result | None:
        """The outputs are current. Others may be left of another recipe, or of an invocation that was killed."""
        if self.layout.clean(existing):
            return None
        timings = dict.fromkeys(STEPS, 0.0) | {"fetch": _ms_since(started)}
        return Result(existing.source, existing.outputs, _rounded(timings), skipped=True)

    def _replace(
        self, existing: ExistingOutputs, download: Download, made: Resized | TinypicsError | None, started: float
    ) -> Outcome | None:
        """Store the missing outputs, of which `made` may have all."""
        reusable = resizing.reusable(self.request, existing, download)
        if made is None or reusable:
            made = self._resize(download, resizing.missing(self.request, reusable))
        if isinstance(made, _NO_PICTURE):
            return self._refuse(made, existing, None if isinstance(made, SourceNotFound) else download.stat.etag)
        if isinstance(made, SourceChanged):
            return None
        if isinstance(made, TinypicsError):
            raise made
        encoded, before_ms = time.perf_counter(), _ms_since(started)
        new = resizing.new_outputs(self.request, download, reusable, made)
        if existing.displaces:  # first, so that its manifest never names our output
            self.run_other(existing.displaces)
            if self.layout.look().displaces != existing.displaces:
                return None
            taken = InvalidRequest.expected("key", "a source whose output no kept list has", self.request.key)
            return self._refuse(taken, existing, download.stat.etag)
        try:
            written = self.layout.write(new, existing)
        except InvalidRequest as error:
            return self._refuse(error, existing, download.stat.etag)
        etag, cleaned = threads.together([self._source_etag, lambda: self.layout.clean(written)])
        kept = etag is None and self.request.dest_key  # outputs with a requested key stay without their source
        if not (etag == download.stat.etag or kept):
            return None
        if cleaned and not self._is_alone(written):
            return None
        # Decoding overlaps with the download, so its time spent waiting for bytes counts as fetching.
        timings = {**made.timings_ms, "store": _ms_since(encoded)}
        timings["decode"] = max(0.0, made.timings_ms["decode"] - download.wait_seconds * 1000)
        timings["fetch"] = max(0.0, before_ms - sum(timings[step] for step in made.timings_ms))
        return Result(new.source, written.outputs, _rounded(timings), skipped=written.existed)

    def _resize(self, download: Download, renditions: Sequence[Rendition]) -> Resized | TinypicsError:
        """The renditions, or the error of this source: the outputs that exist decide about either."""
        try:
            return resizing.resize(self.request, download, renditions, self.limits, self.resize_all)
        except (PermanentError, SourceChanged) as error:
            return error

    def _is_alone(self, written: ExistingOutputs) -> bool:
        """Look again, because the invocation whose outputs were deleted may have deleted ours, or written others."""
        existing = self.layout.look()
        return existing.etag == written.etag and not self.layout.clean(existing)

    def _refuse(self, error: PermanentError, existing: ExistingOutputs, etag: str | None) -> Gone | None:
        """Delete the outputs of a source that has none: it is gone, or `error` says why this version is refused.

        Raises `error` if the source exists, or if its outputs do not follow it.
        """
        follows = self.request.follows or not (self.first or self.request.dest_key)
        if not (follows and self.layout.handling.follow_deletes):
            raise error
        owned = self.layout.owned(existing)
        if self._source_etag() != etag:
            return None
        self.layout.delete(owned)
        if owned and (self._source_etag() != etag or self.layout.owned(ExistingOutputs())):
            return None
        if etag is None and self.request.follows:
            return Gone(tuple(owned))
        raise error


def _rounded(timings_ms: Mapping[str, float]) -> dict[str, float]:
    return {step: round(timings_ms[step], 1) for step in STEPS}


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
