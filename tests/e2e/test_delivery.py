"""Stacks with other parameters: lists with manifests, prefixes, queues, one bucket, two stacks."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image

from tests.e2e.test_resize import IN, OUT, PHOTO, execution_for, invoke, mission, photo
from tests.local_stack import PROJECT, LocalStack
from tests.waiting import SELDOM, eventually
from tinypics.local import deploy
from tinypics.stack import deployed

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., LocalStack]]:
    """Starts an emulator with a stack of given parameters, one at a time, because each test needs only its own."""
    running: list[Any] = []

    def begin(**parameters: str) -> LocalStack:
        data = tmp_path_factory.mktemp("emulator")
        running.append(deploy.running(data, PROJECT, port=0, parameters=parameters))
        _, facts = running[-1].__enter__()
        return LocalStack(facts, data)

    yield begin
    for each in running:
        each.__exit__(None, None, None)


def keys(stack: LocalStack, bucket: str = OUT) -> list[str]:
    return [item["Key"] for item in stack.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def put(stack: LocalStack, key: str, body: bytes = PHOTO, bucket: str = IN) -> None:
    stack.s3.put_object(Bucket=bucket, Key=key, Body=body)


def read(stack: LocalStack, key: str, bucket: str = OUT) -> bytes:
    body: bytes = stack.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def quiet(stack: LocalStack, machine: str | None = None) -> list[dict[str, Any]]:
    """Wait until the executions of all uploads and removals have ended; returns all executions."""

    def look() -> list[dict[str, Any]] | None:
        arn = machine or stack.facts.stack.state_machine
        found: list[dict[str, Any]] = stack.workflows.list_executions(stateMachineArn=arn)["executions"]
        return found if found and all(item["status"] != "RUNNING" for item in found) else None

    return eventually(look, SELDOM)


# --- Lists


@pytest.fixture(scope="module")
def listing(start: Callable[..., LocalStack]) -> LocalStack:
    return start(
        Renditions="64x64,200x-webp,hero=320x180-q85",
        Prefix="photos/",
        CacheControl="public, max-age=60",
        StorageClass="STANDARD_IA",
        Tags="kind=thumbnail",
        UrlBase="https://cdn.example/",
    )


def test_an_upload_becomes_a_list_with_a_manifest_that_can_be_relied_on(listing: LocalStack) -> None:
    put(listing, "photos/a b.jpg")
    manifest = eventually(lambda: listing.manifest("photos/a b.jpg"), SELDOM)
    assert keys(listing) == [
        "photos/a b.jpg/200x-webp.webp",
        "photos/a b.jpg/64x64.jpg",
        "photos/a b.jpg/hero.jpg",
        "photos/a b.jpg/manifest.json",
    ]
    for item in manifest["renditions"]:
        head = listing.s3.head_object(Bucket=OUT, Key=item["key"])
        assert head["ETag"].strip('"') == item["etag"]
        assert head["CacheControl"] == "public, max-age=60"
        assert head["StorageClass"] == "STANDARD_IA"
        tags = listing.s3.get_object_tagging(Bucket=OUT, Key=item["key"])["TagSet"]
        assert tags == [{"Key": "kind", "Value": "thumbnail"}]
        assert Image.open(io.BytesIO(read(listing, item["key"]))).size == (item["width"], item["height"])
    assert "https://cdn.example/photos/a%20b.jpg/200x-webp.webp 200w" in manifest["srcset"]["image/webp"]


def test_a_key_outside_of_the_prefix_starts_nothing(listing: LocalStack) -> None:
    put(listing, "elsewhere/b.jpg")
    put(listing, "photos/c.jpg")
    eventually(lambda: listing.manifest("photos/c.jpg"), SELDOM)
    assert not [key for key in keys(listing) if key.startswith("elsewhere")]


def test_a_duplicate_is_skipped_and_the_removal_takes_everything(listing: LocalStack) -> None:
    put(listing, "photos/d.jpg")
    eventually(lambda: listing.manifest("photos/d.jpg"), SELDOM)
    event = json.loads(execution_for(listing, "photos/d.jpg")["input"])
    answer = invoke(listing, event)
    assert (answer["status"], answer["skipped"], len(answer["renditions"])) == ("SUCCESS", True, 3)
    listing.s3.delete_object(Bucket=IN, Key="photos/d.jpg")
    eventually(lambda: not [key for key in keys(listing) if "d.jpg" in key], SELDOM)


# --- Queue


def test_a_queue_brings_uploads_and_removals_straight_to_the_function(start: Callable[..., LocalStack]) -> None:
    stack = start(Trigger="queue", Timeout="15")
    for number in range(12):
        put(stack, f"q{number}.jpg")
    put(stack, "broken.jpg", b"no picture")
    eventually(lambda: len(keys(stack)) == 12, SELDOM)
    stack.s3.delete_object(Bucket=IN, Key="q0.jpg")
    eventually(lambda: "q0.jpg" not in keys(stack), SELDOM)
    assert len(keys(stack)) == 11
    machine = stack.facts.stack.state_machine
    assert stack.workflows.list_executions(stateMachineArn=machine)["executions"] == []
    queues = stack.client("sqs").list_queues()["QueueUrls"]

    def waiting() -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answers = [stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names) for url in queues]
        return sum(int(value) for answer in answers for value in answer["Attributes"].values())

    # The permanent failure is recorded: its message is neither redelivered nor a dead letter.
    eventually(lambda: waiting() == 0, SELDOM)


# --- Loops


def watched_bucket(stack: LocalStack, name: str) -> None:
    stack.s3.create_bucket(Bucket=name)
    stack.s3.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )


def second_stack(stack: LocalStack, name: str, **parameters: str) -> str:
    """Deploy another stack in the same emulator; returns the ARN of its workflow."""
    cloudformation = stack.client("cloudformation")
    template = cloudformation.get_template(StackName=deploy.STACK)["TemplateBody"]  # with its code in S3
    body = template if isinstance(template, str) else json.dumps(template)
    stack.s3.put_object(Bucket="tinypics-artifacts", Key=f"{name}.json", Body=body.encode())
    address = f"{stack.facts.endpoint}/tinypics-artifacts/{name}.json"
    given = {"Api": "off", "CreateBuckets": "none", "BackfillBucket": "tinypics-backfill", **parameters}
    cloudformation.create_stack(
        StackName=name,
        TemplateURL=address,  # a request may have at most 51,200 bytes
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    return deployed.outputs(cloudformation, name)["StateMachineArn"]


@pytest.fixture(scope="module")
def plain(start: Callable[..., LocalStack]) -> LocalStack:
    return start()


def test_one_bucket_without_a_prefix_refuses_before_it_writes(plain: LocalStack) -> None:
    answer = invoke(plain, mission("a.jpg", dest_bucket=IN))
    assert (answer["status"], answer["error"]) == ("FAILED", "LoopRefused")


def test_one_bucket_with_a_prefix_for_outputs_runs_once_for_each_upload(plain: LocalStack) -> None:
    watched_bucket(plain, "one-bucket")
    machine = second_stack(
        plain, "one", SourceBucket="one-bucket", OutputBucket="one-bucket", OutputPrefix="thumbs/", Renditions="32x32"
    )
    put(plain, "a.jpg", bucket="one-bucket")
    eventually(lambda: "thumbs/a.jpg" in keys(plain, "one-bucket"), SELDOM)
    # The output's own event arrived, and was skipped by its key.
    eventually(lambda: len(quiet(plain, machine)) == 2, SELDOM)
    outputs = [
        json.loads(plain.workflows.describe_execution(executionArn=item["executionArn"])["output"])
        for item in quiet(plain, machine)
    ]
    assert sorted(output.get("skipped", False) for output in outputs) == [False, True]
    assert keys(plain, "one-bucket") == ["a.jpg", "thumbs/a.jpg"]


def test_two_stacks_that_feed_each_other_stop_after_the_first_output(plain: LocalStack) -> None:
    for name in ("ping", "pong"):
        watched_bucket(plain, name)
    there = second_stack(plain, "there", SourceBucket="ping", OutputBucket="pong", Renditions="32x32")
    back = second_stack(plain, "back", SourceBucket="pong", OutputBucket="ping", Renditions="16x16")
    put(plain, "a.jpg", bucket="ping")
    eventually(lambda: "a.jpg" in keys(plain, "pong"), SELDOM)
    (returned,) = quiet(plain, back)
    ended = plain.workflows.describe_execution(executionArn=returned["executionArn"])
    assert (ended["status"], ended["error"]) == ("FAILED", "LoopRefused")
    assert len(quiet(plain, there)) == 1
    assert read(plain, "a.jpg", "ping") == PHOTO


# --- Versions


def test_a_delete_marker_takes_the_outputs_and_the_version_below_brings_them_back(plain: LocalStack) -> None:
    plain.s3.put_bucket_versioning(Bucket=IN, VersioningConfiguration={"Status": "Enabled"})
    put(plain, "v.jpg")
    eventually(lambda: "v.jpg" in keys(plain), SELDOM)
    marker = plain.s3.delete_object(Bucket=IN, Key="v.jpg")
    assert marker["DeleteMarker"]
    eventually(lambda: "v.jpg" not in keys(plain), SELDOM)
    put(plain, "v.jpg", photo(300, 300))
    eventually(lambda: "v.jpg" in keys(plain), SELDOM)
