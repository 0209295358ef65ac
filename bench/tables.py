"""The tables of bench/README.md, in Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING, Final

from bench import costs, link
from bench.peers import HANDLERS, LIBRARIES
from bench.rounds import COLD, COLD_48, INVOCATIONS, WARM
from bench.rows import ROWS, TASKS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.breakdown import Breakdown
    from bench.measure import Series
    from bench.results import Measured
    from bench.start import Start

MEMORIES: Final = (512, 1024, 1769)
# Reads of S3, and writes with listings, of one new picture.
# Ours requests a picture of 4 MB as three ranges.
_REQUESTS: Final = {"ours": (costs.S3_GETS + 2, costs.S3_PUTS), "tutorial": (1, 1), "thumbnail": (1, 1), "node": (1, 1)}


@dataclass(frozen=True, slots=True)
class Target:
    """The largest allowed ratio of our figure to the other's."""

    title: str
    other: str
    what: str
    most: float


TARGETS: Final = (
    Target(COLD, "tutorial", "cpu_ms", 0.25),
    Target(COLD, "node", "cpu_ms", 0.4),
    *(Target(row.title, "sharp", "cpu_ms", row.target) for row in ROWS if row.target),
    Target(WARM, "sequential", "wall_ms", 0.75),
    Target(WARM, "tutorial", "wall_ms", 0.45),
    Target(WARM, "thumbnail", "wall_ms", 0.8),
    Target(WARM, "node", "wall_ms", 0.8),
    Target(COLD_48, "tutorial", "peak_mb", 0.35),
    *(Target(row.title, "sharp", "peak_mb", 1.0) for row in ROWS if row.source in ("webp-12", "progressive-48")),
)
# Speed at the cost of quality does not count: PSNR may be at most _LESS dB below the other's, unless it is above _SAME.
_LESS, _SAME = 0.3, 50.0
_WHAT: Final = {"cpu_ms": "CPU", "wall_ms": "wall", "peak_mb": "peak memory"}
_FUNCTIONS: Final = {each.name: each.label for each in HANDLERS}
_LIBRARIES: Final = {each.name: each.label for each in LIBRARIES}
_LABELS: Final = _LIBRARIES | _FUNCTIONS


def targets(measured: Measured) -> str:
    rows = []
    for target in TARGETS:
        ratio = measured.ratio(target.title, "ours", target.other, target.what)
        if ratio is None:
            continue
        ours, theirs = (_psnr(measured.rows[target.title][name]) for name in ("ours", target.other))
        reached = "yes" if ratio <= target.most else "**no**"
        if ours < min(theirs - _LESS, _SAME):
            reached = "**no**, too lossy"
        row = [target.title, _WHAT[target.what], _LABELS[target.other], f"{ratio:.2f}", f"{target.most:g}", reached]
        rows.append([*row, f"{ours - theirs:+.1f} dB"])
    rows += [row for other in ("tutorial", "thumbnail") if (row := _slowest(measured, other))]
    head = ["row", "measure", "compared with", "ratio", "target", "reached", "PSNR, ours less theirs"]
    return _table(head, rows)


def _slowest(measured: Measured, other: str) -> list[str]:
    """The task in which we do worst compared with the other library; empty if it has none."""
    ratios = {row.title: measured.ratio(row.title, "ours", other, "cpu_ms") for row in TASKS}
    found = {title: ratio for title, ratio in ratios.items() if ratio is not None}
    if not found:
        return []
    title = max(found, key=found.__getitem__)
    reached = "yes" if found[title] <= 1 else "**no**"
    return [f"the worst of all: {title}", "CPU", _LIBRARIES[other], f"{found[title]:.2f}", "1", reached, ""]


def _psnr(series: Series) -> float:
    return mean(min(each["psnr"], 99.0) for each in series.quality)


def libraries(measured: Measured) -> str:
    """CPU time of each library for each row."""
    titles = [row.title for row in ROWS if row.title in measured.rows]
    present = [each for each in LIBRARIES if any(each.name in measured.rows[title] for title in titles)]
    rows = []
    for title in titles:
        ratio = measured.ratio(title, "ours", "sharp", "cpu_ms")
        cells = [_figure(measured.rows[title].get(each.name), "cpu_ms") for each in present]
        rows.append([title, f"**{ratio:.2f}**" if ratio else "", *cells])
    return _table(["row", "tinypics : sharp", *(each.label for each in present)], rows)


def qualities(measured: Measured) -> str:
    """PSNR, SSIM, bytes and peak memory of each library for each row; for several outputs, means and total bytes."""
    titles = [row.title for row in ROWS if row.title in measured.rows]
    present = [each for each in LIBRARIES if any(each.name in measured.rows[title] for title in titles)]
    rows = [[title, *(_quality(measured.rows[title].get(each.name)) for each in present)] for title in titles]
    return _table(["row", *(each.label for each in present)], rows)


def _quality(series: Series | None) -> str:
    if series is None or not series.quality:
        return "-"
    size = sum(each["bytes"] for each in series.quality) / 1000
    likeness = mean(each["ssim"] for each in series.quality)
    return f"{_psnr(series):.1f} dB, {likeness:.3f}, {size:,.1f} kB, {series.median('peak_mb'):.0f} MB"


def invocations(measured: Measured) -> str:
    rows = []
    for title in INVOCATIONS:
        for each in HANDLERS:
            series = measured.rows.get(title, {}).get(each.name)
            if series and series.cpu_ms:
                figures = [_figure(series, what) for what in ("cpu_ms", "wall_ms", "peak_mb")]
                rows.append([title, each.label, *figures, f"{_psnr(series):.1f} dB"])
    return _table(["row", "function", "CPU ms", "wall ms", "peak MB", "PSNR"], rows)


def breakdown(found: Breakdown) -> str:
    whole = sum(found.parts.values())
    parts = sorted(found.parts.items(), key=lambda part: -part[1])
    rows = [[what, f"{ms:.2f}", f"{ms / whole:.0%}"] for what, ms in parts]
    steps = ", ".join(f"{step} {ms:.1f}" for step, ms in found.steps.items())
    return (
        f"Without the profiler an invocation takes {found.wall_ms:.1f} ms, "
        f"with {found.cpu_ms:.1f} ms of CPU time (all threads). With the profiler:\n\n"
        f"{_table(['part', 'ms', 'share'], rows)}\n\n"
        f"The steps in the log line, in milliseconds: {steps}."
    )


_STEPS: Final = ("decoding", "resampling", "encoding")


def parts(found: Mapping[str, Mapping[str, float]]) -> str:
    """The steps of each task, which are the first words of its parts."""
    rows = []
    for title, times in found.items():
        whole = sum(times.values())
        steps = [sum(ms for part, ms in times.items() if part.startswith(step)) for step in _STEPS]
        cells = (f"{ms:.1f} ({ms / whole:.0%})" for ms in (*steps, whole - sum(steps)))
        rows.append([title, f"{whole:.1f}", *cells])
    return _table(["row", "ms", *_STEPS, "the rest"], rows)


def start(found: Start) -> str:
    rows = [[name, f"{ms:.1f}", f"{ms / found.cpu_ms:.0%}"] for name, ms in found.steps.items()]
    rows.append(["total", f"{found.cpu_ms:.1f}", ""])
    return _table(["step", "CPU ms", "share"], rows)


def dollars(measured: Measured) -> str:
    """Cost of each function for a million pictures of 12 MP, from the warm row, by memory and trigger."""
    rows = []
    for name, requests in _REQUESTS.items():
        series = measured.rows.get(WARM, {}).get(name)
        if not series or not series.wall_ms:
            continue
        cases = [
            costs.Case(costs.at(mb, cpu_ms=series.median("cpu_ms"), wall_ms=series.median("wall_ms")), mb, *requests)
            for mb in MEMORIES
        ]
        rows.append([_FUNCTIONS[name], "milliseconds", *(f"{case.milliseconds:.0f}" for case in cases)])
        rows += [["", way, *(f"${costs.ways(case)[way] * 1e6:,.2f}" for case in cases)] for way in costs.ways(cases[0])]
    return _table(["function", "trigger", *(f"{mb} MB" for mb in MEMORIES)], rows)


def machine(measured: Measured) -> str:
    facts = "\n".join(f"- {name}: {value}" for name, value in measured.machine.items())
    first, last = link.FIRST_BYTE_MS
    return (
        f"{facts}\n- link model: {first:.0f} to {last:.0f} ms to the first byte, {link.MB_PER_S:.0f} MB/s a connection"
    )


def _figure(series: Series | None, what: str) -> str:
    """The median, and half the spread."""
    if series is None:
        return "-"
    if series.failed:
        return "cannot"
    middle, spread = series.median(what), series.spread(what)
    return f"{middle:.0f} ±{spread:.0f}" if middle >= 100 else f"{middle:.1f} ±{spread:.1f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows] if rows else []
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
