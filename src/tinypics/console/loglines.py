"""The function's log lines of a stretch of time, as the console reads them: never more than it was told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PAGES = 50  # of an answer, each up to a megabyte: AWS may also answer with empty ones


def read(
    logs: Any, group: str, start: int, end: int | None, most: int
) -> tuple[list[tuple[int, dict[str, Any]]], bool]:
    """(milliseconds of the clock, document) of those lines that are JSON objects, the oldest first; and whether these
    are all. No more than `most` lines of any kind are looked at.
    """
    given: dict[str, Any] = {"logGroupName": group, "startTime": start} | ({"endTime": end} if end else {})
    told: list[tuple[int, dict[str, Any]]] = []
    left = most
    for _ in range(_PAGES):
        found = logs.filter_log_events(**given)
        events = found["events"][:left]
        told += [(event["timestamp"], line) for event in events if (line := _document(event["message"]))]
        left -= len(events)
        if not found.get("nextToken"):
            return told, len(events) == len(found["events"])
        if left <= 0:
            break
        given["nextToken"] = found["nextToken"]
    return told, False


def _document(text: str) -> dict[str, Any] | None:
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
