"""The outcome of each object of a backfill, and their counts."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


DONE, SKIPPED, FAILED, HANDED_BACK = "done", "skipped", "failed", "handed back"
"""States of an `ObjectOutcome`."""

RESOURCES_EXHAUSTED: Final = "ResourcesExhausted"
"""The error of every object whose batch was killed, which tells nothing about the single object."""


@dataclass(frozen=True, slots=True)
class ObjectOutcome:
    """The outcome of one object.

    `done`: outputs were made, or deleted. `skipped`: there was nothing to do, `message` has the reason. `failed`:
    `error` is a name of `errors.py` (or of AWS), `message` a sentence. `handed back`: not started, or failed with a
    transient error; it will be retried, so it is not final. `billed_ms` is of this one attempt.
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

    def to_dict(self) -> dict[str, Any]:
        """The outcome as JSON, without empty fields. `from_dict` reads it."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        known = {each.name for each in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in document.items() if name in known})


@dataclass(slots=True)
class Tally:
    """Running counts. An object counts once, however many attempts it had; `done` is never taken back.

    `total` is the number of objects, if it is known. Uses about 100 bytes of memory per object.
    """

    total: int = 0
    states: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    billed_ms: int = 0
    gb_seconds: float = 0.0
    _known: dict[bytes, tuple[str, str]] = field(default_factory=dict, repr=False)

    def add(self, outcome: ObjectOutcome) -> bool:
        """Count one outcome; whether it changes its object's state."""
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

    def rate(self, seconds: float) -> float:
        """Objects per second, over the `seconds` since the start."""
        return self.finished / seconds if seconds > 0 else 0.0

    def eta(self, seconds: float) -> float | None:
        """Seconds until all objects have an outcome, at the average rate so far; None if it is not known."""
        rate = self.rate(seconds)
        return self.left / rate if rate and self.total else None
