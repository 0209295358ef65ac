"""The workflow definitions, as far as they can be checked without AWS: cfn-lint's schema of the states language."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint_all

PROJECT = Path(__file__).parents[1]
DEFINITIONS = ["step-function-definition.json", "backfill-definition.json"]
BACKFILL: dict[str, Any] = json.loads((PROJECT / "backfill-definition.json").read_text())
MAPS = {name: state for name, state in BACKFILL["States"].items() if state["Type"] == "Map"}


def linted(definition: dict[str, Any]) -> list[str]:
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"RoleArn": "arn:aws:iam::123456789012:role/any", "Definition": definition},
    }
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Machine": machine}}
    found = lint_all(json.dumps(template))
    return [f"{match.rule.id}: {match.message}" for match in found if not match.rule.id.startswith("I")]


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_definition_is_of_the_states_language(name: str) -> None:
    assert linted(json.loads((PROJECT / name).read_text())) == []


def test_the_linter_looks_into_maps() -> None:
    broken = json.loads(json.dumps(BACKFILL))
    broken["States"]["Objects"]["ItemProcessor"]["States"]["Work"]["Typ"] = broken["States"]["Objects"].pop("Type")
    assert any("E3601" in finding for finding in linted(broken))


def test_the_three_maps_differ_in_their_readers_only() -> None:
    assert MAPS.keys() == {"Objects", "Inventory", "Keys"}
    rest = [{k: v for k, v in each.items() if k not in ("Comment", "Label", "ItemReader")} for each in MAPS.values()]
    assert rest[0] == rest[1] == rest[2]


@pytest.mark.parametrize("name", MAPS)
def test_a_map_is_bounded_by_what_was_counted_and_by_its_input(name: str) -> None:
    state = MAPS[name]
    assert state["ItemReader"]["ReaderConfig"]["MaxItemsPath"] == "$.max_items"
    assert state["MaxConcurrencyPath"] == "$.concurrency"
    assert state["ToleratedFailurePercentagePath"] == "$.tolerated_failure_percentage"
    assert state["ItemBatcher"]["MaxItemsPerBatchPath"] == "$.batch"
    assert state["ResultWriter"]["Parameters"] == {"Bucket": "${BackfillBucket}", "Prefix.$": "$.results_prefix"}
    assert state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}


def test_nothing_is_worked_on_before_all_is_counted() -> None:
    states = BACKFILL["States"]
    assert states[BACKFILL["StartAt"]]["Next"] == "Count"
    assert states["Count"]["Next"] == "CheckCount"
    assert states["CheckCount"]["Default"] == "Refused"
    into = {name: re.findall(r'"(?:Next|Default)": "(\w+)"', json.dumps(state)) for name, state in states.items()}
    assert [name for name, after in into.items() if set(after) & MAPS.keys()] == ["ChooseList"]
    assert [name for name, after in into.items() if "ChooseList" in after] == ["CheckCount"]
    assert {"Order", *(state for after in into.values() for state in after)} >= states.keys()
