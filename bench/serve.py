"""Measures pictures that the serving function makes on demand, beside published figures of imgproxy for the same tasks.

    python -m bench.serve [--rounds N] [--save]

Each request is for an output that is not stored. The function looks for it, fetches the source, resizes it, writes the
output, and sends it. A cold start is a whole process, from its start to its first answer.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from bench import cloud, measure, peers, pictures, report
from bench.pictures import Recipe
from tests.pictures import opened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SIDE: Final = 500
RENDITION: Final = f"{SIDE}x{SIDE}-inside"


@dataclass(frozen=True, slots=True)
class Task:
    """A JPEG that a published benchmark of imgproxy fits into a square of `SIDE` pixels, and its figure.

    `recipe` makes a source with as many pixels and about as many bytes.
    """

    title: str
    recipe: Recipe
    imgproxy_ms: str
    """CPU milliseconds a request."""
    measured: str
    """The version of imgproxy, the machine, and the place of the figure."""


TASKS: Final = {
    "served-large": Task(
        "7360x4912",
        Recipe((7360, 4912), options={"quality": 100, "subsampling": 0}),
        "at most 414",  # 9.67 requests a second with four at a time on four processors
        "2.2.13, c5.xlarge, a source of 29 MB: "
        "[its author's benchmark](https://gist.github.com/DarthSim/9d971d2859f3714a29cf8ce094b3fc55)",
    ),
    "served-medium": Task(
        "2000x1333",
        Recipe((2000, 1333), options={"quality": 96}),
        "21.2",
        "4.0.11, Ryzen 7 8745HS, a source of 0.8 MB: `BENCH.md` of the crate oximg 0.1.0",
    ),
}


@dataclass(slots=True)
class Found:
    """CPU milliseconds of one task, a figure for each round."""

    megabytes: float
    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)


def measured(rounds: int, warm: int, folder: Path, tasks: Mapping[str, Task] = TASKS) -> dict[str, Found]:
    """The figures of each task. `warm`: requests of each process after the first."""
    recipes = {name: task.recipe for name, task in tasks.items()}
    sources = {name: path for name in tasks if (path := pictures.source(name, folder, recipes))}
    found = {name: Found(path.stat().st_size / 1e6) for name, path in sources.items()}
    # Every request is for a picture of its own, so that no output is there.
    keys = {name: [f"{name}/{number}.jpg" for number in range(rounds * (1 + warm))] for name in sources}
    stored = {key: sources[name] for name, each in keys.items() for key in each}
    with cloud.running(stored) as store, measure.one_cpu(*store.processes):
        environment = cloud.environment(store.near) | {"TINYPICS_RENDITIONS": RENDITION}
        for number in range(rounds):
            for name, series in found.items():
                asked = keys[name][number * (1 + warm) :][: 1 + warm]
                ran = measure.handler(peers.SERVED, [_request(key) for key in asked], environment)
                series.cold += ran.first.cpu_ms
                series.warm += ran.warm.cpu_ms if ran.warm else []
                for key in asked:
                    _check(store.s3, key)
    return found


def _request(key: str) -> dict[str, Any]:
    """The event of a function URL (payload format 2.0)."""
    context = {"http": {"method": "GET"}}
    return {"requestContext": context, "rawPath": f"/{key}/{RENDITION}.jpg", "rawQueryString": "", "headers": {}}


def _check(s3: Any, key: str) -> None:
    """The output is stored, so the request made it, and it has the requested size."""
    made = s3.get_object(Bucket=cloud.DESTINATION, Key=f"{key}/{RENDITION}.jpg")["Body"].read()
    size = opened(made).size
    if max(size) != SIDE:
        raise RuntimeError(f"{key}: expected an output of {SIDE} pixels, got {size}")


def table(found: Mapping[str, Found], tasks: Mapping[str, Task] = TASKS) -> str:
    """Medians, and the published figures with the machines that they are of."""
    head = [
        f"JPEG to {RENDITION}",
        "cold, CPU ms",
        "warm, CPU ms",
        "imgproxy, CPU ms",
        "imgproxy's version and machine",
    ]
    lines = [head, ["---"] * len(head)]
    for name, series in found.items():
        title = f"{tasks[name].title}, {series.megabytes:.1f} MB"
        figures = [f"{median(series.cold):.0f}", f"{median(series.warm):.1f}"]
        lines.append([title, *figures, tasks[name].imgproxy_ms, tasks[name].measured])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.serve", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="processes per figure (default 5)")
    parser.add_argument("--save", action="store_true", help="write the table into bench/README.md")
    options = parser.parse_args(arguments)
    text = table(measured(options.rounds, 10, peers.BUILD / "pictures"))
    text += f"\n\nLoad of the machine at the end: {os.getloadavg()[0]:.1f} (1 is the benchmark itself)."
    if options.save:
        report.README.write_text(report.replaced(report.README.read_text(), "serve", text))
    else:
        sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
