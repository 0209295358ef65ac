"""The findings of a check of two buckets."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinypics.errors import TinypicsError

MISSING, STALE, DAMAGED, ORPHANED = "missing", "stale", "damaged", "orphaned"
CLASHING, UNCHECKED = "clashing", "unchecked"
"""Kinds of findings: see `Finding`."""

MANAGED, FOREIGN, ON_DEMAND = "managed", "foreign", "on demand"


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation of the invariant.

    `missing`: there is no such output. `stale`: it was made of another version of the source, or by another recipe.
    `damaged`: it is not the object that its manifest names. `orphaned`: the stack made it, but its source should not
    have it. `clashing`: its key belongs to another source, or to a request's `dest_key`. `unchecked`: the store failed.
    `etag` is the object's, for kinds that need it.
    """

    kind: str
    source: str
    output: str
    reason: str
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state of one source: `complete`, `wrong`, `gone`, `skipped`, `unreadable`, or an error's name.

    `entitled` has the keys that its outputs may have; None if they could not be determined. `refusal` is the error of
    a source that can have no outputs.
    """

    state: str
    findings: tuple[Finding, ...] = ()
    entitled: frozenset[str] | None = frozenset()
    refusal: TinypicsError | None = None


@dataclass(frozen=True, slots=True)
class Unusable:
    """A source that can have no outputs, and the error that the stack answers for it."""

    source: str
    error: str
    message: str


@dataclass(slots=True)
class CheckReport:
    """The number of sources by state of `Verdict`, the number of outputs by kind, and all findings.

    Outputs are `managed`, or of a kind that is left alone: `foreign` (without our metadata), `others` (of another
    bucket's sources, or under another output prefix), `placed` (at a key that a request named), `kept` (without their
    source, because the stack does not follow deletes), `on demand` (made by the serving function, and current; one of
    another version of its source is orphaned).

    `unusable` and `foreign` name objects that violate nothing and that no repair touches.
    """

    sources: Counter[str] = field(default_factory=Counter)
    outputs: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    unusable: list[Unusable] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def add(self, key: str, verdict: Verdict) -> None:
        """Count the verdict on the source `key`."""
        self.sources[verdict.state] += 1
        self.findings += verdict.findings
        if verdict.refusal:
            self.unusable.append(Unusable(key, verdict.refusal.name, verdict.refusal.message))

    @property
    def is_exact(self) -> bool:
        """Whether every source has its outputs, and nothing but outputs is in the output bucket."""
        return self.complete == self.pictures and self.outputs.keys() <= {MANAGED, ON_DEMAND} and not self.findings

    @property
    def complete(self) -> int:
        """The number of sources with all of their outputs."""
        return self.sources["complete"]

    @property
    def pictures(self) -> int:
        """The number of sources that exist, without folder markers."""
        return self.sources.total() - self.sources["skipped"] - self.sources["gone"]
