"""One JSON line per picture, on standard output, which Lambda carries to CloudWatch Logs as it is.

`json.dumps` escapes everything outside ASCII, so that no key can break the line or write into a terminal.
"""

from __future__ import annotations

import json
import math
import sys
import time
from typing import TYPE_CHECKING, Any

from tinypics import prices

if TYPE_CHECKING:
    from collections.abc import Mapping

_LEVELS = {"SUCCESS": "INFO", "RETRY": "WARN", "FAILED": "ERROR"}

_environment = {"cold": True}  # what a warm Lambda environment remembers


def bill(*, started: float, loaded_ms: float, context: object) -> dict[str, Any]:
    """How long work on one picture took, and what Lambda will charge for about that: milliseconds, MB, GB-seconds, and
    millionths of a US dollar.

    `started` is the `time.perf_counter()` of the moment when work on it began. The first picture of an environment pays
    for its start, too: `loaded_ms`.
    """
    cold, _environment["cold"] = _environment["cold"], False
    duration = (time.perf_counter() - started) * 1000
    billed = math.ceil(duration + (loaded_ms if cold else 0))
    memory = int(getattr(context, "memory_limit_in_mb", 0) or 0)
    gb_seconds = billed / 1000 * memory / 1024
    return {
        "cold_start": cold,
        "duration_ms": round(duration, 1),
        "billed_ms": billed,
        "memory_mb": memory,
        "gb_seconds": round(gb_seconds, 6),
        "cost_micro_usd": round(gb_seconds * prices.LAMBDA_GB_SECOND_ARM * 1e6, 3),
    }


def record(answer: Mapping[str, Any], context: object) -> None:
    """Write the line of one picture: its answer, with its bill, and whose it was."""
    _write(_LEVELS[answer["status"]], context, **answer)


def unforeseen(error: Exception, context: object) -> None:
    """Write the line of a message whose handling failed in a way that has no name, with the traceback."""
    import traceback

    trace = "".join(traceback.format_exception(error))
    _write("ERROR", context, status="RETRY", error=type(error).__name__, message=str(error), traceback=trace)


def _write(level: str, context: object, **fields: object) -> None:
    line = {
        "timestamp": _timestamp(time.time()),
        "level": level,
        "request_id": getattr(context, "aws_request_id", None),
        **fields,
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _timestamp(now: float) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now * 1000) % 1000:03}+00:00"
