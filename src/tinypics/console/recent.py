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

SHOWN = 100
_BACK = (60, 900, 21_600)  # seconds, tried in turn until there are enough, because a log is read from its old end
_LINES = 10_000


class Recent:
    """The results of the newest pictures. `sign` returns a presigned URL of an object."""

    def __init__(self, cloud: Cloud, stack: Stack, sign: Callable[[str, str], str]) -> None:
        self._logs = cloud.client("logs")
        self._group = stack.log_group
        self._sign = sign

    def pictures(self) -> list[dict[str, Any]]:
        """Up to `SHOWN` of them, newest first."""
        told: list[tuple[int, dict[str, Any]]] = []
        for seconds in _BACK:
            lines, _ = loglines.read(self._logs, self._group, int((time.time() - seconds) * 1000), None, _LINES)
            told = [(stamp, line) for stamp, line in lines if "source_key" in line and "status" in line]
            if len(told) >= SHOWN:
                break
        newest = sorted(told, key=lambda one: one[0], reverse=True)[:SHOWN]
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
