"""One request from fetch to store. Knows stores and pictures, neither events nor AWS.

A request either ends in a `Result`, with every output written, or raises an error of `errors.py` with none written:
all outputs are encoded before the first is stored.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tinypics import keys
from tinypics.errors import CorruptImage, LoopRefused
from tinypics.resize import resize_all

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tinypics.limits import Limits
    from tinypics.request import Request
    from tinypics.resize import Output, Source
    from tinypics.store import Bucket

SOURCE_ETAG = "tinypics-source-etag"
RECIPE = "tinypics-recipe"


@dataclass(frozen=True, slots=True)
class Stored:
    """One output in its place."""

    key: str
    output: Output
    etag: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """What was read, what was written, and where the time went (milliseconds by step)."""

    source: Source
    source_etag: str | None
    source_version: str | None
    stored: tuple[Stored, ...]
    timings_ms: Mapping[str, float]


def run(request: Request, open_bucket: Callable[[str], Bucket], limits: Limits) -> Result:
    """Fetch, resize, store. Raises the errors of `errors.py` and no others."""
    started = time.perf_counter()
    fetched = open_bucket(request.bucket).get(request.key, version_id=request.version_id, max_bytes=limits.bytes)
    if RECIPE in fetched.metadata:
        raise LoopRefused(f'"{request.key}" is itself an output of tinypics, as its metadata says')
    if not fetched.data:
        raise CorruptImage("the object is empty: expected the bytes of a picture, got 0 bytes")
    fetch_ms = _ms_since(started)

    resized = resize_all(fetched.data, request.renditions, replace(limits, lenient=request.lenient or limits.lenient))

    started = time.perf_counter()
    destination = open_bucket(request.dest_bucket)
    planned = [(_output_key(request, output, resized.source), output) for output in resized.outputs]
    metadata = {SOURCE_ETAG: fetched.etag or "", RECIPE: recipe_hash(request)}
    stored = tuple(
        Stored(key, output, destination.put(key, output.data, content_type=output.content_type, metadata=metadata))
        for key, output in planned
    )
    spent = {"fetch": fetch_ms, **resized.timings_ms, "store": _ms_since(started)}
    timings = {step: round(ms, 1) for step, ms in spent.items()}
    return Result(resized.source, fetched.etag, fetched.version_id, stored, timings)


def recipe_hash(request: Request) -> str:
    """What was asked for, as 16 hexadecimal digits: outputs carry it, so that a change of recipe shows."""
    recipe = ",".join(str(rendition) for rendition in request.renditions) + ("-lenient" if request.lenient else "")
    return hashlib.sha256(recipe.encode()).hexdigest()[:16]


def _output_key(request: Request, output: Output, source: Source) -> str:
    if request.dest_key is not None:
        return request.dest_key
    if request.in_folder:
        return keys.listed_output(request.key, output.rendition.label, output.extension)
    return keys.single_output(request.key, extension=None if output.format == source.format else output.extension)


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
