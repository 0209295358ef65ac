"""Two buckets, the events of one, and workers that process them while everything goes wrong that may go wrong.

`World` decides at every request of a worker whether it takes effect now, later or not at all, and whether the worker
learns that. The code under test is `reconcile.run`, unchanged.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.delivery.choices import Choices
from tests.delivery.model import ModelBucket, Object, Opened, md5
from tests.delivery.workers import Job, Turns, Worker
from tinypics.delivery import outputs, reconcile
from tinypics.delivery.outputs import Handling
from tinypics.delivery.request import Request
from tinypics.delivery.result import Gone, Outcome, Result
from tinypics.errors import CorruptImage, DeadlineExceeded, PermanentError, StoreUnavailable, TransientError
from tinypics.image.limits import Limits
from tinypics.image.placeholder import PLACEHOLDER
from tinypics.image.rendition import Rendition
from tinypics.image.results import Output, Resized, Source
from tinypics.store import threads
from tinypics.store.bucket import Bucket
from tinypics.store.objects import Conflict
from tinypics.values import replace

IN, OUT = "in", "out"
MAX_BYTES = 100
LIMITS = Limits(bytes=MAX_BYTES)
LARGE = b"jpeg large".ljust(MAX_BYTES + 1)
CORRUPT = b"corrupt"
MOST_DELIVERIES = 40
"""Of one event; faults are far fewer."""


@dataclass(frozen=True)
class Recipe:
    """The renditions of a stack, or of a direct event."""

    renditions: tuple[Rendition, ...]
    in_folder: bool

    @classmethod
    def parse(cls, text: str) -> Recipe:
        """`16x16`, or a list in brackets."""
        names = text.strip("[]").split(",")
        return cls(tuple(map(Rendition.parse, names)), in_folder=text.startswith("["))

    def __str__(self) -> str:
        text = ",".join(map(str, self.renditions))
        return f"[{text}]" if self.in_folder else text


@dataclass
class Event:
    """A message that is redelivered until its outcome is no transient error.

    `recipe` and `dest_key` are those of a direct event; without them, the recipe is the stack's at the time.
    """

    name: str
    key: str
    etag: str | None = None
    recipe: Recipe | None = None
    dest_key: str | None = None
    version_id: str | None = None
    deliveries: int = 0


@dataclass
class Invocation:
    """One delivery of an event, from its first to its last step. `outcome` None: it was killed."""

    event: Event
    recipe: Recipe
    start: int
    end: int = 0
    outcome: Outcome | BaseException | None = None
    downloads: list[Opened] = field(default_factory=list)
    seen: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """The last PUT of which it knows, by bucket, key and ETag."""

    @property
    def key(self) -> str:
        return self.event.key

    @property
    def follows(self) -> bool:
        return self.event.recipe is None


@dataclass(frozen=True)
class Faults:
    """Kinds of faults, and the most of all kinds in one schedule."""

    kills: bool = False
    passing: bool = False
    late: bool = False
    most: int = 0
    chance: float = 0.0


class Killed(BaseException):
    """The worker's process has ended: this unwinds the thread that stands for it."""


def resize_all(download: Any, renditions: Sequence[Rendition], limits: Limits) -> Resized:
    """Bytes that follow from those of the source and the rendition, in place of a picture.

    A source is `FORMAT PICTURE [COMMENT]`: a comment does not change the outputs.
    """
    data: bytes = download.whole()
    words = data.decode().split()
    if len(words) < 2 or words[0] not in ("jpeg", "png"):
        raise CorruptImage("not a picture")
    return _resized(data, words[0], words[1], tuple(renditions))


_MADE: dict[tuple[bytes, tuple[Rendition, ...]], Resized] = {}


def _resized(data: bytes, kind: str, picture: str, renditions: tuple[Rendition, ...]) -> Resized:
    if (data, renditions) not in _MADE:
        made = []
        for each in renditions:
            name = each.format if each.format and each.format != "auto" else kind
            width, height = each.width or 1, each.height or 1
            text = f"{picture} {width}x{height} {name}"
            made.append(Output(each, text.encode(), name, width, height, colour="#000000" if each == PLACEHOLDER else None))
        timings = {"decode": 0.0, "transform": 0.0, "encode": 0.0}
        _MADE[data, renditions] = Resized(tuple(made), Source(kind, 64, 64, len(data), 1), timings)
    return _MADE[data, renditions]


_READS = ("open", "head", "children", "level", "from_key")
_WRITES = ("put", "delete")


class Gated(Bucket):
    """A bucket whose requests are steps of the schedule."""

    def __init__(self, bucket: ModelBucket, world: World, worker: Worker, invocation: Invocation) -> None:
        self.name = bucket.name
        self._bucket = bucket
        self._world = world
        self._worker = worker
        self._invocation = invocation

    def _call(self, method: str, *arguments: Any, **options: Any) -> Any:
        return self._world.request(self._worker, self._invocation, self._bucket, method, arguments, options)

    def open(self, *arguments: Any, **options: Any) -> Any:
        found = self._call("open", *arguments, **options)
        if self.name == IN:
            self._invocation.downloads.append(found)
        return found

    def head(self, *arguments: Any, **options: Any) -> Any:
        return self._call("head", *arguments, **options)

    def put(self, *arguments: Any, **options: Any) -> Any:
        return self._call("put", *arguments, **options)

    def delete(self, key: str, *, etag: str | None = None) -> None:
        if etag is not None and not self._world.conditional_deletes:
            there = self._call("head", key)
            if there is None:
                return
            if there.etag != etag:
                raise Conflict(f'object "{key}" in bucket {self.name}')
            etag = None
        self._call("delete", key, etag=etag)

    def children(self, folder: str) -> Any:
        return self._call("children", folder)

    def level(self, folder: str) -> Any:
        return self._call("level", folder)

    def from_key(self, key: str) -> Any:
        return self._call("from_key", key)


class InTurn:
    """`threads.Call` without a thread: the calls that `together` begins run when the first of them is awaited.

    Their order is one of the schedule's choices.
    """

    waiting: dict[int, list[InTurn]] = {}  # noqa: RUF012 - by thread
    choices: Choices | None = None

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._outcome: Any = None
        self._failure: BaseException | None = None
        self.waiting.setdefault(threading.get_ident(), []).append(self)

    def join(self, timeout: float | None = None) -> None:
        calls = self.waiting.pop(threading.get_ident(), [])
        if len(calls) > 1 and self.choices:
            order = self.choices.below(4, first=0.5)
            if order == 1:
                calls.reverse()
            elif order:
                first = self.choices.below(len(calls))
                calls = calls[first:] + calls[:first]
        for each in calls:
            each.run()

    def run(self) -> None:
        try:
            self._outcome = self._call()
        except BaseException as error:  # noqa: BLE001 - `result` raises it
            self._failure = error

    def result(self) -> Any:
        self.join()
        if self._failure is not None:
            raise self._failure
        return self._outcome


@contextmanager
def in_turn(choices: Choices) -> Iterator[None]:
    """Calls of a worker run one after the other, in its own thread."""
    before = threads.Call
    threads.Call = InTurn  # type: ignore[misc, assignment]
    InTurn.choices = choices
    InTurn.waiting.clear()
    try:
        yield
    finally:
        threads.Call = before  # type: ignore[misc]


Step = tuple[str, Callable[["World"], None]]
"""A step of a user: its name, and the change."""


class World:
    """One schedule. `script` has the steps of users, in their order; workers process the events between them."""

    def __init__(
        self,
        choices: Choices,
        script: Sequence[Step],
        recipe: Recipe,
        *,
        workers: int,
        stay: float,
        faults: Faults,
        unique: bool = False,
        versioned: bool = False,
        conditional_deletes: bool = True,
    ) -> None:
        self.choices = choices
        self.source = ModelBucket(IN, unique=unique, versioned=versioned)
        self.output = ModelBucket(OUT, unique=unique)
        self.recipe = recipe
        self.faults = faults
        self.conditional_deletes = conditional_deletes
        self.invocations: list[Invocation] = []
        self.history: dict[str, list[tuple[int, Object | None]]] = {}
        self.repeated: set[str] = set()
        """Buckets in which a condition was true of another PUT of the same bytes: no protocol can tell."""
        self.time = 0
        self.trace: list[str] | None = None
        self.watch: Callable[[World], None] = lambda world: None
        self._script = list(script)
        self._pending: list[Event] = []
        self._late: list[tuple[str, Invocation, Callable[[], object]]] = []
        self._turns = Turns(choices, workers, stay, self._job, self._others)
        self._left = faults.most

    def run(self) -> None:
        with in_turn(self.choices):
            self._turns.run()

    # --- Users

    def upload(self, key: str, data: bytes, *, tell_etag: bool, copies: int, attributes: dict[str, str]) -> None:
        found = self.source.store(key, data, attributes)
        self._changed(key)
        self.deliver(Event(f"{key} created", key, found.etag if tell_etag else None), copies)

    def delete(self, key: str, *, copies: int) -> None:
        self.source.delete(key)
        self._changed(key)
        self.deliver(Event(f"{key} deleted", key), copies)

    def deliver(self, event: Event, copies: int = 1) -> None:
        self._pending += [replace_event(event) for _ in range(copies)]

    def _changed(self, key: str) -> None:
        self.history.setdefault(key, [(0, None)]).append((self.time, self.source.objects.get(key)))

    # --- Steps

    def _others(self) -> list[Callable[[], None]]:
        steps: list[Callable[[], None]] = []
        if self._script:
            steps.append(self._user_step)
        if self._late:
            steps.append(self._late_step)
        return steps

    def _user_step(self) -> None:
        self.time += 1
        name, change = self._script.pop(0)
        self.note("user", name)
        change(self)
        self.watch(self)

    def _late_step(self) -> None:
        self.time += 1
        name, invocation, effect = self._late.pop(self.choices.below(len(self._late)))
        answer = _attempt(effect)
        invocation.end = self.time
        self.note("late", name, answer)
        self.watch(self)

    def _job(self) -> Job | None:
        return self._process if self._pending else None

    def _process(self, worker: Worker) -> None:
        event = self._pending.pop(self.choices.below(len(self._pending)))
        event.deliveries += 1
        assert event.deliveries <= MOST_DELIVERIES, f"{event.name} has no final outcome"
        self.time += 1
        invocation = Invocation(event, event.recipe or self.recipe, self.time)
        self.invocations.append(invocation)
        self.note(self._name(worker), f"begins {event.name} with {invocation.recipe}")
        try:
            invocation.outcome = self._invoke(worker, invocation)
        except Killed:
            pass
        except Exception as error:  # noqa: BLE001 - the oracle judges it
            invocation.outcome = error
        invocation.end = max(invocation.end, self.time)
        self.note(self._name(worker), f"ends {event.name}", invocation.outcome)
        if invocation.outcome is None or isinstance(invocation.outcome, TransientError):
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
        )
        buckets = {IN: self.source, OUT: self.output}
        return reconcile.run(
            request, lambda name: Gated(buckets[name], self, worker, invocation), LIMITS, Handling(), resize_all
        )

    # --- Requests

    def request(
        self,
        worker: Worker,
        invocation: Invocation,
        bucket: ModelBucket,
        method: str,
        arguments: Sequence[Any],
        options: dict[str, Any],
    ) -> Any:
        if worker.killed:
            raise Killed
        self._turns.next(worker)
        self.time += 1
        name = f"{method} {bucket.name} {arguments[0]}"
        writes = method in _WRITES

        def effect() -> Any:
            self._note_repeated_etags(invocation, bucket, method, arguments[0], options)
            found = getattr(bucket, method)(*arguments, **options)
            keys = [each.key for each in found] if method == "from_key" else [arguments[0]]
            for key in keys:
                if there := bucket.objects.get(key):
                    invocation.seen[bucket.name, key, there.etag] = there.number
            return found

        fault = self._fault(method, options)
        if fault is None:
            try:
                found = effect()
            except Exception as error:
                self.note(self._name(worker), name, error)
                raise
            self.note(self._name(worker), name, found)
            if writes and bucket is self.output:
                self.watch(self)
            return found
        when, answer = fault
        told = f"{name} ({when}, then {answer})"
        if when == "done":
            self.note(self._name(worker), told, _attempt(effect))
            self.watch(self)
        else:
            self.note(self._name(worker), told)
            if when == "late":
                self._late.append((f"{self._name(worker)} {name}", invocation, effect))
        if answer == "kill":
            worker.killed = True
            raise Killed
        if answer == "conflict":
            raise Conflict(name)
        raise StoreUnavailable(name) if answer == "error" else DeadlineExceeded(name)

    def _note_repeated_etags(
        self, invocation: Invocation, bucket: ModelBucket, method: str, key: str, options: dict[str, Any]
    ) -> None:
        """Note that an object has the ETag that this invocation knows, but is of a later PUT of the same bytes."""
        there = bucket.objects.get(key)
        if there is None or (bucket is self.output and there.etag != options.get("replaces", options.get("etag"))):
            return
        if invocation.seen.get((bucket.name, key, there.etag), there.number) != there.number:
            self.repeated.add(bucket.name)
            self.note("", f"the ETag of {key} in bucket {bucket.name} is that of an earlier PUT")

    def _fault(self, method: str, options: dict[str, Any]) -> tuple[str, str] | None:
        """Whether the request takes effect (`not`, `done`, `late`), and the answer to the worker; None: no fault."""
        faults = self.faults
        if not self._left or not self.choices.happens(faults.chance):
            return None
        writes = method in _WRITES
        conditional = method == "put" or options.get("etag") is not None
        answers = ["error", "deadline"] if faults.passing else []
        answers += ["kill"] if faults.kills else []
        kinds = [("not", answer) for answer in answers]
        if writes:
            kinds += [("done", answer) for answer in answers]
        if writes and faults.late:
            kinds = [("late", answer) for answer in answers]
        if conditional and faults.passing:
            kinds += [("not", "conflict"), ("done", "conflict")]
        self._left -= 1
        return kinds[self.choices.below(len(kinds))] if kinds else None

    # --- Notes

    def _name(self, worker: Worker) -> str:
        return f"worker {worker.number}"

    def note(self, actor: str, text: str, found: object = None) -> None:
        if self.trace is not None:
            self.trace.append(f"{self.time:4} {actor:8} {text}{_shown(found)}")


def replace_event(event: Event) -> Event:
    return Event(event.name, event.key, event.etag, event.recipe, event.dest_key, event.version_id)


def _attempt(effect: Callable[[], object]) -> object:
    try:
        return effect()
    except Exception as error:  # noqa: BLE001 - nobody waits for the answer
        return error


def _shown(found: object) -> str:
    if found is None:
        return ""
    if isinstance(found, Opened):
        return f" -> {bytes(found.whole()[:30])!r}"
    if isinstance(found, Result):
        return f" -> {'skipped' if found.skipped else 'made'} of {str(found.source['etag'])[:6]}"
    if isinstance(found, BaseException):
        return f" -> {type(found).__name__}: {str(found)[:80]}"
    if isinstance(found, Gone):
        return f" -> gone, removed {list(found.removed)}"
    if isinstance(found, list):
        return f" -> {[getattr(each, 'key', each) for each in found]}"
    etag = getattr(found, "etag", found)
    metadata = getattr(found, "metadata", {})
    return f" -> {str(etag)[:6]}" + (f" of {metadata[outputs.SOURCE_ETAG][:6]}" if outputs.SOURCE_ETAG in metadata else "")
