"""The run log of a backfill, in its own bucket.

::

    runs/<id>/plan.json                the count, written before the first picture is resized
    runs/<id>/stop                     exists if the run shall stop
    runs/<id>/outcomes/<time>-*.jsonl  the outcomes of one batch, one a line

A journal outlives its workers, its workflow and the terminal that follows it. Its keys sort by time, so that a poll
costs one listing and a GET for each new batch. A lifecycle rule expires it.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any, Final

from tinypics.backfill.outcome import ObjectOutcome
from tinypics.delivery import keys
from tinypics.errors import InvalidRequest, SourceNotFound
from tinypics.store.objects import Conflict
from tinypics.store.threads import together

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tinypics.store.bucket import Bucket

RUNS: Final = "runs"
_LATE_MS: Final = 60_000  # allows for clock skew, and for the time between naming a batch and storing it
_MAX_BYTES: Final = 64 * 2**20
_AT_ONCE: Final = 32
_JSON: Final = {"Content-Type": "application/json"}


def check_identity(identity: object, field: str = "id") -> str:
    """`identity` itself: one part of the keys of a run. Raises InvalidRequest."""
    if not isinstance(identity, str) or "/" in identity:
        raise InvalidRequest.expected(field, "the id of a backfill", identity)
    return keys.check(identity, field)


class Journal:
    """The journal of one run. Every method raises the errors of `Bucket`."""

    def __init__(self, bucket: Bucket, identity: str) -> None:
        """Raises InvalidRequest."""
        self.identity = check_identity(identity)
        self._bucket = bucket
        self._folder = f"{RUNS}/{identity}"
        self._read: dict[str, int] = {}

    def plan(self) -> dict[str, Any] | None:
        """The stored count; None while counting."""
        try:
            found: dict[str, Any] = json.loads(_reader(self._bucket, f"{self._folder}/plan.json")())
        except SourceNotFound:
            return None
        return found

    def write_plan(self, plan: dict[str, Any]) -> None:
        """Store the count. The first one is kept, because a workflow may run a step twice."""
        self._create("plan.json", json.dumps(plan))

    def write(self, outcomes: Iterable[ObjectOutcome]) -> None:
        """Store the outcomes of a batch, as one object, so that the write is atomic."""
        lines = "".join(json.dumps(outcome.to_dict()) + "\n" for outcome in outcomes)
        if lines:
            name = f"outcomes/{time.time_ns() // 1_000_000:013d}-{uuid.uuid4().hex[:12]}.jsonl"
            self._create(name, lines)

    def read(self) -> Iterator[ObjectOutcome]:
        """The outcomes that are new since the last call."""
        folder = f"{self._folder}/outcomes"
        newest = max(self._read.values(), default=0)
        after = f"{folder}/{newest - _LATE_MS:013d}" if newest > _LATE_MS else ""
        listed = (item["path"] for item in self._bucket.everything(folder, after=after))
        new = [name for name in listed if name not in self._read]
        for start in range(0, len(new), _AT_ONCE):
            names = new[start : start + _AT_ONCE]
            for name, text in zip(names, together([_reader(self._bucket, name) for name in names]), strict=True):
                self._read[name] = int(name.rpartition("/")[2].partition("-")[0])
                yield from (ObjectOutcome.from_dict(json.loads(line)) for line in text.splitlines())
        newest = max(self._read.values(), default=0)
        self._read = {name: at for name, at in self._read.items() if at >= newest - _LATE_MS}

    def stop(self) -> None:
        """Tell the workers to start no more pictures."""
        self._create("stop", "")

    def is_stopped(self) -> bool:
        return self._bucket.head(f"{self._folder}/stop") is not None

    def _create(self, name: str, text: str) -> None:
        try:
            self._bucket.put(f"{self._folder}/{name}", text.encode(), attributes=_JSON, replaces=None)
        except Conflict:
            return


def _reader(bucket: Bucket, name: str) -> Any:
    def read() -> str:
        download = bucket.open(name, max_bytes=_MAX_BYTES)
        try:
            return bytes(download.read_all()).decode()
        finally:
            download.close()

    return read
