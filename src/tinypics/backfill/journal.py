"""What a backfill writes down while it runs, in a bucket of its own: whoever looks, and whenever, reads the same.

::

    runs/<id>/plan.json                what was counted, before anything was worked on
    runs/<id>/stop                     there as soon as somebody wants it to stop
    runs/<id>/outcomes/<time>-*.jsonl  what became of a batch: one outcome a line

A journal outlives its workers, its workflow and the terminal that watches it. Its names sort by time, so that reading
on costs one listing and what is new; a lifecycle rule removes it after a while.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any, Final

from tinypics.backfill.outcome import Outcome
from tinypics.errors import SourceNotFound
from tinypics.store.objects import Conflict
from tinypics.store.threads import together

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tinypics.store.bucket import Bucket

RUNS: Final = "runs"
_LATE_MS: Final = 60_000  # clocks of several machines differ, and a batch is named before it is stored
_MAX_BYTES: Final = 64 * 2**20
_AT_ONCE: Final = 32
_JSON: Final = {"Content-Type": "application/json"}


class Journal:
    """That of one run. Every method raises what `Bucket` does."""

    def __init__(self, bucket: Bucket, identity: str) -> None:
        self.identity = identity
        self._bucket = bucket
        self._folder = f"{RUNS}/{identity}"
        self._read: dict[str, int] = {}

    def plan(self) -> dict[str, Any] | None:
        """What was counted; None while it was not yet."""
        try:
            found: dict[str, Any] = json.loads(_reading(self._bucket, f"{self._folder}/plan.json")())
        except SourceNotFound:
            return None
        return found

    def write_plan(self, plan: dict[str, Any]) -> None:
        """Keep what was counted. The first one stays: a step of a workflow may be run twice."""
        self._create("plan.json", json.dumps(plan))

    def write(self, outcomes: Iterable[Outcome]) -> None:
        """Add what became of a batch: one object, whole or not at all."""
        lines = "".join(json.dumps(outcome.document()) + "\n" for outcome in outcomes)
        if lines:
            name = f"outcomes/{time.time_ns() // 1_000_000:013d}-{uuid.uuid4().hex[:12]}.jsonl"
            self._create(name, lines)

    def read(self) -> Iterator[Outcome]:
        """Outcomes that were not read before by this object."""
        folder = f"{self._folder}/outcomes"
        newest = max(self._read.values(), default=0)
        after = f"{folder}/{newest - _LATE_MS:013d}" if newest > _LATE_MS else ""
        listed = (item["path"] for item in self._bucket.everything(folder, after=after))
        new = [name for name in listed if name not in self._read]
        for start in range(0, len(new), _AT_ONCE):
            names = new[start : start + _AT_ONCE]
            for name, text in zip(names, together([_reading(self._bucket, name) for name in names]), strict=True):
                self._read[name] = int(name.rpartition("/")[2].partition("-")[0])
                yield from (Outcome.of(json.loads(line)) for line in text.splitlines())
        newest = max(self._read.values(), default=0)
        self._read = {name: at for name, at in self._read.items() if at >= newest - _LATE_MS}

    def stop(self) -> None:
        """Have the workers begin nothing new."""
        self._create("stop", "")

    def stopped(self) -> bool:
        return self._bucket.head(f"{self._folder}/stop") is not None

    def _create(self, name: str, text: str) -> None:
        try:
            self._bucket.put(f"{self._folder}/{name}", text.encode(), attributes=_JSON, replaces=None)
        except Conflict:
            return


def _reading(bucket: Bucket, name: str) -> Any:
    def read() -> str:
        download = bucket.open(name, max_bytes=_MAX_BYTES)
        try:
            return bytes(download.whole()).decode()
        finally:
            download.close()

    return read
