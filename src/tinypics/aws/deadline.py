"""Stopping before Lambda stops us: an error with a name, which is retried, instead of a kill that nobody explains."""

from __future__ import annotations

import math
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tinypics.errors import DeadlineExceeded

if TYPE_CHECKING:
    from collections.abc import Iterator

MARGIN = 1.0  # seconds that are left for the log line and the answer
_MORE = "a larger Timeout or MemorySize gives more"


class Shortened:
    """A Lambda context of which at most `seconds` are left from now on, whatever the function's own `Timeout` is."""

    def __init__(self, context: object, seconds: float) -> None:
        self._context, self._ends = context, time.monotonic() + seconds

    def __getattr__(self, name: str) -> object:
        return getattr(self._context, name)

    def get_remaining_time_in_millis(self) -> float:
        return min(self._milliseconds(), self._lambdas())

    @property
    def advice(self) -> str:
        """How to get more time than this."""
        if self._lambdas() <= self._milliseconds():
            return _MORE
        return "a batch gives no more, whatever Timeout is; a larger MemorySize gives more processor"

    def _milliseconds(self) -> float:
        return (self._ends - time.monotonic()) * 1000

    def _lambdas(self) -> float:
        remaining = getattr(self._context, "get_remaining_time_in_millis", None)
        return math.inf if remaining is None else float(remaining())


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
        advice = getattr(context, "advice", _MORE)
        raise DeadlineExceeded(f"the time of this invocation is over but for {MARGIN:g} s: {advice}")

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
