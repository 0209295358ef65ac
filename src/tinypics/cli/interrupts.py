"""Signals that end a command like Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_AGAIN = 0.01  # seconds until a postponed signal comes again


def _is_importing(frame: FrameType | None) -> bool:
    """Whether `frame` runs in an import, directly or in code that the import runs, like our own handler."""
    while frame and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


@contextlib.contextmanager
def interrupted_by(*signals: signal.Signals) -> Iterator[Callable[[], None]]:
    """Handle `signals` like Ctrl-C. A loop must call the result in each round: it raises what was swallowed.

    Python raises KeyboardInterrupt wherever the main thread is, also in code that C calls and whose exceptions it
    ignores, like an attribute's that it only asks for. If it is raised in Python's import system, a lock may stay held,
    and other threads then wait for it forever: a signal during an import is postponed.
    """
    came: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        if _is_importing(frame):
            threading.Timer(_AGAIN, signal.pthread_kill, [threading.get_ident(), number]).start()
            return
        came.append(number)
        raise KeyboardInterrupt

    def raise_lost_interrupt() -> None:
        if came:
            raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in signals}
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:  # keeps nohup's SIG_IGN
                signal.signal(number, interrupt)
        yield raise_lost_interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
