"""One request from fetch to store. It knows stores and pictures, neither events nor AWS.

Each attempt reads the existing outputs, reads the source, writes with `If-Match`, then checks that the source's ETag is
unchanged. The two reads may run in parallel. If the outputs are of another version than the source that was read, they
are replaced only if the source's ETag is unchanged after both reads. So the final outputs are those of the newest
source, in whatever order its requests run, and wherever they are cut short and retried. A request that fails
permanently writes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum, auto
from typing import TYPE_CHECKING

from tinypics.delivery import keys, layouts, outputs
from tinypics.delivery.outputs import ConcurrentCleanup, NewOutputs
from tinypics.delivery.result import STEPS, Gone, Result
from tinypics.errors import REFUSED, CorruptImage, LoopRefused, PermanentError, SourceChanged, SourceNotFound
from tinypics.store.download import Download
from tinypics.store.objects import Conflict
from tinypics.store.threads import together
from tinypics.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tinypics.delivery.manifest import StoredOutput
    from tinypics.delivery.outputs import ExistingOutputs, Handling, Layout
    from tinypics.delivery.request import Request
    from tinypics.delivery.result import Outcome
    from tinypics.image.limits import Limits
    from tinypics.image.rendition import Rendition
    from tinypics.image.results import Resized
    from tinypics.store.bucket import Bucket

Resizer = Callable[["Download", "Sequence[Rendition]", "Limits"], "Resized"]
"""`tinypics.resize_all`, or the same in another process."""

ATTEMPTS = 5  # for a source that is overwritten during each of them

_NO_PICTURE = (SourceNotFound, *REFUSED)


class RetryReason(Enum):
    """Why another attempt is needed."""

    CHANGED = auto()
    """The source or its outputs changed after they were read."""
    REMOVED = auto()
    """We may have deleted outputs of the new version: trust no manifest in the next attempt."""


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
    reason: RetryReason | None = None
    for _ in range(ATTEMPTS):
        outcome = _Attempt(request, source, layout, limits, resize_all, reason).run()
        if not isinstance(outcome, RetryReason):
            return outcome
        reason = RetryReason.REMOVED if reason is RetryReason.REMOVED else outcome
        request = replace(request, etag=None)  # the event's ETag is known to be stale now
    raise SourceChanged(f'object "{request.key}" in bucket {request.bucket} was overwritten {ATTEMPTS} times meanwhile')


class _Attempt:
    """One attempt. `previous` is why the earlier ones failed."""

    def __init__(
        self,
        request: Request,
        source: Bucket,
        layout: Layout,
        limits: Limits,
        resize_all: Resizer,
        previous: RetryReason | None,
    ) -> None:
        self._request = request
        self._source = source
        self._layout = layout
        self._limits = limits
        self._resize_all = resize_all
        self._previous = previous
        self._started = time.perf_counter()

    def run(self) -> Outcome | RetryReason:
        existing, opened = self._read()
        try:
            if existing and self._is_current(existing, opened):
                return self._keep(existing)
            if existing and isinstance(opened, Download) and self._is_outdated(opened, existing):
                return RetryReason.CHANGED
            if opened is None:
                opened = self._open()
            if isinstance(opened, PermanentError):
                return self._refuse(opened, None)
            return self._replace(existing, opened)
        finally:
            if isinstance(opened, Download):
                opened.close()

    def _read(self) -> tuple[ExistingOutputs | None, Download | PermanentError | None]:
        """Read the existing outputs and, if it is needed in any case, the source, in parallel."""
        if self._previous or self._request.etag is not None:  # Outputs of that ETag need no reading of the source.
            return self._layout.look(), None
        begun: list[Download | PermanentError] = []
        try:
            existing, _ = together([self._layout.look, lambda: begun.append(self._open())])
        except BaseException:
            for opened in begun:
                if isinstance(opened, Download):
                    opened.close()
            raise
        return existing, begun[0]

    def _open(self) -> Download | PermanentError:
        request = self._request
        try:
            return self._source.open(request.key, version_id=request.version_id, max_bytes=self._limits.bytes)
        except _NO_PICTURE as error:
            return error

    def _source_etag(self) -> str | None:
        stat = self._source.head(self._request.key, version_id=self._request.version_id)
        return stat.etag if stat else None

    def _is_current(self, existing: ExistingOutputs, opened: Download | PermanentError | None) -> bool:
        if self._previous is RetryReason.REMOVED or existing.recipe != self._request.recipe:
            return False
        etag = opened.stat.etag if isinstance(opened, Download) else self._request.etag or self._source_etag()
        return existing.source_etag == etag

    def _is_outdated(self, download: Download, existing: ExistingOutputs) -> bool:
        """Whether the outputs may be those of a newer version of the source than was opened."""
        etag = download.stat.etag
        return existing.source_etag != etag and self._source_etag() != etag

    def _keep(self, existing: ExistingOutputs) -> Result | RetryReason:
        """The outputs are current. An earlier attempt, or an invocation that was killed, may have left others."""
        if (self._previous or existing.obsolete) and (reason := self._finish(existing)):
            return reason
        timings = dict.fromkeys(STEPS, 0.0) | {"fetch": _ms_since(self._started)}
        return Result(existing.source, existing.outputs, _rounded(timings), skipped=True)

    def _replace(self, existing: ExistingOutputs | None, download: Download) -> Outcome | RetryReason:
        """Make and store the missing outputs."""
        fetch_ms = _ms_since(self._started)
        reusable = self._reusable(existing, download)
        try:
            resized = self._resize(download, reusable)
        except _NO_PICTURE as error:
            return self._refuse(error, download)
        except SourceChanged:
            return RetryReason.CHANGED
        waited_ms = download.waited * 1000
        encoded = time.perf_counter()
        new = self._new_outputs(download, reusable, resized)
        try:
            written = self._layout.write(new, existing, lambda: self._source_etag() == download.stat.etag)
        except Conflict:
            return RetryReason.CHANGED
        if reason := self._finish(written):
            return reason
        # Decoding overlaps with the download, so its time spent waiting for bytes counts as fetching.
        timings = {"fetch": fetch_ms + waited_ms, **resized.timings_ms, "store": _ms_since(encoded)}
        timings["decode"] = max(0.0, timings["decode"] - waited_ms)
        return Result(new.source, written.outputs, _rounded(timings))

    def _reusable(self, existing: ExistingOutputs | None, download: Download) -> dict[str, StoredOutput]:
        """Outputs in a folder that are still valid although the recipe changed, by rendition."""
        if not (self._request.in_folder and existing) or self._previous is RetryReason.REMOVED:
            return {}
        if existing.source_etag != download.stat.etag:
            return {}
        return {item.rendition: item for item in existing.outputs if "missing-data" not in item.dropped}

    def _resize(self, download: Download, reusable: Mapping[str, StoredOutput]) -> Resized:
        request = self._request
        if outputs.RECIPE in download.stat.metadata:
            raise LoopRefused(f'"{request.key}" is itself an output of tinypics, as its metadata says')
        if download.size == 0:
            raise CorruptImage("the object is empty: expected the bytes of a picture, got 0 bytes")
        wanted = [replace(each, format=keys.fixed_format(request.key, each)) for each in self._missing(reusable)]
        if request.in_folder:
            from tinypics.image.placeholder import PLACEHOLDER  # only a manifest needs it

            wanted.append(PLACEHOLDER)
        lenient = request.lenient or self._limits.lenient
        return self._resize_all(download, wanted, replace(self._limits, lenient=lenient))

    def _missing(self, reusable: Mapping[str, StoredOutput]) -> list[Rendition]:
        return [rendition for rendition in self._request.renditions if str(rendition) not in reusable]

    def _new_outputs(self, download: Download, reusable: Mapping[str, StoredOutput], resized: Resized) -> NewOutputs:
        source = {
            "bucket": self._request.bucket,
            "key": self._request.key,
            "etag": download.stat.etag,
            "version_id": download.stat.version_id,
            "width": resized.source.width,
            "height": resized.source.height,
            "format": resized.source.format,
            "bytes": download.size,
        }
        # Outputs are named by what was asked for, not by its fixed format. The placeholder, if any, is the last one.
        pairs = zip(resized.outputs, self._missing(reusable), strict=False)
        made = tuple(replace(output, rendition=asked) for output, asked in pairs)
        return NewOutputs(made, source, reusable, resized.outputs[-1] if self._request.in_folder else None)

    def _finish(self, existing: ExistingOutputs) -> RetryReason | None:
        """Clean up, and check that the source's ETag is unchanged; why another attempt is needed, if so."""
        try:
            etag, deleted = together([self._source_etag, lambda: self._layout.finish_cleanup(existing)])
        except ConcurrentCleanup:
            return RetryReason.REMOVED
        if deleted and self._source_etag() != existing.source_etag:
            return RetryReason.REMOVED
        if etag is None and self._layout.handling.follow_deletes:
            self._layout.remove()
            return RetryReason.REMOVED
        return RetryReason.CHANGED if etag not in (None, existing.source_etag) else None

    def _refuse(self, error: PermanentError, download: Download | None) -> Gone | RetryReason:
        """Delete the outputs of a source that is gone or refused, if they follow it. Raises `error` if they were kept,
        or if the source exists."""
        if not (self._request.follows and self._layout.handling.follow_deletes):
            raise error
        before = self._source.head(self._request.key)
        if download is not None:
            unchanged = before is not None and before.etag == download.stat.etag
        else:
            unchanged = (before is None) == isinstance(error, SourceNotFound)
        if not unchanged:
            return RetryReason.CHANGED
        removed = self._layout.remove()
        if self._source.head(self._request.key) != before:
            return RetryReason.REMOVED
        if before is None:
            return Gone(tuple(removed))
        raise error


def _rounded(timings_ms: Mapping[str, float]) -> dict[str, float]:
    return {step: round(timings_ms[step], 1) for step in STEPS}


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
