"""Waits for what other processes do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Found = TypeVar("Found")

PATIENCE = 120.0
"""Seconds. On a busy machine everything takes many times as long, and only a test that fails waits to the end."""


SELDOM = 0.25
"""Seconds. A poll of the emulator takes CPU time of both processes, and so delays the event that the test waits for."""


def eventually(look: Callable[[], Found | None], longest: float = 0.02) -> Found:
    """The first true result of `look`, called every `longest` seconds: if it is more than 0.1, every 0.1 at first."""
    began = time.monotonic()
    while not (found := look()):
        waited = time.monotonic() - began
        assert waited < PATIENCE, f"it did not happen in {PATIENCE:.0f} s"
        time.sleep(min(max(0.1, waited / 5), longest))
    return found
