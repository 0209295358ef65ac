"""Stop before Lambda's timeout: a named, transient error instead of a killed invocation without a cause."""

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

MARGIN = 1.0  # seconds reserved for the log line and the answer
_MORE = "a larger Timeout or MemorySize gives more"


class Shortened:
    """A Lambda context with at most `seconds` left from now on, even if the function's `Timeout` is longer."""

    def __init__(self, context: object, seconds: float) -> None:
        self._context, self._ends = context, time.monotonic() + seconds

    def __getattr__(self, name: str) -> object:
        return getattr(self._context, name)

    def get_remaining_time_in_millis(self) -> float:
        return min(self._milliseconds(), self._lambdas())

    @property
    def advice(self) -> str:
        """How to give the invocation more time."""
        if self._lambdas() <= self._milliseconds():
            return _MORE
        return "a batch gives no more, whatever Timeout is; a larger MemorySize gives more CPU"

    def _milliseconds(self) -> float:
        return (self._ends - time.monotonic()) * 1000

    def _lambdas(self) -> float:
        remaining = getattr(self._context, "get_remaining_time_in_millis", None)
        return math.inf if remaining is None else float(remaining())


@contextmanager
def enforce(context: object) -> Iterator[None]:
    """Raise DeadlineExceeded in the block when less than `MARGIN` is left of the invocation's time.

    A timer's signal raises it, as soon as native code returns to Python. There is no limit without a Lambda context,
    or outside of the main thread.
    """
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    if remaining is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    left = remaining() / 1000 - MARGIN

    def raise_exceeded(*_: object) -> None:
        advice = getattr(context, "advice", _MORE)
        raise DeadlineExceeded(f"the time of this invocation is over but for {MARGIN:g} s: {advice}")

    if left <= 0:
        raise_exceeded()
    handler = signal.signal(signal.SIGALRM, raise_exceeded)
    # The timer repeats every second, because Python discards an exception that is raised in a finalizer.
    timer = signal.setitimer(signal.ITIMER_REAL, left, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)
