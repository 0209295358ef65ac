"""Calls to a store in threads: several in parallel, or one that a signal can interrupt."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Any

from tinypics.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

AT_ONCE = 8  # parallel requests of one invocation; each has a connection and a thread


class Call(threading.Thread):
    """A call that runs in a thread from its construction on."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__(name="store", daemon=True)
        self._call = call
        self._outcome: Any = None
        self._failure: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._outcome = self._call()
        except BaseException as error:  # noqa: BLE001 - `result` raises it
            self._failure = error

    def result(self) -> Any:
        """Wait for the call; return its result or raise its exception, once."""
        self.join()
        failure, self._failure = self._failure, None
        if failure is None:
            return self._outcome
        try:
            raise failure
        finally:
            del failure  # whose traceback has this frame: until a garbage collection both would stay


_running = threading.local()


class _Group:
    """Calls that one thread waits for, until it gives them up. Those in progress go on then, and no other begins."""

    def __init__(self) -> None:
        self._outer: _Group | None = getattr(_running, "group", None)
        self._given_up = False

    def give_up(self) -> None:
        self._given_up = True

    def run(self, call: Callable[[], Any]) -> Any:
        """Raises StoreUnavailable instead if this group, or one that waits for it, was given up."""
        self._check()
        _running.group = self
        try:
            return call()
        finally:
            _running.group = self._outer

    def _check(self) -> None:
        if self._given_up:
            raise StoreUnavailable("the invocation ended before this call began")
        if self._outer:
            self._outer._check()


def together(calls: Iterable[Callable[[], Any]]) -> list[Any]:
    """The results of the calls, which run `AT_ONCE` at a time. The first failure is raised when its group has ended.

    If a signal's handler raises here, the calls are given up: a late one would change what a newer invocation wrote.
    """
    waiting, results, group = list(calls), [], _Group()
    try:
        while waiting:
            running = [Call(functools.partial(group.run, call)) for call in waiting[:AT_ONCE]]
            del waiting[:AT_ONCE]
            for each in running:
                each.join()
            results += [each.result() for each in running]
    except BaseException:
        group.give_up()
        raise
    return results


def interruptible(call: Callable[[], Any]) -> Any:
    """Run `call` so that a signal can interrupt the wait for it: in a thread, if this is the main one.

    obstore blocks in Rust, where Python runs no signal handlers, so the handler of our deadline would not run. Only the
    main thread runs them, so the others need no further thread. A call that was given up in progress ends by its own
    timeout. A late write or delete does no harm if it is conditional.
    """
    if threading.current_thread() is not threading.main_thread():
        return _Group().run(call)
    return together([call])[0]
