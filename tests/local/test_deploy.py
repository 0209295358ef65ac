"""Packing is deterministic; a refused stack has a reason; existing buckets with pictures are imported."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.waiting import eventually
from tinypics.local import deploy, package
from tinypics.local.emulator import REGION, Emulator, EmulatorError
from tinypics.local.pidfile import PidFile
from tinypics.stack import clients, deployed
from tinypics.stack.clients import Cloud

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  SourceBucket: { Type: String }
  OutputBucket: { Type: String }
  ApiAuth: { Type: String }
  ApiEndpoint: { Type: String }
  Seconds: { Type: Number, Default: 7 }
Resources:
  SourceBucketResource:
    Type: AWS::S3::Bucket
    Properties: { BucketName: !Ref SourceBucket, VersioningConfiguration: { Status: Enabled } }
  OutputBucketResource: { Type: AWS::S3::Bucket, Properties: { BucketName: !Ref OutputBucket } }
  Code:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: echo
      CodeUri: src/
      Handler: main.handler
      Runtime: python3.13
      Timeout: !Ref Seconds
      Role: !Sub "arn:aws:iam::${AWS::AccountId}:role/r"
Outputs:
  SourceBucketName: { Value: !Ref SourceBucketResource }
  OutputBucketName: { Value: !Ref OutputBucketResource }
  FunctionName: { Value: !Ref Code }
  StateMachineArn: { Value: none }
  LogGroupName: { Value: none }
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.py").write_text("def handler(event, context):\n    return event\n")
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    return tmp_path


def test_the_same_contents_pack_to_the_same_bytes(tmp_path: Path) -> None:
    for index, folder in enumerate((tmp_path / "a", tmp_path / "b")):
        for name in (
            "lambda_function.py",
            "tinypics/delivery/keys.py",
            "tinypics/cli/app.py",
            "tinypics/local/emulator.py",
        ):
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(name)
            os.utime(file, (index * 1e6, index * 1e6))
            file.chmod(0o600 if index else 0o755)
        (folder / "tinypics" / "__pycache__").mkdir()
        (folder / "tinypics" / "__pycache__" / "keys.pyc").write_bytes(bytes([index]))
    packed = package.pack(tmp_path / "a")
    assert packed == package.pack(tmp_path / "b")
    assert zipfile.ZipFile(io.BytesIO(packed)).namelist() == ["lambda_function.py", "tinypics/delivery/keys.py"]


def test_pictures_survive_a_kill_and_a_stop(project: Path) -> None:
    data = project / "data"
    with deploy.running(data, project, port=0) as (emulator, facts):
        assert PidFile.read(data) == facts
        s3 = Cloud.local(facts.endpoint, REGION).client("s3")
        s3.put_object(
            Bucket="original-pics", Key="日本/a b.jpg", Body=b"1", ContentType="image/jpeg", Metadata={"by": "me"}
        )
        os.kill(emulator.pid, signal.SIGKILL)
    assert not (data / "engine.json").exists()
    for _ in range(2):
        with deploy.running(data, project, port=0) as (_, facts):
            s3 = Cloud.local(facts.endpoint, REGION).client("s3")
            found = s3.get_object(Bucket="original-pics", Key="日本/a b.jpg")
            assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (b"1", "image/jpeg", {"by": "me"})
            assert (
                s3.get_bucket_versioning(Bucket="original-pics")["Status"] == "Enabled"
            )  # the ARN of the template, not only the name
            assert len(s3.list_objects_v2(Bucket="tinypics-artifacts")["Contents"]) == 2  # code and template


def test_a_stack_that_cannot_come_up_says_which_resource_and_why(project: Path) -> None:
    template = project / "template.yaml"
    template.write_text(
        TEMPLATE.replace(
            "  OutputBucketResource: {",
            "  Same: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref SourceBucket}}\n  OutputBucketResource: {",
        )
    )
    with (
        pytest.raises(deploy.DeployError, match=r"did not come up:\n  (SourceBucketResource|Same): .*original-pics"),
        deploy.running(project / "data", project, port=0),
    ):
        pytest.fail("it came up")
    template.write_text(TEMPLATE.replace("AWS::S3::Bucket", "AWS::S3::Pail"))
    with (
        pytest.raises(deploy.DeployError, match=r"was refused: .*AWS::S3::Pail"),
        deploy.running(project / "data", project, port=0),
    ):
        pytest.fail("it came up")
    with Emulator.start(project / "data", 0):  # no process remains
        pass


@pytest.mark.parametrize(("given", "seconds"), [({}, 7), ({"Seconds": "9"}, 9)])
def test_numbers_arrive_as_numbers(project: Path, given: dict[str, str], seconds: int) -> None:
    with deploy.running(project / "data", project, 0, given) as (_, facts):
        functions = Cloud.local(facts.endpoint, facts.region).client("lambda")
        assert functions.get_function_configuration(FunctionName="echo")["Timeout"] == seconds


@pytest.mark.parametrize(
    ("given", "reasons"),
    [
        ({"Seconds": "soon"}, ['Seconds: expected a whole number, got "soon"']),
        ({"Second": "9"}, ["Second: there is no such parameter, did you mean Seconds?"]),
        ({"Seconds": "", "ApiAut": "NONE"}, ["ApiAut: there is no such .*", "Seconds: expected a whole number, .*"]),
    ],
)
def test_wrong_parameters_are_named_and_nothing_is_started(
    project: Path, given: dict[str, str], reasons: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def started(*_: object) -> None:
        pytest.fail("the emulator was started")

    monkeypatch.setattr(Emulator, "start", started)
    with pytest.raises(deploy.WrongParameters) as refused, deploy.running(project / "data", project, 0, given):
        pytest.fail("it came up")
    assert [
        re.fullmatch(pattern, said) is not None for pattern, said in zip(reasons, refused.value.reasons, strict=True)
    ]
    assert str(refused.value) == "\n".join(refused.value.reasons)
    assert not (project / "data").exists()
    with pytest.raises(deploy.WrongParameters):
        deploy.deploy(Cloud.local("http://127.0.0.1:9", REGION), project, given)


def test_only_buckets_that_the_template_makes_are_adopted(project: Path) -> None:
    with deploy.running(project / "data", project, 0) as (_, facts):
        s3 = Cloud.local(facts.endpoint, facts.region).client("s3")
        for bucket in ("original-pics", "tiny-pics"):
            s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    for create, adopted in (("none", 0), ("output", 1), ("both", 2)):
        with Emulator.start(project / "data", 0) as emulator:
            cloud = Cloud.local(emulator.endpoint, REGION)
            deploy._import_buckets(cloud, deploy.BUCKETS | {"CreateBuckets": create})
            stacks = cloud.client("cloudformation")
            assert len(stacks.list_stacks()["StackSummaries"]) == (adopted > 0)
            if adopted:
                assert len(stacks.describe_stack_resources(StackName="tinypics")["StackResources"]) == adopted


def test_clients_of_the_emulator_need_no_valid_aws_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "missing")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    clients._local_session.cache_clear()  # one from before these settings
    with Emulator.start(tmp_path / "data", 0) as emulator:
        cloud = Cloud.local(emulator.endpoint, REGION)
        assert cloud.client("s3").list_buckets()["Buckets"] == []
        with pytest.raises(ClientError, match="does not exist"):
            deployed.outputs(cloud.client("cloudformation"), "tinypics")


PARENT = """
import json, pathlib, sys, time
from tinypics.local import deploy, package
from tinypics.stack.clients import Cloud
project = pathlib.Path(sys.argv[1])
with deploy.running(project / "data", project, port=0) as (emulator, facts):
    functions = Cloud.local(facts.endpoint, facts.region).client("lambda")
    functions.invoke(FunctionName="echo", InvocationType="Event", Payload=json.dumps({}))
    print(emulator.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_busy_function_ends_with_the_emulator(project: Path, number: signal.Signals) -> None:
    busy = project / "busy"
    (project / "src" / "main.py").write_text(
        f"import pathlib, time\ndef handler(*_):\n    pathlib.Path({str(busy)!r}).touch()\n    time.sleep(60)\n"
    )
    (project / "template.yaml").write_text(TEMPLATE.replace("Default: 7", "Default: 60"))
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, project], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout
        group = int(parent.stdout.readline())
        eventually(busy.exists)
        parent.send_signal(number)
    eventually(lambda: not alive(group))


def test_a_log_line_that_comes_late_is_in_the_log_of_its_invocation(project: Path) -> None:
    (project / "src" / "main.py").write_text(
        "import threading\ndef handler(*_):\n    threading.Timer(0.3, print, ['late'], {'flush': True}).start()\n"
    )
    with deploy.running(project / "data", project, port=0) as (_, facts):
        cloud = Cloud.local(facts.endpoint, facts.region)
        invoked = 0

        def complete() -> bool:  # a line that is even later on a busy machine comes with the next invocation
            nonlocal invoked
            cloud.client("lambda").invoke(FunctionName="echo", Payload=b"{}")
            invoked += 1
            events = cloud.client("logs").filter_log_events(logGroupName="/aws/lambda/echo")["events"]
            return sum("late" in event["message"] for event in events) == invoked

        eventually(complete)


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_emulator_error_leaves_the_folder_free(project: Path) -> None:
    with (
        Emulator.start(project / "other", 0) as other,
        pytest.raises(EmulatorError, match="is taken"),
        deploy.running(project / "data", project, other.port),
    ):
        pytest.fail("it came up")
