"""The templates under every combination of their conditions.

CloudFormation refuses a template with a reference to a resource that a condition leaves out ("Unresolved resource
dependencies"). Neither cfn-lint nor the emulator does.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.evaluated import PSEUDO, Stack, combinations, parameters_of, samples
from tests.transformed import CDN, MAIN, MONITORING, TEMPLATES, schema, template

Guards = tuple[tuple[str, bool], ...]
"""Conditions, each with its required value."""


def references(node: Any, guards: Guards = ()) -> Iterator[tuple[Guards, str]]:
    """Each logical name that a value refers to, with the conditions of the reference."""
    if isinstance(node, list):
        for each in node:
            yield from references(each, guards)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        match key:
            case "Ref":
                yield guards, value
            case "Fn::GetAtt":
                yield guards, value[0] if isinstance(value, list) else value.partition(".")[0]
            case "DependsOn":
                yield from ((guards, name) for name in ([value] if isinstance(value, str) else value))
            case "Fn::If":
                yield from references(value[1], (*guards, (value[0], True)))
                yield from references(value[2], (*guards, (value[0], False)))
            case "Fn::Sub":
                text, own = value if isinstance(value, list) else (value, {})
                names = re.findall(r"\$\{([^!}:]+(?:::\w+)?)\}", text)
                yield from ((guards, name.partition(".")[0]) for name in names if name not in own)
                yield from references(own, guards)
            case _:
                yield from references(value, guards)


def dangling(source: Mapping[str, Any]) -> set[tuple[str, str]]:
    """References to missing resources, in any combination of the relevant conditions."""
    always = source["Parameters"].keys() | PSEUDO.keys() | {"AWS::NoValue"}
    sites: list[tuple[str, Guards, str]] = []
    for section in ("Resources", "Outputs"):
        for owner, each in source.get(section, {}).items():
            own: Guards = ((each["Condition"], True),) if "Condition" in each else ()
            sites += [(owner, guards, name) for guards, name in references(each, own) if name not in always]
    made = {name: each.get("Condition") for name, each in source["Resources"].items()}
    deciding = {name for _, guards, _ in sites for name, _ in guards} | {name for name in made.values() if name}
    found: set[tuple[str, str]] = set()
    for stack in combinations(parameters_of([{"Condition": name} for name in deciding], source), source):
        truth = {name: stack.holds(name) for name in deciding}
        there = {name for name, condition in made.items() if condition is None or truth[condition]}
        found |= {
            (owner, name)
            for owner, guards, name in sites
            if name not in there and all(truth[condition] == wanted for condition, wanted in guards)
        }
    return found


@pytest.mark.parametrize("name", TEMPLATES)
def test_everything_that_is_referred_to_is_made(name: str) -> None:
    assert dangling(template(name)) == set()


@pytest.mark.parametrize(
    ("owner", "broken"),
    [
        ("SourceBucketResource", {"DependsOn": "UploadQueuePolicy"}),
        ("ResizeRole", {"DependsOn": ["ResizeLogGroup", "HttpApi"]}),
        ("WorkflowLogGroup", {"Properties": {"LogGroupName": {"Fn::Sub": "${UploadQueue.QueueName} ${AWS::Region}"}}}),
        ("WorkflowRole", {"Properties": {"Path": {"Fn::If": ["IsExpress", {"Ref": "ApiFunction"}, "/"]}}}),
        ("ResizeRole", {"Properties": {"Path": {"Fn::Sub": ["${a}", {"a": {"Fn::GetAtt": ["Nowhere", "Arn"]}}]}}}),
        ("ApiRole", {"Metadata": {"After": {"Fn::If": ["HasApi", {"Ref": "UploadRule"}, "nothing"]}}}),
    ],
)
def test_a_reference_to_a_conditional_resource_is_found(owner: str, broken: dict[str, Any]) -> None:
    source = copy.deepcopy(template())
    source["Resources"][owner] |= broken
    assert {who for who, _ in dangling(source)} == {owner}


def test_the_queue_allows_the_bucket_before_the_bucket_notifies_it() -> None:
    """S3 tests the queue when the notification is configured, and refuses one that it cannot use."""
    bucket = Stack({"Trigger": "queue"}).resources["SourceBucketResource"]
    assert "UploadQueuePolicy" in {name for _, name in references(bucket)}


def lookups(node: Any) -> Iterator[Any]:
    if isinstance(node, list):
        for each in node:
            yield from lookups(each)
    elif isinstance(node, dict):
        if "Fn::FindInMap" in node:
            yield node
        for each in node.values():
            yield from lookups(each)


@pytest.mark.parametrize("name", [MAIN, MONITORING])
def test_every_mapping_has_every_value_that_it_is_asked_for(name: str) -> None:
    source = template(name)
    asked = list(lookups(source["Resources"]))
    assert asked
    for each in asked:
        for stack in combinations(parameters_of(each, source), source):
            assert isinstance(stack.resolve(each), int | str)


# --- Updates


def create_only(kind: str) -> set[str]:
    """The properties whose change makes CloudFormation replace a resource, by its schema."""
    return {path.split("/")[2] for path in schema(kind).get("createOnlyProperties", [])}


def names(kind: str) -> set[str]:
    """The properties for custom names of a resource."""
    return {f"{kind.rpartition('::')[2]}Name", "Name"} & create_only(kind)


def named(source: Mapping[str, Any]) -> set[str]:
    """The logical names of resources with a custom name."""
    return {
        logical
        for logical, each in source["Resources"].items()
        if names(each["Type"]) & each.get("Properties", {}).keys()
    }


def identity(stack: Stack, logical: str) -> tuple[Any, Any]:
    """The name of a resource, other properties whose change replaces it, and the identities of its references."""
    kind, properties = stack.source["Resources"][logical]["Type"], stack.resource(logical).get("Properties", {})
    own = {name: properties.get(name) for name in names(kind)}
    rest = {name: properties.get(name) for name in create_only(kind) - names(kind)}
    others = {name for _, name in references(rest) if stack.has(name)}
    return own, (rest, {name: identity(stack, name) for name in sorted(others)})


def replaced_under_their_names(source: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Parameters whose update would replace a resource under the same name, which CloudFormation refuses ("cannot
    update a stack when a custom-named resource requires replacing")."""
    found: set[tuple[str, str]] = set()
    for logical in sorted(named(source)):
        resource = source["Resources"][logical]
        wanted = {"Monitoring": "full", "Trigger": "queue" if "Queue" in logical else "workflow", "ApiAuth": "JWT"}
        always = {name: value for name, value in wanted.items() if name in source["Parameters"]}
        for parameter in parameters_of(resource["Properties"], source):
            seen: dict[str, Any] = {}
            for value in samples(parameter, source):
                stack = Stack(always | {parameter: value}, source)
                if stack.has(logical):
                    name, rest = identity(stack, logical)
                    if seen.setdefault(str(name), rest) != rest:
                        found.add((logical, parameter))
    return found


@pytest.mark.parametrize(
    ("name", "some"),
    [
        (MAIN, {"ResizeWorkflow", "SourceBucketResource", "UploadRule", "ResizeFunction"}),
        (MONITORING, {"Dashboard"}),
        (CDN, {"ViewerRequest"}),
    ],
)
def test_no_update_replaces_a_resource_that_keeps_its_name(name: str, some: set[str]) -> None:
    assert some <= named(template(name))
    assert replaced_under_their_names(template(name)) == set()


def test_a_type_that_changes_under_a_fixed_name_is_found() -> None:
    source = copy.deepcopy(template())
    source["Resources"]["ResizeWorkflow"]["Properties"]["StateMachineName"] = {"Fn::Sub": "${AWS::StackName}-resize"}
    assert replaced_under_their_names(source) == {("ResizeWorkflow", "WorkflowType")}
