"""The runbook has every alarm and metric of monitoring.yaml, and agrees with troubleshooting.py."""

from __future__ import annotations

import re
from pathlib import Path

from tests.transformed import MONITORING, TEMPLATES, resources, template
from tinypics.stack.troubleshooting import ADVICE

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "operating.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    return PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]


def test_every_alarm_has_a_section_with_advice() -> None:
    names = {
        alarm["AlarmName"]["Fn::Sub"].removeprefix("${Stack}-")
        for alarm in resources("AWS::CloudWatch::Alarm", MONITORING).values()
    }
    sections = dict(zip(*[iter(re.split(r"^### (.+)\n", section("Alarms"), flags=re.MULTILINE)[1:])] * 2, strict=True))
    assert set(sections) == names
    for text in sections.values():
        assert re.findall(r"^- \*\*(\w+)\*\*: ", text, re.MULTILINE) == ["Means", "Look", "Do"]


def test_every_metric_is_on_the_page_with_the_level_that_makes_it() -> None:
    rows = re.findall(r"^\| (`.+?) \| .* \| `(\w+)` \|$", section("Metrics"), re.MULTILINE)
    told = {name: level for names, level in rows for name in re.findall(r"`(\w+)`", names) if name != "Error"}
    made = {
        filter["MetricTransformations"][0]["MetricName"]: "full" if name in dashboards() else "alarms"
        for name, filter in resources("AWS::Logs::MetricFilter", MONITORING).items()
    }
    assert told == made


def dashboards() -> set[str]:
    made = template(MONITORING)["Resources"].items()
    return {name for name, resource in made if resource.get("Condition") == "HasDashboard"}


def test_every_parameter_and_output_on_the_page_exists() -> None:
    named = (
        set(re.findall(r"`([A-Z][A-Za-z]+)(?:=[\w]+)?`", section("Alarms")))
        - set(ADVICE)
        - {"Pictures", "ConcurrentExecutions"}
    )
    sections = [template(name).get(kind, {}) for name in TEMPLATES for kind in ("Parameters", "Outputs")]
    assert named - {"Runtime", "States"} <= {name for section in sections for name in section}
