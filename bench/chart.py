"""The chart: the ratio of our CPU time to sharp's in every row, and the growth of both. SVG for light and dark."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from bench.rows import COUNTS, GROWTH, MEGAPIXELS, TASKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.results import Measured

_WIDE: Final = 860
_BAR, _LABEL, _TOP = 22, 300, 52
_PLOT: Final = (330, 220)
_LINES: Final = {"ours": "tinypics", "sharp": "sharp"}
_STYLE: Final = """
text { font: 13px system-ui, sans-serif; fill: #444 } .title { font-weight: 600; font-size: 15px }
.ours { fill: #0a7d5a; stroke: #0a7d5a } .sharp { fill: #c2571a; stroke: #c2571a } .slower { fill: #b8860b }
.axis { stroke: #999; stroke-width: 1 } .line { fill: none; stroke-width: 2 } text.ours, text.sharp { stroke: none }
.bar { stroke: none }
@media (prefers-color-scheme: dark) { text { fill: #ccc } }
"""


@dataclass(frozen=True, slots=True)
class _Scale:
    """A logarithmic scale from measured values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return self.start + share * (self.end - self.start)


def drawn(measured: Measured) -> str:
    """The whole SVG document."""
    bars, high = _bars(measured)
    left = _growth(measured, "pixels", MEGAPIXELS, "MP", (40, high + 30))
    right = _growth(measured, "renditions", COUNTS, "renditions", (_WIDE // 2 + 30, high + 30))
    tall = high + _PLOT[1] + 90
    parts = [f"<style>{_STYLE}</style>", *bars, *left, *right]
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {tall}">\n' + "\n".join(parts) + "\n</svg>\n"


def _bars(measured: Measured) -> tuple[list[str], int]:
    """A bar for each row where both were measured, and the height of all bars."""
    ratios = {row.title: measured.ratio(row.title, "ours", "sharp", "cpu_ms") for row in TASKS}
    known = {title: ratio for title, ratio in ratios.items() if ratio is not None}
    scale = (_WIDE - _LABEL - 70) / max(1.5, *known.values(), 0.0)
    parts = [_text(10, 24, "CPU time of tinypics over that of sharp: shorter is better", "title")]
    for number, (title, ratio) in enumerate(known.items()):
        y = _TOP + number * _BAR
        kind = "ours" if ratio <= 1 else "slower"
        parts.append(_text(_LABEL - 8, y + 13, title, anchor="end"))
        parts.append(f'<rect class="bar {kind}" x="{_LABEL}" y="{y}" width="{ratio * scale:.1f}" height="{_BAR - 6}"/>')
        parts.append(_text(_LABEL + ratio * scale + 6, y + 13, f"{ratio:.2f}"))
    bottom = _TOP + len(known) * _BAR
    one = _LABEL + scale
    parts.append(f'<line class="axis" x1="{one:.1f}" y1="{_TOP - 8}" x2="{one:.1f}" y2="{bottom}"/>')
    parts.append(_text(one, _TOP - 12, "sharp", "sharp", "middle"))
    return parts, bottom + 20


def _growth(measured: Measured, group: str, steps: Sequence[int], unit: str, at: tuple[int, int]) -> list[str]:
    """CPU milliseconds of both by megapixels or renditions, both axes logarithmic."""
    titles = [row.title for row in GROWTH if row.group == group]
    lines: dict[str, list[tuple[int, float]]] = {}
    for name in _LINES:
        found = zip(steps, [measured.rows.get(title, {}).get(name) for title in titles], strict=True)
        lines[name] = [(step, series.median("cpu_ms")) for step, series in found if series and series.cpu_ms]
    figures = [ms for points in lines.values() for _, ms in points]
    if not figures:
        return []
    x0, y0 = at
    across = _Scale(steps[0], steps[-1], x0, x0 + _PLOT[0])
    up = _Scale(min(figures) * 0.8, max(figures) * 1.25, y0 + _PLOT[1], y0 + 10)
    parts = [_text(x0, y0, f"CPU ms of a JPEG to 128, by {unit}" if unit == "MP" else f"CPU ms, by {unit}", "title")]
    parts.append(f'<line class="axis" x1="{x0}" y1="{y0 + _PLOT[1]}" x2="{x0 + _PLOT[0]}" y2="{y0 + _PLOT[1]}"/>')
    parts += [_text(across(step), y0 + _PLOT[1] + 18, str(step), anchor="middle") for step in steps]
    highest = {step: max(dict(points).get(step, 0.0) for points in lines.values()) for step in steps}
    for number, (name, points) in enumerate(lines.items()):
        path = " ".join(f"{across(step):.1f},{up(ms):.1f}" for step, ms in points)
        parts.append(f'<polyline class="line {name}" style="fill:none" points="{path}"/>')
        parts.append(_text(x0 + 4, y0 + 22 + 18 * number, _LINES[name], name))
        for step, ms in points:
            away = -8 if ms == highest[step] else 18
            parts.append(f'<circle class="{name}" cx="{across(step):.1f}" cy="{up(ms):.1f}" r="3"/>')
            parts.append(_text(across(step), up(ms) + away, f"{ms:.0f}", name, "middle"))
    return parts


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
