"""A bucket whose requests are steps of a schedule, and calls to it without threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from tests.delivery.choices import Choices
from tinypics.store import threads
from tinypics.store.bucket import Bucket
from tinypics.store.objects import Conflict


class Request(Protocol):
    """Send a request: the method, its arguments and its options."""

    def __call__(self, method: str, *arguments: Any, **options: Any) -> Any: ...


class Gated(Bucket):
    """A bucket whose requests are steps of the schedule."""

    def __init__(self, name: str, call: Request, *, conditional_deletes: bool) -> None:
        self.name = name
        self._call = call
        self._conditional_deletes = conditional_deletes

    def open(self, *arguments: Any, **options: Any) -> Any:
        return self._call("open", *arguments, **options)

    def head(self, *arguments: Any, **options: Any) -> Any:
        return self._call("head", *arguments, **options)

    def put(self, *arguments: Any, **options: Any) -> Any:
        return self._call("put", *arguments, **options)

    def delete(self, key: str, *, etag: str | None = None) -> None:
        if etag is not None and not self._conditional_deletes:
            there = self._call("head", key)
            if there is None:
                return
            if there.etag != etag:
                raise Conflict(f'object "{key}" in bucket {self.name}')
            etag = None
        self._call("delete", key, etag=etag)

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

    def is_alive(self) -> bool:
        """Whether its answer comes later: a choice, because the code under test sends no request meanwhile."""
        return bool(self.choices and self.choices.below(2))

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
def in_turn(choices: Choices | None) -> Iterator[None]:
    """Calls of a worker run one after the other, in its own thread; without choices in their order."""
    before = threads.Call
    threads.Call = InTurn  # type: ignore[misc, assignment]
    InTurn.choices = choices
    InTurn.waiting.clear()
    try:
        yield
    finally:
        threads.Call = before  # type: ignore[misc]
