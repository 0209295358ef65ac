"""The estimated cost of a backfill, and its caps, for runs on AWS and elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tinypics import prices
from tinypics.backfill.outcome import DONE, FAILED, SKIPPED
from tinypics.errors import CapExceeded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinypics.backfill.outcome import Tally
    from tinypics.image.rendition import Rendition
from tinypics.backfill.survey import LISTED_AT_ONCE, Survey

GETS: Final = 3
"""HEAD of the output, GET of the source, HEAD of the source. A name that does not tell the format adds two HEADs."""


PUTS: Final = 1


CURRENT_GETS: Final = 1
"""Requests for a picture with current outputs, if the listing has its ETag: one HEAD of the output."""


ROUND_TRIP_MS: Final = 15.0
"""Milliseconds of one request to S3 from a function in its region: an assumption; measure yours in the logs."""


BYTES_PER_OUTPUT_PIXEL: Final = 0.26
"""A 128x128 JPEG of quality 80 of the same photos has 4.3 kB. Larger outputs need fewer bytes per pixel."""


_GB = 1e9


@dataclass(frozen=True, slots=True)
class Estimate:
    """US dollars, by the table in `prices`. `storage` is for a month, and not part of the `total`."""

    function: float
    requests: float
    workflow: float
    storage: float
    function_ms: float
    """Milliseconds of Lambda for all pictures."""

    @property
    def total(self) -> float:
        return self.function + self.requests + self.workflow


def estimate(survey: Survey, renditions: Sequence[Rendition], *, memory_mb: int, batch: int) -> Estimate:
    """The cost on AWS if no picture has outputs yet. Runs on other machines pay only `requests`.

    `batch` is the number of pictures per invocation.
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
    """The cost of a run on AWS so far, in US dollars, by its outcomes; without its listings."""
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
    """Reads and writes per picture. A single rendition has no manifest; several have one, and a listing."""
    folder = len(renditions) > 1 or any(rendition.name for rendition in renditions)
    return GETS, len(renditions) + (2 if folder else 0)


def _around(invocations: int) -> float:
    """The cost of requests per invocation: a check of the stop marker, and a write of the outcomes."""
    return invocations * (prices.S3_GET + prices.S3_PUT)


def _workflow(invocations: int, milliseconds: float) -> float:
    """The cost of the map's child executions: a request, a state transition, and their duration at 64 MB."""
    started = invocations * (prices.EXPRESS_REQUEST + prices.STATE_TRANSITION)
    return started + milliseconds / 1000 * 64 / 1024 * prices.EXPRESS_GB_SECOND


def _pixels(rendition: Rendition) -> float:
    """Pixels of one output. A side that the rendition omits is computed for a picture of 4:3."""
    wide, high = rendition.box
    if wide is None:
        wide = round((high or 0) * 4 / 3)
    if high is None:
        high = round(wide * 3 / 4)
    return wide * high * rendition.dpr**2


@dataclass(frozen=True, slots=True)
class Caps:
    """The caps of a backfill: a run over one of them does not start."""

    max_objects: int = 100_000
    max_cost: float = 10.0
    """US dollars, compared with the estimate."""

    def check(self, survey: Survey, cost: float | None = None) -> None:
        """Raise CapExceeded if a survey, which may be of a part of the listing, is over a cap."""
        if survey.objects > self.max_objects:
            found = f"{survey.objects:,} among the first {survey.listed:,} objects"
            raise CapExceeded(f"max_objects: expected at most {self.max_objects:,} pictures, got {found}")
        if cost is not None and cost > self.max_cost:
            raise CapExceeded(f"max_cost: expected at most ${self.max_cost:,.2f}, got an estimate of ${cost:,.2f}")
