"""What a backfill works on, how far it may go, and what it will cost: the same whoever does the work.

A backfill makes the outputs of pictures that are there already. It works on what a listing says, so everything here is
arithmetic on names and sizes: no store is asked, no picture is opened.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from tinypics.delivery import keys
from tinypics.image.limits import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinypics.store.objects import Found

LISTED_AT_ONCE: Final = 1000
"""Objects that one request of a listing returns."""

MB_PER_MP: Final[Mapping[str, float]] = {
    "jpeg": 0.15,
    "png": 0.21,
    "webp": 0.05,
    "avif": 0.05,
    "heif": 0.17,
    "gif": 0.67,
}
"""Size of a file by its picture's megapixels: medians of the pictures that `MS_PER_MP` was measured on."""
MS_PER_MP: Final[Mapping[str, float]] = {"jpeg": 2.3, "png": 9, "webp": 13, "avif": 12, "heif": 37, "gif": 51}
"""Milliseconds of one processor from file to 128x128, for each megapixel of the source: `tinypics.resize_all` on camera
photos of 6 to 48 MP, screenshots and drawings, Pillow 13, x86-64, 2026-11."""
OTHER_MB_PER_MP: Final = 0.2
OTHER_MS_PER_MP: Final = 10.0
"""Formats that were not measured: near the middle of those that were."""

_MB = 1e6


def moment(text: str) -> datetime:
    """A time as ISO 8601 writes it; without a zone it is UTC. Raises ValueError, or TypeError for what is no text."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of the listed objects a backfill works on: pictures, as their names and sizes suggest.

    Only keys that start with `prefix`, changed at or after `since`; never below `output_prefix` (to be given where
    outputs are in the same bucket). `any_name` also takes keys whose extension is not that of a picture.
    """

    prefix: str = ""
    since: datetime | None = None
    output_prefix: str = ""
    max_bytes: int = DEFAULT.bytes
    any_name: bool = False

    def why_not(self, found: Found) -> str | None:
        """Why this object is left out, as a few words that are the same for all of its kind; None when it is not."""
        if not found.key.startswith(self.prefix):
            return "outside of the prefix"
        if self.output_prefix and found.key.startswith(self.output_prefix):
            return "an output"
        if keys.is_folder_marker(found.key, found.size):
            return "a folder marker"
        if not self.any_name and keys.format_by_name(found.key) is None:
            return "not a picture by its name"
        if found.size < 1:
            return "empty"
        if found.size > self.max_bytes:
            return "larger than the limit"
        if self.since is not None and found.modified is not None and found.modified < self.since:
            return "older than asked for"
        return None


@dataclass(slots=True)
class Survey:
    """What a listing holds: how many objects, which of them are pictures, how many were left out, and why."""

    listed: int = 0
    objects: int = 0
    bytes: int = 0
    by_extension: Counter[str] = field(default_factory=Counter)
    bytes_by_format: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    def add(self, found: Found, selection: Selection) -> bool:
        """Count one object; whether it is one to work on."""
        self.listed += 1
        if reason := selection.why_not(found):
            self.left_out[reason] += 1
            return False
        self.objects += 1
        self.bytes += found.size
        name = keys.format_by_name(found.key)
        self.by_extension[keys.extension(found.key) if name else "other"] += 1
        self.bytes_by_format[name or "other"] += found.size
        return True

    @property
    def megapixels(self) -> float:
        """Guessed from the sizes of the files."""
        return sum(size / _MB / MB_PER_MP.get(name, OTHER_MB_PER_MP) for name, size in self.bytes_by_format.items())

    @property
    def decoding_ms(self) -> float:
        """Milliseconds of one processor for all of them, guessed from the sizes of the files."""
        return sum(
            size / _MB / MB_PER_MP.get(name, OTHER_MB_PER_MP) * MS_PER_MP.get(name, OTHER_MS_PER_MP)
            for name, size in self.bytes_by_format.items()
        )

    def document(self) -> dict[str, Any]:
        """The survey as JSON, from which `of` makes it again: counting a large bucket takes several invocations."""
        return {name: dict(value) if isinstance(value, Counter) else value for name, value in self._fields()}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        survey = cls()
        for name, value in survey._fields():
            given = document.get(name, value)
            setattr(survey, name, Counter(given) if isinstance(value, Counter) else int(given))
        return survey

    def _fields(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in self.__slots__]
