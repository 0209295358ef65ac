"""The first step of the backfill workflow: count the objects, and refuse a run over its caps.

Nothing is resized before all objects are counted. A large bucket takes several invocations, each of which returns a
pagination token for the next. Counting ends with the first object over a cap, so that refusing a huge bucket costs no
more than refusing one that is slightly too large.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import boto3

from tinypics.aws.backfill import listing
from tinypics.aws.backfill.job import OBJECTS, Job
from tinypics.aws.settings import BACKFILL_BUCKET, OUTPUT_BUCKET, require, require_valid
from tinypics.backfill.estimate import estimate
from tinypics.backfill.journal import Journal
from tinypics.backfill.survey import Survey
from tinypics.errors import DeadlineExceeded, PermanentError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tinypics.aws.settings import Settings
    from tinypics.errors import InvalidConfiguration
    from tinypics.store.bucket import Bucket

COUNTING, COUNTED, COUNT_FAILED = "COUNTING", "COUNTED", "FAILED"
"""The answer's `status`: call again with this answer; continue with the run; refused."""

_RESERVE: Final = 8.0  # seconds of the invocation reserved for the plan and the answer
_SLACK: Final = 1000  # objects that may be added during the run, besides a tenth of all
_BATCH_FIELDS: Final = ("bucket", "prefix", "source", "list_bucket", "list_key", "renditions", "since", "any_name")
"""The fields of a job that its batches need."""


def count(
    event: Mapping[str, Any],
    context: Any,
    loaded: Settings | InvalidConfiguration,
    open_bucket: Callable[[str], Bucket],
) -> Any:
    """The answer of one counting step. A permanent failure is a value. Raises TransientError."""
    state = event["backfill"]
    identity, given = state["id"], state["input"]
    try:
        settings = require_valid(loaded)
        job = Job.from_dict(given)
        job.admit(settings)
        ours = settings.with_renditions(job.renditions) if job.renditions else settings
        survey, goes_on = _count(job, ours, Survey.from_dict(state.get("survey", {})), state.get("token"), context)
        if goes_on is not None:
            return {"status": COUNTING, "backfill": {**state, "survey": survey.to_dict(), "token": goes_on}}
        plan = _plan(identity, job, ours, survey, _cost(job, ours, survey, context))
        require(OUTPUT_BUCKET, settings.output_bucket, "the name of a bucket")
        bucket = require(BACKFILL_BUCKET, settings.backfill_bucket, "the stack's bucket for backfills")
        Journal(open_bucket(bucket), identity).write_plan(plan)
    except PermanentError as error:
        return {"status": COUNT_FAILED, "error": error.name, "message": error.message}
    return {"status": COUNTED, **plan}


def _count(job: Job, settings: Settings, survey: Survey, token: str | None, context: Any) -> tuple[Survey, str | None]:
    """Add to `survey` until the list or the time ends; returns it with the pagination token, None at the list's end.

    Raises CapExceeded as soon as a cap is exceeded.
    """
    selection = job.selection(settings)
    left = getattr(context, "get_remaining_time_in_millis", None)
    for objects, token in listing.pages(job, token, boto3.client("s3")):  # noqa: B020 - the token of the next page
        for each in objects:
            survey.add(each, selection)
        job.caps.check(survey, _cost(job, settings, survey, context))
        if token is None or (left is not None and left() / 1000 < _RESERVE):
            break
    if token == listing.MIDDLE:
        raise DeadlineExceeded("the list takes longer to count than an invocation may: cut it into several")
    return survey, token


def _cost(job: Job, settings: Settings, survey: Survey, context: Any) -> float:
    memory = int(getattr(context, "memory_limit_in_mb", 0) or 1769)
    return estimate(survey, settings.renditions, memory_mb=memory, batch=job.batch).total


def _plan(identity: str, job: Job, settings: Settings, survey: Survey, cost: float) -> dict[str, Any]:
    """The input of the workflow's later states."""
    slack = survey.listed // 10 + _SLACK if job.source == OBJECTS else 0
    return {
        **job.to_dict(),
        "id": identity,
        "renditions": [str(rendition) for rendition in settings.renditions],
        "survey": survey.to_dict(),
        "estimate": cost,
        "counted_at": time.time(),
        "max_items": max(1, survey.listed + slack),
        "results_prefix": f"runs/{identity}/map",
        "run": {
            "id": identity,
            **{name: value for name, value in job.to_dict().items() if name in _BATCH_FIELDS and value},
        },
    }
