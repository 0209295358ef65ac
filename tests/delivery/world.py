"""Two buckets, the events of one, and workers that process them while everything goes wrong that may go wrong.

Every request of a worker is a step. `World` decides which step is next, and whether a request fails. The code under
test is `reconcile.run`, unchanged.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.delivery.choices import Choices
from tests.delivery.events import Event, Invocation, Recipe
from tests.delivery.faults import ANSWERS, WRITES, Faults, Killed
from tests.delivery.gate import Gated, in_turn
from tests.delivery.model import ModelBucket, Object, Opened
from tests.delivery.resizer import LIMITS, resize_all
from tests.delivery.workers import Job, Turns, Worker
from tinypics.delivery import keys, outputs, reconcile
from tinypics.delivery.outputs import Handling
from tinypics.delivery.request import Request
from tinypics.delivery.result import Gone, Outcome, Result
from tinypics.errors import TransientError
from tinypics.image.rendition import Rendition

IN, OUT = "in", "out"
MOST_DELIVERIES = 40
"""Of one event; faults are far fewer."""
AT_ONCE = 3
"""Deliveries of an event that do not wait for each other. Each later one waits for a random time, at most twice as long
as the one before, as in the workflow's Retry: invocations with different recipes, which replace each other's manifest
again and again, are separated only by that."""

Step = tuple[str, Callable[["World"], None]]
"""A step of a user: its name, and the change."""


class World:
    """One schedule. `script` has the steps of users, in their order; workers process the events between them.

    `stay` is the chance that a worker continues with its next request. `watch` is called after each change.
    """

    def __init__(
        self,
        choices: Choices,
        source: ModelBucket,
        output: ModelBucket,
        recipe: Recipe,
        *,
        workers: int,
        stay: float,
        faults: Faults,
        conditional_deletes: bool = True,
    ) -> None:
        self.choices = choices
        self.source = source
        self.output = output
        self.recipe = recipe
        self.script: list[Step] = []
        self.faults = faults
        self.invocations: list[Invocation] = []
        self.history: dict[str, list[tuple[int, Object | None]]] = {}
        """The versions of each source, and since when."""
        self.repeated: set[str] = set()
        """Buckets in which a condition was true of another PUT of the same bytes: no protocol can tell."""
        self.unserved = False
        """Whether a visitor got no answer. An output that was written for it may stay until the source's next event."""
        self.endless: list[Event] = []
        """Events without a final outcome after so many deliveries."""
        self.late = False
        """Whether a request took effect after its worker had an answer, or was killed."""
        self.time = 0
        self.trace: list[str] | None = None
        self.watch: Callable[[World], None] = lambda world: None
        self._conditional_deletes = conditional_deletes
        self._pending: list[Event] = []
        self._late: list[tuple[str, Invocation, Callable[[], object]]] = []
        self._turns = Turns(choices, workers, stay, self._job, self._others)

    def run(self) -> None:
        """Return when no step is left: every event has an outcome that is not retried."""
        with in_turn(self.choices):
            self._turns.run()
            while self._pending:
                self.time = min(event.ready for event in self._pending)
                self._turns.run()

    # --- Users

    def upload(self, key: str, data: bytes, *, with_etag: bool = True, with_size: bool = True, copies: int = 1) -> None:
        """Store a source. One whose bytes end with `output` has the metadata of an output."""
        found = self.source.store(key, data, {outputs.RECIPE: "0" * 16} if data.endswith(b"output") else {})
        self._changed(key)
        etag, size = found.etag if with_etag else None, len(data) if with_size else None
        self.deliver(Event(f"{key} created", key, etag, size=size), copies)

    def delete(self, key: str, *, copies: int = 1) -> None:
        self.source.delete(key)
        self._changed(key)
        self.deliver(Event(f"{key} deleted", key), copies)

    def deliver(self, event: Event, copies: int = 1) -> None:
        self._pending += [Event(**vars(event)) for _ in range(copies)]

    def _changed(self, key: str) -> None:
        self.history.setdefault(key, [(0, None)]).append((self.time, self.source.objects.get(key)))

    # --- Steps

    def _others(self) -> list[Callable[[], None]]:
        return [*([self._user_step] if self.script else []), *([self._late_step] if self._late else [])]

    def _user_step(self) -> None:
        self.time += 1
        name, change = self.script.pop(0)
        self.note("user", name)
        change(self)

    def _late_step(self) -> None:
        self.time += 1
        name, invocation, effect = self._late.pop(self.choices.below(len(self._late)))
        invocation.end, self.late = self.time, True
        self.note("late", name, _attempt(effect))
        self.watch(self)

    def _job(self) -> Job | None:
        return self._process if self._ready() else None

    def _ready(self) -> list[int]:
        return [number for number, event in enumerate(self._pending) if event.ready <= self.time]

    def _process(self, worker: Worker) -> None:
        ready = self._ready()
        event = self._pending.pop(ready[self.choices.below(len(ready))])
        event.deliveries += 1
        self.time += 1
        invocation = Invocation(event, event.recipe or self.recipe, self.time)
        self.invocations.append(invocation)
        self.note(str(worker), f"begins {event.name} with {invocation.recipe}")
        try:
            invocation.outcome = self._invoke(worker, invocation)
        except Killed:
            pass
        except Exception as error:  # noqa: BLE001 - the oracle judges it
            invocation.outcome = error
        invocation.end = max(invocation.end, self.time)
        self.note(str(worker), f"ends {event.name}", invocation.outcome)
        if invocation.outcome is None or isinstance(invocation.outcome, TransientError):
            if event.served:
                self.unserved = True
            else:
                self._retry(event)

    def _retry(self, event: Event) -> None:
        if event.deliveries == MOST_DELIVERIES:
            self.endless.append(event)
            return
        event.ready = self.time + self.choices.below(2 ** min(max(0, event.deliveries - AT_ONCE), 10))
        self._pending.append(event)

    def _invoke(self, worker: Worker, invocation: Invocation) -> Outcome:
        event, recipe = invocation.event, invocation.recipe
        request = Request(
            IN,
            event.key,
            OUT,
            recipe.renditions,
            in_folder=recipe.in_folder,
            dest_key=event.dest_key,
            version_id=event.version_id,
            follows=invocation.follows,
            etag=event.etag,
            size=event.size,
        )
        if event.served:
            request = address_request(event.key, event.served)
        calls = {
            IN: functools.partial(self._request, worker, invocation, self.source),
            OUT: functools.partial(self._request, worker, invocation, self.output),
        }
        return reconcile.run(
            request,
            lambda name: Gated(name, calls[name], conditional_deletes=self._conditional_deletes),
            LIMITS,
            Handling(),
            resize_all,
        )

    # --- Requests

    def _request(
        self, worker: Worker, invocation: Invocation, bucket: ModelBucket, method: str, *arguments: Any, **options: Any
    ) -> Any:
        if worker.killed:
            raise Killed
        self._turns.next(worker)
        self.time += 1
        name = f"{method} {bucket.name} {arguments[0]}"
        effect = functools.partial(self._effect, invocation, bucket, method, *arguments, **options)
        fault = self.faults.choose(self.choices, method, options) if self.faults.most else None
        if fault is None:
            found = _attempt(effect)
            self.note(str(worker), name, found)
            if method in WRITES and bucket is self.output:
                self.watch(self)
            if isinstance(found, Exception):
                raise found
            return found
        self.faults = replace(self.faults, most=self.faults.most - 1)
        self.note(str(worker), f"{name} ({fault})", _attempt(effect) if fault.effect == "now" else None)
        if fault.effect == "now":
            self.watch(self)
        elif fault.effect == "later":
            self._late.append((f"{worker} {name}", invocation, effect))
        worker.killed = fault.answer == "kill"
        raise ANSWERS[fault.answer](name)

    def _effect(self, invocation: Invocation, bucket: ModelBucket, method: str, *arguments: Any, **options: Any) -> Any:
        self._note_repeated(invocation, bucket, method, arguments[0], options)
        found = getattr(bucket, method)(*arguments, **options)
        if isinstance(found, Opened) and bucket is self.source:
            invocation.downloads.append(found)
        for key in [each.key for each in found] if method == "from_key" else [arguments[0]]:
            if there := bucket.objects.get(key):
                invocation.seen[bucket.name, key, there.etag] = there.number
                invocation.listed.add(f"{bucket.name}/{key}")
        return found

    def _note_repeated(
        self, invocation: Invocation, bucket: ModelBucket, method: str, key: str, options: Mapping[str, Any]
    ) -> None:
        """Note that an object has the ETag that this invocation knows, but is of a later PUT of the same bytes."""
        if method == "from_key":
            invocation.listed.clear()
        there = bucket.objects.get(key)
        if there is None:
            return
        is_compared = there.etag == options.get("replaces", options.get("etag"))
        is_compared |= method == "head" and f"{bucket.name}/{key}" in invocation.listed
        if bucket is self.output and not is_compared:
            return
        if invocation.seen.get((bucket.name, key, there.etag), there.number) != there.number:
            self.repeated.add(bucket.name)
            self.note("", f"{key} in bucket {bucket.name} has the ETag of an earlier PUT")

    def note(self, actor: str, text: str, found: object = None) -> None:
        if self.trace is not None:
            self.trace.append(f"{self.time:4} {actor:8} {text}{_shown(found)}")


def address_request(key: str, rendition: Rendition) -> Request:
    """The request of the serving function for the address of an output."""
    name = keys.listed_output(key, rendition).removeprefix(f"{key}/")
    return Request(IN, key, OUT, (rendition,), on_demand=name)


def _attempt(effect: Callable[[], object]) -> object:
    """The result of the request, or its error."""
    try:
        return effect()
    except Exception as error:  # noqa: BLE001 - the caller raises it, or nobody waits for the answer
        return error


def _shown(found: object) -> str:
    if found is None:
        return ""
    if isinstance(found, Opened):
        return f" -> {found.read_all()[:30]!r}"
    if isinstance(found, Result):
        return f" -> {'skipped' if found.skipped else 'made'} of {str(found.source['etag'])[-6:]}"
    if isinstance(found, BaseException):
        return f" -> {type(found).__name__}: {str(found)[:80]}"
    if isinstance(found, Gone):
        return f" -> gone, removed {list(found.removed)}"
    if isinstance(found, Sequence) and not isinstance(found, str):
        return f" -> {[getattr(each, 'key', each) for each in found]}"
    metadata: Mapping[str, str] = getattr(found, "metadata", {})
    of = f" of {metadata[outputs.SOURCE_ETAG][-6:]}" if outputs.SOURCE_ETAG in metadata else ""
    return f" -> {str(getattr(found, 'etag', found))[-6:]}{of}"
