"""The stack that a command uses, and the message if there is none."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError, EndpointConnectionError
from typer.testing import CliRunner

from tinypics.cli import target
from tinypics.cli.app import app
from tinypics.cli.target import Target, find_nearest, readable_errors
from tinypics.cli.terminal import CommandFailed
from tinypics.local.pidfile import PidFile
from tinypics.stack import deployed
from tinypics.stack.clients import Cloud
from tinypics.stack.deployed import Stack

if TYPE_CHECKING:
    from typer.testing import Result

FACTS = PidFile("http://127.0.0.1:1", 1, "us-east-1", 1, 1, Stack("in", "out", "f", "arn", "/log", None))


@pytest.fixture(autouse=True)
def no_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer without AWS configuration."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")


def logs(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["logs", *arguments])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--local"], "No local emulator runs with its data in"),
        ([], "No local emulator runs for this folder: start it with `tinypics up`."),
        (["--stack", "prod"], "choose its region with --region"),
        (["--region", "eu-west-1"], "start `tinypics up` first"),
        (["--profile", "nobody"], "The config profile (nobody) could not be found: `aws configure list-profiles`"),
    ],
)
def test_without_emulator_or_account(arguments: list[str], said: str) -> None:
    done = logs(*arguments)
    assert done.exit_code == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("account")
def test_an_endpoint_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    done = logs("--aws", "--region", "eu-west-1")
    assert done.exit_code == 1
    assert "Could not connect to the endpoint URL" in done.stderr
    assert "Check the network, a proxy (HTTPS_PROXY) and the region." in done.stderr


@pytest.mark.usefixtures("account")
def test_an_endpoint_that_is_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nonsense")
    done = logs("--aws", "--region", "eu-west-1")
    assert done.exit_code == 1
    assert done.stderr.startswith("AWS_ENDPOINT_URL, or endpoint_url of the profile: expected a URL like ")


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("region", "host", "said"),
    [
        ("no where", "", 'region: expected one of AWS, like eu-central-1, got "no where"\n'),
        (
            "eu-centrl-1",
            "cloudformation.eu-centrl-1.amazonaws.com",
            "region: expected one of AWS, like eu-central-1 or",
        ),
        ("eu-central-1", "cloudformation.eu-central-1.amazonaws.com", "Could not connect to the endpoint URL"),
        ("my-laptop", "my-laptop-7.example", "Could not connect to the endpoint URL"),
    ],
)
def test_a_region_that_does_not_exist(region: str, host: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> None:
        raise EndpointConnectionError(endpoint_url=f"https://{host}/")

    monkeypatch.setattr(deployed, "find", unreachable)
    monkeypatch.setenv("AWS_REGION", region)
    done = logs("--aws")
    assert done.exit_code == 1
    assert done.stderr.startswith(said)


@pytest.mark.parametrize("command", ["invoke", "run"])
def test_a_missing_event_is_reported_before_a_missing_stack(command: str) -> None:
    done = CliRunner().invoke(app, [command, "nosuch.json"])
    assert done.exit_code == 2
    assert "nosuch.json: No such file or directory" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "local"),
    [
        ([], True),
        (["--local"], True),
        (["--aws"], False),
        (["--region", "eu-west-1"], False),
        (["--stack", "s"], False),
    ],
)
def test_a_running_emulator_is_meant_unless_something_says_aws(
    arguments: list[str], local: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Target] = []
    monkeypatch.setattr(
        target, "running_emulator", lambda folder: FACTS if folder == Path.cwd() / ".tinypics" else None
    )
    monkeypatch.setattr("tinypics.cli.logs.logs", lambda target, *_, **__: found.append(target))
    done = logs(*arguments)
    assert (done.exit_code == 0 and found[0].stack == FACTS.stack) is local
    if local:
        assert found[0].pause < 1


class CloudFormation:
    def __init__(self, outputs: dict[str, str]) -> None:
        self.outputs = outputs

    def client(self, service: str) -> CloudFormation:
        assert service == "cloudformation"
        return self

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        assert StackName == "pics"
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs.items()]
        return {"Stacks": [{"Outputs": outputs}]}


OUTPUTS = {
    "SourceBucketName": "in",
    "OutputBucketName": "out",
    "FunctionName": "f",
    "StateMachineArn": "arn",
    "LogGroupName": "/log",
    "ApiUrl": "https://api",
}


def test_a_stack_on_aws_is_known_by_its_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cloud, "aws", lambda profile, region: CloudFormation(OUTPUTS))
    found = Target.find(None, None, "pics", None, None)
    assert found.stack == Stack("in", "out", "f", "arn", "/log", "https://api")


def test_a_stack_that_is_not_ours_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cloud, "aws", lambda profile, region: CloudFormation({"Url": "https://blog"}))
    done = logs("--stack", "pics")
    assert done.exit_code == 1
    assert "The stack pics is not Tinypics: it has no output 'SourceBucketName'" in done.stderr


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ClientError({"Error": {"Code": "Denied", "Message": "not you"}}, "Invoke"), "Invoke: Denied: not you"),
        (S3UploadFailedError("no such bucket"), "no such bucket"),
    ],
)
def test_what_boto3_raises_becomes_a_sentence(error: Exception, said: str) -> None:
    with pytest.raises(CommandFailed, match=said), readable_errors():
        raise error


def test_the_nearest_folder_that_has_it(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "template.yaml").touch()
    assert find_nearest("template.yaml", tmp_path / "a" / "b") == tmp_path
    assert find_nearest("nothing.here", tmp_path / "a") == tmp_path / "a"
