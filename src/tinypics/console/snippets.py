"""An event as text to paste: JSON, an `aws` command, a curl command, a Python program.

Keys are untrusted input. They are quoted, so that a key is one word of a shell, and one literal of Python.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinypics.stack.deployed import Stack

_TEST_KEYS = "AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test "


def snippets(event: Mapping[str, Any], stack: Stack, region: str, endpoint: str | None) -> dict[str, str]:
    """By kind: `json`, `aws`, `python`, and `curl` where the stack has an API. `endpoint` is the emulator's."""
    found = {
        "json": json.dumps(event, indent=2),
        "aws": _aws(event, stack, region, endpoint),
        "python": _python(event, stack, region, endpoint),
    }
    if stack.api_url:
        found["curl"] = _curl(event, f"{stack.api_url}/resize", region, endpoint)
    return found


def _lines(*parts: str) -> str:
    return " \\\n  ".join(parts)


def _aws(event: Mapping[str, Any], stack: Stack, region: str, endpoint: str | None) -> str:
    where = [f"--endpoint-url {shlex.quote(endpoint)}"] if endpoint else []
    return _lines(
        f"{_TEST_KEYS if endpoint else ''}aws stepfunctions start-execution",
        *where,
        f"--region {shlex.quote(region)}",
        f"--state-machine-arn {shlex.quote(stack.state_machine)}",
        f"--input {shlex.quote(json.dumps(event))}",
    )


def _curl(event: Mapping[str, Any], url: str, region: str, endpoint: str | None) -> str:
    signed = (
        []
        if endpoint
        else [
            f"--aws-sigv4 {shlex.quote(f'aws:amz:{region}:execute-api')}",
            '--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"',
            '--header "x-amz-security-token: $AWS_SESSION_TOKEN"',
        ]
    )
    return _lines(
        f"curl {shlex.quote(url)}",
        *signed,
        "--header 'Content-Type: application/json'",
        f"--data-raw {shlex.quote(json.dumps(event))}",
    )


def _python(event: Mapping[str, Any], stack: Stack, region: str, endpoint: str | None) -> str:
    arguments = [f"region_name={region!a}"]
    if endpoint:
        arguments += [f"endpoint_url={endpoint!a}", 'aws_access_key_id="test"', 'aws_secret_access_key="test"']
    fields = "".join(f"    {name!a}: {value!a},\n" for name, value in event.items())
    return (
        "import json\n\nimport boto3\n\n"
        f"event = {{\n{fields}}}\n"
        "states = boto3.client(\n"
        f'    "stepfunctions",\n{"".join(f"    {argument},{chr(10)}" for argument in arguments)})\n'
        "started = states.start_execution(\n"
        f"    stateMachineArn={stack.state_machine!a},\n"
        "    input=json.dumps(event),\n"
        ")\n"
        'print(started["executionArn"])\n'
    )
