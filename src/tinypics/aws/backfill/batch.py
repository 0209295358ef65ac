"""The function's part of a backfill: a batch of objects, of which each gets one outcome.

A batch is what a Distributed Map hands over: `{"Items": [...]}`, with or without `BatchInput`, or one item alone.
Objects that are not begun before the invocation's time ends go back in the answer, which the workflow hands in again.
An outcome is written down before the batch is answered, so that no failure of the workflow can lose it.

A batch is one Express execution, which AWS ends after five minutes (Step Functions service quotas), while `Timeout` may
be fifteen. So a batch counts its own time, and names what it cannot do; tests/project/test_definitions.py has the sum.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tinypics.aws import answers, deadline, events, telemetry
from tinypics.aws.backfill.job import Order, found
from tinypics.aws.s3 import open_bucket
from tinypics.aws.settings import BACKFILL_BUCKET, needed, usable
from tinypics.backfill.journal import Journal
from tinypics.backfill.outcome import DONE, FAILED, HANDED_BACK, SKIPPED, Outcome
from tinypics.backfill.survey import moment
from tinypics.errors import DeadlineExceeded, InvalidConfiguration, InvalidRequest, TinypicsError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tinypics.aws.answers import Answer
    from tinypics.aws.settings import Settings
    from tinypics.backfill.survey import Selection

WINDOW: Final = 45.0
"""Seconds of an invocation in which another object is begun."""
RESERVE: Final = 4.0
"""Seconds that must be left of the invocation's time for that."""
INVOCATION_SECONDS: Final = 100.0
"""An object ends with `DeadlineExceeded` after this, however large `Timeout` is."""
BATCH_SECONDS: Final = 180.0
"""A batch that is handed in again and again ends after this. The rest of its execution's time is for the retries of the
workflow."""
TRIES: Final = 4
"""Attempts per object on transient errors."""
LOOK_EVERY: Final = 2.0
"""Seconds between two looks whether the run shall stop."""

KILLED: Final = ("Lambda.Unknown", "Sandbox.Timedout", "Runtime.ExitError", "Runtime.OutOfMemory")
"""How Step Functions names a function that was killed. `Lambda.Unknown` is the documented name ("Handle Lambda service
exceptions" in its developer guide), the others are the `errorType` of Lambda's own answer. Other names of the platform,
like `Runtime.ImportModuleError` or `Sandbox.Failure`, mean a function that cannot start, or a fault of AWS's own, which
more memory or time does not mend. Both workflow definitions repeat these names (tests/project/test_definitions.py)."""
TIMED_OUT: Final = "States.Timeout"
"""The name of a function that did not answer before the `TimeoutSeconds` of its task."""


class _Entry(NamedTuple):
    """One object: what the run is, what the list says of it, and how often it was tried."""

    run: Mapping[str, Any]
    item: Mapping[str, Any]
    tries: int

    def document(self, tried: int = 0) -> dict[str, Any]:
        return {"run": dict(self.run), "item": dict(self.item), "tries": self.tries + tried}


def handle(
    event: Any, context: Any, loaded: Settings | InvalidConfiguration, answer: Callable[..., Answer]
) -> dict[str, Any]:
    """The answer to one step of the backfill workflow. `answer` is what makes the outputs for an upload's event.

    Raises TransientError, and whatever `Journal` does: then the batch is run again, and what is made is not made twice.
    A batch that a wrong configuration refuses has no outcomes; the run ends, and can be resumed.
    """
    if "backfill" in event:
        from tinypics.aws.backfill import count

        counted: dict[str, Any] = count.count(event, context, loaded, open_bucket)
        return counted
    try:
        batch = _Batch(event, context, usable(loaded), answer)
    except InvalidConfiguration as error:
        return answers.failure({}, error)
    return batch.run()


class _Batch:
    """One invocation's work on a batch."""

    def __init__(
        self, event: Mapping[str, Any], context: Any, settings: Settings, answer: Callable[..., Answer]
    ) -> None:
        self._answer = answer
        self._entries = _entries(event)
        self._careful = bool(event.get("careful"))  # this batch killed the function
        self._crash = event.get("crash") if event.get("blamed") else None  # its first object alone did, too
        self._began = _seconds(event.get("began"))
        self._context = deadline.Shortened(context, min(INVOCATION_SECONDS, BATCH_SECONDS - self._age()))
        self._clock = time.monotonic()
        run = self._entries[0].run if self._entries else {}
        identity = run.get("id")
        if not isinstance(identity, str) or not identity or "/" in identity:
            raise InvalidRequest.expected("Items[].run.id", "the id of a backfill", identity)
        bucket = needed(BACKFILL_BUCKET, settings.backfill_bucket, "the stack's bucket for backfills")
        order = self._order = Order.of({name: value for name, value in run.items() if name != "id"})
        self._settings = settings.of(order.renditions) if order.renditions else settings
        self._selection: Selection = order.selection(settings)
        self._journal = Journal(open_bucket(bucket), identity)
        self._looked = -math.inf
        self._outcomes: list[Outcome] = []

    def run(self) -> dict[str, Any]:
        try:
            left, stopped = self._work()
        finally:
            self._journal.write(self._outcomes)
        states = Counter(outcome.state for outcome in self._outcomes)
        return {
            "status": "SUCCESS",
            **{state: states[state] for state in (DONE, SKIPPED, FAILED)},
            "stopped": stopped,
            "left": len(left),
            "Items": left,
            "careful": self._careful,
            "began": self._began,
        }

    def _work(self) -> tuple[list[dict[str, Any]], int]:
        """Work on the entries in their order: what is handed back, and how many were left alone for good."""
        again: list[dict[str, Any]] = []
        for number, entry in enumerate(self._entries):
            rest = [each.document() for each in self._entries[number:]]
            if self._stopped():
                return [], len(rest) + len(again)
            if self._is_over(first=not number):
                return self._bounded(rest + again), 0
            outcome = self._outcome(entry, first=not number)
            self._outcomes.append(outcome)
            if outcome.state == HANDED_BACK and outcome.error == DeadlineExceeded.__name__:
                return self._bounded([entry.document(tried=1), *rest[1:], *again]), 0
            if outcome.state == HANDED_BACK:
                again.append(entry.document(tried=1))
        return self._bounded(again), 0

    def _outcome(self, entry: _Entry, *, first: bool) -> Outcome:
        if first and self._crash:
            return self._blamed(entry, self._crash)
        started = time.perf_counter()
        try:
            outcome = self._made(entry)
        except TransientError as error:
            # The first had all of the invocation's time, unless its batch had less; others only what was left of it.
            whole = first and not self._batch_is_over()
            final = whole if isinstance(error, DeadlineExceeded) else entry.tries + 1 >= TRIES
            outcome = Outcome(self._key(entry), FAILED if final else HANDED_BACK, error.name, error.message)
        except TinypicsError as error:
            outcome = Outcome(self._key(entry), FAILED, error.name, error.message)
        except Exception as error:  # noqa: BLE001 - one object that nobody foresaw must not fail the others
            telemetry.unforeseen(error, self._context)
            outcome = Outcome(self._key(entry), FAILED, type(error).__name__, str(error))
        milliseconds = math.ceil((time.perf_counter() - started) * 1000)
        memory = int(getattr(self._context, "memory_limit_in_mb", 0) or 0)
        return replace(outcome, billed_ms=milliseconds, memory_mb=memory)

    def _made(self, entry: _Entry) -> Outcome:
        listed = found(entry.item, self._order.source)
        if reason := self._selection.why_not(listed):
            return Outcome(listed.key, SKIPPED, message=reason)
        known = {"size": listed.size} | ({"etag": listed.etag} if listed.etag else {})
        event = events.upload(self._order.bucket, listed.key, **known)
        answer = self._answer(event, self._context, self._settings, backfill=self._journal.identity)
        if answer["status"] == "FAILED":
            return Outcome(listed.key, FAILED, answer["error"], answer["message"])
        if answer.get("skipped"):
            return Outcome(listed.key, SKIPPED, message=answer["reason"])
        return Outcome(listed.key, DONE)

    def _blamed(self, entry: _Entry, crash: Mapping[str, Any]) -> Outcome:
        """The outcome of an object at which the function was ended, alone and for the second time."""
        error, cause = str(crash.get("Error")), str(crash.get("Cause", ""))[:500]
        if error in (*KILLED, TIMED_OUT):
            message = f"the function was ended before it could answer ({error}): raise MemorySize or Timeout. {cause}"
            return Outcome(self._key(entry), FAILED, "ResourcesExhausted", message)
        return Outcome(self._key(entry), FAILED, error, cause)

    def _key(self, entry: _Entry) -> str:
        try:
            return found(entry.item, self._order.source).key
        except InvalidRequest:
            return str(entry.item.get("Key") or entry.item.get("key") or "?")

    def _stopped(self) -> bool:
        """Whether the run shall stop; asked at most every `LOOK_EVERY` seconds."""
        if time.monotonic() - self._looked < LOOK_EVERY:
            return False
        self._looked = time.monotonic()
        return self._journal.stopped()

    def _is_over(self, *, first: bool) -> bool:
        """Whether no other object is begun. The first is, unless its batch has no time; a crash takes none to name."""
        if first:
            return self._batch_is_over() and not self._crash
        if self._careful or time.monotonic() - self._clock > WINDOW:
            return True
        return self._context.get_remaining_time_in_millis() / 1000 < RESERVE

    def _age(self) -> float:
        """Seconds since the batch's execution began."""
        return time.time() - self._began

    def _batch_is_over(self) -> bool:
        return self._age() > BATCH_SECONDS - RESERVE

    def _bounded(self, left: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What is handed back, unless this batch has been handed back for long enough: then all of that has failed."""
        if not self._batch_is_over():
            return left
        reason = f"its batch took longer than {BATCH_SECONDS:g} s: it comes again with the next run"
        self._outcomes += [
            Outcome(self._key(_entry(each, {})), FAILED, DeadlineExceeded.__name__, reason) for each in left
        ]
        return []


def _seconds(began: object) -> float:
    """A time since 1970: now for None, else a text of Step Functions, or the number of an earlier invocation."""
    if began is None:
        return time.time()
    return moment(began).timestamp() if isinstance(began, str) else float(str(began))


def _entries(event: Mapping[str, Any]) -> list[_Entry]:
    batch_input = event.get("BatchInput")
    run = batch_input.get("run", {}) if batch_input else {}
    return [_entry(each, run) for each in event.get("Items", [event])]


def _entry(document: Mapping[str, Any], run: Mapping[str, Any]) -> _Entry:
    """An item as `ItemSelector` makes it (`{"run", "item"}`), or as the reader does, with the run in `BatchInput`."""
    if "item" not in document:
        return _Entry(run, document, 0)
    return _Entry(document.get("run", run), document["item"], int(document.get("tries", 0)))
