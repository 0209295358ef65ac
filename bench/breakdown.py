"""Breaks down the time of one warm invocation."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from bench import cloud, measure, peers, pictures
from bench.rows import THUMBNAIL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Medians in milliseconds: `wall_ms` and `cpu_ms` without the profiler, `parts` with it, `steps` in the log."""

    wall_ms: float
    cpu_ms: float
    parts: dict[str, float]
    steps: dict[str, float]


def warm(folder: Path, count: int, recipes: Mapping[str, pictures.Recipe] = pictures.RECIPES) -> Breakdown:
    """Measures `count` invocations on the 12 MP JPEG, with the store on this machine and without the link."""
    source = pictures.source("jpeg-12", folder, recipes)
    assert source
    ours = next(each for each in peers.HANDLERS if each.name == "ours")
    with cloud.running({source.name: source}) as store, measure.one_cpu(*store.processes):
        environment = cloud.environment(store.near)
        events = [[store.event(source.name, THUMBNAIL) for _ in range(1 + count)] for _ in range(2)]
        plain = measure.handler(ours, events[0], environment).warm
        profiled = measure.handler(peers.PROFILED, events[1], environment).answers[1:]
    assert plain
    parts, steps = (_medians([answer[what] for answer in profiled]) for what in ("parts", "timings_ms"))
    return Breakdown(plain.median("wall_ms"), plain.median("cpu_ms"), parts, steps)


def _medians(found: list[dict[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for each in found for name in each)
    return {name: median([each.get(name, 0.0) for each in found]) for name in names}
