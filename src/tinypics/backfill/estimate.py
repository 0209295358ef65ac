"""The estimated cost of a backfill, and its caps, for runs on AWS and elsewhere."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tinypics import prices
from tinypics.backfill.survey import LISTED_AT_ONCE, Survey
from tinypics.errors import CapExceeded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinypics.image.rendition import Rendition

GETS: Final = 3
"""HEAD of the output (of a list: GET of the manifest), GET of the source, HEAD of the source."""

LISTS: Final = 1
"""One listing of all outputs of the source."""

CURRENT_GETS: Final = 2
"""Requests for a picture with current outputs, besides `LISTS`, if the listing of sources has its ETag: HEAD of the
output (of a list: GET of the manifest), HEAD of the source."""

ROUND_TRIP_MS: Final = 15.0
"""Milliseconds of one request to S3 from a function in its region: an assumption; measure yours in the logs."""

BYTES_PER_OUTPUT_PIXEL: Final = 0.26
"""A 128x128 JPEG of quality 80 of the same photos has 4.3 kB. Larger outputs need fewer bytes per pixel."""

_GB = 1e9


@dataclass(frozen=True, slots=True)
class Estimate:
    """US dollars, by the table in `prices`. `storage` is for a month, and not part of the `total`."""

    total: float
    storage: float


def estimate(survey: Survey, renditions: Sequence[Rendition], *, memory_mb: int, batch: int) -> Estimate:
    """The cost on AWS if no picture has outputs yet. `batch` is the number of pictures per invocation."""
    waiting = sum(_requests_of_one(renditions)) * ROUND_TRIP_MS
    milliseconds = survey.objects * waiting + survey.decoding_ms * (1 + 0.25 * (len(renditions) - 1))
    running = run_cost(
        milliseconds, milliseconds / 1000 * memory_mb / 1024, invocations=-(-survey.listed // batch), checked=0
    )
    pixels = sum(_pixels(rendition) for rendition in renditions)
    return Estimate(
        # The objects are listed by the command, by the workflow's count, and by its map.
        total=running + resize_requests(survey.objects, renditions) + 3 * list_requests(survey.listed),
        storage=survey.objects * pixels * BYTES_PER_OUTPUT_PIXEL / _GB * prices.S3_GB_MONTH,
    )


def run_cost(milliseconds: float, gb_seconds: float, *, invocations: int, checked: int) -> float:
    """The cost of a run's Lambda and Step Functions, and of their requests, without those of resizing and listing.

    Each invocation is one of the map's child executions: a request, a state transition, and its duration at 64 MB. It
    checks the stop marker and writes its outcomes. `checked` objects need no resizing.
    """
    per_invocation = prices.LAMBDA_REQUEST + prices.EXPRESS_REQUEST + prices.STATE_TRANSITION
    return (
        gb_seconds * prices.LAMBDA_GB_SECOND_ARM
        + milliseconds / 1000 * 64 / 1024 * prices.EXPRESS_GB_SECOND
        + invocations * (per_invocation + prices.S3_GET + prices.S3_PUT)
        + checked * (CURRENT_GETS * prices.S3_GET + LISTS * prices.S3_PUT)
    )


def resize_requests(pictures: int, renditions: Sequence[Rendition]) -> float:
    """The cost of the requests to S3 for resizing pictures, on AWS and on other machines."""
    gets, puts = _requests_of_one(renditions)
    return pictures * (gets * prices.S3_GET + puts * prices.S3_PUT)


def list_requests(objects: int) -> float:
    """The cost of listing objects once."""
    return -(-objects // LISTED_AT_ONCE) * prices.S3_PUT


def _requests_of_one(renditions: Sequence[Rendition]) -> tuple[int, int]:
    """Reads, and writes with listings, per picture. Several renditions have a manifest, which is written twice."""
    folder = len(renditions) > 1 or any(rendition.name for rendition in renditions)
    return GETS, len(renditions) + (2 if folder else 0) + LISTS


def _pixels(rendition: Rendition) -> float:
    """Pixels of one output. A side that the rendition omits is computed for a picture of 4:3."""
    width, height = rendition.box
    if width is None:
        width = round((height or 0) * 4 / 3)
    return width * (height or round(width * 3 / 4))


@dataclass(frozen=True, slots=True)
class Caps:
    """The caps of a backfill: a run over one of them does not start."""

    max_objects: int = 100_000
    max_cost: float = 10.0
    """US dollars, compared with the estimate."""

    def check(self, survey: Survey, cost: float | None = None) -> None:
        """Raise CapExceeded if a survey, which may be of a part of the listing, is over a cap."""
        over = []
        if survey.objects > self.max_objects:
            found = f"{survey.objects:,} among the first {survey.listed:,} objects"
            over.append(f"max_objects: expected at most {self.max_objects:,} pictures, got {found}")
        if cost is not None and cost > self.max_cost:
            over.append(f"max_cost: expected at most ${self.max_cost:,.2f}, got an estimate of ${cost:,.2f}")
        if over:
            raise CapExceeded("; ".join(over))

    def options(self, survey: Survey, cost: float) -> str:
        """The options of the command with which a complete survey passes."""
        found = []
        if survey.objects > self.max_objects:
            found.append(f"--max-objects {survey.objects}")
        if cost > self.max_cost:
            found.append(f"--max-cost {math.ceil(cost)}")
        return " ".join(found)
