"""One request from fetch to store. Knows stores and pictures, neither events nor AWS.

Every turn looks at the outputs first, then reads the source, and last looks whether it is still the one that it read;
together with compare-and-swap writes this makes the outputs that remain those of the newest source, in whatever order
requests for it run and wherever they are cut short (and run again). A request that cannot be fulfilled writes nothing.
"""

from __future__ import annotations

import time
from enum import Enum, auto
from typing import TYPE_CHECKING

from tinypics import delivery, layouts, manifest
from tinypics.delivery import Made, Torn
from tinypics.errors import (
    CorruptImage,
    ImageTooLarge,
    LoopRefused,
    PermanentError,
    SourceChanged,
    SourceNotFound,
    SourceTooLarge,
    UnsupportedFormat,
)
from tinypics.resize import resize_all
from tinypics.store import Conflict, together
from tinypics.values import replace, value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tinypics.delivery import Handling, Place
    from tinypics.download import Download
    from tinypics.limits import Limits
    from tinypics.manifest import Stored
    from tinypics.request import Request
    from tinypics.resize import Resized
    from tinypics.store import Bucket

_NO_PICTURE = (SourceNotFound, SourceTooLarge, UnsupportedFormat, CorruptImage, ImageTooLarge)

CURRENT = "the outputs are current"
GONE = "the source is gone"
"""How answers and reports say why nothing was made."""

STEPS = ("fetch", "decode", "transform", "encode", "store")

TURNS = 5  # at most this often is a source read that is overwritten each time while it is worked on


@value
class Result:
    """What was read, what was written, and where the time went (milliseconds by step)."""

    source: Mapping[str, object]
    stored: tuple[Stored, ...]
    timings_ms: Mapping[str, float]


@value
class Current:
    """The outputs were there already, made from this source by this recipe. All the time went into looking."""

    source: Mapping[str, object]
    stored: tuple[Stored, ...]
    timings_ms: Mapping[str, float]


@value
class Gone:
    """The source is no longer there, and neither are its outputs: the keys that were removed."""

    removed: tuple[str, ...]


Outcome = Result | Current | Gone


class Again(Enum):
    """Why everything has to be looked at again."""

    CHANGED = auto()
    """The source or the outputs are no longer those that were looked at."""
    REMOVED = auto()
    """Outputs were removed while the source changed: some may have been its new ones, whatever their manifest says."""


def run(
    request: Request,
    open_bucket: Callable[[str], Bucket],
    limits: Limits,
    handling: Handling,
) -> Outcome:
    """Make the outputs agree with the source. Raises the errors of `errors.py` and no others."""
    source = open_bucket(request.bucket)
    place = layouts.place_of(request, open_bucket(request.dest_bucket), handling)
    before: Again | None = None
    for _ in range(TURNS):
        outcome = _turn(request, source, place, limits, before)
        if not isinstance(outcome, Again):
            return outcome
        before = Again.REMOVED if before is Again.REMOVED else outcome
        request = replace(request, etag=None)  # what the event named is known to be old now
    raise SourceChanged(f'object "{request.key}" in bucket {request.bucket} was overwritten {TURNS} times meanwhile')


def _turn(request: Request, source: Bucket, place: Place, limits: Limits, before: Again | None) -> Outcome | Again:
    """One try, after others that ended with `before`.

    When outputs were removed, what is there is made anew, although it says that it is current.
    """
    trusted = before is not Again.REMOVED
    clock = time.perf_counter()
    present = place.look()
    if trusted and present and present.recipe == request.recipe:
        etag = request.etag or _etag(source, request)
        if present.source_etag == etag:
            try:
                place.tidy(present)
            except Torn:
                return Again.REMOVED
            except SourceNotFound:
                return Again.CHANGED
            if before and (
                again := _overtaken(request, source, place, etag, lambda: place.strays(None, present.stored))
            ):
                return again  # a turn before this one lost a race, maybe after it had stored outputs of another format
            return Current(
                present.source, present.stored, _told(dict.fromkeys(STEPS, 0.0) | {"fetch": _ms_since(clock)})
            )
    fetched: Download | None = None
    try:
        fetched = source.open(request.key, version_id=request.version_id, max_bytes=limits.bytes)
        fetch_ms = _ms_since(clock)
        kept = _reusable(present, fetched) if trusted else {}
        resized = _resize(request, fetched, kept, limits)
    except _NO_PICTURE as error:
        return _refused(request, source, place, error, fetched)
    finally:
        if fetched is not None:
            fetched.close()
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
    # The picture was decoded while it came: what of that was waiting counts as fetching.
    spent = {"fetch": fetch_ms + waited_ms, **resized.timings_ms, "store": _ms_since(clock)}
    spent["decode"] = max(0.0, spent["decode"] - waited_ms)
    return Result(made.source, stored, _told(spent))


def _overtaken(
    request: Request, source: Bucket, place: Place, etag: str, find_strays: Callable[[], list[str]]
) -> Again | None:
    """Whether what was just written is not, or no longer, all that should be there of the source with this ETag."""
    now, strays = together([lambda: _etag(source, request), find_strays])
    for key in strays:
        place.bucket.delete(key)
    if strays and _etag(source, request) != etag:
        return Again.REMOVED
    if now is None and place.handling.follow_deletes:
        place.remove()
        return Again.REMOVED
    return Again.CHANGED if now not in (None, etag) else None


def _reusable(present: delivery.Present | None, fetched: Download) -> dict[str, Stored]:
    """Outputs in a folder that need not be made again although the recipe changed, by rendition."""
    if present is None or present.source_etag != fetched.stat.etag:
        return {}
    return {item.rendition: item for item in present.stored if "missing-data" not in item.dropped}


def _resize(request: Request, fetched: Download, kept: Mapping[str, Stored], limits: Limits) -> Resized:
    if delivery.RECIPE in fetched.stat.metadata:
        raise LoopRefused(f'"{request.key}" is itself an output of tinypics, as its metadata says')
    if fetched.size == 0:
        raise CorruptImage("the object is empty: expected the bytes of a picture, got 0 bytes")
    missing = [rendition for rendition in request.renditions if str(rendition) not in kept]
    wanted = [*missing, manifest.PLACEHOLDER] if request.in_folder else list(request.renditions)
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
    """What follows from a source that can have no outputs: those of an earlier version, if any, go."""
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
