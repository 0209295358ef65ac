"""Waits for what other processes do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Found = TypeVar("Found")

PATIENCE = 120.0
"""Seconds. On a busy machine everything takes many times as long, and only a test that fails waits to the end."""


def eventually(look: Callable[[], Found | None], pause: float = 0.02) -> Found:
    """The first true result of `look`, which is called every `pause` seconds."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, f"it did not happen in {PATIENCE:.0f} s"
        time.sleep(pause)
    return found
