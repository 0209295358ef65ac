"""The stack as a whole, read from the transformed template: what it keeps, what it watches, and that there is something
to be seen."""

from __future__ import annotations

import contextlib
import io
import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from obstore.store import MemoryStore

import lambda_function
from bench import costs
from tests.pictures import encoded, photo
from tests.transformed import resources, template
from tinypics import prices
from tinypics.aws.settings import Settings
from tinypics.delivery.result import STEPS
from tinypics.errors import PermanentError, StoreUnavailable, TinypicsError
from tinypics.store.bucket import Bucket

FILTERS = resources("AWS::Logs::MetricFilter")
ALARMS = resources("AWS::CloudWatch::Alarm")
(DASHBOARD,) = resources("AWS::CloudWatch::Dashboard").values()
OWN = "Tinypics/${AWS::StackName}"

# What AWS's services publish by themselves (their developer guides, "metrics and dimensions"), by what it is about.
AWS_METRICS = {
    ("AWS/Lambda", "FunctionName"): {"Duration", "Errors", "Invocations", "Throttles", "ConcurrentExecutions"},
    ("AWS/SQS", "QueueName"): {"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"},
    ("AWS/ApiGateway", "ApiId"): {"4xx", "5xx", "Count", "Latency"},
}


def test_versions_are_kept_when_a_parameter_says_so() -> None:
    versions = resources("AWS::S3::Bucket")["SourceBucketResource"]["VersioningConfiguration"]["Fn::If"]
    assert versions[:2] == ["HasVersions", {"Status": "Enabled"}]


def test_how_much_runs_at_once_has_a_limit_by_parameter() -> None:
    limit = resources("AWS::Lambda::Function")["ResizeFunction"]["ReservedConcurrentExecutions"]
    assert limit["Fn::If"] == ["IsReserved", {"Ref": "ReservedConcurrency"}, {"Ref": "AWS::NoValue"}]
    assert template()["Conditions"]["IsReserved"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "ReservedConcurrency"}, 0]}]}


# --- Metrics from log lines


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    """Log lines of every kind: made, made as a list, current, failed, to be tried again."""
    stores = {"original-pics": MemoryStore(), "tiny-pics": MemoryStore()}
    Bucket("", stores["original-pics"]).put("a.jpg", encoded(photo((64, 48)), "JPEG"), attributes={}, replaces=None)
    event: dict[str, Any] = {"bucket": "original-pics", "key": "a.jpg"}
    one = {"width": 16}
    context = SimpleNamespace(memory_limit_in_mb=1769)
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        patch.setattr(lambda_function, "SETTINGS", Settings(output_bucket="tiny-pics"))
        patch.setattr(lambda_function, "open_bucket", lambda name: Bucket(name, stores[name]))
        for asked in (one, one, one | {"key": "none.jpg"}, {"renditions": ["8x", "16x"]}):
            lambda_function.lambda_handler(event | asked, context)
        patch.setattr(lambda_function, "open_bucket", unavailable)
        with pytest.raises(StoreUnavailable):
            lambda_function.lambda_handler(event, context)
    return [json.loads(line) for line in said.getvalue().splitlines()]


def unavailable(name: str) -> Bucket:
    raise StoreUnavailable(name)


def at(line: dict[str, Any], selector: str) -> Any:
    found: Any = line
    for part in selector.removeprefix("$.").split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def matches(pattern: str, line: dict[str, Any]) -> bool:
    """What CloudWatch Logs says of a line, for the few kinds of conditions that the template has."""
    tests = re.findall(r'(\$[\w.]+) (= "(\w+)"|= \*|IS TRUE|NOT EXISTS)', pattern)
    assert re.sub(r'\$[\w.]+ (= "\w+"|= \*|IS TRUE|NOT EXISTS)', "", pattern).strip("{} ()&") == ""
    assert tests
    checks = {"= *": lambda v: v is not None, "IS TRUE": lambda v: v is True, "NOT EXISTS": lambda v: v is None}
    return all(
        checks[test](at(line, selector)) if test in checks else at(line, selector) == text
        for selector, test, text in tests
    )


@pytest.mark.parametrize("name", [name for name in FILTERS if name != "GaveUpMetric"])
def test_every_metric_is_in_the_lines_that_the_function_writes(name: str, lines: list[dict[str, Any]]) -> None:
    found = [line for line in lines if matches(FILTERS[name]["FilterPattern"], line)]
    assert found or name == "ColdStartsMetric"  # the first line of this process may be another test's
    (made,) = FILTERS[name]["MetricTransformations"]
    values = [made["MetricValue"], *(dimension["Value"] for dimension in made.get("Dimensions", []))]
    for selector in (value for value in values if str(value).startswith("$.")):
        assert all(at(line, selector) is not None for line in found), selector


def test_an_execution_has_given_up_unless_it_failed_for_good() -> None:
    filter = FILTERS["GaveUpMetric"]
    assert filter["LogGroupName"] == {"Ref": "WorkflowLogGroup"}
    passed_over = re.findall(r'\(\$\.details\.error != "(\w+)"\)', filter["FilterPattern"])
    assert sorted(passed_over) == sorted(error.__name__ for error in leaves(PermanentError))
    assert len(filter["FilterPattern"]) <= 1024  # what CloudWatch Logs takes


def leaves(tree: type[TinypicsError]) -> set[type[TinypicsError]]:
    return {leaf for child in tree.__subclasses__() for leaf in leaves(child)} or {tree}


def test_the_lines_tell_what_was_done_apart(lines: list[dict[str, Any]]) -> None:
    counted = {
        name: sum(matches(FILTERS[f"{name}Metric"]["FilterPattern"], line) for line in lines)
        for name in ("Pictures", "Skipped", "Failures", "Retries", "Errors", "BytesOut")
    }
    assert counted == {"Pictures": 2, "Skipped": 1, "Failures": 1, "Retries": 1, "Errors": 2, "BytesOut": 2}
    listed = next(line for line in lines if "renditions" in line)
    assert listed["bytes"] == sum(item["bytes"] for item in listed["renditions"])


def test_every_part_of_the_duration_is_a_metric() -> None:
    values = [made["MetricTransformations"][0]["MetricValue"] for made in FILTERS.values()]
    assert [step for step in STEPS if f"$.timings_ms.{step}" not in values] == []


# --- Alarms and the dashboard


def own_metrics() -> set[str]:
    made = [filter["MetricTransformations"][0] for filter in FILTERS.values()]
    assert all(each["MetricNamespace"] == {"Fn::Sub": OWN} for each in made)
    return {each["MetricName"] for each in made}


def test_every_alarm_watches_something_that_is_published() -> None:
    for name, alarm in ALARMS.items():
        if alarm["Namespace"] == {"Fn::Sub": OWN}:
            assert alarm["MetricName"] in own_metrics(), name
        else:
            (dimension,) = alarm["Dimensions"]
            assert alarm["MetricName"] in AWS_METRICS[alarm["Namespace"], dimension["Name"]], name
            (target,) = re.findall(r'"(?:Ref|Fn::GetAtt)": \[?"(\w+)', json.dumps(dimension["Value"]))
            assert target in template()["Resources"]


def test_every_alarm_is_quiet_without_pictures_and_goes_to_the_topic() -> None:
    sent = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopic"}], {"Ref": "AWS::NoValue"}]}
    for alarm in ALARMS.values():
        assert alarm["TreatMissingData"] == "notBreaching"
        assert (alarm["AlarmActions"], alarm["OKActions"]) == (sent, sent)
        assert alarm["AlarmDescription"].endswith("docs/operating.md says what to do.")


def test_an_alarm_is_there_when_its_metric_is() -> None:
    conditions = {name: resource.get("Condition") for name, resource in template()["Resources"].items()}
    emitted = {made["MetricTransformations"][0]["MetricName"]: conditions[name] for name, made in FILTERS.items()}
    for name, alarm in ALARMS.items():
        assert str(conditions[name]).endswith("Alarms")
        assert emitted.get(alarm["MetricName"], "HasAlarms") == "HasAlarms" or alarm["Namespace"] != {"Fn::Sub": OWN}


def test_the_dashboard_shows_what_is_published() -> None:
    body, names = DASHBOARD["DashboardBody"]["Fn::Sub"]
    shown = json.loads(body)["widgets"]
    for widget in shown:
        for metric in widget["properties"]["metrics"]:
            texts = [part for part in metric if isinstance(part, str)]
            if texts and texts[0] == OWN:
                assert texts[1] in own_metrics()
            elif texts:
                assert texts[1] in AWS_METRICS[texts[0], texts[2]]
            else:
                searched = re.findall(r'MetricName="(\w+)"', metric[0]["expression"])
                assert set(searched) <= own_metrics()
    used = set(re.findall(r"\$\{(\w+)[.}]", body))
    assert used <= {*template()["Resources"], *names}
    assert own_metrics() - {"FailedPercent"} <= set(re.findall(r'"(\w+)"', body)) | {"Errors"}


# --- Arithmetic that the template cannot do


def test_the_cost_of_a_picture_is_what_the_estimate_says() -> None:
    case = costs.CASES[1]
    queue, express, standard = (each - costs.function(case) for each in costs.ways(case).values())
    table = template()["Mappings"]["PerPicture"]
    for way in ("workflow", "none"):
        assert float(table[way]["STANDARD"]) == pytest.approx(standard * 1e6, abs=0.1)
        assert float(table[way]["EXPRESS"]) == pytest.approx(express * 1e6, abs=0.1)
    assert [float(value) for value in table["queue"].values()] == [pytest.approx(queue * 1e6, abs=0.1)] * 2


def test_the_lines_cost_is_at_the_price_of_the_table(lines: list[dict[str, Any]]) -> None:
    for line in lines:
        assert line["gb_seconds"] > 0
        assert line["cost_micro_usd"] == pytest.approx(line["gb_seconds"] * prices.LAMBDA_GB_SECOND_ARM * 1e6, abs=0.01)


def test_times_follow_the_timeout() -> None:
    allowed = template()["Parameters"]["Timeout"]["AllowedValues"]
    assert template()["Mappings"]["Timeouts"] == {
        str(seconds): {"VisibilitySeconds": seconds * 6, "AlarmMilliseconds": seconds * 800} for seconds in allowed
    }
