"""Breaks down the time of one warm invocation, and of each task of the libraries."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from bench import cloud, measure, parts, peers, pictures
from bench.rows import TASKS, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
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
        plain = measure.handler(ours, store.uploads(source.name, 1 + count), environment).warm
        profiled = measure.handler(peers.PROFILED, store.uploads(source.name, 1 + count), environment).answers[1:]
    assert plain
    found, steps = (parts.medians([answer[what] for answer in profiled]) for what in ("parts", "timings_ms"))
    return Breakdown(plain.median("wall_ms"), plain.median("cpu_ms"), found, steps)


def tasks(
    folder: Path, rows: Iterable[Row] = TASKS, recipes: Mapping[str, pictures.Recipe] = pictures.RECIPES
) -> dict[str, dict[str, float]]:
    """Milliseconds of each part of the software, by the title of the row."""
    found = {}
    for row in rows:
        if source := pictures.source(row.source, folder, recipes):
            wanted = json.dumps([asdict(each) for each in row.wanted])
            command = [*peers.PARTS.command, str(source), wanted]
            with measure.one_cpu():
                ran = subprocess.run(command, env=peers.PARTS.environment(), stdout=subprocess.PIPE, check=True)
            found[row.title] = json.loads(ran.stdout)
    return found
