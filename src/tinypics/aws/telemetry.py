"""One JSON line per picture on standard output, which Lambda sends to CloudWatch Logs.

`json.dumps` escapes all characters outside ASCII, so that a key cannot break the line or send control codes to a
terminal.
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

_environment = {"cold": True}  # state of this execution environment, kept between invocations


def bill(*, started: float, loaded_ms: float, context: object) -> dict[str, Any]:
    """The duration and approximate cost of one picture: milliseconds, MB, GB-seconds, and millionths of a US dollar.

    `started` is the `time.perf_counter()` when work on it began. The first picture of an execution environment
    includes the cold start, `loaded_ms`.
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
    """Log one picture: its answer and bill, and the invocation."""
    _write(_LEVELS[answer["status"]], context, **answer)


def record_unexpected(error: Exception, context: object) -> None:
    """Log an unexpected exception, with its traceback."""
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
