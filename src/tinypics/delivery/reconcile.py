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

from tinypics.delivery import layouts, outputs
from tinypics.delivery.outputs import Made, Torn
from tinypics.delivery.result import STEPS, Current, Gone, Outcome, Result
from tinypics.errors import (
    REFUSED,
    CorruptImage,
    LoopRefused,
    PermanentError,
    SourceChanged,
    SourceNotFound,
    UnsupportedFormat,
)
from tinypics.image.formats import HEAD, sniff
from tinypics.image.placeholder import PLACEHOLDER
from tinypics.store.download import Download
from tinypics.store.objects import Conflict
from tinypics.store.threads import together
from tinypics.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tinypics.delivery.manifest import Stored
    from tinypics.delivery.outputs import Handling, Place, Present
    from tinypics.delivery.request import Request
    from tinypics.image.limits import Limits
    from tinypics.image.rendition import Rendition
    from tinypics.image.results import Resized
    from tinypics.store.bucket import Bucket

_NO_PICTURE = (SourceNotFound, *REFUSED)


Resizer = Callable[["Download", "Sequence[Rendition]", "Limits"], "Resized"]
"""`tinypics.resize_all`, or the same in another process."""


TURNS = 5  # attempts for a source that is overwritten during each of them


class Again(Enum):
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
    place = layouts.place_of(request, open_bucket(request.dest_bucket), handling)
    before: Again | None = None
    for _ in range(TURNS):
        outcome = _turn(request, source, place, limits, resize_all, before)
        if not isinstance(outcome, Again):
            return outcome
        before = Again.REMOVED if before is Again.REMOVED else outcome
        request = replace(request, etag=None)  # the event's ETag is known to be stale now
    raise SourceChanged(f'object "{request.key}" in bucket {request.bucket} was overwritten {TURNS} times meanwhile')


def _turn(
    request: Request, source: Bucket, place: Place, limits: Limits, resize_all: Resizer, before: Again | None
) -> Outcome | Again:
    """One attempt. `before` is why the earlier ones failed."""
    clock = time.perf_counter()
    present, opened = _looked(request, source, place, limits, before)
    try:
        if before is not Again.REMOVED and present and present.recipe == request.recipe:
            etag = opened.stat.etag if isinstance(opened, Download) else request.etag or _etag(source, request)
            if present.source_etag == etag:
                return _current(request, source, place, present, clock, before)
        if opened is None:
            opened = _opened(request, source, limits)
        elif isinstance(opened, Download) and present and present.source_etag != opened.stat.etag:
            now = _etag(source, request)
            if now != opened.stat.etag:  # the outputs may be those of a newer version
                return Again.CHANGED
        if isinstance(opened, PermanentError):
            return _refused(request, source, place, opened, None)
        if present is None and before is not Again.REMOVED:
            for found in place.elsewhere(_format(opened)):
                if (found.recipe, found.source_etag) == (request.recipe, opened.stat.etag):
                    return _current(request, source, place, found, clock, before)
        return _remade(request, source, place, limits, resize_all, present, opened, clock, before)
    finally:
        if isinstance(opened, Download):
            opened.close()


def _looked(
    request: Request, source: Bucket, place: Place, limits: Limits, before: Again | None
) -> tuple[Present | None, Download | PermanentError | None]:
    """Read the existing outputs and, if it is needed in any case, the source, in parallel."""
    if before or request.etag is not None:  # If the outputs have the event's ETag, the source need not be read.
        return place.look(), None
    begun: list[Download | PermanentError] = []
    try:
        present, _ = together([place.look, lambda: begun.append(_opened(request, source, limits))])
    except BaseException:
        for opened in begun:
            if isinstance(opened, Download):
                opened.close()
        raise
    return present, begun[0]


def _opened(request: Request, source: Bucket, limits: Limits) -> Download | PermanentError:
    try:
        return source.open(request.key, version_id=request.version_id, max_bytes=limits.bytes)
    except _NO_PICTURE as error:
        return error


def _format(opened: Download) -> str | None:
    """The format by the first bytes."""
    try:
        return sniff(opened.head(HEAD)).name
    except UnsupportedFormat:
        return None


def _current(
    request: Request, source: Bucket, place: Place, present: Present, clock: float, before: Again | None
) -> Current | Again:
    try:
        place.tidy(present)
    except Torn:
        return Again.REMOVED
    except SourceNotFound:
        return Again.CHANGED
    # An earlier attempt ended in a conflict, and may have stored outputs of another format before.
    if before and (
        again := _overtaken(request, source, place, present.source_etag, lambda: place.strays(None, present.stored))
    ):
        return again
    return Current(present.source, present.stored, _told(dict.fromkeys(STEPS, 0.0) | {"fetch": _ms_since(clock)}))


def _remade(
    request: Request,
    source: Bucket,
    place: Place,
    limits: Limits,
    resize_all: Resizer,
    present: Present | None,
    fetched: Download,
    clock: float,
    before: Again | None,
) -> Outcome | Again:
    """Make and store the missing outputs. If an earlier attempt deleted outputs, trust no manifest and make all."""
    fetch_ms = _ms_since(clock)
    kept = {} if before is Again.REMOVED else _reusable(present, fetched)
    try:
        resized = _resize(request, fetched, kept, limits, resize_all)
    except _NO_PICTURE as error:
        return _refused(request, source, place, error, fetched)
    except SourceChanged:
        return Again.CHANGED
    waited_ms = fetched.waited * 1000
    clock = time.perf_counter()
    made = _made(request, fetched, kept, resized)
    try:
        stored = place.write(made, present, lambda: _etag(source, request) == fetched.stat.etag)
    except Torn:
        return Again.REMOVED
    except Conflict:
        return Again.CHANGED
    if again := _overtaken(request, source, place, fetched.stat.etag, lambda: place.strays(present, stored)):
        return again
    # Decoding overlaps with the download, so its time spent waiting for bytes counts as fetching.
    spent = {"fetch": fetch_ms + waited_ms, **resized.timings_ms, "store": _ms_since(clock)}
    spent["decode"] = max(0.0, spent["decode"] - waited_ms)
    return Result(made.source, stored, _told(spent))


def _overtaken(
    request: Request, source: Bucket, place: Place, etag: str, find_strays: Callable[[], list[str]]
) -> Again | None:
    """After a write, delete stray outputs and check the source's ETag again; why another attempt is needed, if so."""
    now, strays = together([lambda: _etag(source, request), find_strays])
    for key in strays:
        place.bucket.delete(key)
    if strays and _etag(source, request) != etag:
        return Again.REMOVED
    if now is None and place.handling.follow_deletes:
        place.remove()
        return Again.REMOVED
    return Again.CHANGED if now not in (None, etag) else None


def _reusable(present: Present | None, fetched: Download) -> dict[str, Stored]:
    """Outputs in a folder that are still valid although the recipe changed, by rendition."""
    if present is None or present.source_etag != fetched.stat.etag:
        return {}
    return {item.rendition: item for item in present.stored if "missing-data" not in item.dropped}


def _resize(
    request: Request, fetched: Download, kept: Mapping[str, Stored], limits: Limits, resize_all: Resizer
) -> Resized:
    if outputs.RECIPE in fetched.stat.metadata:
        raise LoopRefused(f'"{request.key}" is itself an output of tinypics, as its metadata says')
    if fetched.size == 0:
        raise CorruptImage("the object is empty: expected the bytes of a picture, got 0 bytes")
    missing = [rendition for rendition in request.renditions if str(rendition) not in kept]
    wanted = [*missing, PLACEHOLDER] if request.in_folder else list(request.renditions)
    return resize_all(fetched, wanted, replace(limits, lenient=request.lenient or limits.lenient))


def _made(request: Request, fetched: Download, kept: Mapping[str, Stored], resized: Resized) -> Made:
    source = {
        "bucket": request.bucket,
        "key": request.key,
        "etag": fetched.stat.etag,
        "version_id": fetched.stat.version_id,
        "width": resized.source.width,
        "height": resized.source.height,
        "format": resized.source.format,
        "bytes": fetched.size,
    }
    if request.in_folder:
        return Made(resized.outputs[:-1], source, kept, resized.outputs[-1])
    return Made(resized.outputs, source)


def _refused(
    request: Request, source: Bucket, place: Place, error: PermanentError, fetched: Download | None
) -> Outcome | Again:
    """Delete the outputs of a source that is gone or refused, if they follow it. Raises `error` if they were kept,
    or if the source exists."""
    if not (request.follows and place.handling.follow_deletes):
        raise error
    before = source.head(request.key)
    if fetched is not None:
        still = before is not None and before.etag == fetched.stat.etag
    else:
        still = (before is None) == isinstance(error, SourceNotFound)
    if not still:
        return Again.CHANGED
    removed = place.remove()
    if source.head(request.key) != before:
        return Again.REMOVED
    if before is None:
        return Gone(tuple(removed))
    raise error


def _etag(source: Bucket, request: Request) -> str | None:
    stat = source.head(request.key, version_id=request.version_id)
    return stat.etag if stat else None


def _told(spent: Mapping[str, float]) -> dict[str, float]:
    return {step: round(spent[step], 1) for step in STEPS}


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
