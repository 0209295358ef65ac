"""Workflow definitions in the Amazon States Language (JSONPath), as far as they can be checked without running them.

The specification is https://states-language.net/spec.html. `misnamed` and `misdirected` read a definition; `Paths`
follows documents through it, over every transition, and finds paths without a value.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Definition = dict[str, Any]
State = dict[str, Any]

ENDS = {"Succeed", "Fail"}
CONTEXT: dict[str, Any] = {
    "Execution": {"Id": "arn", "Input": {}, "Name": "run-1", "RoleArn": "arn", "StartTime": "2026-11-26T08:00:00.000Z"},
    "State": {"EnteredTime": "2026-11-26T08:00:00.000Z", "Name": "any", "RetryCount": 0},
    "StateMachine": {"Id": "arn", "Name": "any"},
}
"""The context object outside of a map's items (Step Functions developer guide, "Context object")."""


def inner(state: State) -> list[Definition]:
    """The definitions within a state."""
    return [*(state[name] for name in ("ItemProcessor", "Iterator") if name in state), *state.get("Branches", [])]


def scopes(definition: Definition) -> Iterator[Definition]:
    """The definition, and each one within it, at any depth."""
    yield definition
    for state in definition["States"].values():
        for each in inner(state):
            yield from scopes(each)


def targets(state: State) -> list[str]:
    """The states that may come after this one."""
    rules = [rule["Next"] for name in ("Choices", "Catch") for rule in state.get(name, [])]
    return [*(state[name] for name in ("Next", "Default") if name in state), *rules]


def misnamed(definition: Definition) -> list[str]:
    """Duplicate state names in the whole definition, which AWS refuses."""
    counts = Counter(name for scope in scopes(definition) for name in scope["States"])
    return [f"{name} is the name of {count} states" for name, count in counts.items() if count > 1]


def misdirected(definition: Definition) -> list[str]:
    """Transitions out of their scope, unreachable states, and states without a path to an end."""
    return [finding for scope in scopes(definition) for finding in _misdirected(scope)]


def _misdirected(scope: Definition) -> list[str]:
    states: dict[str, State] = scope["States"]
    after = {name: targets(state) for name, state in states.items()}
    found = [
        f"{name} leads to {each}, which is not in its scope"
        for name, following in after.items()
        for each in following
        if each not in states
    ]
    if scope["StartAt"] not in states:
        return [*found, f"it starts at {scope['StartAt']}, which is not in its scope"]
    reached = _closure({scope["StartAt"]}, after)
    found += [f"nothing leads to {name}" for name in states if name not in reached]
    before: dict[str, list[str]] = {name: [] for name in states}
    for name, following in after.items():
        for each in following:
            before.setdefault(each, []).append(name)
    ending = {name for name, state in states.items() if state["Type"] in ENDS or state.get("End")}
    found += [f"{name} leads to no end" for name in states if name not in _closure(ending, before)]
    for name, state in states.items():
        needed = "Default" if state["Type"] == "Choice" else "Next"
        if name not in ending and needed not in state:
            found.append(f"{name} has no {needed}")
    return found


def _closure(names: set[str], edges: Mapping[str, list[str]]) -> set[str]:
    found, left = set(names), list(names)
    while left:
        new = set(edges.get(left.pop(), [])) - found
        found |= new
        left += new
    return found


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "StringEquals": lambda value, wanted: isinstance(value, str) and value == wanted,
    "BooleanEquals": lambda value, wanted: isinstance(value, bool) and value == wanted,
    "NumericEquals": lambda value, wanted: isinstance(value, int | float) and value == wanted,
    "NumericGreaterThan": lambda value, wanted: isinstance(value, int | float) and value > wanted,
    "NumericLessThan": lambda value, wanted: isinstance(value, int | float) and value < wanted,
}


class Missing(Exception):
    """A path has no value."""


def read(path: str, document: Any, context: Mapping[str, Any]) -> Any:
    """The value at a reference path. Raises Missing."""
    assert re.fullmatch(r"\$\$?(\.\w+)*", path), f"{path} is more than this module reads"
    found = context if path.startswith("$$") else document
    for name in path.lstrip("$").split(".")[1:]:
        if not isinstance(found, dict) or name not in found:
            raise Missing(path)
        found = found[name]
    return found


@dataclass
class Paths:
    """Follows documents through a definition.

    `answers` has the possible answers of each task by state, `items` the possible items of a map's reader. It follows
    every answer and every catcher. `findings` has the paths that lack a value, `taken` the followed transitions, and
    `handed` the inputs of each task.
    """

    answers: Mapping[str, Sequence[Any]]
    items: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    taken: set[tuple[str, str]] = field(default_factory=set)
    handed: dict[str, list[Any]] = field(default_factory=dict)
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def follow(self, scope: Definition, document: Any) -> None:
        left = [(scope["StartAt"], document)]
        while left:
            name, given = left.pop()
            key = name, json.dumps(given, sort_keys=True)
            if key in self._seen:
                continue
            self._seen.add(key)
            for following, output in self._after(name, scope["States"][name], given):
                self.taken.add((name, following))
                left.append((following, output))

    def not_taken(self, definition: Definition) -> set[tuple[str, str]]:
        """Transitions that no document took, so the states after them were not checked."""
        every = {
            (n, each) for scope in scopes(definition) for n, state in scope["States"].items() for each in targets(state)
        }
        return every - self.taken

    def _after(self, name: str, state: State, raw: Any) -> Iterator[tuple[str, Any]]:
        """The states after this one, each with its input."""
        reader = _Reader(name, CONTEXT | {"State": CONTEXT["State"] | {"Name": name}}, self.findings)
        if state["Type"] == "Fail":
            for field_ in ("ErrorPath", "CausePath"):
                reader.path(state.get(field_, "$"), raw)
            return
        given = reader.path(state.get("InputPath", "$"), raw)
        if state["Type"] == "Choice":
            yield self._choose(state, given, reader), given
            return
        for result in self._results(name, state, given, reader):
            if "Next" in state:
                result_ = reader.template(state["ResultSelector"], result) if "ResultSelector" in state else result
                yield state["Next"], reader.path(state.get("OutputPath", "$"), written(state, raw, result_))
        for rule in state.get("Catch", []):
            yield rule["Next"], written(rule, raw, {"Error": "Some.Error", "Cause": "some cause"})

    def _results(self, name: str, state: State, given: Any, reader: _Reader) -> Sequence[Any]:
        if state["Type"] == "Map":
            self._map(name, state, given, reader)
            return [{}]
        for field_, value in state.items():
            if field_ in ("SecondsPath", "TimestampPath", "TimeoutSecondsPath", "HeartbeatSecondsPath"):
                reader.path(value, given)
        made = reader.template(state["Parameters"], given) if "Parameters" in state else given
        if state["Type"] == "Task":
            payload = made.get("Payload", made)
            self.handed.setdefault(name, []).append(payload)
            return [{"StatusCode": 200, "Payload": answer} for answer in self.answers[name]]
        return [state.get("Result", made)]

    def _map(self, name: str, state: State, given: Any, reader: _Reader) -> None:
        """Follow one batch of a map's items in its child execution."""
        for field_, value in state.items():
            if field_.endswith("Path") and field_ not in ("InputPath", "ResultPath", "OutputPath"):
                reader.path(value, given)
        for field_ in ("ItemReader", "ItemBatcher", "ResultWriter"):
            reader.template(state.get(field_, {}), given)
        for item in self.items[name]:
            each = _Reader(name, {**reader.context, "Map": {"Item": {"Index": 0, "Value": item}}}, self.findings)
            selected = each.template(state["ItemSelector"], given) if "ItemSelector" in state else item
            for scope in inner(state):
                self.follow(scope, {"Items": [selected]} if "ItemBatcher" in state else selected)

    def _choose(self, state: State, given: Any, reader: _Reader) -> str:
        for rule in state["Choices"]:
            if reader.holds(rule, given):
                return str(rule["Next"])
        return str(state["Default"])


@dataclass
class _Reader:
    """Reads the paths of one state, and collects those without a value."""

    name: str
    context: Mapping[str, Any]
    findings: list[str]

    def path(self, path: str, document: Any) -> Any:
        if path is None:
            return {}
        if path.startswith("States."):
            for argument in re.findall(r"\$[\w.$]*", re.sub(r"'[^']*'", "", path)):
                self.path(argument, document)
            return path
        try:
            return read(path, document, self.context)
        except Missing:
            self.findings.append(f"{self.name} reads {path}, which is not there on every way to it")
            return {}

    def template(self, template: Any, document: Any) -> Any:
        """A payload template: fields that end in `.$` are paths, and so are those of a reader that end in `Path`."""
        if isinstance(template, list):
            return [self.template(each, document) for each in template]
        if not isinstance(template, dict):
            return template
        made = {}
        for name, value in template.items():
            if name.endswith(".$"):
                made[name.removesuffix(".$")] = self.path(value, document)
            elif name.endswith("Path"):
                made[name] = self.path(value, document)
            else:
                made[name] = self.template(value, document)
        return made

    def holds(self, rule: Mapping[str, Any], document: Any) -> bool:
        """Whether a choice rule is true. `And` and `Or` short-circuit, so `IsPresent` guards the rules after it."""
        if "And" in rule:
            return all(self.holds(each, document) for each in rule["And"])
        if "Or" in rule:
            return any(self.holds(each, document) for each in rule["Or"])
        if "Not" in rule:
            return not self.holds(rule["Not"], document)
        (operator,) = rule.keys() - {"Variable", "Next", "Comment"}
        if operator == "IsPresent":
            try:
                read(rule["Variable"], document, self.context)
            except Missing:
                return not rule[operator]
            return bool(rule[operator])
        wanted = rule[operator]
        if operator.endswith("Path"):
            wanted, operator = self.path(wanted, document), operator.removesuffix("Path")
        return OPERATORS[operator](self.path(rule["Variable"], document), wanted)


def written(rule: Mapping[str, Any], raw: Any, result: Any) -> Any:
    """A state's or catcher's output: the result at its `ResultPath` of the input."""
    path = rule.get("ResultPath", "$")
    if path is None:
        return raw
    names = path.split(".")[1:]
    if not names:
        return result
    output = json.loads(json.dumps(raw))
    place = output
    for name in names[:-1]:
        place = place.setdefault(name, {})
    place[names[-1]] = result
    return output
