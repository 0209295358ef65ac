"""What became of one request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinypics.delivery.manifest import Stored


CURRENT = "the outputs are current"


GONE = "the source is gone"
"""How answers and reports say why nothing was made."""


STEPS = ("fetch", "decode", "transform", "encode", "store")


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
