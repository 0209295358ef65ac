"""The function's log lines of a period, up to a given number."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PAGES = 50  # pages to read, each up to a megabyte; AWS may also return empty ones


def read(
    logs: Any, group: str, start: int, end: int | None, most: int
) -> tuple[list[tuple[int, dict[str, Any]]], bool]:
    """(milliseconds since 1970, document) of the lines that are JSON objects, the oldest first; and whether the list is
    complete. Reads at most `most` lines of any kind.
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
    """The JSON object in a line; None for other lines."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def belongs(line: Mapping[str, Any], key: str, answers: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a line is about an execution for `key` with these `answers`. It was written during the execution.

    The line of an answer has all fields of the answer. An attempt that raised has no answer, so its key decides.
    """
    if line.get("status") in ("SUCCESS", "FAILED"):
        return any(answer.items() <= line.items() for answer in answers)
    return line.get("source_key") == key
