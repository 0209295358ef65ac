"""Compares a backfill from folder to folder with bare processes that loop over `tinypics.resize` on the same files.

    python -m bench.backfill [--rounds N] [--copies N] [--save]

Both use two processes, and their times include the start. The bare processes only read and resize; the backfill lists
the files, checks whether outputs are current, writes them with metadata, checks the sources again, and reports each
outcome.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from bench import peers, pictures, report
from tinypics.backfill.outcome import DONE, SKIPPED

if TYPE_CHECKING:
    from collections.abc import Sequence

PROCESSES: Final = 2
RENDITION: Final = "128x128"
SOURCES: Final = ("jpeg-12", "task", "jpeg-12", "progressive-12", "jpeg-48")
"""Photos, as in most buckets."""

BARE: Final = """
import pathlib, sys, tinypics
for path in sorted(pathlib.Path(sys.argv[1]).iterdir())[int(sys.argv[2])::int(sys.argv[3])]:
    tinypics.resize(path.read_bytes(), sys.argv[4])
"""


OURS: Final = """
import functools, pathlib, sys
from tinypics.backfill import worker
from tinypics.store.listing import list_files
source, output, processes, rendition, state = sys.argv[1:]
work = functools.partial(worker.process, source=source, output=output, renditions=[rendition])
for outcome in worker.run(list_files(pathlib.Path(source), sys.exit), work, int(processes)):
    if outcome.state != state:
        sys.exit(f"expected it to be {state}: {outcome}")
"""


class Took(NamedTuple):
    """Seconds of wall time, and of CPU time of all processes."""

    wall: float
    cpu: float


def bare(source: Path) -> Took:
    return _seconds(*([BARE, str(source), str(number), str(PROCESSES), RENDITION] for number in range(PROCESSES)))


def backfill(source: Path, output: Path, state: str) -> Took:
    """Raises RuntimeError unless every outcome is `state`."""
    return _seconds([OURS, str(source), str(output), str(PROCESSES), RENDITION, state])


def _seconds(*programs: list[str]) -> Took:
    begun, before = time.perf_counter(), _children()
    running = [subprocess.Popen([sys.executable, "-c", *program]) for program in programs]
    codes = [each.wait() for each in running]
    if any(codes):
        raise RuntimeError(f"a process failed: {codes}")
    return Took(time.perf_counter() - begun, _children() - before)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(rounds: int, copies: int, folder: Path, sources: Sequence[str] = SOURCES) -> dict[str, list[Took]]:
    """The times of each round: bare, backfill, and a backfill that finds all outputs current."""
    chosen = [path for name in sources if (path := pictures.source(name, folder / "pictures"))]
    source = folder / "in"
    source.mkdir()
    for number in range(copies * len(chosen)):
        picture = chosen[number % len(chosen)]
        shutil.copyfile(picture, source / f"{number:05}{picture.suffix}")
    found: dict[str, list[Took]] = {"bare": [], "backfill": [], "current": []}
    for _ in range(rounds):
        output = folder / "out"
        output.mkdir()
        found["bare"].append(bare(source))
        found["backfill"].append(backfill(source, output, DONE))
        found["current"].append(backfill(source, output, SKIPPED))
        shutil.rmtree(output)
    return found


def table(found: dict[str, list[Took]], count: int) -> str:
    """The wall time of the fastest round, which other load affected least, and the median of the CPU time."""
    rows = {
        "bare": "bare processes that loop over `tinypics.resize`",
        "backfill": "backfill from folder to folder",
        "current": "the same again, nothing to do",
    }
    head = [f"{count} photos to {RENDITION}, two processes", "a second", "s", ": bare", "CPU s", ": bare"]
    lines = [head, ["---"] * len(head)]
    for name, what in rows.items():
        wall, cpu = _best(found[name]), _cpu(found[name])
        ratios = f"{wall / _best(found['bare']):.2f}", f"{cpu / _cpu(found['bare']):.2f}"
        lines.append([what, f"{count / wall:.1f}", f"{wall:.2f}", ratios[0], f"{cpu:.2f}", ratios[1]])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _best(rounds: Sequence[Took]) -> float:
    return min(took.wall for took in rounds)


def _cpu(rounds: Sequence[Took]) -> float:
    return median(took.cpu for took in rounds)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.backfill", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="number of rounds (default 5)")
    parser.add_argument("--copies", type=int, default=100, metavar="N", help="copies of each photo (default 100)")
    parser.add_argument("--save", action="store_true", help="write the table into bench/README.md")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=_made(peers.BUILD)) as folder:
        text = table(measured(options.rounds, options.copies, Path(folder)), options.copies * len(SOURCES))
    text += f"\n\nLoad of the machine at the end: {os.getloadavg()[0]:.1f} (2 is the benchmark itself)."
    if options.save:
        report.README.write_text(report.replaced(report.README.read_text(), "backfill", text))
    else:
        sys.stdout.write(text + "\n")


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    main()
