"""The results of a run as JSON, so that the report can be written again without measuring."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Final, Self

from bench.breakdown import Breakdown
from bench.measure import Series
from bench.peers import BUILD
from bench.start import Start

if TYPE_CHECKING:
    from pathlib import Path

    from bench.rounds import Results

FILE: Final = BUILD / "results.json"


@dataclass(frozen=True, slots=True)
class Measured:
    """`machine` describes the machine and the method. A run of some rows has no `breakdown`, `start` and `parts`."""

    machine: dict[str, str]
    rows: Results
    breakdown: Breakdown | None
    start: Start | None
    parts: dict[str, dict[str, float]] = field(default_factory=dict)
    """Of each task, by its title: milliseconds of each part of the software."""

    def save(self, path: Path = FILE) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, path: Path = FILE) -> Self:
        found = json.loads(path.read_text())
        rows = {title: {name: Series(**series) for name, series in row.items()} for title, row in found["rows"].items()}
        breakdown = Breakdown(**found["breakdown"]) if found["breakdown"] else None
        start = Start(**found["start"]) if found["start"] else None
        return cls(found["machine"], rows, breakdown, start, found["parts"])

    def with_rows(self, rows: Results, said: str) -> Self:
        """These results with some rows measured again, which `machine` notes."""
        return replace(self, machine=self.machine | {"measured again": said}, rows=self.rows | rows)

    def ratio(self, title: str, one: str, other: str, what: str) -> float | None:
        """The ratio of the medians of two contenders; None if one was not measured."""
        row = self.rows.get(title, {})
        if any(name not in row or row[name].failed or not getattr(row[name], what) for name in (one, other)):
            return None
        return row[one].median(what) / row[other].median(what)
