"""The function's log lines of a stretch of time, as the console reads them: never more than it was told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PAGES = 50  # of an answer, each up to a megabyte: AWS may also answer with empty ones


def read(logs: Any, group: str, start: int, end: int | None, most: int) -> Iterator[tuple[int, str]]:
    """(milliseconds of the clock, text), in the order in which they were written; at most `most` of them."""
    given: dict[str, Any] = {"logGroupName": group, "startTime": start} | ({"endTime": end} if end else {})
    left = most
    for _ in range(_PAGES):
        found = logs.filter_log_events(**given)
        for event in found["events"][:left]:
            yield event["timestamp"], event["message"]
        left -= len(found["events"])
        if left <= 0 or not found.get("nextToken"):
            return
        given["nextToken"] = found["nextToken"]


def document(text: str) -> dict[str, Any] | None:
    """The JSON object that a line holds; None for a line of another kind."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def belongs(line: Mapping[str, Any], key: str, answers: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a line is about an execution for `key` in whose time it was written, and which was given `answers`.

    The line of an answer has all that the answer has. An attempt that raised has no answer: its key has to do.
    """
    if line.get("status") in ("SUCCESS", "FAILED"):
        return any(answer.items() <= line.items() for answer in answers)
    return line.get("source_key") == key
