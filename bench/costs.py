"""The tables of docs/costs.md and docs/scaling.md, from the price table: `make pages` writes them.

The counts of requests are those of one new upload with one rendition; tests/project/test_costs.py compares those of S3
with a real run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinypics import prices
from tinypics.backfill import estimate
from tinypics.backfill.survey import Selection, Survey
from tinypics.image.rendition import Rendition
from tinypics.store.objects import Listed

if TYPE_CHECKING:
    from collections.abc import Mapping

S3_GETS = estimate.GETS
S3_PUTS = 1 + estimate.LISTS
TRANSITIONS = 4  # the start, and the three states of a success
BATCH = 5  # messages per invocation from the queue, at best
POLLERS = 5  # of a queue's mapping; Lambda lowers their number only for a mapping without a maximum concurrency
POLL_SECONDS = 20  # of a long poll
LINE_KB = 1.0  # of log per picture: one line, and Lambda's own report


WHOLE_CPU_MB = 1769  # below it a function has its share of one CPU


def at(memory_mb: int, *, cpu_ms: float, wall_ms: float) -> float:
    """Milliseconds of a warm invocation with less memory, from its times with a whole CPU: computing takes longer,
    waiting does not."""
    waiting = max(0.0, wall_ms - cpu_ms)
    return waiting + cpu_ms / min(1.0, memory_mb / WHOLE_CPU_MB)


@dataclass(frozen=True)
class Case:
    """Duration and memory for a picture: the milliseconds are from bench/README.md, or your own log lines."""

    milliseconds: float
    memory_mb: int
    gets: int = S3_GETS
    puts: int = S3_PUTS


def function(case: Case) -> float:
    return case.milliseconds / 1000 * case.memory_mb / 1024 * prices.LAMBDA_GB_SECOND_ARM


def requests(gets: int = S3_GETS, puts: int = S3_PUTS) -> float:
    return gets * prices.S3_GET + puts * prices.S3_PUT + LINE_KB / 1024**2 * prices.LOG_GB


def ways(case: Case) -> dict[str, float]:
    """Dollars for one picture, by trigger."""
    base = function(case) + requests(case.gets, case.puts)
    express_seconds = math.ceil(case.milliseconds / 100) / 10 + 0.1  # the states around the function take 0.1 s
    return {
        "`Trigger=queue`": base + prices.LAMBDA_REQUEST / BATCH + (1 + 2 / BATCH) * prices.SQS_REQUEST,
        "`Trigger=workflow`, `WorkflowType=EXPRESS`": base
        + prices.LAMBDA_REQUEST
        + prices.EVENT
        + prices.EXPRESS_REQUEST
        + express_seconds * 64 / 1024 * prices.EXPRESS_GB_SECOND,
        "`Trigger=workflow`, `WorkflowType=STANDARD`": base
        + prices.LAMBDA_REQUEST
        + prices.EVENT
        + TRANSITIONS * prices.STATE_TRANSITION,
    }


def polls() -> int:
    """Requests to an empty queue in a month of 30 days; the first million of an account's requests to SQS is free.

    Lambda developer guide, "Configuring scaling behavior for SQS event source mappings".
    """
    return POLLERS * 30 * 24 * 3600 // POLL_SECONDS


CASES = (Case(100, 512), Case(100, 1769), Case(400, 1769))


def table() -> str:
    head = "| trigger | " + " | ".join(f"{case.milliseconds:.0f} ms at {case.memory_mb} MB" for case in CASES) + " |"
    rows = [
        f"| {way} | " + " | ".join(f"${ways(case)[way] * 1e6:,.2f}" for case in CASES) + " |" for way in ways(CASES[0])
    ]
    return "\n".join([head, "|---" * (len(CASES) + 1) + "|", *rows])


# Numbers of alarms (with Trigger=workflow and the API), metrics and dashboards of monitoring.yaml, by its parameter
# Monitoring. tests/project/test_costs.py counts them. With `full`, each name of an error adds a metric.
WATCHING = {"alarms": (8, 3, 0), "full": (8, 18, 1)}


def watching() -> str:
    """A table of dollars a month for the monitoring stack, by its parameter Monitoring."""
    rows = ["| `Monitoring` | at rest | with uploads |", "|---|---|---|"]
    for level, (alarms, metrics, dashboards) in WATCHING.items():
        rest = alarms * prices.ALARM + dashboards * prices.DASHBOARD
        rows.append(f"| `{level}` | ${rest:.2f} | ${rest + metrics * prices.METRIC:.2f} |")
    return "\n".join(rows)


VIEWS = 1_000_000
VIEW_GB = 40e3 / 1e9
MISSES = 0.1  # of the views: each asks S3, whose transfer to CloudFront is free
EDGE_RUNS = 2  # viewer request and viewer response
FREE_CDN = {"GB": 1000, "requests": 10e6, "runs": 2e6}  # a month, for every account, without a limit of time


def serving() -> str:
    """A table of dollars for views through CloudFront, without and with what every account has free each month."""
    amounts = {
        "transfer to viewers": (VIEWS * VIEW_GB, FREE_CDN["GB"], prices.CDN_GB),
        "requests": (VIEWS, FREE_CDN["requests"], prices.CDN_REQUEST),
        "functions at the edge": (VIEWS * EDGE_RUNS, FREE_CDN["runs"], prices.CDN_FUNCTION),
        "requests to S3": (VIEWS * MISSES, 0, prices.S3_GET),
    }
    costs = {name: (used * price, max(0, used - free) * price) for name, (used, free, price) in amounts.items()}
    costs["sum"] = (sum(each for each, _ in costs.values()), sum(each for _, each in costs.values()))
    rows = [f"| {name} | ${full:.2f} | ${left:.2f} |" for name, (full, left) in costs.items()]
    return "\n".join([f"| {VIEWS:,} views of 40 kB | list price | with the free tier |", "|---|---|---|", *rows])


PHOTO_BYTES = 2_000_000  # of a phone
COUNTS = {"1 million": 10**6, "1 billion": 10**9}
SETS = ("128x128", "128x128,800x-webp,1600x")
BACKFILL_BATCH = 40
CURRENT_CPU_MS = 1.0
"""CPU time to find one output current, in batches of 40 with the emulator's S3, x86-64, 2026-11 (0.96 to 1.2)."""


def photos(count: int) -> Survey:
    """A listing of `count` photos."""
    one = Survey()
    one.add(Listed("a.jpg", PHOTO_BYTES, ""), Selection())
    formats = {name: size * count for name, size in one.bytes_by_format.items()}
    return Survey(count, count, count * PHOTO_BYTES, bytes_by_format=type(one.bytes_by_format)(formats))


def backfill(count: int, renditions: str) -> estimate.Estimate:
    wanted = [Rendition.parse(each) for each in renditions.split(",")]
    return estimate.estimate(photos(count), wanted, memory_mb=WHOLE_CPU_MB, batch=BACKFILL_BATCH)


def unchanged(count: int) -> float:
    """Dollars for a backfill that finds every output current: a HEAD and a listing each, as the ETags are known."""
    seconds = count * ((estimate.CURRENT_GETS + estimate.LISTS) * estimate.ROUND_TRIP_MS + CURRENT_CPU_MS) / 1000
    batches = math.ceil(count / BACKFILL_BATCH)
    running = estimate.run_cost(seconds * 1000, seconds * WHOLE_CPU_MB / 1024, invocations=batches, checked=count)
    return running + 3 * estimate.list_requests(count)


def backfills(counts: Mapping[str, int] = COUNTS) -> str:
    """A table of dollars for a backfill, and for the storage of its outputs."""
    rows = ["| pictures | renditions | run | storage a month | same run again |", "|---|---|---|---|---|"]
    for name, count in counts.items():
        for renditions in SETS:
            found = backfill(count, renditions)
            parts = " | ".join(map(prices.dollars, (found.total, found.storage, unchanged(count))))
            rows.append(f"| {name} | `{renditions}` | {parts} |")
    return "\n".join(rows)
