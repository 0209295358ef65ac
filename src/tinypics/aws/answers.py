"""Answers to the workflow: JSON documents with a `status`, and the fields that belong to it.

A permanent failure is an answer (`"status": "FAILED"`), for a Choice state of the workflow. A transient failure is
raised, for the task's Retry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinypics.delivery import keys
from tinypics.delivery.result import CURRENT, GONE, Gone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tinypics.delivery.manifest import StoredOutput
    from tinypics.delivery.request import Request, Skip
    from tinypics.delivery.result import Outcome
    from tinypics.errors import TinypicsError

Answer = dict[str, Any]


def success(request: Request, outcome: Outcome) -> Answer:
    """The answer to an event that succeeded.

    `width` and `height` are the true size of the (first) stored picture; `bytes` is the sum over all of them.
    """
    answer: Answer = {
        "status": "SUCCESS",
        "source_bucket": request.bucket,
        "source_key": request.key,
        "dest_bucket": request.dest_bucket,
    }
    if isinstance(outcome, Gone):
        return {**answer, "skipped": not outcome.removed, "reason": GONE, "removed": list(outcome.removed)}
    answer |= {"width": outcome.outputs[0].width, "height": outcome.outputs[0].height}
    if request.in_folder:
        answer["bytes"] = sum(item.bytes for item in outcome.outputs)
        answer["manifest"] = keys.manifest(request.base_key)
        answer["renditions"] = [{"rendition": item.rendition, **_describe(item)} for item in outcome.outputs]
    else:
        answer |= _describe(outcome.outputs[0])
    if outcome.skipped:
        answer |= {"skipped": True, "reason": CURRENT}
    facts = {name: value for name, value in outcome.source.items() if name not in ("bucket", "key") and value}
    return {**answer, "source": facts, "timings_ms": dict(outcome.timings_ms)}


def skip(subject: Mapping[str, str], skip: Skip) -> Answer:
    """The answer to an event that needs no work, which is a success. `subject` comes from `events.subject`."""
    return {"status": "SUCCESS", "skipped": True, "reason": skip.reason, **subject}


def failure(subject: Mapping[str, str], error: TinypicsError) -> Answer:
    """The error by name and message. FAILED is final; RETRY is only logged, because transient errors are raised."""
    return {
        "status": "RETRY" if error.transient else "FAILED",
        "error": error.name,
        "message": error.message,
        **subject,
    }


def combine(answers: Sequence[Answer]) -> Answer:
    """One answer for an event: that of its only record, or a list. A list is FAILED with its first failure."""
    if len(answers) == 1:
        return answers[0]
    failed = next((answer for answer in answers if answer["status"] == "FAILED"), None)
    summary: Answer = (
        {"status": "SUCCESS", "skipped": True, "reason": "no records"} if not answers else {"status": "SUCCESS"}
    )
    if failed is not None:
        summary = {"status": "FAILED", "error": failed["error"], "message": failed["message"]}
    return {**summary, "records": list(answers)}


def batch(again: Sequence[str]) -> dict[str, Any]:
    """The answer to a batch of SQS messages: the ids of those to redeliver (`ReportBatchItemFailures`)."""
    return {"batchItemFailures": [{"itemIdentifier": identity} for identity in again]}


def _describe(item: StoredOutput) -> Answer:
    facts: Answer = {
        "dest_key": item.key,
        "width": item.width,
        "height": item.height,
        "format": item.format,
        "bytes": item.bytes,
    }
    return facts | ({"dropped": list(item.dropped)} if item.dropped else {})
