"""Deploys our own template into the emulator through its CloudFormation, like `sam package` and `sam deploy`.

The emulator keeps objects when it stops, but no stacks (see `emulator`). So the buckets may exist before a deployment,
and CloudFormation refuses to create them. Therefore a new stack imports them first, as on AWS, and an update then
applies the rest of the template.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import zipfile
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, WaiterError
from samtranslator.yaml_helper import yaml_parse

from tinypics.local.emulator import DEFAULT_PORT, HOST, REGION, Emulator
from tinypics.local.parameters import find_errors, numbers
from tinypics.local.pidfile import PidFile
from tinypics.stack.clients import Cloud
from tinypics.stack.deployed import Stack, outputs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

TEMPLATE = "template.yaml"
STACK = "tinypics"
BUCKETS = {"SourceBucket": "original-pics", "OutputBucket": "tiny-pics", "BackfillBucket": "tinypics-backfill"}
_ARTIFACTS = "tinypics-artifacts"
_FIXED = {
    "MaxConcurrencyPath": ("MaxConcurrency", 2 * (os.cpu_count() or 1)),
    "ToleratedFailurePercentagePath": ("ToleratedFailurePercentage", 5),
}
_LEFT_OUT = (
    "__pycache__",
    "tinypics/cli",
    "tinypics/console",
    "tinypics/local",
    "tinypics/stack",
)  # used on laptops only
_BUILD = ("Makefile", "bytecode.py")  # builds the artifact, and is not in it
_WAITER = {"Delay": 0.1, "MaxAttempts": 600}  # seconds, times: it takes about one
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
    data: Path, project: Path, port: int = DEFAULT_PORT, parameters: dict[str, str] | None = None
) -> Iterator[tuple[Emulator, PidFile]]:
    """Run an emulator with our stack during the `with` block. Other commands find it by its data folder.

    Raises EmulatorError and DeployError, after stopping everything. Raises WrongParameters before anything is started.
    """
    template = check_parameters(project, parameters or {}, f"http://{HOST}:{port}")
    with Emulator.start(data, port) as emulator:
        cloud = Cloud.local(emulator.endpoint, REGION)
        pid_file = PidFile(
            endpoint=emulator.endpoint,
            port=emulator.port,
            region=REGION,
            pid=emulator.pid,
            parent=os.getpid(),
            stack=_deploy(cloud, project, template, parameters or {}),
        )
        pid_file.write(emulator.data)
        yield emulator, pid_file


def deploy(cloud: Cloud, project: Path, parameters: dict[str, str] | None = None) -> Stack:
    """Create the stack of `project` (the folder of template.yaml) in the new emulator behind `cloud`.

    `parameters` are added to the local ones: the bucket names, and an API without authorization at the emulator's
    address. Raises DeployError.
    """
    given = parameters or {}
    return _deploy(cloud, project, check_parameters(project, given, str(cloud.endpoint)), given)


def check_parameters(project: Path, parameters: Mapping[str, str], endpoint: str) -> dict[str, Any]:
    """The template of `project`. Raises WrongParameters if it does not allow these parameters."""
    template: dict[str, Any] = yaml_parse((project / TEMPLATE).read_text())
    if reasons := find_errors(template, {**_local_parameters(template, endpoint), **parameters}, _PSEUDO):
        raise WrongParameters(reasons)
    return template


def _local_parameters(template: Mapping[str, Any], endpoint: str) -> dict[str, str]:
    """The parameters of a local stack, without those that the template does not declare."""
    ours = BUCKETS | {"ApiAuth": "NONE", "ApiEndpoint": f"{endpoint}/_aws/execute-api"}
    return {name: value for name, value in ours.items() if name in template["Parameters"]}


def _deploy(cloud: Cloud, project: Path, template: dict[str, Any], given: Mapping[str, str]) -> Stack:
    _upload_code(cloud.client("s3"), project, template)
    given = {**_local_parameters(template, str(cloud.endpoint)), **given}
    template["Resources"] = _with_numbers(template["Resources"], numbers(template, given))
    if given.get("CreateBuckets") == "none":
        # The bucket for run logs, because it is the only one of the three buckets without the user's objects.
        cloud.client("s3").create_bucket(Bucket=given["BackfillBucket"])
    cloudformation = cloud.client("cloudformation")
    imported = _import_buckets(cloud, given)
    operation = cloudformation.update_stack if imported else cloudformation.create_stack
    try:
        operation(
            StackName=STACK,
            TemplateURL=_upload_template(cloud, template),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
            Capabilities=_CAPABILITIES,
        )
    except ClientError as error:
        raise DeployError(f"The stack was refused: {error}") from error
    _wait(cloudformation, "stack_update_complete" if imported else "stack_create_complete")
    return Stack.from_outputs(outputs(cloudformation, STACK))


def pack(folder: Path) -> bytes:
    """`folder` as a Lambda zip. Reproducible: the same contents give the same bytes, at any time on any file system."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and name not in _BUILD and not any(f"/{part}/" in f"/{name}" for part in _LEFT_OUT):
                entry = zipfile.ZipInfo(name)  # 1980-01-01
                entry.external_attr = 0o100644 << 16
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _upload_code(s3: Any, project: Path, template: dict[str, Any]) -> None:
    """Upload each local path in `template`, and replace it by the address of the upload, like `sam package`."""
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=_ARTIFACTS)
    stale = {item["Key"] for item in s3.list_objects_v2(Bucket=_ARTIFACTS).get("Contents", [])}
    uploaded: dict[str, str] = {}
    for resource in template["Resources"].values():
        for name in ("CodeUri", "DefinitionUri"):
            path = resource.get("Properties", {}).get(name)
            if not isinstance(path, str):
                continue
            if path not in uploaded:
                local = project / path
                body = pack(local) if local.is_dir() else _adapt_for_emulator(local.read_bytes())
                uploaded[path] = hashlib.sha256(body).hexdigest()  # CloudFormation updates code only if its key changes
                s3.put_object(Bucket=_ARTIFACTS, Key=uploaded[path], Body=body)
            resource["Properties"][name] = {"Bucket": _ARTIFACTS, "Key": uploaded[path]}
    for key in stale - set(uploaded.values()):
        s3.delete_object(Bucket=_ARTIFACTS, Key=key)


def _upload_template(cloud: Cloud, template: dict[str, Any]) -> str:
    """Upload `template`; its address. CloudFormation allows only 51,200 bytes of a template in a request."""
    body = json.dumps(template).encode()
    key = hashlib.sha256(body).hexdigest()
    cloud.client("s3").put_object(Bucket=_ARTIFACTS, Key=key, Body=body)
    return f"{cloud.endpoint}/{_ARTIFACTS}/{key}"


def _adapt_for_emulator(definition: bytes) -> bytes:
    """The workflow with constants for fields of its maps that the emulator does not read from the input. It would run
    64 items at a time, each in its own process, and stop at the first failure."""

    def replace_fields(node: Any) -> Any:
        if isinstance(node, list):
            return [replace_fields(each) for each in node]
        if not isinstance(node, dict):
            return node
        known = {
            _FIXED[name][0] if name in _FIXED else name: _FIXED.get(name, (name, value))[1]
            for name, value in node.items()
        }
        return {name: replace_fields(value) for name, value in known.items()}

    return json.dumps(replace_fields(json.loads(definition))).encode()


def _with_numbers(node: Any, numbers: dict[str, int]) -> Any:
    """`node` with each Ref to a Number parameter replaced by the number. The emulator would pass a string, which some
    of its services cannot compare (an event source mapping fails at `MaximumConcurrency`)."""
    if isinstance(node, dict):
        if node.keys() == {"Ref"} and node["Ref"] in numbers:
            return numbers[node["Ref"]]
        return {key: _with_numbers(value, numbers) for key, value in node.items()}
    return [_with_numbers(value, numbers) for value in node] if isinstance(node, list) else node


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
    _wait(cloudformation, "stack_import_complete")
    return True


def _wait(cloudformation: Any, waiter: str) -> None:
    try:
        cloudformation.get_waiter(waiter).wait(StackName=STACK, WaiterConfig=_WAITER)
    except WaiterError as error:
        events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
        reasons = [
            f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
            for event in reversed(events)
            if event["ResourceStatus"].endswith("_FAILED")
        ]
        raise DeployError("The stack did not come up:\n" + ("\n".join(reasons) or str(error))) from error
