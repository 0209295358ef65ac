"""Writes the tables of docs/scaling.md from the price table, stated measurements and quotas.

.venv/bin/python docs/scaling.py
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tinypics import prices
from tinypics.backfill.estimate import CURRENT_GETS, GETS, PUTS, ROUND_TRIP_MS, estimate
from tinypics.backfill.survey import Selection, Survey
from tinypics.image.rendition import Rendition
from tinypics.store.objects import Listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PAGE: Final = Path(__file__).with_name("scaling.md")
READ: Final = "2026-11"

# What a run is: the photo of a phone, to one thumbnail, by a function with a whole processor.
PHOTO_BYTES: Final = 2_000_000
RENDITIONS: Final = (Rendition.parse("128x128"),)
SEVERAL: Final = tuple(map(Rendition.parse, ("128x128", "800x-webp", "1600x")))
MEMORY_MB: Final = 1769
BATCH: Final = 40
CONCURRENCY: Final = 50
COUNTS: Final = (1_000_000, 1_000_000_000)

OUTPUT_GETS: Final = 3
"""Of `backfill.GETS`: HEADs of the output's possible places. The others are of the source."""
CURRENT_CPU_MS: Final = 1.0
"""Of a picture whose outputs are current: `backfill.worker.process`, and batches of 40 by the function (0.96 to
1.2), over HTTP to the engine's S3, x86-64, 2026-11."""
WALK_OVERHEAD: Final = 1.13
"""Processors' time of a backfill from folder to folder over that of bare `tinypics.resize`: bench/README.md."""
LIST_SECONDS: Final = 0.15
"""Of one page of a listing: S3's own documents tell of 100 to 200 ms for a first byte."""
KEY_BYTES: Final = 1024 + 200
"""Of the longest item of a listing as JSON: the key, and the rest."""
TALLY_BYTES: Final = 100
"""Of memory for each picture that a report knows of: `backfill.outcome.Tally`."""


@dataclass(frozen=True)
class Quota:
    """A limit of AWS, in us-east-1. `raised` says whether one may ask for more."""

    what: str
    value: int
    unit: str
    raised: bool
    source: str


_STATES = "https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"
_READER = "https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html"
_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
_GROWTH = "https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html"
_S3 = "https://repost.aws/knowledge-center/s3-object-key-naming-pattern"
_LIST = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html"

QUOTAS: Final = {
    "reads": Quota("S3: GET and HEAD of one prefix", 5_500, "a second", False, _S3),
    "writes": Quota("S3: PUT of one prefix", 3_500, "a second", False, _S3),
    "page": Quota("S3: keys of one page of a listing", 1_000, "", False, _LIST),
    "functions": Quota("Lambda: executions at once", 1_000, "", True, _LAMBDA),
    "invocations": Quota("Lambda: invocations", 10_000, "a second (ten times the executions at once)", True, _LAMBDA),
    "growth": Quota("Lambda: more executions at once", 1_000, "every ten seconds", False, _GROWTH),
    "children": Quota("Step Functions: children of one Map Run at once", 10_000, "", False, _STATES),
    "starts": Quota("Step Functions: Express children started", 1_000, "a second", False, _STATES),
    "seconds": Quota("Step Functions: an Express execution", 300, "seconds", False, _STATES),
    "payload": Quota("Step Functions: input or output of a state", 256 * 1024, "bytes", False, _STATES),
    "history": Quota("Step Functions: history of a standard execution", 25_000, "events", False, _STATES),
    "runs": Quota("Step Functions: open Map Runs", 1_000, "", False, _STATES),
    "items": Quota("Step Functions: items that one Map Run reads", 100_000_000, "", False, _READER),
}


def surveyed(count: int) -> Survey:
    """What counting so many photos finds."""
    one = Survey()
    one.add(Listed("a.jpg", PHOTO_BYTES, "", None), Selection())
    return Survey(
        count, count, count * PHOTO_BYTES, bytes_by_format=one.bytes_by_format.__class__(jpeg=count * PHOTO_BYTES)
    )


def seconds() -> float:
    """Of a function, for one picture."""
    return estimate(surveyed(1), RENDITIONS, memory_mb=MEMORY_MB, batch=BATCH).function_ms / 1000


def listing_rate() -> float:
    return QUOTAS["page"].value / LIST_SECONDS


def rates(concurrency: int = CONCURRENCY, prefixes: int = 1) -> list[tuple[str, str, float, str]]:
    """What bounds a run, how much of it a picture takes, pictures a second, and what to do; the first to bind first."""
    source_gets = GETS - OUTPUT_GETS
    found = [
        ("`--concurrency`", f"{seconds():.2f} s", concurrency / seconds(), "raise it"),
        (QUOTAS["reads"].what + ", output", f"{OUTPUT_GETS}", QUOTAS["reads"].value * prefixes / OUTPUT_GETS, _SPREAD),
        (QUOTAS["reads"].what + ", source", f"{source_gets}", QUOTAS["reads"].value * prefixes / source_gets, _SPREAD),
        (QUOTAS["writes"].what, f"{PUTS}", QUOTAS["writes"].value * prefixes / PUTS, _SPREAD),
        ("a listing, page by page", "1 key", listing_rate(), "several runs by `--prefix`, side by side"),
        (QUOTAS["functions"].what, f"{seconds():.2f} s", QUOTAS["functions"].value / seconds(), "ask for more"),
        (QUOTAS["starts"].what, f"1/{BATCH}", QUOTAS["starts"].value * BATCH, "a larger batch, or a second run"),
        (QUOTAS["children"].what, f"{seconds():.2f} s", QUOTAS["children"].value / seconds(), "a second run"),
        (QUOTAS["invocations"].what, f"1/{BATCH}", QUOTAS["invocations"].value * BATCH, "a larger batch"),
    ]
    return sorted(found, key=lambda row: row[2])


_SPREAD: Final = "it grows by itself under load; keys that differ early spread it"


def duration(count: int, concurrency: int, prefixes: int) -> float:
    """Seconds of a run, or of several one after the other. Counting comes before; reading the list goes beside."""
    return count / listing_rate() + count / min(rate for _, _, rate, _ in rates(concurrency, prefixes))


def bounds() -> str:
    head = ("what", "one picture takes", "pictures a second, at most", "then")
    return _table(head, ([what, share, f"{rate:,.0f}", then] for what, share, rate, then in rates()))


def times() -> str:
    cases = ((CONCURRENCY, 1), (1000, 1), (1000, 4))
    head = ("pictures", "Map Runs", *(f"concurrency {at_once}, {_prefixes(spread)}" for at_once, spread in cases))
    rows = (
        [_count(count), str(_runs(count)), *(_span(duration(count, at_once, spread)) for at_once, spread in cases)]
        for count in COUNTS
    )
    return _table(head, rows)


def costs() -> str:
    head = ("pictures", "renditions", "function", "requests", "workflow", "total", "storage, a month")
    rows = []
    for count in COUNTS:
        for wanted in (RENDITIONS, SEVERAL):
            found = estimate(surveyed(count), wanted, memory_mb=MEMORY_MB, batch=BATCH)
            parts = (found.function, found.requests, found.workflow, found.total, found.storage)
            rows.append([_count(count), f"`{','.join(map(str, wanted))}`", *(f"${part:,.2f}" for part in parts)])
    return _table(head, rows)


def current_pass(count: int) -> dict[str, float]:
    """US dollars for a pass that finds every output current, by what is paid for."""
    batches = math.ceil(count / BATCH)
    pages = math.ceil(count / QUOTAS["page"].value)
    milliseconds = count * (CURRENT_GETS * ROUND_TRIP_MS + CURRENT_CPU_MS)
    return {
        "function": milliseconds / 1000 * MEMORY_MB / 1024 * prices.LAMBDA_GB_SECOND_ARM
        + batches * prices.LAMBDA_REQUEST,
        "looks at outputs": count * CURRENT_GETS * prices.S3_GET,
        "listings": 3 * pages * prices.S3_PUT,
        "stop signs and outcomes": batches * (prices.S3_GET + prices.S3_PUT),
        "workflow": batches * (prices.EXPRESS_REQUEST + prices.STATE_TRANSITION)
        + milliseconds / 1000 * 64 / 1024 * prices.EXPRESS_GB_SECOND,
    }


def nothing() -> str:
    parts = current_pass(1_000_000)
    total = [f"**${sum(parts.values()):,.2f}**"]
    return _table((*parts, "total"), [[*(f"${part:,.2f}" for part in parts.values()), *total]])


def sizes() -> str:
    """Bounds that are no rates."""
    rows = [
        [
            _named("items"),
            f"{_count(COUNTS[1])} pictures are {_runs(COUNTS[1])} runs, by `--prefix`",
        ],
        [
            _named("seconds"),
            f"a batch of {BATCH} takes {BATCH * seconds():.0f} s; {_largest_batch():,} pictures would take all of it",
        ],
        [
            _named("payload"),
            f"{QUOTAS['payload'].value // KEY_BYTES} objects with the longest keys; a batch ends at 200,000 bytes",
        ],
        [
            _named("history"),
            "children have histories of their own; the run's own grows by seven events for each time it counts on",
        ],
        [_named("growth"), "from nothing to its quota in one step; more takes ten seconds for each thousand"],
        [_named("runs"), "one for each backfill that is under way"],
    ]
    return _table(("quota", "what it means here"), rows)


def _largest_batch() -> int:
    return int(QUOTAS["seconds"].value / seconds())


def elsewhere() -> str:
    rows = []
    for count in COUNTS:
        found = surveyed(count)
        hours = found.decoding_ms * WALK_OVERHEAD / 3_600_000
        requests = estimate(found, RENDITIONS, memory_mb=0, batch=BATCH).requests
        memory = f"{count * TALLY_BYTES / 1e9:,.1f} GB"
        rows.append(
            [
                _count(count),
                f"{hours:,.0f}",
                _span(hours * 3600 / 2),
                _span(hours * 3600 / 64),
                memory,
                f"${requests:,.0f}",
            ]
        )
    head = ("pictures", "hours of one processor", "on 2", "on 64", "memory of its report", "requests, from S3 to S3")
    return _table(head, rows)


def sources() -> str:
    rows = (
        [
            quota.what,
            f"{quota.value:,} {quota.unit}".strip(),
            "yes" if quota.raised else "no",
            f"[{READ}]({quota.source})",
        ]
        for quota in QUOTAS.values()
    )
    return _table(("quota", "value", "can be raised", "read"), rows)


def facts() -> str:
    found = surveyed(1)
    waiting = (GETS + PUTS) * ROUND_TRIP_MS
    megapixels = f"{PHOTO_BYTES / 1e6:g} MB, about {found.megapixels:.0f} megapixels of JPEG"
    measured = "`MS_PER_MP` in [`survey.py`](../src/tinypics/backfill/survey.py), measured"
    rows = [
        ["size", megapixels, "assumed: a phone's photo"],
        ["processor", f"{found.decoding_ms:.0f} ms", measured],
        ["requests", f"{GETS} reads, {PUTS} write", "counted by a test"],
        ["waiting", f"{waiting:.0f} ms", f"{ROUND_TRIP_MS:g} ms a request, assumed"],
        ["function", f"{seconds() * 1000:.0f} ms at {MEMORY_MB} MB", "the two together"],
        ["looking whether it is done", f"{CURRENT_CPU_MS:g} ms and a request", "measured, against the local engine"],
        [
            "work by one's own processes",
            f"{WALK_OVERHEAD:g} times the processor's time",
            "[measured](../bench/README.md)",
        ],
    ]
    return _table(("of one picture", "figure", "from"), rows)


def _named(name: str) -> str:
    quota = QUOTAS[name]
    return f"{quota.what}: {quota.value:,} {quota.unit}".strip()


def _runs(count: int) -> int:
    return math.ceil(count / QUOTAS["items"].value)


def _prefixes(count: int) -> str:
    return "one prefix" if count == 1 else f"{count} prefixes"


def _count(count: int) -> str:
    return f"{count // 10**9:,} billion" if count >= 10**9 else f"{count // 10**6:,} million"


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3_600, "hours")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds / 60:,.0f} minutes"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


TABLES: Final[dict[str, Callable[[], str]]] = {
    "facts": facts,
    "bounds": bounds,
    "sizes": sizes,
    "times": times,
    "costs": costs,
    "nothing": nothing,
    "elsewhere": elsewhere,
    "sources": sources,
}


def current(page: str) -> str:
    """The page with every table between its marks made again."""
    for name, make in TABLES.items():
        start, end = f"<!-- {name}: made by scaling.py -->\n", f"<!-- end of {name} -->"
        before, _, rest = page.partition(start)
        page = f"{before}{start}{make()}\n{end}{rest.partition(end)[2]}"
    return page


if __name__ == "__main__":
    PAGE.write_text(current(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
