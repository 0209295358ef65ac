"""The estimates have the real counts of requests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import costs
from tests.delivery.test_reconcile import Cloud, picture
from tests.evaluated import Stack
from tests.transformed import MONITORING, template
from tinypics import prices
from tinypics.aws.backfill.job import Job
from tinypics.delivery import keys
from tinypics.store import download

PROJECT = Path(__file__).parents[2]
KINDS = ("AWS::CloudWatch::Alarm", "AWS::Logs::MetricFilter", "AWS::CloudWatch::Dashboard")


def test_the_page_on_triggers_has_the_same_figures() -> None:
    page = (PROJECT / "docs" / "triggers.md").read_text()
    queue, express, standard = (f"${each * 1e6:,.2f}" for each in costs.ways(costs.CASES[1]).values())
    row = next(line for line in page.splitlines() if line.startswith("| a million pictures"))
    assert [cell.strip() for cell in row.split("|")[2:4]] == [
        f"{standard}; with `WorkflowType=EXPRESS` {express}",
        queue,
    ]
    assert f"costs ${(1 + 2 / costs.BATCH) * prices.SQS_REQUEST * 1e6:.2f} for a million" in page


def test_the_readme_has_the_price_of_the_defaults_beside_the_cheapest() -> None:
    text = " ".join((PROJECT / "README.md").read_text().split())
    default = costs.ways(costs.CASES[1])["`Trigger=workflow`, `WorkflowType=STANDARD`"]
    cheapest = min(costs.ways(costs.CASES[0]).values())
    assert f"about ${default * 1e6:.0f} with the defaults" in text
    assert f"about ${cheapest * 1e6:.0f} with `Trigger=queue` and {costs.CASES[0].memory_mb} MB" in text


def test_watching_makes_as_many_alarms_and_metrics_as_the_estimate_counts() -> None:
    source = template(MONITORING)
    assert [*costs.WATCHING] == source["Parameters"]["Monitoring"]["AllowedValues"]
    for level, counted in costs.WATCHING.items():
        made = Stack({"Monitoring": level}, source).resources.values()
        by_type = {kind: [each["Properties"] for each in made if each["Type"] == kind] for kind in KINDS}
        alarms, filters, dashboards = by_type.values()
        metrics = {each["MetricTransformations"][0]["MetricName"] for each in filters}
        assert (len(alarms), len(metrics), len(dashboards)) == counted


def test_a_new_upload_makes_as_many_requests_as_the_estimate_counts() -> None:
    cloud = Cloud()
    etag = cloud.upload("a.jpg", picture("JPEG"))
    cloud.run("a.jpg", follows=True, etag=etag)
    writes = sum(request.startswith(("PUT", "LIST")) for request in cloud.requests)
    assert (len(cloud.requests) - writes, writes) == (costs.S3_GETS, costs.S3_PUTS)


def test_a_success_has_as_many_transitions_as_the_estimate_counts() -> None:
    states = json.loads((PROJECT / "step-function-definition.json").read_text())["States"]
    passed, name = ["Start"], "ResizeImage"
    while name:
        passed.append(name)
        state = states[name]
        name = state["Choices"][0]["Next"] if state["Type"] == "Choice" else state.get("Next")
    assert len(passed) == costs.TRANSITIONS


def test_the_queue_takes_as_many_messages_at_once_as_the_estimate_counts() -> None:
    assert f"BatchSize: {costs.BATCH}\n" in (PROJECT / "template.yaml").read_text()


def test_an_empty_queue_costs_as_much_as_on_the_pages() -> None:
    for page in ("costs.md", "triggers.md"):
        text = " ".join((PROJECT / "docs" / page).read_text().split())
        assert f"{costs.polls():,} times a month" in text
        assert f"${costs.polls() * prices.SQS_REQUEST:.2f}" in text


def test_the_queue_is_the_cheapest_way_and_time_costs() -> None:
    short, long = (costs.ways(case) for case in costs.CASES[1:])
    assert min(short, key=lambda way: short[way]) == "`Trigger=queue`"
    assert all(long[way] > short[way] for way in short)


def test_a_run_that_changes_nothing_costs_as_much_as_on_the_page() -> None:
    text = " ".join((PROJECT / "docs" / "backfill.md").read_text().split())
    assert f"costs {prices.dollars(costs.unchanged(10**6))} for a million pictures" in text


def test_the_page_has_the_sizes_from_which_on_ranges_are_requested() -> None:
    text = " ".join((PROJECT / "docs" / "costs.md").read_text().split())
    two, three = (f"{count * download.SPLIT / 1e6:.1f} MB" for count in (2, download.AT_ONCE))
    assert f"From {two} on, the source comes as two ranges at once, from {three} on as three" in text


def test_a_backfill_costs_in_proportion_and_a_run_that_changes_nothing_little() -> None:
    for renditions in costs.SETS:
        million, billion = (costs.backfill(count, renditions).total for count in costs.COUNTS.values())
        assert billion == pytest.approx(1000 * million)
        assert costs.unchanged(10**6) < million * 0.6


def test_the_longest_keys_of_a_batch_fit_into_a_payload_of_step_functions() -> None:
    """262,144 bytes: "Quotas for state executions", Step Functions developer guide."""
    assert Job(bucket="pics").batch == costs.BACKFILL_BATCH
    longest = json.dumps({"Key": "k" * keys.MAX_BYTES, "Size": 2**40, "Etag": "e" * 40, "LastModified": 1669987443})
    assert costs.BACKFILL_BATCH * len(longest) < 262_144
