"""The stack and its monitoring stack, in the transformed templates: retention, log lines, metrics, alarms and the
dashboard."""

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
from tests.aws.test_serving import Site
from tests.evaluated import Stack, combinations
from tests.pictures import encoded, photo
from tests.transformed import CDN, MONITORING, PROJECT, resources, template
from tinypics import prices
from tinypics.aws.settings import Settings
from tinypics.delivery.result import STEPS
from tinypics.errors import PermanentError, StoreUnavailable, TinypicsError
from tinypics.store.bucket import Bucket

WATCH = template(MONITORING)
FILTERS = resources("AWS::Logs::MetricFilter", MONITORING)
ALARMS = resources("AWS::CloudWatch::Alarm", MONITORING)
(DASHBOARD,) = resources("AWS::CloudWatch::Dashboard", MONITORING).values()
OWN = "Tinypics/${Stack}"

# Metrics that AWS's services publish (their developer guides, "metrics and dimensions"), by dimension.
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
    """Log lines of every kind: resized, resized as a list, current, failed, to be retried."""
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
    """Whether a CloudWatch Logs filter matches a line, for the few kinds of conditions in the template."""
    tests = re.findall(r'(\$[\w.]+) (!?= "(\w+)"|= \*|IS TRUE|NOT EXISTS)', pattern)
    assert re.sub(r'\$[\w.]+ (!?= "\w+"|= \*|IS TRUE|NOT EXISTS)', "", pattern).strip("{} ()&") == ""
    assert tests
    checks = {"= *": lambda v: v is not None, "IS TRUE": lambda v: v is True, "NOT EXISTS": lambda v: v is None}
    return all(
        checks[test](at(line, selector)) if test in checks else (at(line, selector) == text) != test.startswith("!")
        for selector, test, text in tests
    )


RESIZED = [
    name for name, each in FILTERS.items() if each["LogGroupName"]["Fn::Sub"].endswith("/lambda/${Stack}-resize")
]


@pytest.mark.parametrize("name", RESIZED)
def test_every_metric_is_in_the_lines_that_the_function_writes(name: str, lines: list[dict[str, Any]]) -> None:
    found = [line for line in lines if matches(FILTERS[name]["FilterPattern"], line)]
    assert found or name == "ColdStartsMetric"  # the first line of this process may belong to another test
    (made,) = FILTERS[name]["MetricTransformations"]
    values = [made["MetricValue"], *(dimension["Value"] for dimension in made.get("Dimensions", []))]
    for selector in (value for value in values if str(value).startswith("$.")):
        assert all(at(line, selector) is not None for line in found), selector


def test_a_request_for_a_stored_output_counts_as_a_miss_of_cloudfront(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = Site(monkeypatch, capsys)
    site.put("cat.jpg")
    counted = []
    for name in ("60x", "60x", "1234x"):
        site.get(site.url("cat.jpg", name))
        counted += [
            FILTERS[each]["MetricTransformations"][0]["MetricValue"]
            for each in ("ServedStoredMetric", "NotServedStoredMetric")
            if matches(FILTERS[each]["FilterPattern"], site.log[0])
        ]
    assert counted == ["0", "100", "0"]  # made, stored, refused


def test_an_execution_has_given_up_unless_it_failed_for_good() -> None:
    filter = FILTERS["GaveUpMetric"]
    assert filter["LogGroupName"] == {"Fn::Sub": "/aws/vendedlogs/states/${Stack}-resize"}
    passed_over = re.findall(r'\(\$\.details\.error != "(\w+)"\)', filter["FilterPattern"])
    assert sorted(passed_over) == sorted(error.__name__ for error in leaves(PermanentError))
    assert len(filter["FilterPattern"]) <= 1024  # the limit of CloudWatch Logs


def leaves(tree: type[TinypicsError]) -> set[type[TinypicsError]]:
    return {leaf for child in tree.__subclasses__() for leaf in leaves(child)} or {tree}


def test_log_lines_distinguish_the_results(lines: list[dict[str, Any]]) -> None:
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


def test_every_alarm_is_quiet_without_pictures_and_goes_to_the_topic() -> None:
    sent = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopic"}], {"Ref": "AWS::NoValue"}]}
    for alarm in ALARMS.values():
        assert alarm["TreatMissingData"] == "notBreaching"
        assert (alarm["AlarmActions"], alarm["OKActions"]) == (sent, sent)
        assert alarm["AlarmDescription"].endswith("docs/operating.md says what to do.")


def test_an_alarm_is_there_when_its_metric_is() -> None:
    conditions = {name: resource.get("Condition") for name, resource in WATCH["Resources"].items()}
    emitted = {made["MetricTransformations"][0]["MetricName"]: conditions[name] for name, made in FILTERS.items()}
    for name, alarm in ALARMS.items():
        assert conditions[name] in {None, "ByQueue", "HasApi", "HasServe"}
        if alarm["Namespace"] == {"Fn::Sub": OWN}:
            assert conditions[name] == emitted[alarm["MetricName"]]


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
    assert used <= {*WATCH["Parameters"], *names}
    assert own_metrics() - {"FailedPercent", "ServedStored"} <= set(re.findall(r'"(\w+)"', body)) | {"Errors"}


# --- Arithmetic that the template cannot do


def test_the_cost_of_a_picture_equals_the_estimate() -> None:
    case = costs.CASES[1]
    queue, express, standard = (each - costs.function(case) for each in costs.ways(case).values())
    table = WATCH["Mappings"]["PerPicture"]
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
    assert template()["Mappings"]["Timeouts"] == {str(each): {"VisibilitySeconds": each * 6} for each in allowed}
    assert WATCH["Mappings"]["Timeouts"] == {str(each): {"AlarmMilliseconds": each * 800} for each in allowed}


# --- Between the two stacks


SHARED = {"Trigger", "WorkflowType", "Timeout", "Api", "Cdn", "Dynamic"}


def watching(main: Stack) -> Stack:
    """The stack that the command in a main stack's outputs deploys."""
    command = main.outputs["MonitoringCommand"]["Value"]
    file, stack, given = re.fullmatch(
        r"sam deploy --template-file (\S+) --stack-name (\S+) --parameter-overrides (.+)", command
    ).groups()  # type: ignore[union-attr]
    assert (PROJECT / file).samefile(PROJECT / MONITORING)
    return Stack(dict(each.split("=") for each in given.split(" ")), WATCH, StackName=stack)


def imports(node: Any) -> set[str]:
    """The names of all exports that a resolved node imports."""
    parts = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    below = {name for part in parts for name in imports(part)}
    return below | {node["Fn::ImportValue"]} if isinstance(node, dict) and "Fn::ImportValue" in node else below


def test_what_both_templates_ask_for_is_the_same() -> None:
    both = WATCH["Parameters"].keys() & template()["Parameters"].keys()
    assert both == SHARED
    for name in both:
        ours, theirs = (dict(each["Parameters"][name], Description="") for each in (template(), WATCH))
        assert ours == theirs


def test_the_printed_command_watches_the_stack_that_printed_it() -> None:
    for main in combinations(SHARED):
        watch = watching(main)
        assert watch.parameters["Stack"] == "tinypics"
        assert {name: watch.parameters[name] for name in SHARED} == {name: main.parameters[name] for name in SHARED}


def test_a_stack_exports_the_names_that_its_monitoring_imports() -> None:
    for main in combinations(SHARED):
        exports = {each["Export"]["Name"] for each in main.outputs.values() if "Export" in each}
        assert imports(watching(main).resources) == exports


def test_a_dimension_has_the_name_of_its_resource() -> None:
    main = Stack({"Trigger": "queue"})
    exports = {each["Export"]["Name"]: each["Value"] for each in main.outputs.values() if "Export" in each}
    kinds: dict[str, set[str]] = {"AWS::SQS::Queue": set(), "AWS::ApiGatewayV2::Api": set()}
    for alarm in resources_of(watching(main), "AWS::CloudWatch::Alarm"):
        for dimension in alarm.get("Dimensions", []):
            if isinstance(dimension["Value"], dict):
                value = exports[dimension["Value"]["Fn::ImportValue"]]
                logical = value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]
                kinds[main.resources[logical]["Type"]].add(dimension["Name"])
    assert kinds == {"AWS::SQS::Queue": {"QueueName"}, "AWS::ApiGatewayV2::Api": {"ApiId"}}


def test_every_name_that_is_watched_is_one_that_the_stack_has() -> None:
    main = Stack({"Trigger": "queue", "Cdn": "on"}, StackName="photos")
    both = (main, Stack({"Stack": "photos"}, template(CDN)))
    made = {
        kind: json.dumps([each for stack in both for each in resources_of(stack, kind)])
        for kind in ("AWS::Logs::LogGroup", "AWS::Lambda::Function")
    }
    watch = watching(main)
    for filter in resources_of(watch, "AWS::Logs::MetricFilter"):
        assert f'"{filter["LogGroupName"]}"' in made["AWS::Logs::LogGroup"]
    functions = [
        dimension["Value"]
        for alarm in resources_of(watch, "AWS::CloudWatch::Alarm")
        for dimension in alarm.get("Dimensions", [])
        if dimension["Name"] == "FunctionName"
    ]
    assert functions
    assert all(f'"{name}"' in made["AWS::Lambda::Function"] for name in functions)


def resources_of(stack: Stack, kind: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in stack.resources.values() if each["Type"] == kind]
