"""The deployed definition as rows and columns."""

from __future__ import annotations

import json
from pathlib import Path

from tinypics.console.graph import draw

WORKFLOW = json.loads((Path(__file__).parents[2] / "step-function-definition.json").read_text())


def test_the_usual_way_goes_straight_down_and_every_arrow_points_down() -> None:
    drawn = draw(WORKFLOW)
    places = {node["name"]: (node["row"], node["column"]) for node in drawn["nodes"]}
    assert set(places) == set(WORKFLOW["States"])
    assert len(set(places.values())) == len(places)  # none over another
    assert [places[name] for name in ("ResizeImage", "CheckStatus", "Succeeded")] == [(0, 0), (1, 0), (2, 0)]
    assert all(places[edge["start"]][0] < places[edge["end"]][0] for edge in drawn["edges"])


def test_arrows_say_what_they_are() -> None:
    kinds = {(edge["start"], edge["end"]): (edge["kind"], edge["label"]) for edge in draw(WORKFLOW)["edges"]}
    assert kinds["ResizeImage", "CheckStatus"] == ("next", "")
    assert kinds["CheckStatus", "Succeeded"] == ("choice", "$.status = SUCCESS")
    assert kinds["CheckStatus", "Failed"] == ("default", "otherwise")
    assert kinds["ResizeImage", "NameFailure"] == ("catch", "States.ALL")


def test_other_definitions_are_drawn_as_well() -> None:
    states = {
        "A": {"Type": "Map", "Comment": "each", "Next": "B"},
        "B": {"Type": "Choice", "Choices": [{"Condition": "{% $x %}", "Next": "A"}, {"And": [], "Next": "C"}]},
        "C": {"Type": "Succeed"},
        "Never": {"Type": "Pass", "Next": "C"},
    }
    drawn = draw({"StartAt": "A", "States": states})
    assert [(node["name"], node["row"]) for node in drawn["nodes"]] == [("A", 0), ("B", 1), ("C", 2)]
    assert [(edge["start"], edge["end"], edge["label"]) for edge in drawn["edges"]] == [
        ("A", "B", ""),
        ("B", "A", "{% $x %}"),  # a way back
        ("B", "C", "And"),
    ]
