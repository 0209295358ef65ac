"""Runs each contender in its own process, with one CPU like a function at 1769 MB."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.peers import Contender
    from bench.rows import Wanted


@dataclass(frozen=True, slots=True)
class Effort:
    """The number of measurements: `rounds` of processes, and in each from `least` to `most` repetitions of the work."""

    rounds: int = 5
    least: int = 2
    most: int = 10
    enough_ms: float = 600
    warm: int = 12  # invocations in a process, after the first


QUICK = Effort(rounds=1, least=1, most=1, enough_ms=0, warm=2)


@dataclass(slots=True)
class Series:
    """The figures of one contender in one row: one for each process, the median of its repetitions."""

    cpu_ms: list[float] = field(default_factory=list)
    wall_ms: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)
    quality: list[dict[str, float]] = field(default_factory=list)  # of each output
    failed: str | None = None

    def add(self, other: Series) -> None:
        """Append the figures of another process."""
        self.cpu_ms += other.cpu_ms
        self.wall_ms += other.wall_ms
        self.peak_mb += other.peak_mb

    def median(self, what: str) -> float:
        """The median of `cpu_ms`, `wall_ms` or `peak_mb`."""
        return float(median(getattr(self, what)))

    def spread(self, what: str) -> float:
        """Half the distance between the lowest and the highest figure."""
        found = getattr(self, what)
        return float(max(found) - min(found)) / 2


class Failed(Exception):
    """A contender failed. The message is the last line of its error output."""


@contextlib.contextmanager
def one_cpu(*others: int) -> Iterator[None]:
    """Bind this process, and children that it starts in the block, to the last CPU, and `others` to the other CPUs."""
    if not hasattr(os, "sched_setaffinity"):  # only Linux has it
        yield
        return
    before = os.sched_getaffinity(0)
    *rest, last = sorted(before)
    for process in others:
        os.sched_setaffinity(process, rest or [last])
    os.sched_setaffinity(0, [last])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def library(contender: Contender, source: Path, wanted: Sequence[Wanted], effort: Effort) -> tuple[Series, list[bytes]]:
    """Run one process: a warm-up, then repetitions. Each list of the series has one figure."""
    with tempfile.TemporaryDirectory() as out:
        job: dict[str, Any] = {"source": str(source), "wanted": [asdict(each) for each in wanted], "out": out}
        job |= {"least": effort.least, "most": effort.most, "enough_ms": effort.enough_ms}
        done = subprocess.run(
            [*contender.command, json.dumps(job)],
            capture_output=True,
            env=contender.environment(),
            check=False,
            text=True,
            timeout=300,
        )
        if done.returncode:
            raise Failed(_last_line(done.stderr))
        found = json.loads(done.stdout)
        outputs = [Path(out, str(number)).read_bytes() for number in range(len(wanted))]
    return Series([median(found["cpu_ms"])], [], [found["peak_mb"]]), outputs


@dataclass(frozen=True, slots=True)
class Invocations:
    """One process of a handler: `first` is measured from its start, `warm` has the later invocations."""

    first: Series
    warm: Series | None
    answers: list[dict[str, Any]]


def handler(contender: Contender, events: Sequence[Mapping[str, Any]], environment: Mapping[str, str]) -> Invocations:
    """Run one process with `events`, one after the other. Raises Failed."""
    reading, writing = os.pipe()
    given = json.dumps([{**event, **dict(contender.event)} for event in events])
    with tempfile.TemporaryFile("w+") as words, os.fdopen(reading) as answers:
        started = time.perf_counter()
        process = subprocess.Popen(
            [*contender.command, str(writing), given],
            stdout=subprocess.DEVNULL,
            stderr=words,
            env={**contender.environment(), **environment},
            pass_fds=[writing],
        )
        os.close(writing)
        lines = [answers.readline()]
        wall = (time.perf_counter() - started) * 1000
        lines += answers.readlines()
        if process.wait() or len(lines) != len(events) + 1:
            words.seek(0)
            raise Failed(_last_line(words.read()))
    *found, end = (json.loads(line) for line in lines)
    said = [each["answer"] for each in found]
    if wrong := [answer for answer in said if answer.get("status") != "SUCCESS"]:
        raise Failed(str(wrong[0]))
    first = Series([found[0]["since_start_cpu_ms"]], [wall], [end["peak_mb"]])
    rest = found[1:]
    if not rest:
        return Invocations(first, None, said)
    cpu, walls = ([each[name] for each in rest] for name in ("cpu_ms", "wall_ms"))
    return Invocations(first, Series([median(cpu)], [median(walls)], [end["peak_mb"]]), said)


def _last_line(words: str) -> str:
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    errors = [line for line in lines if "rror" in line]
    return ((errors or lines or ["no output"])[-1])[:160]
