"""What a backfill will cost, and how far it may go: the same whoever does the work."""

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

GETS: Final = 5
"""HEADs of the three places that an output can have, GET of the source, HEAD of the source again."""


PUTS: Final = 1


CURRENT_GETS: Final = 1
"""What a picture costs whose outputs are current, when its listing tells its ETag: one HEAD of the output."""


ROUND_TRIP_MS: Final = 15.0
"""Of one request to S3 from a function in its region: an assumption, which your own log lines can replace."""


BYTES_PER_OUTPUT_PIXEL: Final = 0.26
"""A 128x128 JPEG of quality 80 of the same photos: 4.3 kB. Larger ones take less for each pixel."""


_GB = 1e9


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
