"""What a backfill works on, how far it may go, and what it will cost: the same whoever does the work.

A backfill makes the outputs of pictures that are there already. It works on what a listing says, so everything here is
arithmetic on names and sizes: no store is asked, no picture is opened.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from tinypics import prices
from tinypics.backfill.report import DONE, FAILED, SKIPPED
from tinypics.delivery import keys
from tinypics.errors import CapExceeded
from tinypics.image.limits import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tinypics.backfill.report import Tally
    from tinypics.image.rendition import Rendition

GETS: Final = 5
"""HEADs of the three places that an output can have, GET of the source, HEAD of the source again."""
PUTS: Final = 1
CURRENT_GETS: Final = 1
"""What a picture costs whose outputs are current, when its listing tells its ETag: one HEAD of the output."""
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
ROUND_TRIP_MS: Final = 15.0
"""Of one request to S3 from a function in its region: an assumption, which your own log lines can replace."""
BYTES_PER_OUTPUT_PIXEL: Final = 0.26
"""A 128x128 JPEG of quality 80 of the same photos: 4.3 kB. Larger ones take less for each pixel."""

_MB = 1e6
_GB = 1e9


class Found(NamedTuple):
    """An object as a listing tells of it: `size` in bytes, `etag` without quotes, `modified` with a time zone."""

    key: str
    size: int
    etag: str
    modified: datetime | None


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


@dataclass(frozen=True, slots=True)
class Estimate:
    """US dollars, as `prices` says. `storage` is for a month, and not part of the `total`."""

    function: float
    requests: float
    workflow: float
    storage: float
    function_ms: float
    """Of Lambda, all pictures together."""

    @property
    def total(self) -> float:
        return self.function + self.requests + self.workflow


def estimate(survey: Survey, renditions: Sequence[Rendition], *, memory_mb: int, batch: int) -> Estimate:
    """What it will cost on AWS to make all of these, as if none were there yet. Runs on other machines pay `requests`.

    `batch` is how many pictures one invocation takes.
    """
    gets, puts = _requests_of_one(renditions)
    waiting = (gets + puts) * ROUND_TRIP_MS
    milliseconds = survey.objects * waiting + survey.decoding_ms * (1 + 0.25 * (len(renditions) - 1))
    invocations = -(-survey.listed // batch)
    pixels = sum(_pixels(rendition) for rendition in renditions)
    return Estimate(
        function=milliseconds / 1000 * memory_mb / 1024 * prices.LAMBDA_GB_SECOND_ARM
        + invocations * prices.LAMBDA_REQUEST,
        requests=survey.objects * (gets * prices.S3_GET + puts * prices.S3_PUT)
        + _around(invocations)
        + 3 * -(-survey.listed // LISTED_AT_ONCE) * prices.S3_PUT,  # counted here, counted there, read by the map
        workflow=_workflow(invocations, milliseconds),
        storage=survey.objects * pixels * BYTES_PER_OUTPUT_PIXEL / _GB * prices.S3_GB_MONTH,
        function_ms=milliseconds,
    )


def spent(tally: Tally, renditions: Sequence[Rendition], *, batch: int) -> float:
    """US dollars that a run on AWS came to so far, by what its work reported; without its listings."""
    gets, puts = _requests_of_one(renditions)
    invocations = -(-tally.finished // batch)
    made, skipped, failed = (tally.states[state] for state in (DONE, SKIPPED, FAILED))
    return (
        tally.lambda_cost
        + invocations * prices.LAMBDA_REQUEST
        + made * (gets * prices.S3_GET + puts * prices.S3_PUT)
        + (skipped * CURRENT_GETS + failed * gets) * prices.S3_GET
        + _around(invocations)
        + _workflow(invocations, tally.billed_ms)
    )


def _requests_of_one(renditions: Sequence[Rendition]) -> tuple[int, int]:
    """Reads and writes for a picture. One rendition has no manifest; several have one, and a listing."""
    folder = len(renditions) > 1 or any(rendition.name for rendition in renditions)
    return GETS, len(renditions) + (2 if folder else 0)


def _around(invocations: int) -> float:
    """Of requests that are about no picture: each looks whether it shall stop, and writes its outcomes."""
    return invocations * (prices.S3_GET + prices.S3_PUT)


def _workflow(invocations: int, milliseconds: float) -> float:
    """Of the map's children: each is started, is a transition of the workflow, and takes time at 64 MB."""
    started = invocations * (prices.EXPRESS_REQUEST + prices.STATE_TRANSITION)
    return started + milliseconds / 1000 * 64 / 1024 * prices.EXPRESS_GB_SECOND


def _pixels(rendition: Rendition) -> float:
    """Of one output; a side that is not asked for follows from a picture of 4 by 3."""
    wide, high = rendition.box
    if wide is None:
        wide = round((high or 0) * 4 / 3)
    if high is None:
        high = round(wide * 3 / 4)
    return wide * high * rendition.dpr**2


@dataclass(frozen=True, slots=True)
class Caps:
    """How far a backfill may go: what is over one of these does not start."""

    max_objects: int = 100_000
    max_cost: float = 10.0
    """US dollars, held against the estimate."""

    def check(self, survey: Survey, cost: float | None = None) -> None:
        """Raise CapExceeded for a survey (of a part of the listing, too) that is over a cap."""
        if survey.objects > self.max_objects:
            found = f"{survey.objects:,} among the first {survey.listed:,} objects"
            raise CapExceeded(f"max_objects: expected at most {self.max_objects:,} pictures, got {found}")
        if cost is not None and cost > self.max_cost:
            raise CapExceeded(f"max_cost: expected at most ${self.max_cost:,.2f}, got an estimate of ${cost:,.2f}")
