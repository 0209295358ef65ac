"""The outcome of one request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinypics.delivery.manifest import StoredOutput


CURRENT = "the outputs are current"


GONE = "the source is gone"
"""The reason in answers and reports if no output was made."""


STEPS = ("fetch", "decode", "transform", "encode", "store")


@value
class Result:
    """The source, its outputs, and milliseconds by step.

    `skipped`: the outputs existed already, made from this source by this recipe. The time is that of checking them.
    """

    source: Mapping[str, object]
    outputs: tuple[StoredOutput, ...]
    timings_ms: Mapping[str, float]
    skipped: bool = False


@value
class Gone:
    """The source was deleted, and its outputs with it: `removed` has their keys."""

    removed: tuple[str, ...]


Outcome = Result | Gone
