"""What a check of two buckets can find."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

MISSING, STALE, DAMAGED, ORPHANED, UNCHECKED = "missing", "stale", "damaged", "orphaned", "unchecked"
"""Kinds of findings: see `Finding`."""

MANAGED = "managed"


class Listed(NamedTuple):
    """An object as a listing tells of it: `size` in bytes, `etag` without quotes."""

    key: str
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be.

    `missing`: there is no such output. `stale`: it was made of another version of the source, or by another recipe.
    `damaged`: it is not what its manifest says. `orphaned`: it was made here, and its source is not entitled to it.
    `unchecked`: the store did not let itself be asked. `etag` is that of the object, where it matters.
    """

    kind: str
    source: str
    output: str
    reason: str
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one source is found to be: `complete`, `wrong`, `gone`, `skipped`, `unreadable`, or an error's name.

    `entitled` has the keys that its outputs may have; None when that could not be found out.
    """

    state: str
    findings: tuple[Finding, ...] = ()
    entitled: frozenset[str] | None = frozenset()


@dataclass(slots=True)
class Report:
    """How many sources there are of each state of `Verdict`, how many outputs of each kind, and all findings.

    Outputs are `managed`; or left alone: `foreign` (without our metadata), `others` (of another bucket's sources, or
    under another output prefix), `placed` (where a request wanted it), `kept` (though the source is gone, because the
    stack does not follow deletes).
    """

    sources: Counter[str] = field(default_factory=Counter)
    outputs: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def add(self, verdict: Verdict) -> None:
        self.sources[verdict.state] += 1
        self.findings += verdict.findings
