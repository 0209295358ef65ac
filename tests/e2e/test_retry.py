"""`tinypics retry` with a real emulator: a failure succeeds with its own input once its cause is fixed."""

from __future__ import annotations

import io
import json
import re
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.local_stack import PROJECT, LocalStack
from tests.waiting import SELDOM, eventually
from tinypics.cli.app import app
from tinypics.local import deploy

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

pytestmark = pytest.mark.e2e

IN, OUT = "original-pics", "tiny-pics"


def photo() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (320, 240), "navy").save(buffer, "JPEG")
    return buffer.getvalue()


def retry(stack: LocalStack, *options: str, **arguments: str) -> Result:
    return CliRunner().invoke(app, ["retry", *options, "--data", str(stack.data)], **arguments)  # type: ignore[arg-type]


def failed(stack: LocalStack, key: str) -> str:
    """Let an execution fail because `key` does not exist yet; returns its input."""
    event = {"bucket": IN, "key": key, "dest_bucket": OUT, "dest_key": f"tried/{key}", "width": 32, "height": 32}
    machine = stack.facts.stack.state_machine
    arn = stack.workflows.start_execution(stateMachineArn=machine, input=json.dumps(event))["executionArn"]
    eventually(lambda: stack.workflows.describe_execution(executionArn=arn)["status"] == "FAILED", SELDOM)
    return json.dumps(event)


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[LocalStack]:
    """A separate emulator without failed executions."""
    with deploy.running(tmp_path, PROJECT, port=0) as (_, facts):
        yield LocalStack(facts, tmp_path)


def test_what_failed_succeeds_when_its_reason_is_gone(emulator: LocalStack) -> None:
    assert "Nothing to retry" in retry(emulator).stdout
    keys = [f"{uuid.uuid4()}.jpg" for _ in range(2)]
    given = [failed(emulator, key) for key in [*keys, keys[0]]]
    listed = retry(emulator, "--dry-run").stdout
    assert re.findall(r"✗ .*  (\S+)  SourceNotFound: ", listed) == [keys[0], keys[1]]  # the newest first, each once
    assert retry(emulator, "--since", "0s", "--yes").stdout == "Nothing to retry: no execution failed.\n"
    assert "no execution failed with CorruptImage" in retry(emulator, "--error", "CorruptImage").stdout

    emulator.s3.put_object(Bucket=IN, Key=keys[0], Body=photo())
    done = retry(emulator, "--error", "SourceNotFound", input="y\n")
    assert done.exit_code == 1  # the other source is still missing
    assert "Retry 2?" in done.output
    assert re.findall(r"([✓✗]) \S+ \S+  (\S+)", done.stdout.split("Retry 2?")[1]) in (
        [("✓", keys[0]), ("✗", keys[1])],
        [("✗", keys[1]), ("✓", keys[0])],
    )
    assert "1 of 2 succeeded" in done.stdout
    assert Image.open(io.BytesIO(emulator.s3.get_object(Bucket=OUT, Key=f"tried/{keys[0]}")["Body"].read())).size == (
        32,
        32,
    )

    emulator.s3.put_object(Bucket=IN, Key=keys[1], Body=photo())
    done = retry(emulator, "--yes")
    assert done.exit_code == 0, done.output
    assert "1 of 1 succeeded" in done.stdout  # the first one succeeded, and is not retried
    machine = emulator.facts.stack.state_machine
    again = [
        emulator.workflows.describe_execution(executionArn=item["executionArn"])
        for item in emulator.workflows.list_executions(stateMachineArn=machine)["executions"]
        if item["name"].startswith("retry-")
    ]
    assert [execution["status"] for execution in again].count("SUCCEEDED") == 2
    assert {execution["input"] for execution in again} == set(given)
    assert "Nothing to retry" in retry(emulator).stdout


def test_a_refusal_to_go_on_starts_nothing(emulator: LocalStack) -> None:
    key = f"{uuid.uuid4()}.jpg"
    failed(emulator, key)
    done = retry(emulator, input="n\n")
    assert done.exit_code == 1
    assert "Aborted" in done.output
    machine = emulator.facts.stack.state_machine
    names = [item["name"] for item in emulator.workflows.list_executions(stateMachineArn=machine)["executions"]]
    assert not [name for name in names if name.startswith("retry-")]
