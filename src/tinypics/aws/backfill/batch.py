"""A batch of a backfill: one invocation that resizes several objects, with one outcome each.

A batch is the input from a Distributed Map: `{"Items": [...]}`, with or without `BatchInput`, or a single item.
The answer lists the objects for which there was no time, and the workflow submits them again.
Outcomes are stored before the batch is answered, so that no failure of the workflow can lose them.

A batch is one Express execution, which AWS ends after five minutes (Step Functions service quotas), while `Timeout` may
be fifteen. So a batch limits its own time, and reports the objects that are left; tests/project/test_definitions.py
checks the sum.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tinypics.aws import answers, deadline, events, telemetry
from tinypics.aws.backfill.job import Job, to_listed
from tinypics.aws.s3 import open_bucket
from tinypics.aws.settings import BACKFILL_BUCKET, require, require_valid
from tinypics.backfill.journal import Journal, check_identity
from tinypics.backfill.outcome import DONE, FAILED, HANDED_BACK, RESOURCES_EXHAUSTED, SKIPPED, ObjectOutcome
from tinypics.backfill.survey import parse_time
from tinypics.errors import DeadlineExceeded, InvalidConfiguration, InvalidRequest, TinypicsError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tinypics.aws.answers import Answer
    from tinypics.aws.settings import Settings
    from tinypics.backfill.survey import Selection

WINDOW: Final = 45.0
"""Seconds of an invocation in which another object may start."""
RESERVE: Final = 4.0
"""Seconds that must be left of the invocation's time for another object to start."""
INVOCATION_SECONDS: Final = 100.0
"""Seconds after which an object fails with `DeadlineExceeded`, even if `Timeout` is longer."""
BATCH_SECONDS: Final = 180.0
"""Seconds after which a batch is not submitted again. The rest of its execution's time is for the workflow's
retries."""
TRIES: Final = 4
"""Attempts per object on transient errors."""
LOOK_EVERY: Final = 2.0
"""Seconds between two checks of the run's stop marker."""

KILLED: Final = ("Lambda.Unknown", "Sandbox.Timedout", "Runtime.ExitError", "Runtime.OutOfMemory")
"""Step Functions' error names for a function that was killed. `Lambda.Unknown` is the documented name ("Handle Lambda
service exceptions" in its developer guide), the others are the `errorType` of Lambda's own answer. Lambda's other
names, like `Runtime.ImportModuleError` or `Sandbox.Failure`, mean that the function cannot start, or a failure of AWS,
for which more memory or time does not help. Both workflow definitions repeat these names
(tests/project/test_definitions.py)."""
THROTTLED: Final = "Lambda.TooManyRequestsException"
"""Step Functions' error name for an invocation that Lambda refused: the function did not run."""
TIMED_OUT: Final = "States.Timeout"
"""Step Functions' error name if the function does not answer before the `TimeoutSeconds` of its task."""


class _Entry(NamedTuple):
    """One object: its run, its facts from the listing, and the attempts so far."""

    run: Mapping[str, Any]
    item: Mapping[str, Any]
    tries: int

    def to_dict(self, tried: int = 0) -> dict[str, Any]:
        return {"run": dict(self.run), "item": dict(self.item), "tries": self.tries + tried}


def handle(
    event: Any, context: Any, loaded: Settings | InvalidConfiguration, answer: Callable[..., Answer]
) -> dict[str, Any]:
    """The answer to one step of the backfill workflow. `answer` handles the event of an upload.

    Raises TransientError and the errors of `Journal`: then the workflow retries the batch, which is idempotent.
    If the configuration is invalid, a batch has no outcomes: the run ends, and can be resumed.
    """
    if "backfill" in event:
        from tinypics.aws.backfill import count

        counted: dict[str, Any] = count.count(event, context, loaded, open_bucket)
        return counted
    try:
        batch = _Batch(event, context, require_valid(loaded), answer)
    except InvalidConfiguration as error:
        return answers.failure({}, error)
    return batch.run()


class _Batch:
    """A batch, in one invocation."""

    def __init__(
        self, event: Mapping[str, Any], context: Any, settings: Settings, answer: Callable[..., Answer]
    ) -> None:
        self._answer = answer
        self._entries = _entries(event)
        self._failure: Mapping[str, Any] = event.get("failure") or {}  # of the last invocation with this batch
        self._began = _seconds(event.get("began"))
        self._context = deadline.Shortened(context, min(INVOCATION_SECONDS, BATCH_SECONDS - self._age()))
        self._clock = time.monotonic()
        run = self._entries[0].run if self._entries else {}
        identity = check_identity(run.get("id"), "Items[].run.id")
        bucket = require(BACKFILL_BUCKET, settings.backfill_bucket, "the stack's bucket for backfills")
        job = self._job = Job.from_dict({name: value for name, value in run.items() if name != "id"})
        self._settings = settings.with_renditions(job.renditions) if job.renditions else settings
        self._selection: Selection = job.selection(settings)
        self._journal = Journal(open_bucket(bucket), identity)
        self._checked_at = -math.inf
        self._outcomes: list[ObjectOutcome] = []

    def run(self) -> dict[str, Any]:
        try:
            failed = self._failure.get("Error") not in (None, THROTTLED)
            left, stopped = self._mark_failed() if failed else self._work()
        finally:
            self._journal.write(self._outcomes)
        states = Counter(outcome.state for outcome in self._outcomes)
        return {
            "status": "SUCCESS",
            **{state: states[state] for state in (DONE, SKIPPED, FAILED)},
            "stopped": stopped,
            "left": len(left),
            "Items": left,
            "began": self._began,
        }

    def _mark_failed(self) -> tuple[list[dict[str, Any]], int]:
        """Fail all entries: the last invocation gave no answer, and may have been working on any of them."""
        error, cause = str(self._failure.get("Error")), str(self._failure.get("Cause", ""))[:500]
        if error in (*KILLED, TIMED_OUT):
            advice = "raise MemorySize or Timeout"
            if len(self._entries) > 1:
                advice = f"retry its {len(self._entries)} objects one by one (`tinypics retry --from`)"
            cause = f"the function was ended before it could answer ({error}): {advice}. {cause}"
            error = RESOURCES_EXHAUSTED
        self._outcomes += [ObjectOutcome(self._key(entry), FAILED, error, cause) for entry in self._entries]
        return [], 0

    def _work(self) -> tuple[list[dict[str, Any]], int]:
        """Work on the entries in order; returns those to submit again, and how many a stop has left undone."""
        again: list[dict[str, Any]] = []
        for number, entry in enumerate(self._entries):
            rest = [each.to_dict() for each in self._entries[number:]]
            if self._is_stopped():
                return [], len(rest) + len(again)
            if self._is_over(first=not number):
                return self._within_time(rest + again), 0
            outcome = self._outcome(entry, first=not number)
            self._outcomes.append(outcome)
            if outcome.state == HANDED_BACK and outcome.error == DeadlineExceeded.__name__:
                return self._within_time([entry.to_dict(tried=1), *rest[1:], *again]), 0
            if outcome.state == HANDED_BACK:
                again.append(entry.to_dict(tried=1))
        return self._within_time(again), 0

    def _outcome(self, entry: _Entry, *, first: bool) -> ObjectOutcome:
        started = time.perf_counter()
        try:
            outcome = self._resize(entry)
        except TransientError as error:
            # The first object had the whole invocation, unless its batch had less time; later ones had only the rest.
            whole = first and not self._batch_is_over()
            final = whole if isinstance(error, DeadlineExceeded) else entry.tries + 1 >= TRIES
            outcome = ObjectOutcome(self._key(entry), FAILED if final else HANDED_BACK, error.name, error.message)
        except TinypicsError as error:
            outcome = ObjectOutcome(self._key(entry), FAILED, error.name, error.message)
        except Exception as error:  # noqa: BLE001 - an unexpected error of one object must not fail the others
            telemetry.record_unexpected(error, self._context)
            outcome = ObjectOutcome(self._key(entry), FAILED, type(error).__name__, str(error))
        milliseconds = math.ceil((time.perf_counter() - started) * 1000)
        memory = int(getattr(self._context, "memory_limit_in_mb", 0) or 0)
        return replace(outcome, billed_ms=milliseconds, memory_mb=memory)

    def _resize(self, entry: _Entry) -> ObjectOutcome:
        listed = to_listed(entry.item, self._job.source)
        if reason := self._selection.why_not(listed):
            return ObjectOutcome(listed.key, SKIPPED, message=reason)
        known = {"size": listed.size} | ({"etag": listed.etag} if listed.etag else {})
        event = events.upload(self._job.bucket, listed.key, **known)
        answer = self._answer(event, self._context, self._settings, backfill=self._journal.identity)
        if answer["status"] == "FAILED":
            return ObjectOutcome(listed.key, FAILED, answer["error"], answer["message"])
        if answer.get("skipped"):
            return ObjectOutcome(listed.key, SKIPPED, message=answer["reason"])
        return ObjectOutcome(listed.key, DONE)

    def _key(self, entry: _Entry) -> str:
        try:
            return to_listed(entry.item, self._job.source).key
        except InvalidRequest:
            return str(entry.item.get("Key") or entry.item.get("key") or "?")

    def _is_stopped(self) -> bool:
        """Whether the run was stopped; checks the store at most every `LOOK_EVERY` seconds."""
        if time.monotonic() - self._checked_at < LOOK_EVERY:
            return False
        self._checked_at = time.monotonic()
        return self._journal.is_stopped()

    def _is_over(self, *, first: bool) -> bool:
        """Whether no other object may start. The first may, unless the batch's time is over."""
        if first:
            return self._batch_is_over()
        if time.monotonic() - self._clock > WINDOW:
            return True
        return self._context.get_remaining_time_in_millis() / 1000 < RESERVE

    def _age(self) -> float:
        """Seconds since the batch's execution began."""
        return time.time() - self._began

    def _batch_is_over(self) -> bool:
        return self._age() > BATCH_SECONDS - RESERVE

    def _within_time(self, left: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The entries to submit again; none if the batch's time is over, and then they fail."""
        if not self._batch_is_over():
            return left
        reason = f"its batch took longer than {BATCH_SECONDS:g} s: the next run retries it"
        self._outcomes += [
            ObjectOutcome(self._key(_entry(each, {})), FAILED, DeadlineExceeded.__name__, reason) for each in left
        ]
        return []


def _seconds(began: object) -> float:
    """Seconds since 1970: now for None, else from Step Functions' text, or the number of an earlier invocation."""
    if began is None:
        return time.time()
    return parse_time(began).timestamp() if isinstance(began, str) else float(str(began))


def _entries(event: Mapping[str, Any]) -> list[_Entry]:
    batch_input = event.get("BatchInput")
    run = batch_input.get("run", {}) if batch_input else {}
    return [_entry(each, run) for each in event.get("Items", [event])]


def _entry(document: Mapping[str, Any], run: Mapping[str, Any]) -> _Entry:
    """An entry from `ItemSelector`'s form (`{"run", "item"}`), or from a plain item with the run in `BatchInput`."""
    if "item" not in document:
        return _Entry(run, document, 0)
    return _Entry(document.get("run", run), document["item"], int(document.get("tries", 0)))
