"""The estimate counts what really happens, and the docs say what the script computes."""

from __future__ import annotations

import json
from pathlib import Path

from bench import costs
from tests.test_invocation import Cloud, picture

PROJECT = Path(__file__).parents[1]


def test_the_documented_table_is_the_computed_one() -> None:
    assert costs.table() in (PROJECT / "docs" / "costs.md").read_text()


def test_a_new_upload_makes_as_many_requests_as_the_estimate_counts() -> None:
    cloud = Cloud()
    etag = cloud.upload("a.jpg", picture("JPEG"))
    cloud.run("a.jpg", follows=True, etag=etag)
    writes = sum(request.startswith("PUT") for request in cloud.requests)
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


def test_the_queue_is_the_cheapest_way_and_time_costs() -> None:
    short, long = (costs.ways(case) for case in costs.CASES[1:])
    assert min(short, key=lambda way: short[way]) == "`Trigger=queue`"
    assert all(long[way] > short[way] for way in short)
