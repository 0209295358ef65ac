"""One JSON line per picture, on standard output, which Lambda carries to CloudWatch Logs as it is.

`json.dumps` escapes everything outside ASCII, so that no key can break the line or write into a terminal.
"""

from __future__ import annotations

import json
import sys
import time
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
    line = {
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": _LEVELS[answer["status"]],
        "request_id": getattr(context, "aws_request_id", None),
        "cold_start": _environment["cold"],
        "duration_ms": round((time.perf_counter() - started) * 1000, 1),
        **answer,
    }
    _environment["cold"] = False
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
