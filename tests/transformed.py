"""The templates as CloudFormation deploys them: after the SAM transform, with unresolved parameters and conditions."""

from __future__ import annotations

import copy
import functools
import hashlib
import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest import mock

from tinypics.local.template import read_template

PROJECT = Path(__file__).parents[1]
KEPT = PROJECT / "build" / "transformed"
MAIN, MONITORING, CDN = TEMPLATES = ("template.yaml", "monitoring.yaml", "cdn.yaml")


@functools.cache
def written(name: str = MAIN) -> Mapping[str, Any]:
    """A template as it is written, with intrinsic functions in their long form."""
    return read_template(PROJECT / name)


@functools.cache
def schema(kind: str) -> dict[str, Any]:
    """The schema of a resource type. It is cfn-lint's, whose import takes more than a second."""
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    found: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    return found


@functools.cache
def template(name: str = MAIN) -> dict[str, Any]:
    """A transformed template, with S3 addresses in place of the local paths, which `sam package` uploads.

    The transform takes a second of each process that collects tests, so `build/` keeps its result for the next one.
    """
    sources = (PROJECT / name, Path(__file__), Path(read_template.__code__.co_filename))
    read = b"".join(source.read_bytes() for source in sources) + version("aws-sam-translator").encode()
    kept = KEPT / f"{hashlib.sha256(read).hexdigest()}.json"
    if not kept.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        own = kept.with_suffix(f".{os.getpid()}")
        own.write_text(json.dumps(_transform(name)))
        own.replace(kept)
    made: dict[str, Any] = json.loads(kept.read_text())
    return made


def _transform(name: str) -> dict[str, Any]:
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    source = copy.deepcopy(dict(written(name)))
    for resource in source["Resources"].values():
        for key in {"CodeUri", "DefinitionUri"} & resource["Properties"].keys():
            resource["Properties"][key] = {"Bucket": "artifacts", "Key": resource["Properties"][key]}
    defaults = {key: parameter.get("Default", "") for key, parameter in source["Parameters"].items()}
    with mock.patch.dict(os.environ, {"AWS_DEFAULT_REGION": "us-east-1"}):
        made: dict[str, Any] = Translator({}, Parser()).translate(source, defaults)
    return made


def resources(kind: str, name: str = MAIN) -> dict[str, dict[str, Any]]:
    """The properties of every resource of a type, by logical name."""
    return {
        logical: resource.get("Properties", {})
        for logical, resource in template(name)["Resources"].items()
        if resource["Type"] == kind
    }


def branches(value: Any) -> list[Any]:
    """The items of a list for any conditions: both branches of each `Fn::If`, without AWS::NoValue."""
    if isinstance(value, dict) and "Fn::If" in value:
        return [each for way in value["Fn::If"][1:] for each in branches(way)]
    if isinstance(value, list):
        return [each for item in value for each in branches(item)]
    return [] if value == {"Ref": "AWS::NoValue"} else [value]
