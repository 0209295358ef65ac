"""Validates the template's parameters before anything is started, as CloudFormation and the function do on AWS.

The emulator accepts any value. On AWS, the template's declarations and rules refuse invalid values, and the function
refuses the rest at each picture (`aws.settings`). Here all three are checked at once.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from tinypics.aws import serve_settings, settings
from tinypics.errors import InvalidConfiguration, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    Template = Mapping[str, Any]

READERS: Final = settings.READERS | serve_settings.READERS


def parse_parameters(texts: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Parameters from `NAME=VALUE` texts, and a sentence for each invalid text or name."""
    pairs = [text.partition("=") for text in texts]
    wrong = [
        _expected("--parameter", "NAME=VALUE", text)
        for text, (name, equals, _) in zip(texts, pairs, strict=True)
        if not (name and equals)
    ]
    given = [(name, value) for name, equals, value in pairs if name and equals]
    for name, count in Counter(name for name, _ in given).items():
        if count > 1:
            wrong.append(_expected(name, "one value", ", ".join(value for each, value in given if each == name)))
    return dict(given), wrong


def merged(templates: Iterable[Template]) -> dict[str, dict[str, Any]]:
    """One template with the parameters, rules and resources of all; of a name that several have, the first one's."""
    found: dict[str, dict[str, Any]] = {"Parameters": {}, "Rules": {}, "Resources": {}}
    for template in templates:
        for part, names in found.items():
            found[part] = names | {name: each for name, each in template.get(part, {}).items() if name not in names}
    return found


def find_errors(template: Template, given: Mapping[str, str], pseudo: Mapping[str, str]) -> list[str]:
    """A sentence for each error in the parameters of a stack; empty if it can be deployed.

    `pseudo` has the values of pseudo parameters, like `AWS::Region`, which rules may refer to.
    """
    declared = template["Parameters"]
    values = with_defaults(template, given)
    variables = _variables(template)
    refused = {
        name: why
        for name, declaration in declared.items()
        if (why := _refusal(name, declaration, values.get(name), variables.get(name, [])))
    }
    unknown = [_unknown(name, list(declared)) for name in given if name not in declared]
    return [*unknown, *refused.values(), *_broken_rules(template, {**values, **pseudo}, refused)]


def with_defaults(template: Template, given: Mapping[str, str]) -> dict[str, str]:
    """The value of every declared parameter that has one."""
    defaults = {
        name: _text(declaration["Default"])
        for name, declaration in template["Parameters"].items()
        if "Default" in declaration
    }
    return defaults | {name: text for name, text in given.items() if name in template["Parameters"]}


def numbers(template: Template, given: Mapping[str, str]) -> dict[str, int]:
    """The values of number parameters, without invalid ones."""
    values = with_defaults(template, given)
    kinds = {name: declaration["Type"] for name, declaration in template["Parameters"].items()}
    return {name: int(text) for name, text in values.items() if kinds[name] == "Number"}


def _expected(name: str, allowed: str, given: str | None) -> str:
    return InvalidRequest.expected(name, allowed, given).message


def _unknown(name: str, declared: Sequence[str]) -> str:
    by_small = {each.lower(): each for each in declared}
    if near := difflib.get_close_matches(name.lower(), by_small, n=1):
        return f"{name}: there is no such parameter, did you mean {by_small[near[0]]}?"
    near = difflib.get_close_matches(name.lower(), by_small, n=3, cutoff=0)
    nearest = ", ".join(by_small[small] for small in near)
    return f"{name}: there is no such parameter, the nearest are {nearest}; docs/deploying.md lists all"


def _variables(template: Template) -> dict[str, list[str]]:
    """By parameter: the environment variables of functions that are set to exactly its value."""
    found: dict[str, list[str]] = {}
    for resource in template["Resources"].values():
        environment = resource.get("Properties", {}).get("Environment", {})
        for variable, value in environment.get("Variables", {}).items():
            if isinstance(value, dict) and "Ref" in value and variable in READERS:
                found.setdefault(value["Ref"], []).append(variable)
    return found


def _refusal(name: str, declaration: Mapping[str, Any], text: str | None, variables: Iterable[str]) -> str | None:
    """Why a parameter's value is refused. The function's own reason comes first, because it is the most specific."""
    if text is None:
        return _expected(name, "a value, because it has no default", text)
    for variable in variables:
        try:
            READERS[variable](name, text) if text else None
        except InvalidConfiguration as error:
            return error.message
    allowed = _allowed_values(declaration, text)
    return _expected(name, allowed, text) if allowed else None


def _allowed_values(declaration: Mapping[str, Any], text: str) -> str | None:
    """The allowed values, if the declaration does not allow `text` (CloudFormation user guide, "Parameters")."""
    values = [_text(value) for value in declaration.get("AllowedValues", [text])]
    if text not in values:
        return ", ".join(value or '""' for value in values)
    if declaration["Type"] == "Number":
        low, high = (int(declaration.get(f"{end}Value", limit)) for end, limit in (("Min", -_MANY), ("Max", _MANY)))
        if not (re.fullmatch("-?[0-9]{1,15}", text) and low <= int(text) <= high):
            return "a whole number" + _bounds(low, high)
    low, high = (int(declaration.get(f"{end}Length", limit)) for end, limit in (("Min", 0), ("Max", _MANY)))
    if not low <= len(text) <= high:
        return "text of a length" + _bounds(low, high)
    if not _matches(declaration.get("AllowedPattern", ""), text):
        return str(declaration.get("ConstraintDescription", f"text that matches {declaration['AllowedPattern']}"))
    return None


_MANY: Final = 10**15


def _bounds(low: int, high: int) -> str:
    at_least, at_most = low > -_MANY, high < _MANY
    if at_least and at_most:
        return f" from {low} to {high}"
    return f" of at least {low}" if at_least else f" of at most {high}" if at_most else ""


def _matches(pattern: str, text: str) -> bool:
    """Whether CloudFormation would match the pattern: the whole value, with Java's character classes (ASCII only)."""
    try:
        return not pattern or re.fullmatch(pattern, text, re.ASCII) is not None
    except re.error:
        return True  # Java's syntax has more than Python's: leave it to AWS


# --- Rules


def _broken_rules(template: Template, values: Mapping[str, str], refused: Iterable[str]) -> Iterator[str]:
    """The messages of broken rules, without rules about values that are refused already or that only AWS knows."""
    known = {*values, *_FUNCTIONS}.difference(refused)
    for name, rule in template.get("Rules", {}).items():
        if not _names_in(rule) <= known:
            continue
        if "RuleCondition" in rule and not _evaluate(rule["RuleCondition"], values):
            continue
        for assertion in rule["Assertions"]:
            if not _evaluate(assertion["Assert"], values):
                yield assertion.get("AssertDescription", f"{name}: this rule of the template does not hold")


def _names_in(node: Any) -> set[str]:
    """Every parameter and every function that a rule names."""
    if isinstance(node, list):
        return {name for each in node for name in _names_in(each)}
    if not isinstance(node, dict):
        return set()
    functions = {name for name in node if name.startswith("Fn::")}
    return {node["Ref"]} if "Ref" in node else functions | _names_in(list(node.values()))


# CloudFormation's "Rule functions", except those about the account's resources: RefAll, ValueOf, ValueOfAll.
_FUNCTIONS: Final[dict[str, Callable[..., bool]]] = {
    "Fn::And": lambda *each: all(each),
    "Fn::Or": lambda *each: any(each),
    "Fn::Not": lambda each: not each,
    "Fn::Equals": lambda one, other: one == other,
    "Fn::Contains": lambda texts, text: text in texts,
    "Fn::EachMemberEquals": lambda texts, text: all(each == text for each in texts),
    "Fn::EachMemberIn": lambda texts, among: all(each in among for each in texts),
}


def _evaluate(node: Any, values: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_evaluate(each, values) for each in node]
    if not isinstance(node, dict):
        return _text(node)
    ((function, given),) = node.items()
    return values[given] if function == "Ref" else _FUNCTIONS[function](*_evaluate(given, values))


def _text(value: object) -> str:
    """A value of the template as text, as in CloudFormation."""
    return str(value).lower() if isinstance(value, bool) else str(value)
