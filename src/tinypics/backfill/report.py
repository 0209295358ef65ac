"""The report of a backfill, during the run and after it, for runs on AWS and elsewhere."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tinypics.backfill.outcome import DONE, FAILED, SKIPPED, ObjectOutcome, Tally
from tinypics.prices import dollars
from tinypics.store.atomic import atomic_write

if TYPE_CHECKING:
    from collections import Counter
    from datetime import datetime
    from pathlib import Path


COMPLETE, STOPPED, INCOMPLETE = "complete", "stopped", "incomplete"
"""States of a `BackfillReport`: all outcomes are final; a user stopped the run; an error ended it."""

COLUMNS: Final = ("bucket", "key", "error", "message")
"""Columns of the list of failed keys. A backfill accepts any list with a column `key`."""


@dataclass(slots=True)
class BackfillReport:
    """The input, the counts and the failures of a backfill."""

    identity: str
    bucket: str
    prefix: str
    renditions: tuple[str, ...]
    started: datetime
    tally: Tally = field(default_factory=Tally)
    ended: datetime | None = None
    state: str = INCOMPLETE
    reason: str = ""
    estimate: float | None = None
    """Estimated cost in US dollars."""
    cost: float | None = None
    """Cost in US dollars, computed from the outcomes."""
    _failures: dict[str, ObjectOutcome] = field(default_factory=dict, repr=False)

    def add(self, outcome: ObjectOutcome) -> bool:
        """Count one outcome; whether it changes its object's state."""
        if news := self.tally.add(outcome):
            self._failures.pop(outcome.key, None)
            if outcome.state == FAILED:
                self._failures[outcome.key] = outcome
        return news

    @property
    def failures(self) -> list[ObjectOutcome]:
        """Final failures, sorted by key."""
        return [self._failures[key] for key in sorted(self._failures)]

    @property
    def changed_nothing(self) -> bool:
        return self.tally.states[DONE] == 0

    def to_dict(self) -> dict[str, Any]:
        """`report.json`."""
        tally = self.tally
        return {
            "id": self.identity,
            "state": self.state,
            "reason": self.reason,
            "bucket": self.bucket,
            "prefix": self.prefix,
            "renditions": list(self.renditions),
            "started": self.started.isoformat(timespec="seconds"),
            "ended": self.ended.isoformat(timespec="seconds") if self.ended else None,
            "objects": tally.total,
            **{state: tally.states[state] for state in (DONE, SKIPPED, FAILED)},
            "unaccounted": tally.left,
            "errors": dict(tally.errors.most_common()),
            "skipped_because": dict(tally.reasons.most_common()),
            "billed_ms": tally.billed_ms,
            "estimated_cost": self.estimate,
            "cost": self.cost,
        }

    def summary(self) -> str:
        """The report as a few lines of text."""
        tally = self.tally
        took = f" in {_duration((self.ended - self.started).total_seconds())}" if self.ended else ""
        reason = f": {self.reason}" if self.reason else ""
        where = self.bucket + (f", keys that start with {self.prefix}" if self.prefix else "")
        lines = [f"Backfill {self.identity} of {where}: {self.state}{took}{reason}"]
        lines += _rows(
            [
                ("made", tally.states[DONE], ""),
                ("skipped", tally.states[SKIPPED], list_counts(tally.reasons)),
                ("failed", tally.states[FAILED], list_counts(tally.errors)),
                ("without an outcome", tally.left, "the same command resumes the run"),
            ]
        )
        if self.changed_nothing and self.state == COMPLETE:
            lines.append("It changed nothing: all outputs that can be made were current.")
        if self.cost is not None:
            expected = f" ({dollars(self.estimate)} were estimated)" if self.estimate is not None else ""
            lines.append(f"Cost by list prices: {dollars(self.cost)}{expected}")
        return "\n".join(lines) + "\n"

    def write(self, folder: Path) -> None:
        """Write `report.json`, `report.txt` and `report.csv` (the failed keys), each atomically."""
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / "report.json") as part:
            part.write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")
        with atomic_write(folder / "report.txt") as part:
            part.write_text(self.summary(), encoding="utf-8")
        with atomic_write(folder / "report.csv") as part, part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows((self.bucket, each.key, each.error, each.message) for each in self.failures)


def list_counts(counts: Counter[str], nameless: str = "unnamed") -> str:
    """Counts above zero, the largest first: `12 jpg, 3 png`. `nameless` is shown for an empty name."""
    return ", ".join(f"{count:,} {name or nameless}" for name, count in counts.most_common() if count)


def _rows(rows: list[tuple[str, int, str]]) -> list[str]:
    return [f"  {count:>11,}  {name}" + (f"  ({why})" if why else "") for name, count, why in rows if count]


def _duration(seconds: float) -> str:
    """`3 s`, `4 min 5 s`, `2 h 3 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
