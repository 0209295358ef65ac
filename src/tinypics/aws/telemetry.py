"""One JSON line per picture, on standard output, which Lambda carries to CloudWatch Logs as it is.

`json.dumps` escapes everything outside ASCII, so that no key can break the line or write into a terminal.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_LEVELS = {"SUCCESS": "INFO", "RETRY": "WARN", "FAILED": "ERROR"}

_environment = {"cold": True}  # what a warm Lambda environment remembers


def record(answer: Mapping[str, Any], *, started: float, context: object) -> None:
    """Write the line of one picture: its answer, and whose and how long it was.

    `started` is the `time.perf_counter()` of the moment when work on this picture began.
    """
    duration = round((time.perf_counter() - started) * 1000, 1)
    _write(_LEVELS[answer["status"]], context, cold_start=_environment["cold"], duration_ms=duration, **answer)
    _environment["cold"] = False


def unforeseen(error: Exception, context: object) -> None:
    """Write the line of a message whose handling failed in a way that has no name, with the traceback."""
    trace = "".join(traceback.format_exception(error))
    _write("ERROR", context, status="RETRY", error=type(error).__name__, message=str(error), traceback=trace)


def _write(level: str, context: object, **fields: object) -> None:
    line = {
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": level,
        "request_id": getattr(context, "aws_request_id", None),
        **fields,
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
