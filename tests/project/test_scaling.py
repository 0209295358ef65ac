"""docs/scaling.md says what its script computes, and the script what the code does."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench import costs
from tinypics.backfill import estimate
from tinypics.backfill.outcome import Tally

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "scaling.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def scaling() -> Any:
    spec = importlib.util.spec_from_file_location("scaling", DOCS / "scaling.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["scaling"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_current(scaling: Any) -> None:
    assert scaling.current(PAGE) == PAGE, "run .venv/bin/python docs/scaling.py"


def test_what_a_walk_takes_more_than_bare_processes_is_what_the_benchmark_found(scaling: Any) -> None:
    page = (DOCS.parent / "bench" / "README.md").read_text(encoding="utf-8")
    row = re.search(r"^\| backfill from folder to folder \|.* ([0-9.]+) \|$", page, re.MULTILINE)
    assert row is not None
    assert float(row[1]) == scaling.WALK_OVERHEAD


def test_every_quota_has_its_source_and_date_and_is_used(scaling: Any) -> None:
    script = (DOCS / "scaling.py").read_text()
    for name, quota in scaling.QUOTAS.items():
        assert f"[{scaling.READ}]({quota.source})" in PAGE
        assert script.count(f'"{name}"') > 1, name


def test_the_requests_are_those_that_a_picture_makes(scaling: Any) -> None:
    """tests/project/test_costs.py holds these counts against a real run."""
    assert (estimate.GETS, estimate.PUTS) == (costs.S3_GETS, costs.S3_PUTS)
    assert 0 < scaling.OUTPUT_GETS < estimate.GETS


def test_what_the_text_says_of_the_order_is_so(scaling: Any) -> None:
    names = [row[0] for row in scaling.rates()]
    assert [name.split(":")[0] for name in names[:4]] == ["`--concurrency`", "S3", "S3", "S3"]
    assert names.index("Lambda: executions at once") < names.index("Step Functions: Express children started")
    assert scaling.rates(concurrency=1000, prefixes=1)[0][0].startswith("S3")


def test_more_takes_longer_and_costs_more(scaling: Any) -> None:
    hours = [scaling.duration(count, 50, 1) for count in scaling.COUNTS]
    assert hours[1] == pytest.approx(1000 * hours[0])
    assert scaling.duration(10**6, 1000, 4) < scaling.duration(10**6, 1000, 1) < scaling.duration(10**6, 50, 1)
    nothing = sum(scaling.current_pass(10**6).values())
    everything = estimate.estimate(
        scaling.surveyed(10**6), scaling.RENDITIONS, memory_mb=scaling.MEMORY_MB, batch=scaling.BATCH
    )
    assert nothing < everything.total / 4


def test_a_pass_that_changes_nothing_costs_what_a_report_of_it_would_say(scaling: Any) -> None:
    count = 1_000_000
    milliseconds = count * (estimate.ROUND_TRIP_MS + scaling.CURRENT_CPU_MS)
    tally = Tally(count, Counter(skipped=count), billed_ms=round(milliseconds))
    tally.gb_seconds = milliseconds / 1000 * scaling.MEMORY_MB / 1024
    parts = scaling.current_pass(count)
    listings = parts.pop("listings")
    assert estimate.spent(tally, scaling.RENDITIONS, batch=scaling.BATCH) == pytest.approx(sum(parts.values()))
    shown = f"${sum(parts.values()) + listings:,.2f} for a million pictures"
    assert shown in (DOCS / "backfill.md").read_text(encoding="utf-8")


def test_a_batch_fits_into_every_quota(scaling: Any) -> None:
    quotas = scaling.QUOTAS
    assert quotas["payload"].value > scaling.BATCH * scaling.KEY_BYTES
    assert scaling.BATCH * scaling.seconds() < quotas["seconds"].value / 10


def test_every_table_has_its_marks(scaling: Any) -> None:
    assert set(re.findall(r"<!-- (\w+): made by scaling.py -->", PAGE)) == set(scaling.TABLES)
