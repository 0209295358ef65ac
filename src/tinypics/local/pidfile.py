"""`engine.json`: the address of a data folder's emulator, and the names of its stack."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from tinypics.stack.deployed import Stack
from tinypics.store.atomic import atomic_write

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "engine.json"


@dataclass(frozen=True, slots=True)
class PidFile:
    """A running emulator. `pid` is its own; `parent` is the process that started it."""

    endpoint: str
    port: int
    region: str
    pid: int
    parent: int
    stack: Stack

    def write(self, data: Path) -> None:
        """Write `<data>/engine.json` atomically."""
        with atomic_write(data / _FILE) as part:
            part.write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, data: Path) -> Self | None:
        """The content of `<data>/engine.json`, which may be stale; None if it is missing or invalid."""
        try:
            found: dict[str, Any] = json.loads((data / _FILE).read_text())
            return cls(**found | {"stack": Stack(**found["stack"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    @staticmethod
    def forget(data: Path) -> None:
        """Remove `<data>/engine.json`."""
        (data / _FILE).unlink(missing_ok=True)
