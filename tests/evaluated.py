"""A template as CloudFormation evaluates it for one set of parameters: conditions, functions, rules.

The functions are those of our templates, by the CloudFormation template reference, "Intrinsic functions".
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.transformed import template

PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "tinypics",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/tinypics/51af3dc0-da77-11e4-872e-1234567db123",
    "AWS::URLSuffix": "amazonaws.com",
}
NOTHING = {"Ref": "AWS::NoValue"}
_VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")


class Stack:
    """The resources, outputs and rules of one deployment of `source`, a transformed template (by default the main one).

    `given` are parameters that differ from their defaults, `pseudo` pseudo parameters, without their `AWS::`.
    """

    def __init__(
        self, given: Mapping[str, object] = {}, source: Mapping[str, Any] | None = None, **pseudo: str
    ) -> None:
        self.source = source or template()
        declared = {name: default(name, self.source) for name in self.source["Parameters"]}
        unknown = given.keys() - declared.keys()
        assert not unknown, f"no such parameters: {unknown}"
        self.parameters = {name: str(value) for name, value in (declared | dict(given)).items()}
        self._pseudo = PSEUDO | {f"AWS::{name}": value for name, value in pseudo.items()}

        self._truth: dict[str, bool] = {}
        self._resolved: dict[str, Any] = {}

    @functools.cached_property
    def resources(self) -> dict[str, Any]:
        """The resources that exist, with all functions applied that need no other resource."""
        return {name: self.resource(name) for name in self.source["Resources"] if self.has(name)}

    @functools.cached_property
    def outputs(self) -> dict[str, Any]:
        written = self.source.get("Outputs", {})
        return {name: self.resolve(each) for name, each in written.items() if self.holds(each.get("Condition"))}

    def has(self, name: str) -> bool:
        """Whether there is such a resource."""
        return name in self.source["Resources"] and self.holds(self.source["Resources"][name].get("Condition"))

    def resource(self, name: str) -> Any:
        """One of `resources`. It takes a hundredth of the time of all."""
        if not self.has(name):
            raise KeyError(name)
        if name not in self._resolved:
            self._resolved[name] = self.resolve(self.source["Resources"][name])
        return self._resolved[name]

    def properties(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.resource(name)["Properties"]
        return found

    def refusals(self) -> list[str]:
        """The descriptions of the template's rules that these parameters break."""
        return [
            assertion["AssertDescription"]
            for rule in self.source.get("Rules", {}).values()
            if self.holds(rule["RuleCondition"])
            for assertion in rule["Assertions"]
            if not self.holds(assertion["Assert"])
        ]

    def holds(self, condition: Any) -> bool:
        """Whether a condition (a name, a function, or None for no condition) is true."""
        if condition is None:
            return True
        if isinstance(condition, str):
            if condition not in self._truth:
                self._truth[condition] = self.holds(self.source["Conditions"][condition])
            return self._truth[condition]
        ((function, operands),) = condition.items()
        match function:
            case "Condition":
                return self.holds(operands)
            case "Fn::Not":
                return not self.holds(operands[0])
            case "Fn::And":
                return all(map(self.holds, operands))
            case "Fn::Or":
                return any(map(self.holds, operands))
            case "Fn::Equals":
                left, right = (str(self.resolve(each)) for each in operands)
                return left == right
            case "Fn::Contains":
                among, wanted = (self.resolve(each) for each in operands)
                return str(wanted) in map(str, among)
        raise NotImplementedError(function)

    def resolve(self, node: Any) -> Any:
        """`node` with parameters and conditions applied. References to resources remain, and functions of them."""
        if isinstance(node, list):
            return [self.resolve(each) for each in node if self._chosen(each) != NOTHING]
        if not isinstance(node, dict):
            return node
        node = self._chosen(node)
        if not isinstance(node, dict):
            return self.resolve(node)
        if len(node) == 1:
            ((function, operands),) = node.items()
            if function == "Ref":
                return self.parameters.get(operands, self._pseudo.get(operands, node))
            if function == "Fn::Sub":
                return self._substituted(operands)
            if function == "Fn::FindInMap":
                table, first, second = map(self.resolve, operands)
                return self.source["Mappings"][table][str(first)][second]
            if function == "Fn::Select":
                index, items = map(self.resolve, operands)
                return items[int(index)] if isinstance(items, list) else {function: [index, items]}
            if function in ("Fn::Join", "Fn::Split") and all(isinstance(each, str) for each in self._flat(operands)):
                separator, rest = map(self.resolve, operands)
                return separator.join(rest) if function == "Fn::Join" else rest.split(separator)
        return {key: self.resolve(value) for key, value in node.items() if self._chosen(value) != NOTHING}

    def _flat(self, operands: Any) -> Iterator[Any]:
        for each in self.resolve(operands):
            yield from each if isinstance(each, list) else [each]

    def _chosen(self, node: Any) -> Any:
        while isinstance(node, dict) and node.keys() == {"Fn::If"}:
            condition, yes, no = node["Fn::If"]
            node = yes if self.holds(condition) else no
        return node

    def _substituted(self, operands: Any) -> Any:
        text, own = operands if isinstance(operands, list) else (operands, {})
        values = self._pseudo | self.parameters | {name: self.resolve(value) for name, value in own.items()}
        texts = {name: value for name, value in values.items() if isinstance(value, str)}
        made = _VARIABLE.sub(lambda found: texts.get(found[1], found[0]), text)
        left = {name: values[name] for name in _VARIABLE.findall(made) if name in values}
        if left:
            return {"Fn::Sub": [made, left]}
        return {"Fn::Sub": made} if _VARIABLE.search(made) else made


def default(name: str, source: Mapping[str, Any]) -> str:
    """The default of a parameter, or an example if it needs a value."""
    return str(source["Parameters"][name].get("Default", _EXAMPLES.get(name, [""])[0]))


def samples(name: str, source: Mapping[str, Any] | None = None) -> list[str]:
    """Values of a parameter that distinguish all conditions of the template: its allowed values, or those that a
    condition compares it with and one other value."""
    source = source or template()
    parameter = source["Parameters"][name]
    if "AllowedValues" in parameter:
        return [str(each) for each in parameter["AllowedValues"]]
    return list(dict.fromkeys([default(name, source), *_EXAMPLES.get(name, ["7"])]))


_EXAMPLES = {
    "SourceBucket": ["pics", ""],
    "OutputBucket": ["thumbs", "pics", ""],
    "BackfillBucket": ["runs", "pics", ""],
    "MoreSourceBuckets": ["arn:aws:s3:::attic,arn:aws:s3:::cellar"],
    "MoreOutputBuckets": ["arn:aws:s3:::shelf"],
    "Prefix": ["photos/"],
    "OutputPrefix": ["thumbs/"],
    "Renditions": ["128x128,800x-webp"],
    "CacheControl": ["no-cache"],
    "Tags": ["team=photos"],
    "UrlBase": ["https://cdn.example.com/"],
    "Sizes": ["50vw"],
    "KmsKeyArn": ["arn:aws:kms:us-east-1:123456789012:key/1234abcd"],
    "Stack": ["photos"],
    "AlarmTopic": ["arn:aws:sns:us-east-1:123456789012:pager"],
    "MemorySize": ["512"],
    "ApiJwtIssuer": ["https://issuer.example.com"],
    "ApiJwtAudience": ["one,two"],
    "ApiEndpoint": ["http://127.0.0.1:4566/_aws/execute-api"],
    "ConsoleOrigin": ["http://127.0.0.1:4567"],
    "CdnDistribution": ["E1A2B3C4D5E6F7"],
    "Emulator": ["http://127.0.0.1:4566"],
    "Domain": ["img.example.com"],
    "CertificateArn": ["arn:aws:acm:us-east-1:123456789012:certificate/1"],
    "WebAclArn": ["arn:aws:wafv2:us-east-1:123456789012:global/webacl/rate/1"],
}


def parameters_of(node: Any, source: Mapping[str, Any] | None = None) -> set[str]:
    """The parameters that a value, or a condition in it, depends on."""
    source = source or template()
    declared, conditions = source["Parameters"], source["Conditions"]
    if isinstance(node, list):
        return {name for each in node for name in parameters_of(each, source)}
    if not isinstance(node, dict):
        return set()
    found: set[str] = set()
    for key, value in node.items():
        if key == "Ref":
            found |= {value} & declared.keys()
        elif key == "Condition" and isinstance(value, str):
            found |= parameters_of(conditions[value], source)
        elif key == "Fn::If":
            found |= parameters_of(conditions[value[0]], source) | parameters_of(value[1:], source)
        elif key == "Fn::Sub":
            text, own = value if isinstance(value, list) else (value, {})
            found |= set(_VARIABLE.findall(text)) & declared.keys() - own.keys() | parameters_of(own, source)
        else:
            found |= parameters_of(value, source)
    return found


def combinations(names: set[str], source: Mapping[str, Any] | None = None) -> Iterator[Stack]:
    """A stack for every combination of the samples of these parameters, with defaults for all others."""
    ordered = sorted(names)
    for values in itertools.product(*(samples(name, source) for name in ordered)):
        yield Stack(dict(zip(ordered, values, strict=True)), source)
