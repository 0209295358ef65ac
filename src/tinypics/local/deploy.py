"""Deploys our own templates into the emulator through its CloudFormation, like `sam deploy`.

The emulator keeps objects when it stops, but no stacks (see `emulator`). So the buckets may exist before a deployment,
and CloudFormation refuses to create them. Therefore a new stack imports them first, as on AWS, and an update then
applies the rest of the template.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, WaiterError

from tinypics.local.emulator import DEFAULT_PORT, HOST, REGION, Emulator
from tinypics.local.package import upload_code, upload_template, with_numbers
from tinypics.local.parameters import find_errors, merged, numbers, with_defaults
from tinypics.local.pidfile import PidFile
from tinypics.local.template import read_template
from tinypics.stack.clients import Cloud
from tinypics.stack.deployed import Stack, cdn_stack, outputs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

TEMPLATE = "template.yaml"
CDN_TEMPLATE = "cdn.yaml"
STACK = "tinypics"
BUCKETS = {"SourceBucket": "original-pics", "OutputBucket": "tiny-pics", "BackfillBucket": "tinypics-backfill"}
_WAITER = {"Delay": 0.1, "MaxAttempts": 600}  # seconds, times: it takes about one
_API_ID = "ms-custom-id"  # the tag from which the emulator takes the id of an API
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


_PSEUDO = {
    "AWS::AccountId": "000000000000",
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}


class DeployError(Exception):
    """CloudFormation refused the stack. `str(error)` names each resource that failed, and why."""


class WrongParameters(DeployError):
    """The stack's parameters are invalid; nothing was started. `reasons` has a sentence for each invalid one."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons


@contextlib.contextmanager
def running(
    data: Path,
    project: Path,
    port: int = DEFAULT_PORT,
    parameters: dict[str, str] | None = None,
    api_id: str | None = None,
) -> Iterator[tuple[Emulator, PidFile]]:
    """Run an emulator with our stack during the `with` block. Other commands find it by its data folder.

    `api_id` is the id in the API's address; None: a new one.

    Raises EmulatorError and DeployError, after stopping everything. Raises WrongParameters before anything is started.
    """
    templates = check_parameters(project, parameters or {}, f"http://{HOST}:{port}")
    if api_id and "HttpApi" in templates[STACK]["Resources"]:
        templates[STACK]["Resources"]["HttpApi"]["Properties"]["Tags"] = {_API_ID: api_id}
    with Emulator.start(data, port) as emulator:
        cloud = Cloud.local(emulator.endpoint, REGION)
        pid_file = PidFile(
            endpoint=emulator.endpoint,
            port=emulator.port,
            region=REGION,
            pid=emulator.pid,
            parent=os.getpid(),
            stack=_deploy(cloud, project, templates, parameters or {}),
        )
        pid_file.write(emulator.data)
        yield emulator, pid_file


def deploy(cloud: Cloud, project: Path, parameters: dict[str, str] | None = None) -> Stack:
    """Create the stacks of `project` (the folder of template.yaml) in the new emulator behind `cloud`.

    `parameters` are added to the local ones: the bucket names, an API without authorization at the emulator's
    address, and signed addresses of any rendition. Raises DeployError.
    """
    given = parameters or {}
    return _deploy(cloud, project, check_parameters(project, given, str(cloud.endpoint)), given)


def check_parameters(project: Path, parameters: Mapping[str, str], endpoint: str) -> dict[str, dict[str, Any]]:
    """The templates of `project`, by the names of their stacks. A parameter of both has the same value in both.

    Raises WrongParameters if they do not allow these parameters.
    """
    files = {STACK: project / TEMPLATE, cdn_stack(STACK): project / CDN_TEMPLATE}
    templates = {stack: read_template(file) for stack, file in files.items() if file.exists()}
    all_of_them = merged(templates.values())
    given = {**_local_parameters(all_of_them, endpoint), **parameters}
    if reasons := find_errors(all_of_them, given, _PSEUDO):
        raise WrongParameters(reasons)
    values = with_defaults(all_of_them, given)
    if values.get("Cdn") != "on" and values.get("Dynamic") == "off":
        templates.pop(cdn_stack(STACK), None)
    return templates


def _local_parameters(template: Mapping[str, Any], endpoint: str) -> dict[str, str]:
    """The parameters of a local stack, without those that the template does not declare."""
    ours = BUCKETS | {
        "ApiAuth": "NONE",
        "ApiEndpoint": f"{endpoint}/_aws/execute-api",
        "Dynamic": "signed",
        "Emulator": endpoint,
    }
    return {name: value for name, value in ours.items() if name in template["Parameters"]}


def _deploy(cloud: Cloud, project: Path, templates: dict[str, dict[str, Any]], given: Mapping[str, str]) -> Stack:
    upload_code(cloud.client("s3"), project, *templates.values())
    cloudformation = cloud.client("cloudformation")
    found: dict[str, str] = {}
    for stack, template in templates.items():
        own = {**_local_parameters(template, str(cloud.endpoint)), **given}
        own = {name: value for name, value in own.items() if name in template["Parameters"]}
        template["Resources"] = with_numbers(template["Resources"], numbers(template, own))
        _create(cloud, stack, template, own)
        found |= outputs(cloudformation, stack)
    return Stack.from_outputs(found)


def _create(cloud: Cloud, stack: str, template: dict[str, Any], given: Mapping[str, str]) -> None:
    if given.get("CreateBuckets") == "none":
        # The bucket for run logs, because it is the only one of the three buckets without the user's objects.
        cloud.client("s3").create_bucket(Bucket=given["BackfillBucket"])
    cloudformation = cloud.client("cloudformation")
    imported = stack == STACK and _import_buckets(cloud, given)
    operation = cloudformation.update_stack if imported else cloudformation.create_stack
    try:
        operation(
            StackName=stack,
            TemplateURL=upload_template(cloud, template),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
            Capabilities=_CAPABILITIES,
        )
    except ClientError as error:
        raise DeployError(f"The stack was refused: {error}") from error
    _wait(cloudformation, stack, "stack_update_complete" if imported else "stack_create_complete")


def _import_buckets(cloud: Cloud, given: Mapping[str, str]) -> bool:
    """Import existing buckets that the template would create into a new stack. False if there are none.

    In the template, the bucket with the name in a parameter is `<parameter>Resource`.
    """
    there = {bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]}
    left_out = {"none": BUCKETS.keys(), "output": {"SourceBucket"}}
    made = [name for name in BUCKETS if name not in left_out.get(given.get("CreateBuckets", "both"), ())]
    found = {f"{parameter}Resource": given[parameter] for parameter in made if given.get(parameter) in there}
    if not found:
        return False
    kind = "AWS::S3::Bucket"
    resources = {
        logical: {"Type": kind, "DeletionPolicy": "Retain", "Properties": {"BucketName": name}}
        for logical, name in found.items()
    }
    cloudformation = cloud.client("cloudformation")
    change_set = cloudformation.create_change_set(
        StackName=STACK,
        ChangeSetName="import",
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps({"Resources": resources}),
        ResourcesToImport=[
            {"ResourceType": kind, "LogicalResourceId": logical, "ResourceIdentifier": {"BucketName": name}}
            for logical, name in found.items()
        ],
    )["Id"]
    cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName=change_set, WaiterConfig=_WAITER)
    cloudformation.execute_change_set(ChangeSetName=change_set)
    _wait(cloudformation, STACK, "stack_import_complete")
    return True


def _wait(cloudformation: Any, stack: str, waiter: str) -> None:
    try:
        cloudformation.get_waiter(waiter).wait(StackName=stack, WaiterConfig=_WAITER)
    except WaiterError as error:
        events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        reasons = [
            f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
            for event in reversed(events)
            if event["ResourceStatus"].endswith("_FAILED")
        ]
        raise DeployError("The stack did not come up:\n" + ("\n".join(reasons) or str(error))) from error
