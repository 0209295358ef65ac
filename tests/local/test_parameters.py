"""Parameters that the template's declarations, its rules and the function's parsers refuse, without an emulator."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.transformed import CDN, MAIN, MONITORING, written
from tinypics.aws.settings import MEMORY_MB, READERS
from tinypics.local.parameters import find_errors, merged, numbers, parse_parameters, with_defaults

WRITTEN = written()
LOCAL = {"SourceBucket": "original-pics", "OutputBucket": "tiny-pics", "BackfillBucket": "tinypics-backfill"}
PSEUDO = {"AWS::Region": "us-east-1"}


def refused(**given: str) -> list[str]:
    return find_errors(WRITTEN, LOCAL | given, PSEUDO)


def declared(**declaration: object) -> list[str]:
    """The message about the `value` in the declaration."""
    text = str(declaration.pop("value"))
    return find_errors({"Parameters": {"P": {"Type": "String", **declaration}}, "Resources": {}}, {"P": text}, PSEUDO)


# --- Parameters of the template


def test_the_defaults_can_be_deployed() -> None:
    assert refused() == []


@pytest.mark.parametrize(
    ("name", "near"),
    [("Rendition", "Renditions"), ("renditions", "Renditions"), ("MEMORYSIZE", "MemorySize"), ("TriggerX", "Trigger")],
)
def test_the_nearest_parameter_is_named(name: str, near: str) -> None:
    assert refused(**{name: "800x"}) == [f"{name}: there is no such parameter, did you mean {near}?"]


def test_without_a_near_one_the_nearest_three_are_named() -> None:
    (said,) = refused(**{"zzz\n": "1"})
    nearest = said.partition("the nearest are ")[2].partition(";")[0].split(", ")
    assert len(nearest) == 3
    assert set(nearest) <= set(WRITTEN["Parameters"])


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("Renditions", "foo", 'Renditions: rendition: expected a size and .*, got "foo"'),
        ("Renditions", "128x128,9x9-q0", "Renditions: quality: expected a whole number from 1 to 100, got 0"),
        ("Renditions", "128x128,128x128", 'Renditions: renditions: expected each rendition once, got "128x128"'),
        ("Renditions", "", 'Renditions: expected renditions like 128x128, .*, got ""'),
        ("Trigger", "queu", 'Trigger: expected workflow, queue, none, got "queu"'),
        ("Trigger", "", 'Trigger: expected workflow, queue, none, got ""'),
        ("Tracing", "true", 'Tracing: expected off, on, got "true"'),
        ("FollowDeletes", "True", 'FollowDeletes: expected true or false, got "True"'),
        ("StorageClass", "DEEP_ARCHIVE", "StorageClass: expected STANDARD, .*"),
        ("MemorySize", "100", 'MemorySize: expected a whole number from 512 to 10240, got "100"'),
        ("MemorySize", "10241", "MemorySize: expected a whole number from 512 to 10240, got .*"),
        ("MemorySize", "1e3", "MemorySize: expected a whole number from 512 to 10240, got .*"),
        ("MemorySize", "1024.0", "MemorySize: expected a whole number .*"),
        ("MemorySize", "١٠٢٤", "MemorySize: expected a whole number .*"),
        ("MemorySize", "", "MemorySize: expected a whole number .*"),
        ("ReservedConcurrency", "-1", 'ReservedConcurrency: expected a whole number from 0 to 1000, got "-1"'),
        ("Timeout", "45", "Timeout: expected 15, 30, 60, 120, 300, 600, 900, got .*"),
        ("SourceBucket", "My Pics", "SourceBucket: expected .*"),
        ("OutputPrefix", "thumbs", "OutputPrefix: expected a path that ends with a slash, like thumbs/, got .*"),
        ("OutputPrefix", "a//", "OutputPrefix: expected what an object key can start with, .*"),
        ("Prefix", "/photos/", "Prefix: expected what an object key can start with, .*"),
        ("Tags", "a=1&a=2", 'Tags: expected each tag once, got "a=1&a=2"'),
        ("Tags", "&".join(f"t{n}=1" for n in range(11)), "Tags: expected at most ten tags like .*"),
        ("Tags", "a=1;b", "Tags: expected values of tags with .*"),
        ("UrlBase", "cdn.example.com", "UrlBase: expected an https address .*"),
        ("CacheControl", "max-age=1\nx: y", r'CacheControl: expected a header .*, got "max-age=1\\nx: y"'),
        ("ConsoleOrigin", "https://example.com", "ConsoleOrigin: expected .*"),
        ("KmsKeyArn", "alias/key", "KmsKeyArn: expected .*"),
    ],
)
def test_an_invalid_value_is_reported_by_name_allowed_values_and_given_value(name: str, text: str, says: str) -> None:
    (said,) = refused(**{name: text})
    assert re.fullmatch(says, said)


@pytest.mark.parametrize(
    ("name", "text", "allowed"),
    [
        ("Stack", "-pics", "text that matches .*"),
        ("Monitoring", "off", "alarms, full"),
        ("AlarmTopic", "pager", "text that matches .*"),
        ("FailureAlarm", "100", "a whole number from 0 to 99"),
        ("CostAlarm", "0", "text that matches .*"),
        ("CostAlarm", "9.99", "text that matches .*"),
    ],
)
def test_a_wrong_value_of_the_monitoring_stack_is_refused(name: str, text: str, allowed: str) -> None:
    assert find_errors(written(MONITORING), {}, PSEUDO) == []
    (said,) = find_errors(written(MONITORING), {name: text}, PSEUDO)
    assert re.fullmatch(f'{name}: expected {allowed}, got "{text}"', said)


@pytest.mark.parametrize(
    "given",
    [
        {"Renditions": "128x128, 800x-webp,thumb=x600-inside"},
        {"Tags": "team=photos&kind=thumbnail", "StorageClass": "STANDARD_IA", "CacheControl": "public, max-age=86400"},
        {"UrlBase": "https://cdn.example.com/", "OutputPrefix": "thumbs/", "FollowDeletes": "false"},
        {"Trigger": "queue", "Concurrency": "2", "MemorySize": "512", "Timeout": "900", "KeepVersions": "3650"},
        {"SourceBucket": "pics", "OutputBucket": "pics", "OutputPrefix": "thumbs/", "CreateBuckets": "none"},
        {"ApiAuth": "JWT", "ApiJwtIssuer": "https://issuer.example", "ApiJwtAudience": "a,b"},
    ],
)
def test_values_that_are_allowed_are_taken(given: dict[str, str]) -> None:
    assert refused(**given) == []


def test_all_that_is_wrong_is_named_at_once_and_a_rule_about_a_wrong_value_is_not() -> None:
    said = refused(Rendition="800x", Renditions="foo", WorkflowType="EXPRES", Trigger="queue", CreateBuckets="none")
    assert [text.split(" ")[0] for text in said] == ["Rendition:", "Renditions:", "WorkflowType:", "S3"]


def test_every_parameter_that_is_a_variable_is_read_as_the_function_reads_it() -> None:
    functions = [each["Properties"]["Environment"]["Variables"] for each in _functions()]
    by_name = {name: value for variables in functions for name, value in variables.items()}
    assert READERS.keys() - {MEMORY_MB} <= by_name.keys()
    for variable, value in by_name.items():
        if "Ref" in value and value["Ref"] in WRITTEN["Parameters"] and variable in READERS:
            assert refused(**{value["Ref"]: "\n"})[0].startswith(f"{value['Ref']}: "), variable


def _functions() -> list[dict[str, Any]]:
    return [each for each in WRITTEN["Resources"].values() if each["Type"] == "AWS::Serverless::Function"]


# --- Rules


@pytest.mark.parametrize(
    ("rule", "given"),
    [
        ("ApiNeedsStandard", {"WorkflowType": "EXPRESS"}),
        ("JwtNeedsItsIssuer", {"ApiAuth": "JWT", "ApiJwtIssuer": "https://issuer.example"}),
        ("QueueNeedsItsBucket", {"Trigger": "queue", "CreateBuckets": "output"}),
        ("OneBucketNeedsAPrefix", {"OutputBucket": "original-pics", "CreateBuckets": "none"}),
        ("ExistingBucketsHaveNames", {"SourceBucket": "", "CreateBuckets": "output"}),
        ("QueueNeedsTwoAtOnce", {"Trigger": "queue", "ReservedConcurrency": "1"}),
        ("ExpressNeedsAShortTimeout", {"Api": "off", "WorkflowType": "EXPRESS", "Timeout": "120"}),
    ],
)
def test_a_broken_rule_is_reported_by_its_description(rule: str, given: dict[str, str]) -> None:
    (assertion,) = WRITTEN["Rules"][rule]["Assertions"]
    assert assertion["AssertDescription"] in refused(**given)


def test_what_up_sets_itself_counts_for_the_rules() -> None:
    rule = {"Assertions": [{"Assert": {"Fn::Equals": [{"Ref": "A"}, {"Ref": "B"}]}, "AssertDescription": "A is B."}]}
    parameters = {"A": {"Type": "Number", "Default": 1}, "B": {"Type": "String"}}
    template = {"Parameters": parameters, "Resources": {}, "Rules": {"Same": rule}}
    assert find_errors(template, {"B": "1"}, PSEUDO) == []
    assert find_errors(template, {"B": "2"}, PSEUDO) == ["A is B."]
    assert find_errors(template, {}, PSEUDO) == ["B: expected a value, because it has no default, got nothing"]


ONE = {"Ref": "One"}


@pytest.mark.parametrize(
    ("asserted", "holds"),
    [
        ({"Fn::Equals": [ONE, "1"]}, True),
        ({"Fn::Equals": [ONE, 1]}, True),
        ({"Fn::Equals": ["true", True]}, True),
        ({"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}, True),
        ({"Fn::Not": [{"Fn::Equals": [ONE, "1"]}]}, False),
        ({"Fn::And": [{"Fn::Equals": [ONE, "1"]}, {"Fn::Equals": [ONE, "2"]}]}, False),
        ({"Fn::Or": [{"Fn::Equals": [ONE, "2"]}, {"Fn::Equals": [ONE, "1"]}]}, True),
        ({"Fn::Or": [{"Fn::Equals": [ONE, "2"]}, {"Fn::Equals": [ONE, "3"]}]}, False),
        ({"Fn::Contains": [["0", "1"], ONE]}, True),
        ({"Fn::Contains": [["10", "11"], ONE]}, False),
        ({"Fn::EachMemberEquals": [[ONE, "1"], "1"]}, True),
        ({"Fn::EachMemberEquals": [[ONE, "2"], "1"]}, False),
        ({"Fn::EachMemberIn": [[ONE, "2"], ["1", "2", "3"]]}, True),
        ({"Fn::EachMemberIn": [[ONE, "4"], ["1", "2", "3"]]}, False),
        ({"Fn::Contains": [{"Fn::ValueOfAll": ["AWS::EC2::VPC::Id", "Tags.Name"]}, ONE]}, True),  # only AWS knows
        ({"Fn::Equals": [{"Ref": "AWS::AccountId"}, ONE]}, True),  # the region is unknown
    ],
)
def test_the_functions_of_rules(asserted: dict[str, Any], holds: bool) -> None:
    for rule in (
        {"Assertions": [{"Assert": asserted}]},
        {"RuleCondition": {"Fn::Equals": [ONE, "1"]}, "Assertions": [{"Assert": asserted}]},
    ):
        template = {"Parameters": {"One": {"Type": "String"}}, "Resources": {}, "Rules": {"R": rule}}
        said = find_errors(template, {"One": "1"}, PSEUDO)
        assert said == ([] if holds else ["R: this rule of the template does not hold"])


def test_a_rule_whose_condition_does_not_hold_asserts_nothing() -> None:
    rule = {"RuleCondition": {"Fn::Equals": [ONE, "2"]}, "Assertions": [{"Assert": {"Fn::Equals": [ONE, "3"]}}]}
    template = {"Parameters": {"One": {"Type": "String"}}, "Resources": {}, "Rules": {"R": rule}}
    assert find_errors(template, {"One": "1"}, PSEUDO) == []


# --- Declarations


@pytest.mark.parametrize(
    ("declaration", "allowed"),
    [
        ({"AllowedPattern": "[a-z]+", "value": "abc1"}, "text that matches [a-z]+"),
        ({"AllowedPattern": "b", "value": "abc"}, "text that matches b"),
        ({"AllowedPattern": "^a$|^b$", "value": "a\n"}, "text that matches ^a$|^b$"),
        ({"AllowedPattern": r"\d", "value": "٣"}, r"text that matches \d"),
        ({"AllowedPattern": "(?!aws)[a-z]+", "value": "awsome"}, "text that matches (?!aws)[a-z]+"),
        ({"AllowedPattern": "a", "ConstraintDescription": "an a", "value": "b"}, "an a"),
        ({"MinLength": 2, "value": "a"}, "text of a length of at least 2"),
        ({"MaxLength": "2", "value": "abc"}, "text of a length from 0 to 2"),
        ({"AllowedValues": ["", True, 3], "value": "4"}, '"", true, 3'),
        ({"Type": "Number", "MaxValue": 5, "value": "6"}, "a whole number of at most 5"),
        ({"Type": "Number", "value": "six"}, "a whole number"),
        ({"Type": "Number", "AllowedValues": [1, 2], "value": "3"}, "1, 2"),
    ],
)
def test_a_refused_value_is_reported_with_the_allowed_ones(declaration: dict[str, Any], allowed: str) -> None:
    (said,) = declared(**declaration)
    assert said.startswith(f"P: expected {allowed}, got ")


@pytest.mark.parametrize(
    "declaration",
    [
        {"AllowedPattern": "^$|^a+$", "value": ""},
        {"AllowedPattern": "(?!aws)[a-z]+", "value": "pics"},
        {"AllowedPattern": r"\p{L}+", "value": "1"},  # specific to Java: AWS will check it
        {"AllowedValues": ["", True, 3], "value": "true"},
        {"AllowedValues": ["", True, 3], "value": "3"},
        {"MinLength": 1, "MaxLength": 3, "value": "abc"},
        {"Type": "Number", "MinValue": -1, "MaxValue": 0, "value": "-1"},
    ],
)
def test_allowed_values_are_accepted(declaration: dict[str, Any]) -> None:
    assert declared(**declaration) == []


def test_no_pattern_of_the_template_is_left_to_aws() -> None:
    for parameter in WRITTEN["Parameters"].values():
        assert re.compile(parameter.get("AllowedPattern", ""), re.ASCII)


def test_values_are_texts_and_numbers_are_numbers() -> None:
    assert with_defaults(WRITTEN, {"Nowhere": "1", "Timeout": "30"}).items() >= {("Timeout", "30"), ("Api", "on")}
    assert "Nowhere" not in with_defaults(WRITTEN, {"Nowhere": "1"})
    assert numbers(WRITTEN, {"Timeout": "30"}).items() >= {"Timeout": 30, "MemorySize": 1769}.items()


# --- The stack and its CDN


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"DynamicRenditions": "320x", "AutoFormats": "avif,webp", "Renditions": "800x"}, None),
        ({"DynamicRenditions": "foo"}, "DynamicRenditions: rendition: expected a size and .*"),
        ({"Domain": "img.example.com"}, "An own Domain needs its certificate.*"),
        ({"DynamicRendition": "320x"}, "DynamicRendition: .* did you mean DynamicRenditions.?"),
        ({"Trigger": "queu"}, "Trigger: expected workflow, queue, none, .*"),
    ],
)
def test_the_parameters_of_both_are_checked_at_once(given: dict[str, str], says: str | None) -> None:
    both = merged([written(MAIN), written(CDN)])
    assert both["Parameters"]["Renditions"] == WRITTEN["Parameters"]["Renditions"]
    said = find_errors(both, LOCAL | given, PSEUDO)
    assert re.fullmatch(str(says), "".join(said)) if says else said == []


# --- Texts of the command line


def test_texts_become_parameters() -> None:
    assert parse_parameters(["Renditions=thumb=1x1", "Prefix="]) == ({"Renditions": "thumb=1x1", "Prefix": ""}, [])


def test_every_text_that_is_none_and_every_name_that_is_given_twice_is_named() -> None:
    given, said = parse_parameters(["Api", "=on", "Timeout=30", "Api=on", "Timeout=60", ""])
    assert given == {"Timeout": "60", "Api": "on"}
    assert said == [
        '--parameter: expected NAME=VALUE, got "Api"',
        '--parameter: expected NAME=VALUE, got "=on"',
        '--parameter: expected NAME=VALUE, got ""',
        'Timeout: expected one value, got "30, 60"',
    ]
