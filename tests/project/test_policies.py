"""The policies on the page on permissions suffice for the templates, and grant nothing beside them."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tests import transformed

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "permissions.md").read_text()
DEPLOY, APP = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))

UNUSED = {
    "ec2:*": "a VPC",
    "elasticfilesystem:*": "a file system",
    "s3files:*": "a file system",
    "s3tables:*": "metadata tables",
    "s3:*Metadata*": "metadata tables",
    "s3:*Object": "the body of an API or replicated objects",
    "s3:PutObjectAcl": "ACLs, which are off",
    "s3:GetObjectVersion": "code from a bucket with versions",
    "s3:REST.PUT.OBJECT": "an internal name",
    "kms:*": "a key, for which the page has a line",
    "firehose:*": "deliveries to Firehose",
    "cloudfront:GetVpcOrigin": "origins in a VPC",
    "cloudfront:*ConnectionGroup": "distributions of many tenants",
    "secretsmanager:*Replicat*": "replicated secrets",
    "lambda:*CodeSigning*": "signed code",
    "lambda:PassCapacityProvider": "capacity providers",
    "lambda:GetLayerVersion": "layers",
    "iam:*RolePermissionsBoundary": "boundaries, which the page suggests",
}
"""Permissions of the handlers of resource types that the templates need only with properties that they do not set."""

# Properties that would make some of these necessary.
UNSET = {
    "VpcConfig",
    "FileSystemConfigs",
    "CodeSigningConfigArn",
    "Layers",
    "PermissionsBoundary",
    "ReplicationConfiguration",
}

NAMES = {
    "AWS::Lambda::Function": ("FunctionName", "arn:aws:lambda:eu-central-1:1:function:{}"),
    "AWS::S3::Bucket": ("BucketName", "arn:aws:s3:::{}"),
    "AWS::Logs::LogGroup": ("LogGroupName", "arn:aws:logs:eu-central-1:1:log-group:{}"),
    "AWS::Events::Rule": ("Name", "arn:aws:events:eu-central-1:1:rule/{}"),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", "arn:aws:states:eu-central-1:1:stateMachine:{}"),
    "AWS::CloudWatch::Alarm": ("AlarmName", "arn:aws:cloudwatch:eu-central-1:1:alarm:{}"),
    "AWS::CloudWatch::Dashboard": ("DashboardName", "arn:aws:cloudwatch::1:dashboard/{}"),
}


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def actions(policy: dict[str, Any]) -> set[str]:
    return {action for statement in policy["Statement"] for action in listed(statement["Action"])}


def allows(policy: dict[str, Any], action: str, resource: str) -> bool:
    return any(
        any(fnmatchcase(action.lower(), pattern.lower()) for pattern in listed(statement["Action"]))
        and any(fnmatchcase(resource, pattern) for pattern in listed(statement["Resource"]))
        for statement in policy["Statement"]
    )


def resources() -> list[tuple[str, dict[str, Any]]]:
    return [
        (resource["Type"], resource.get("Properties", {}))
        for name in transformed.TEMPLATES
        for resource in transformed.template(name)["Resources"].values()
    ]


def physical(name: Any) -> list[str]:
    """Every name that an expression gives in a stack `tinypics`, for derived names."""
    match name:
        case {"Fn::If": [_, *choices]}:
            return [each for choice in choices for each in physical(choice)]
        case {"Fn::Sub": str(text)}:
            return [re.sub(r"\$\{(?:AWS::StackName|Stack)\}", "tinypics", text).replace("${AWS::Region}", "r")]
        case _:
            return []


@pytest.mark.parametrize("kind", sorted({kind for kind, _ in resources()}))
def test_the_deployers_policy_has_the_permissions_of_each_resource_type(kind: str) -> None:
    handlers = transformed.schema(kind)["handlers"].values()
    needed = {action for handler in handlers for action in handler.get("permissions", [])}
    assert needed
    granted = [*actions(DEPLOY), *UNUSED]
    missing = {action for action in needed if not any(fnmatchcase(action.lower(), each.lower()) for each in granted)}
    assert not missing


def test_the_templates_set_no_property_that_needs_more() -> None:
    assert not {name for _, properties in resources() for name in properties} & UNSET


def test_every_name_of_the_stack_is_within_the_deployers_policy() -> None:
    checked = set()
    for kind, properties in resources():
        if kind in NAMES:
            key, arn = NAMES[kind]
            service = arn.split(":")[2]
            action = {"s3": "s3:CreateBucket", "logs": "logs:PutRetentionPolicy"}.get(service, f"{service}:Anything")
            for name in physical(properties[key]):
                assert allows(DEPLOY, action, arn.format(name)), name
                checked.add(kind)
    assert checked == NAMES.keys()


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectVersion"])
def test_the_deployers_policy_reads_and_writes_no_picture(action: str) -> None:
    assert not allows(DEPLOY, action, "arn:aws:s3:::tinypics-original-pics-r-1/photo.jpg")
    assert allows(DEPLOY, action, "arn:aws:s3:::aws-sam-cli-managed-default-samclisourcebucket-1/a")  # so it would show


def test_the_deployers_policy_ends_at_the_stack() -> None:
    for action, resource in (
        ("lambda:UpdateFunctionCode", "arn:aws:lambda:r:1:function:payments"),
        ("iam:PutRolePolicy", "arn:aws:iam::1:role/admin"),
        ("iam:CreateUser", "arn:aws:iam::1:user/tinypics-a"),
        ("s3:DeleteBucket", "arn:aws:s3:::backups"),
    ):
        assert not allows(DEPLOY, action, resource)


def test_the_apps_policy_uploads_reads_and_deletes_and_nothing_else() -> None:
    names = {
        logical: f"arn:aws:s3:::tinypics-{part}-eu-central-1-123456789012"
        for logical, part in (("SourceBucketResource", "original-pics"), ("OutputBucketResource", "tiny-pics"))
    }
    for logical, arn in names.items():
        (derived,) = physical(transformed.template()["Resources"][logical]["Properties"]["BucketName"])
        assert derived == arn.removeprefix("arn:aws:s3:::").replace("eu-central-1", "r").replace(
            "123456789012", "${AWS::AccountId}"
        )
    source, output = names.values()
    assert actions(APP) == {"s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:ListBucket"}
    assert allows(APP, "s3:PutObject", f"{source}/a")
    assert allows(APP, "s3:GetObject", f"{output}/a")
    assert not allows(APP, "s3:PutObject", f"{output}/a")
    assert not allows(APP, "s3:DeleteObject", f"{output}/a")
