"""What became of each picture of a backfill, while it runs and when it has ended: the same whoever does the work."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from tinypics import prices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

DONE, SKIPPED, FAILED, HANDED_BACK = "done", "skipped", "failed", "handed back"
"""States of an `Outcome`."""

COMPLETE, STOPPED, INCOMPLETE = "complete", "stopped", "incomplete"
"""States of a `Report`: every object has an outcome that is final; somebody stopped it; something else did."""

COLUMNS: Final = ("bucket", "key", "error", "message")
"""Of the list of failed keys. Any list with a column `key` can be worked on."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one object.

    `done`: outputs were made, or removed. `skipped`: nothing was to be done, `message` says why. `failed`: `error` is a
    name of `errors.py` (or of the platform), `message` a sentence. `handed back`: not begun, or worth another try; it
    comes again, so it is not final. `billed_ms` is of this one try.
    """

    key: str
    state: str
    error: str = ""
    message: str = ""
    billed_ms: int = 0
    memory_mb: int = 0

    @property
    def final(self) -> bool:
        return self.state != HANDED_BACK

    def document(self) -> dict[str, Any]:
        """The outcome as JSON, without what is empty. `of` reads it."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        known = {each.name for each in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in document.items() if name in known})


@dataclass(slots=True)
class Tally:
    """Running counts. Each object counts once, however often it was tried: what was made stays made.

    `total` is how many there are, as far as that is known. About 100 bytes of memory for each object.
    """

    total: int = 0
    states: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    billed_ms: int = 0
    gb_seconds: float = 0.0
    _known: dict[bytes, tuple[str, str]] = field(default_factory=dict, repr=False)

    def add(self, outcome: Outcome) -> bool:
        """Count one outcome; whether it is news about its object."""
        self.billed_ms += outcome.billed_ms
        self.gb_seconds += outcome.billed_ms / 1000 * outcome.memory_mb / 1024
        if not outcome.final:
            return False
        identity = blake2b(outcome.key.encode(errors="surrogatepass"), digest_size=12).digest()
        before = self._known.get(identity)
        if before is not None:
            if before[0] == DONE or outcome.state == before[0]:
                return False
            self._count(*before, -1)
        what = outcome.error if outcome.state == FAILED else outcome.message
        self._known[identity] = outcome.state, what
        self._count(outcome.state, what, 1)
        return True

    def _count(self, state: str, what: str, change: int) -> None:
        self.states[state] += change
        if state == FAILED:
            self.errors[what] += change
        elif state == SKIPPED:
            self.reasons[what] += change

    @property
    def finished(self) -> int:
        """Objects with a final outcome."""
        return sum(self.states[state] for state in (DONE, SKIPPED, FAILED))

    @property
    def left(self) -> int:
        return max(0, self.total - self.finished)

    @property
    def lambda_cost(self) -> float:
        """US dollars for the function's time so far; 0 for work on machines of your own."""
        return self.gb_seconds * prices.LAMBDA_GB_SECOND_ARM

    def rate(self, seconds: float) -> float:
        """Objects a second, over the `seconds` since the start."""
        return self.finished / seconds if seconds > 0 else 0.0

    def eta(self, seconds: float) -> float | None:
        """Seconds until all have an outcome, if it goes on as it went; None while that cannot be said."""
        rate = self.rate(seconds)
        return self.left / rate if rate and self.total else None


@dataclass(slots=True)
class Report:
    """A backfill from outside: what it was asked, what became of it, and each failure."""

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
    """US dollars that were expected."""
    cost: float | None = None
    """US dollars that it came to, computed from what the work reported."""
    _failures: dict[str, Outcome] = field(default_factory=dict, repr=False)

    def add(self, outcome: Outcome) -> bool:
        """Count one outcome; whether it is news about its object."""
        if news := self.tally.add(outcome):
            self._failures.pop(outcome.key, None)
            if outcome.state == FAILED:
                self._failures[outcome.key] = outcome
        return news

    @property
    def failures(self) -> list[Outcome]:
        """In the order of their keys."""
        return [self._failures[key] for key in sorted(self._failures)]

    @property
    def changed_nothing(self) -> bool:
        return self.tally.states[DONE] == 0

    def document(self) -> dict[str, Any]:
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
        """The report for people: a few lines."""
        tally = self.tally
        took = f" in {_duration((self.ended - self.started).total_seconds())}" if self.ended else ""
        reason = f": {self.reason}" if self.reason else ""
        where = self.bucket + (f", keys that start with {self.prefix}" if self.prefix else "")
        lines = [f"Backfill {self.identity} of {where}: {self.state}{took}{reason}"]
        lines += _rows(
            [
                ("made", tally.states[DONE], ""),
                ("skipped", tally.states[SKIPPED], _listed(tally.reasons)),
                ("failed", tally.states[FAILED], _listed(tally.errors)),
                ("without an outcome", tally.left, "run it again: what is done is not done twice"),
            ]
        )
        if self.changed_nothing and self.state == COMPLETE:
            lines.append("It changed nothing: everything that can be made was there already.")
        if self.cost is not None:
            expected = f" (${self.estimate:,.4f} were estimated)" if self.estimate is not None else ""
            lines.append(f"Cost by list prices: ${self.cost:,.4f}{expected}")
        return "\n".join(lines) + "\n"

    def write(self, folder: Path) -> None:
        """Write `report.json`, `report.txt` and `report.csv` (the failed keys), each whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        _replace(folder / "report.json", [json.dumps(self.document(), indent=2) + "\n"])
        _replace(folder / "report.txt", [self.summary()])
        _replace(folder / "report.csv", _csv(self.bucket, self.failures))


class Row(NamedTuple):
    """Of a list of keys; what the list does not tell is empty."""

    bucket: str
    key: str
    error: str


def read_keys(path: Path) -> Iterator[Row]:
    """A list of keys: a `report.csv`, any CSV file whose first row names a column `key`, or JSON lines with a `key`.

    Raises OSError, and ValueError that names the first row that is none.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = map(json.loads, filter(str.strip, file)) if path.suffix == ".jsonl" else csv.DictReader(file)
        for number, row in enumerate(rows, start=1):
            key = row.get("key") if isinstance(row, dict) else None
            if not isinstance(key, str) or not key:
                names = sorted(filter(None, row)) if isinstance(row, dict) else row
                raise ValueError(f"row {number}: expected a column key with the key of an object, got {names}")
            yield Row(str(row.get("bucket") or ""), key, str(row.get("error") or ""))


def key_lines(bucket: str, keys: Iterable[str]) -> bytes:
    """A list of keys that `read_keys` and the backfill workflow read: JSON lines, in ASCII.

    Not CSV: Step Functions takes a backslash in it for an escape, most others do not.
    """
    return "".join(json.dumps({"bucket": bucket, "key": key}) + "\n" for key in keys).encode()


class _Line(list[str]):
    """What csv writes into: keeps each line."""

    write = list.append


def _csv(bucket: str, failures: Iterable[Outcome]) -> Iterator[str]:
    lines = _Line()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(COLUMNS)
    for outcome in failures:
        writer.writerow([bucket, outcome.key, outcome.error, outcome.message])
        yield from lines
        lines.clear()
    yield from lines


def _replace(path: Path, parts: Iterable[str]) -> None:
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8", newline="") as file:
        file.writelines(parts)
    part.replace(path)


def _rows(rows: list[tuple[str, int, str]]) -> list[str]:
    return [f"  {count:>11,}  {name}" + (f"  ({why})" if why else "") for name, count, why in rows if count]


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name or 'unnamed'}" for name, count in counts.most_common() if count)


def _duration(seconds: float) -> str:
    """`3 s`, `4 min 5 s`, `2 h 3 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
