"""`settings.json`: the choices that stay the same for a data folder, so that bookmarks and scripts keep working."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

from tinypics.local.emulator import EmulatorError
from tinypics.store.atomic import atomic_write

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "settings.json"


@dataclass(frozen=True, slots=True)
class Remembered:
    """Parameters of the stack, the id of its API, and the token and port of the console."""

    parameters: dict[str, str] = field(default_factory=dict)
    api_id: str = field(default_factory=lambda: secrets.token_hex(5))
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    console_port: int | None = None

    @classmethod
    def read(cls, data: Path) -> Self:
        """The content of `<data>/settings.json`; new choices if it is missing.

        :raises EmulatorError: the file is invalid. Without its parameters, pictures would get other renditions.
        """
        file = data / _FILE
        try:
            found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            remembered = cls(**found)
        except (FileNotFoundError, NotADirectoryError):
            return cls()
        except (ValueError, TypeError):
            remembered = None
        if remembered is None or not remembered._is_valid():
            raise EmulatorError(
                f"{file} is invalid: correct it, or replace it with new settings by --forget (make up FORGET=1)"
            )
        return remembered

    def _is_valid(self) -> bool:
        """Whether an edited file can be used: a short token would let other programs of this computer in."""
        port = self.console_port
        return (
            isinstance(self.parameters, dict)
            and all(isinstance(text, str) for pair in self.parameters.items() for text in pair)
            and all(isinstance(text, str) for text in (self.api_id, self.token))
            and re.fullmatch("[0-9a-f]{10}", self.api_id) is not None
            and re.fullmatch("[A-Za-z0-9_-]{32,}", self.token) is not None
            and (port is None or (type(port) is int and 0 < port < 2**16))
        )

    def write(self, data: Path) -> None:
        """Write `<data>/settings.json` atomically, readable for its owner only, because it has the token."""
        with atomic_write(data / _FILE) as part:
            part.touch(mode=0o600)
            part.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
