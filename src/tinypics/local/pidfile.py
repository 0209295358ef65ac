"""`engine.json`: where the engine of a data folder is, and what the stack in it is called."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from tinypics.stack.deployed import Stack

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "engine.json"


@dataclass(frozen=True, slots=True)
class Facts:
    """A running engine. `pid` is the engine's own; `parent` is the process that started it and holds it."""

    endpoint: str
    port: int
    region: str
    pid: int
    parent: int
    stack: Stack

    def write(self, data: Path) -> None:
        """Write `<data>/engine.json`, whole or not at all."""
        part = data / f".{_FILE}.part"
        part.write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n")
        part.replace(data / _FILE)

    @classmethod
    def read(cls, data: Path) -> Self | None:
        """What `<data>/engine.json` says, or None when there is none that can be read. It may be stale."""
        try:
            found: dict[str, Any] = json.loads((data / _FILE).read_text())
            return cls(**found | {"stack": Stack(**found["stack"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    @staticmethod
    def forget(data: Path) -> None:
        """Remove `<data>/engine.json`."""
        (data / _FILE).unlink(missing_ok=True)
