"""The health of a stack: counts, times and cost from the function's log lines, and the queues' lengths."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from tinypics import prices
from tinypics.console import loglines
from tinypics.console.backfills import Backfills

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinypics.stack.clients import Cloud
    from tinypics.stack.deployed import Stack

MAX_LINES = 50_000  # log lines to read; if there are more, the figures are of the first ones
_WINDOWS = (300, 3600, 86_400)
_BARS = 48
_DEPTHS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


class Health:
    """Figures of a period, read from CloudWatch Logs and SQS."""

    def __init__(self, cloud: Cloud, stack: Stack) -> None:
        self._cloud = cloud
        self._stack = stack
        self._logs = cloud.client("logs")
        self._backfills = Backfills(cloud, stack)

    def figures(self, seconds: int, running: int | None) -> dict[str, Any]:
        """Figures of the last `seconds` (5 minutes to a day). `running`, the running executions, is passed through."""
        seconds = min(max(seconds, _WINDOWS[0]), _WINDOWS[-1])
        end = time.time() * 1000
        start = end - seconds * 1000
        lines, complete = loglines.read(self._logs, self._stack.log_group, int(start), None, MAX_LINES * 4)
        results = [(stamp, line) for stamp, line in lines if "status" in line]
        free = {"cost": None} if self._cloud.endpoint else {}  # the emulator
        return {
            **summary([line for _, line in results[:MAX_LINES]]),
            **free,
            "seconds": seconds,
            "more": len(results) > MAX_LINES or not complete,
            "bars": bars(results, start, end),
            "running": running,
            "backfills": self._backfills.newest(),
            "queues": self._queues(),
        }

    def _queues(self) -> list[dict[str, Any]]:
        named = {"Dead letters": self._stack.dead_letters, "Uploads": self._stack.uploads}
        sqs = self._cloud.client("sqs") if any(named.values()) else None
        return [{"name": name, **self._depth(sqs, url)} for name, url in named.items() if url]

    def _depth(self, sqs: Any, url: str) -> dict[str, int]:
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_DEPTHS))["Attributes"]
        waiting, taken = (int(found.get(name, 0)) for name in _DEPTHS)
        return {"waiting": waiting, "taken": taken}


def summary(lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Pictures by their newest result and by their errors, percentiles of milliseconds, GB-seconds, and the cost.

    `lines` are the attempts, the oldest first. An attempt that will be retried is no result.
    """
    results: dict[object, str] = {}
    for line in lines:
        if line["status"] != "RETRY":
            result, source = _result(line), _source(line)
            # A picture that was made in this period counts as made, although a backfill found it current later.
            results[source] = "made" if result == "current" and results.get(source) == "made" else result
    counts = Counter(results.values())
    failures = {(_source(line), str(line.get("error"))) for line in lines if line["status"] != "SUCCESS"}
    errors = Counter(error for _, error in sorted(failures, key=lambda failure: failure[1]))
    took = sorted(float(line["duration_ms"]) for line in lines if "duration_ms" in line)
    seconds = sum(float(line.get("gb_seconds", 0)) for line in lines)
    return {
        "pictures": len(results),
        "counts": dict(counts),
        "attempts": len(lines),
        "retried": sum(line["status"] == "RETRY" for line in lines),
        "errors": dict(errors.most_common(20)),
        "ms": {f"p{share}": percentile(took, share) for share in (50, 95, 99)},
        "cold": sum(bool(line.get("cold_start")) for line in lines),
        "gb_seconds": round(seconds, 3),
        "cost": prices.dollars(seconds * prices.LAMBDA_GB_SECOND_ARM + len(lines) * prices.LAMBDA_REQUEST),
        "prices": f"{prices.REGION}, {prices.AS_OF}",
    }


def _source(line: dict[str, Any]) -> object:
    """The identity of its picture. An event without a key, which is invalid, counts by itself."""
    key = line.get("source_key")
    return (line.get("source_bucket"), key) if key else line.get("request_id")


def _result(line: dict[str, Any]) -> str:
    if line["status"] != "SUCCESS":
        return "failed"
    return "removed" if "removed" in line else "current" if line.get("skipped") else "made"


def percentile(ordered: Sequence[float], share: int) -> float | None:
    """The percentile `share` of the sorted values; None if there are none."""
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)] if ordered else None


def bars(results: Sequence[tuple[int, dict[str, Any]]], start: float, end: float) -> list[dict[str, int]]:
    """The period in equal parts, each with the number of successful and failed pictures."""
    found = [{"good": 0, "bad": 0} for _ in range(_BARS)]
    for stamp, line in results:
        part = min(_BARS - 1, max(0, int((stamp - start) / (end - start) * _BARS)))
        found[part]["good" if line["status"] == "SUCCESS" else "bad"] += 1
    return found
