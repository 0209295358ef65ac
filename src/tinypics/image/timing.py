"""Delays of an animation in the units of a format, and within its range."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def to_whole_units(durations: Sequence[float], unit: int, least: int, most: int) -> list[int]:
    """Durations (milliseconds) in whole units, each of at least `least` and at most `most`, with the same sum.

    Time that rounding or `least` adds to a frame is taken from the next frames. Each of these keeps at least half of
    its own, so that a pause after many short frames remains a pause.
    """
    written: list[int] = []
    owed = 0.0
    for duration in durations:
        owed += duration
        units = min(max(round(owed / unit), ceil(duration / unit / 2), least), most)
        written.append(units)
        owed = owed - units * unit if units < most else 0.0
    return written
