"""The template as CloudFormation deploys it: after the SAM transform, with its parameters and conditions left open."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any
from unittest import mock

PROJECT = Path(__file__).parents[1]


@functools.cache
def template() -> dict[str, Any]:
    """The transformed template. Local paths, which `sam package` uploads, became addresses of objects."""
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator
    from samtranslator.yaml_helper import yaml_parse

    written: dict[str, Any] = yaml_parse((PROJECT / "template.yaml").read_text())
    for resource in written["Resources"].values():
        for name in {"CodeUri", "DefinitionUri"} & resource["Properties"].keys():
            resource["Properties"][name] = {"Bucket": "artifacts", "Key": resource["Properties"][name]}
    defaults = {name: parameter.get("Default", "") for name, parameter in written["Parameters"].items()}
    with mock.patch.dict(os.environ, {"AWS_DEFAULT_REGION": "us-east-1"}):
        made: dict[str, Any] = Translator({}, Parser()).translate(written, defaults)
    return made


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of every resource of a type, by logical name."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template()["Resources"].items()
        if resource["Type"] == kind
    }


def branches(value: Any) -> list[Any]:
    """What a list holds whatever the conditions are: both ways of each `Fn::If`, without those that mean nothing."""
    if isinstance(value, dict) and "Fn::If" in value:
        return [each for way in value["Fn::If"][1:] for each in branches(way)]
    if isinstance(value, list):
        return [each for item in value for each in branches(item)]
    return [] if value == {"Ref": "AWS::NoValue"} else [value]
