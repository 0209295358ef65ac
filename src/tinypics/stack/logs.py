"""The log of a stack's function: page by page, or its new lines at each poll."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_LATE = 10_000  # milliseconds that a log line may arrive late


class Line(NamedTuple):
    """One line: milliseconds since 1970, its text, and an id that differs from those of all other lines."""

    at: int
    text: str
    identity: object


def pages(
    logs: Any, group: str, start: int, end: int | None = None, *, pattern: str | None = None
) -> Iterator[tuple[list[Line], bool]]:
    """The lines from `start` to `end` (milliseconds since 1970), oldest first; with each page, whether more follow.

    `logs` is a client. A page has up to a megabyte, and may be empty. The emulator ignores a `pattern` for JSON.
    """
    chosen = {"endTime": end, "filterPattern": pattern}
    given = {"startTime": start} | {name: value for name, value in chosen.items() if value is not None}
    for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group, **given):
        yield [_line(event) for event in page["events"]], bool(page.get("nextToken"))


def _line(event: dict[str, Any]) -> Line:
    at, text = event["timestamp"], event["message"]
    # The emulator's log events have no id.
    return Line(at, text, event.get("eventId") or (event.get("logStreamName"), at, text))


def document(text: str) -> dict[str, Any] | None:
    """The JSON object in a line; None for other lines."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


class Tail:
    """A log group; yields each line once. `logs` is a client, `since` in seconds since 1970."""

    def __init__(self, logs: Any, group: str, since: float) -> None:
        self._logs = logs
        self._group = group
        self._start = int(since * 1000)
        self._seen: dict[object, int] = {}

    def lines(self) -> list[Line]:
        """The lines that are new since the last call, oldest first."""
        new = []
        for page, _ in pages(self._logs, self._group, self._start):
            for line in page:
                if line.identity not in self._seen:
                    self._seen[line.identity] = line.at
                    new.append(line)
        self._start = max(self._start, max(self._seen.values(), default=0) - _LATE)
        self._seen = {identity: at for identity, at in self._seen.items() if at >= self._start}
        return sorted(new, key=lambda line: line.at)
