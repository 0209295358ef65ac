"""Calls to a store in threads: several in parallel, or one that a signal can interrupt."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

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
        """Wait for the call; return its result or raise its exception."""
        self.join()
        if self._failure is not None:
            raise self._failure
        return self._outcome


def together(calls: Iterable[Callable[[], Any]]) -> list[Any]:
    """The results of the calls, which run `AT_ONCE` at a time. The first failure is raised when its group has ended."""
    waiting, results = list(calls), []
    while waiting:
        running = [Call(call) for call in waiting[:AT_ONCE]]
        del waiting[:AT_ONCE]
        for each in running:
            each.join()
        results += [each.result() for each in running]
    return results


def interruptible(call: Callable[[], Any]) -> Any:
    """Run `call` in a thread and wait for it there, so that a signal can interrupt the wait.

    obstore blocks in Rust, where Python runs no signal handlers, so the handler of our deadline would not run. An
    abandoned call ends by its own timeout. A late write does no harm, because it is conditional.
    """
    return together([call])[0]
