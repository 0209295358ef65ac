"""Calls to a store in threads of their own: several side by side, or one that a signal can interrupt."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

AT_ONCE = 8  # requests of one invocation; each has a connection and a thread


class Call(threading.Thread):
    """A call that has begun."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__(name="store", daemon=True)
        self._call = call
        self._outcome: Any = None
        self._failure: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._outcome = self._call()
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            self._failure = error

    def result(self) -> Any:
        """What the call returned, or raises what it raised, when it has ended."""
        self.join()
        if self._failure is not None:
            raise self._failure
        return self._outcome


def together(calls: Iterable[Callable[[], Any]]) -> list[Any]:
    """What the calls return, made `AT_ONCE` at a time; when all of those have ended, the first failure is raised."""
    waiting, results = list(calls), []
    while waiting:
        running = [Call(call) for call in waiting[:AT_ONCE]]
        del waiting[:AT_ONCE]
        for each in running:
            each.join()
        results += [each.result() for each in running]
    return results


def interruptible(call: Callable[[], Any]) -> Any:
    """What `call` returns or raises.

    obstore waits in Rust, where Python runs no signal handlers: in the main thread a slow store would hold up the one
    that keeps the invocation's deadline. Waiting for a thread can be interrupted. The call that is left alone then
    ends by its own time-out: a late write is still conditional, and the next try looks at everything anew.
    """
    return together([call])[0]
