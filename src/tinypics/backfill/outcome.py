"""What became of each object of a backfill, and how many there are of each kind."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Self

from tinypics import prices

if TYPE_CHECKING:
    from collections.abc import Mapping


DONE, SKIPPED, FAILED, HANDED_BACK = "done", "skipped", "failed", "handed back"
"""States of an `Outcome`."""


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
