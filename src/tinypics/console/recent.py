"""The newest pictures, from the function's log, for stacks without a list of executions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tinypics.console import loglines
from tinypics.console.executions import result_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinypics.stack.clients import Cloud
    from tinypics.stack.deployed import Stack

MAX_PICTURES = 100
_PERIODS = (60, 900, 21_600)  # seconds, read in turn until there are enough: a log is read from its old end
_MAX_LINES = 10_000


class Recent:
    """The results of the newest pictures. `sign` returns a presigned URL of an object."""

    def __init__(self, cloud: Cloud, stack: Stack, sign: Callable[[str, str], str]) -> None:
        self._logs = cloud.client("logs")
        self._group = stack.log_group
        self._sign = sign

    def pictures(self) -> list[dict[str, Any]]:
        """Up to `MAX_PICTURES` of them, newest first."""
        results: list[tuple[int, dict[str, Any]]] = []
        for seconds in _PERIODS:
            lines, _ = loglines.read(self._logs, self._group, int((time.time() - seconds) * 1000), None, _MAX_LINES)
            results = [(stamp, line) for stamp, line in lines if "source_key" in line and "status" in line]
            if len(results) >= MAX_PICTURES:
                break
        newest = sorted(results, key=lambda result: result[0], reverse=True)[:MAX_PICTURES]
        return [self._picture(stamp, line) for stamp, line in newest]

    def _picture(self, stamp: int, line: dict[str, Any]) -> dict[str, Any]:
        found = result_of(line) if line["status"] == "SUCCESS" else {}
        thumbnail = found.get("thumbnail")
        return {
            "at": stamp,
            "bucket": line.get("source_bucket", ""),
            "key": line["source_key"],
            "status": line["status"],
            "error": line.get("error"),
            "message": line.get("message"),
            "ms": line.get("duration_ms"),
            "source": None,
            "made": [],
            "result": None,
            **found,
            "thumbnail": thumbnail and self._sign(*thumbnail),
        }
