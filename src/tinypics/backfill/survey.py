"""The selection and count of a backfill's pictures, for runs on AWS and elsewhere.

Everything here is computed from the names and sizes in a listing, without a request to a store and without opening a
picture.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from tinypics.delivery import keys
from tinypics.image.formats import FORMATS, Codec
from tinypics.image.limits import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tinypics.store.objects import Listed

LISTED_AT_ONCE: Final = 1000
"""Objects per page of a listing."""

OUTSIDE: Final = "outside of the prefix"

_MB = 1e6


def parse_time(text: str) -> datetime:
    """Parse an ISO 8601 time; UTC if it has no zone. Raises ValueError, or TypeError if `text` is no string."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Selection:
    """Selects the pictures among listed objects, by their names and sizes.

    Only keys with the prefix `prefix`, modified at or after `since`, and not below `output_prefix` (set if outputs are
    in the same bucket). `any_name` also selects keys without the extension of a picture.
    """

    prefix: str = ""
    since: datetime | None = None
    output_prefix: str = ""
    max_bytes: int = DEFAULT.bytes
    any_name: bool = False

    def why_not(self, found: Listed) -> str | None:
        """Why this object is left out, as a category for the count; None if it is selected."""
        if not found.key.startswith(self.prefix):
            return OUTSIDE
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
    """The counts of a listing: objects, pictures, and objects left out by reason."""

    listed: int = 0
    objects: int = 0
    bytes: int = 0
    by_extension: Counter[str] = field(default_factory=Counter)
    bytes_by_format: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    def add(self, found: Listed, selection: Selection) -> bool:
        """Count one object; whether it is selected."""
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
        """Estimated from the sizes of the files."""
        return sum(megapixels for megapixels, _ in self._decoding())

    @property
    def decoding_ms(self) -> float:
        """CPU milliseconds for all pictures, estimated from the sizes of the files."""
        return sum(milliseconds for _, milliseconds in self._decoding())

    def _decoding(self) -> Iterator[tuple[float, float]]:
        """Megapixels and CPU milliseconds by format. Files of an unknown format have the defaults of the table."""
        for name, size in self.bytes_by_format.items():
            codec = FORMATS.get(name, Codec)
            megapixels = size / _MB / codec.mb_per_mp
            yield megapixels, megapixels * codec.ms_per_mp

    def to_dict(self) -> dict[str, Any]:
        """The survey as JSON, for `from_dict`: counting a large bucket takes several invocations."""
        return {name: dict(value) if isinstance(value, Counter) else value for name, value in self._fields()}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        survey = cls()
        for name, value in survey._fields():
            given = document.get(name, value)
            setattr(survey, name, Counter(given) if isinstance(value, Counter) else int(given))
        return survey

    def _fields(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in self.__slots__]
