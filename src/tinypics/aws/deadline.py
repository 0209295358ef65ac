"""Stopping before Lambda stops us: an error with a name, which is retried, instead of a kill that nobody explains."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tinypics.errors import DeadlineExceeded

if TYPE_CHECKING:
    from collections.abc import Iterator

MARGIN = 1.0  # seconds that are left for the log line and the answer


@contextmanager
def respected(context: object) -> Iterator[None]:
    """Raise DeadlineExceeded in the block when less than `MARGIN` is left of the invocation's time.

    By a timer's signal, because a decoder does not look at clocks; it arrives when the decoder next returns to Python.
    Without a Lambda context, or in another thread than the main one, there is no limit.
    """
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    if remaining is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    left = remaining() / 1000 - MARGIN

    def exceeded(*_: object) -> None:
        raise DeadlineExceeded(
            f"the time of this invocation is over but for {MARGIN:g} s: a larger Timeout or MemorySize gives more"
        )

    if left <= 0:
        exceeded()
    handler = signal.signal(signal.SIGALRM, exceeded)
    # Again every second: an exception that is raised while an object is finalized is lost.
    timer = signal.setitimer(signal.ITIMER_REAL, left, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)
