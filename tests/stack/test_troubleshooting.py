"""Every error name has advice."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tinypics import errors
from tinypics.aws.backfill.batch import KILLED
from tinypics.stack.troubleshooting import ADVICE, advice

PROJECT = Path(__file__).parents[2]
PARAMETERS = set(re.findall(r"^  ([A-Z]\w+):$", (PROJECT / "template.yaml").read_text(), re.MULTILINE))


def leaves(tree: type[errors.TinypicsError]) -> set[type[errors.TinypicsError]]:
    return {leaf for child in tree.__subclasses__() for leaf in leaves(child)} or {tree}


def test_every_error_has_its_advice() -> None:
    assert {error.__name__ for error in leaves(errors.TinypicsError)} <= set(ADVICE)


def test_every_name_that_the_workflow_gives_has_its_advice() -> None:
    states = json.loads((PROJECT / "step-function-definition.json").read_text())["States"]
    given = {state["Parameters"]["error"] for state in states.values() if "error" in state.get("Parameters", {})}
    assert given
    assert given <= set(ADVICE)


def test_the_names_of_a_killed_function_lead_to_the_advice_about_it() -> None:
    assert re.findall(r"`(\w+\.\w+)`", ADVICE["ResourcesExhausted"].happened) == list(KILLED)


@pytest.mark.parametrize("name", ADVICE)
def test_advice_is_sentences_whose_names_exist(name: str) -> None:
    given = ADVICE[name]
    for text in (given.happened, given.do):
        assert re.fullmatch(r"[A-Z].*\.", text)
        for quoted in re.findall(r"`([A-Z]\w+)`", text):
            assert quoted in PARAMETERS


def test_transient_errors_are_worth_another_try() -> None:
    transient = {error.__name__ for error in leaves(errors.TransientError)}
    assert all(ADVICE[name].retry for name in transient)


def test_a_name_that_nobody_knows_has_advice_too() -> None:
    assert advice("States.Whatever").retry
    assert advice("CorruptImage") is ADVICE["CorruptImage"]
