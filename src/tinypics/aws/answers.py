"""Answers as the workflow reads them: JSON documents with `status`, and what is needed to act on it.

A permanent failure is an answer (`"status": "FAILED"`), so that the workflow's Choice can judge it; a transient one is
raised, so that its Retry can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tinypics.errors import TinypicsError
    from tinypics.invocation import Result, Stored
    from tinypics.request import Request, Skip

Answer = dict[str, Any]


def success(request: Request, result: Result) -> Answer:
    """The mission's document, extended. `width` and `height` are the true size of the (first) stored picture."""
    first = result.stored[0].output
    answer: Answer = {
        "status": "SUCCESS",
        "source_bucket": request.bucket,
        "source_key": request.key,
        "dest_bucket": request.dest_bucket,
        "width": first.width,
        "height": first.height,
    }
    if request.in_folder:
        answer["renditions"] = [{"rendition": str(item.output.rendition), **_stored(item)} for item in result.stored]
    else:
        answer.update(_stored(result.stored[0]))
    answer["source"] = {
        "width": result.source.width,
        "height": result.source.height,
        "format": result.source.format,
        "bytes": result.source.bytes,
        "etag": result.source_etag,
    }
    if result.source_version:
        answer["source"]["version_id"] = result.source_version
    answer["timings_ms"] = dict(result.timings_ms)
    return answer


def skipped(subject: Mapping[str, str], skip: Skip) -> Answer:
    """Nothing was to be done, which is a success. `subject` is what `events.subject` read."""
    return {"status": "SUCCESS", "skipped": True, "reason": skip.reason, **subject}


def failure(subject: Mapping[str, str], error: TinypicsError) -> Answer:
    """The error by name and message. FAILED is final; RETRY is only ever logged, because such an error is raised."""
    return {
        "status": "RETRY" if error.transient else "FAILED",
        "error": error.name,
        "message": error.message,
        **subject,
    }


def combined(answers: Sequence[Answer]) -> Answer:
    """One answer for an event: its only record's own, or all of several, FAILED with the first that failed."""
    if len(answers) == 1:
        return answers[0]
    failed = next((answer for answer in answers if answer["status"] == "FAILED"), None)
    summary: Answer = (
        {"status": "SUCCESS", "skipped": True, "reason": "no records"} if not answers else {"status": "SUCCESS"}
    )
    if failed is not None:
        summary = {"status": "FAILED", "error": failed["error"], "message": failed["message"]}
    return {**summary, "records": list(answers)}


def _stored(item: Stored) -> Answer:
    facts: Answer = {
        "dest_key": item.key,
        "width": item.output.width,
        "height": item.output.height,
        "format": item.output.format,
        "bytes": len(item.output.data),
    }
    if item.output.dropped:
        facts["dropped"] = list(item.output.dropped)
    return facts
