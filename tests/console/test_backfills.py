"""The progress of a backfill, from the Distributed Map of a real execution in the emulator."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.console.conftest import JPEG
from tests.waiting import SELDOM, eventually
from tinypics.console.backfills import Backfills
from tinypics.stack.backfill_runs import Run
from tinypics.stack.clients import Cloud

if TYPE_CHECKING:
    from tests.local_stack import LocalStack

pytestmark = pytest.mark.e2e

# The child execution of a "bad" item fails; all others succeed.
EACH = {
    "StartAt": "Look",
    "States": {
        "Look": {
            "Type": "Choice",
            "Choices": [{"Variable": "$", "StringEquals": "bad", "Next": "Bad"}],
            "Default": "Good",
        },
        "Good": {"Type": "Succeed"},
        "Bad": {"Type": "Fail", "Error": "CorruptImage"},
    },
}
DEFINITION = {
    "StartAt": "Objects",
    "States": {
        "Objects": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ToleratedFailurePercentage": 100,
            "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}, **EACH},
            "End": True,
        }
    },
}


def ended(backfills: Backfills) -> list[dict[str, Any]]:
    """Wait until no run is in progress; returns the newest."""
    eventually(lambda: "RUNNING" not in [run["status"] for run in backfills.newest()], SELDOM)
    return backfills.newest()


def test_a_stack_without_one_has_none(stack: LocalStack) -> None:
    cloud = Cloud.local(stack.facts.endpoint, stack.facts.region)
    assert Backfills(cloud, replace(stack.facts.stack, backfill=None)).newest() == []


def test_the_stacks_own_backfill_is_listed(stack: LocalStack) -> None:
    for number in range(3):
        stack.s3.put_object(Bucket="original-pics", Key=f"backfilled/{number}.jpg", Body=JPEG)
    stack.s3.put_object(Bucket="original-pics", Key="backfilled/broken.jpg", Body=JPEG[:200])
    stack.s3.put_object(Bucket="original-pics", Key="backfilled/notes.txt", Body=b"x")
    asked = json.dumps({"bucket": "original-pics", "prefix": "backfilled/"})
    stack.workflows.start_execution(stateMachineArn=stack.facts.stack.backfill, name="backfilled", input=asked)
    cloud = Cloud.local(stack.facts.endpoint, stack.facts.region)
    backfills = Backfills(cloud, stack.facts.stack)
    (run,) = ended(backfills)
    assert (run["name"], run["status"]) == ("backfilled", "SUCCEEDED")
    assert (run["total"], run["done"], run["lost"]) == (5, 5, 0)
    assert (run["states"]["failed"], sum(run["states"].values())) == (1, 5)
    assert backfills.newest()[0]["states"] == run["states"]  # nothing is counted twice
    journal = Run(cloud, stack.facts.stack, "backfilled")
    assert not journal.refresh()
    tally = journal.report.tally
    assert (tally.total, tally.finished, tally.left) == (run["total"], run["done"], run["lost"])
    assert tally.states["failed"] == 1  # which also has an outcome


def test_the_newest_runs_are_counted(stack: LocalStack) -> None:
    role = "arn:aws:iam::000000000000:role/backfill"
    machine: dict[str, Any] = stack.workflows.create_state_machine(
        name="counted", definition=json.dumps(DEFINITION), roleArn=role
    )
    arn = machine["stateMachineArn"]
    backfills = Backfills(
        Cloud.local(stack.facts.endpoint, stack.facts.region), replace(stack.facts.stack, backfill=arn)
    )
    assert backfills.newest() == []
    for name in ("one", "two", "three", "four"):
        items = json.dumps({"items": ["good"] * 7 + ["bad"] * 2})
        stack.workflows.start_execution(stateMachineArn=arn, name=name, input=items)
    found = ended(backfills)
    assert len(found) == 3
    assert {run["name"] for run in found} < {"one", "two", "three", "four"}
    for run in found:
        assert (run["status"], run["total"], run["done"], run["lost"]) == ("SUCCEEDED", 9, 7, 2)
        assert run["started"] <= run["ended"]
