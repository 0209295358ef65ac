"""Every row of the fault table (F1 to F24, docs/reliability.md), with a running emulator.

The stack has no trigger: each test sends the events itself, so that it can count executions and requests. A proxy is
between the function and the store. At the end of every test, outputs and sources must agree.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import faults
from tests.e2e.test_resize import IN, OUT, finished, mission, run
from tests.e2e.world import BLUE, GREEN, OUTPUT, OUTPUTS, RED, RENDITIONS, SOURCE, World, created, event, photo
from tests.local_stack import PROJECT, LocalStack
from tinypics.aws.backfill.batch import KILLED
from tinypics.local import deploy

# Other processes run the code under test, and other tests cover the clients: the tracer would add a tenth of CPU time.
pytestmark = [pytest.mark.e2e, pytest.mark.untraced]

TRIES = 5  # inside one invocation
ATTEMPTS = 3  # of an execution in the emulator, which gives every exception this name


def bomb(width: int, height: int) -> bytes:
    """The start of an interlaced PNG of 16 bit RGBA."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 1)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def queued(*bodies: object) -> dict[str, Any]:
    """A batch of SQS messages with their numbers as ids."""
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    return {"Records": [{"messageId": str(n), "eventSource": "aws:sqs", "body": body} for n, body in enumerate(texts)]}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data = tmp_path_factory.mktemp("faults")
    parameters = {"Renditions": RENDITIONS, "Trigger": "none", "Api": "off"}
    with (
        deploy.running(data, PROJECT, port=0, parameters=parameters) as (_, facts),
        faults.proxied(facts.endpoint) as proxy,
    ):
        world = World(LocalStack(facts, data), proxy)
        world.emulator_setting(_SFN_WAIT_SCALE=0.01)  # the pauses between attempts, not the attempts themselves
        world.configure()
        yield world


@pytest.fixture
def world(emulator: World) -> Iterator[World]:
    yield emulator
    emulator.proxy.clear()
    remaining = emulator.disagreements()
    for bucket in (IN, OUT):
        for key in emulator.listed(bucket):
            emulator.s3.delete_object(Bucket=bucket, Key=key)
    assert not remaining


# --- F1, F5, F19: the store is busy, or the connection breaks


@pytest.mark.parametrize("count", [0, TRIES - 1, TRIES])
def test_f1_a_busy_store_is_asked_five_times_and_then_left_to_the_workflow(world: World, count: int) -> None:
    event = world.upload("a.jpg")
    world.fail(faults.SLOW_DOWN, times=count)
    execution = world.run(event, attempts=1 if count < TRIES else 2)
    assert execution["status"] == "SUCCEEDED"
    calls = world.proxy.seen("GET", SOURCE)
    assert [call.status for call in calls] == [503] * count + [200]
    within = [call.at for call in calls[:TRIES]]
    assert all(later - earlier > 0.04 for earlier, later in itertools.pairwise(within))  # with waits between attempts


# Every fault and every call once, because the store's client retries all alike.
@pytest.mark.parametrize(
    ("action", "method", "path"),
    [
        (faults.SLOW_DOWN, "GET", SOURCE),
        (faults.INTERNAL_ERROR, "HEAD", SOURCE),
        (faults.TOO_MANY_REQUESTS, "GET", OUTPUT),
        (faults.SLOW_DOWN, "PUT", OUTPUT),
        (faults.reset, "GET", SOURCE),
        (faults.reset, "PUT", OUTPUT),
    ],
)
def test_f1_a_single_failure_has_no_effect(world: World, action: faults.Action, method: str, path: str) -> None:
    event = world.upload("a.jpg")
    world.fail(action, method, path)
    answer = world.invoke(event)
    if action is faults.reset and method == "PUT":
        # The request may have been executed; the next attempt checks that.
        assert "error sending request" in answer["raised"]
        answer = world.invoke(event)
    assert answer["status"] == "SUCCESS"


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_f1_a_store_that_stays_busy_ends_in_store_unavailable_with_nothing_written(world: World, method: str) -> None:
    event = world.upload("a.jpg")
    path = SOURCE if method == "GET" else "manifest.json$"  # the first write
    world.fail(faults.SLOW_DOWN, method, SOURCE if method == "GET" else OUTPUT, times=None)
    execution = world.run(event, attempts=ATTEMPTS)
    assert execution["status"] == "FAILED"
    assert "503 Service Unavailable" in execution["cause"]
    assert {line["error"] for line in world.logged("503 Service")} == {"StoreUnavailable"}
    assert len(world.proxy.seen(method, path)) == ATTEMPTS * TRIES
    assert world.outputs() == {}
    world.proxy.faults.clear()
    assert world.run(event)["status"] == "SUCCEEDED"


def test_f1_a_write_whose_answer_was_lost_is_recognised(world: World) -> None:
    event = world.upload("a.jpg")
    world.fail(faults.lose_answer, "PUT", OUTPUT, times=1)
    world.fail(faults.lose_answer, "PUT", "manifest.json$", times=1)
    assert world.run(event, attempts=3)["status"] == "SUCCEEDED"


LARGE = photo("green", (2400, 1800))  # is decoded while it downloads


@pytest.mark.parametrize(
    ("action", "body"),
    [
        (faults.cut(3000), RED),
        (faults.cut(0), RED),
        (faults.short(100), RED),
        (faults.cut(200_000), LARGE),
        (faults.short(300_000), LARGE),
    ],
)
def test_f5_a_broken_transfer_is_resumed_and_never_taken_for_a_corrupt_picture(
    world: World, action: faults.Action, body: bytes
) -> None:
    event = world.upload("a.jpg", body)
    world.fail(action, times=2)
    assert world.run(event)["status"] == "SUCCEEDED"
    world.proxy.clear()
    world.fail(action, times=None)
    event = world.upload("a.jpg", body + b"\0")
    failed = world.invoke(event)
    assert 'object "a.jpg" in bucket original-pics' in failed["raised"]
    assert len(world.proxy.seen("GET", SOURCE)) <= TRIES
    world.proxy.clear()
    world.invoke(event)


def test_f19_half_of_all_calls_throttled_still_brings_everything_through(world: World) -> None:
    events = [world.upload(f"{number}.jpg") for number in range(8)]
    turns = itertools.cycle((True, False))
    world.fail(faults.TOO_MANY_REQUESTS, "GET|HEAD|PUT", "", times=None, chance=lambda: next(turns))
    with ThreadPoolExecutor(4) as pool:
        statuses = {execution["status"] for execution in pool.map(lambda event: run(world.stack, event), events)}
    assert statuses == {"SUCCEEDED"}


# --- F2, F3, F4: the source differs from the event


def test_f2_a_source_that_is_gone_is_no_failure_and_takes_its_outputs_with_it(world: World) -> None:
    event = world.upload("a.jpg")
    world.invoke(event)
    deleted = world.delete("a.jpg")
    answer = json.loads(world.run(event | created("a.jpg", "another", 9))["output"])
    assert answer["reason"] == "the source is gone"
    assert len(answer["removed"]) == len(OUTPUTS)
    assert json.loads(world.run(deleted)["output"])["skipped"] is True


def test_f2_a_404_that_is_not_true_is_looked_at_again(world: World) -> None:
    event = world.upload("a.jpg")
    world.fail(faults.NO_SUCH_KEY)
    assert world.run(event)["status"] == "SUCCEEDED"


def test_f2_a_source_that_is_deleted_while_it_is_read(world: World) -> None:
    event = world.upload("a.jpg")
    world.fail(faults.then(lambda: world.delete("a.jpg")))
    assert json.loads(world.run(event)["output"])["reason"] == "the source is gone"


@pytest.mark.parametrize("moment", [faults.first, faults.then])
@pytest.mark.parametrize(("method", "path"), [("GET", SOURCE), ("PUT", OUTPUT), ("PUT", "manifest.json$")])
def test_f3_the_source_is_overwritten_at_any_moment(world: World, moment: Any, method: str, path: str) -> None:
    event = world.upload("a.jpg", RED)
    world.fail(moment(lambda: world.put("a.jpg", BLUE)), method, path)
    assert world.invoke(event)["status"] == "SUCCESS"
    assert world.colour("a.jpg") == (0, 0, 1)


def test_f4_two_versions_are_never_mixed(world: World) -> None:
    event = world.upload("a.jpg", RED)

    def cut_and_overwrite(exchange: faults.Exchange) -> None:
        faults.cut(len(RED) // 2)(exchange)
        world.put("a.jpg", BLUE)

    world.fail(cut_and_overwrite)
    assert world.run(event, attempts=2)["status"] == "SUCCEEDED"
    assert world.colour("a.jpg") == (0, 0, 1)


# --- F6, F7: duplicate events, in any order


def test_f6_duplicates_at_once_and_later_change_nothing(world: World) -> None:
    event = world.upload("a.jpg")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(world.invoke, [event] * 4))
    assert {answer["status"] for answer in answers} == {"SUCCESS"}
    before = {key: (head["ETag"], head["LastModified"]) for key, head in world.outputs().items()}
    for _ in range(3):
        assert world.invoke(event)["skipped"] is True
    assert {key: (head["ETag"], head["LastModified"]) for key, head in world.outputs().items()} == before


def test_f7_events_in_every_order_end_in_the_same(world: World) -> None:
    events = [world.upload("a.jpg", RED), world.upload("a.jpg", BLUE), world.delete("a.jpg")]
    events.append(world.upload("a.jpg", GREEN))
    for order in itertools.permutations(events):
        assert [world.invoke(each)["status"] for each in order] == ["SUCCESS"] * len(order)
        assert not world.disagreements()
        for key in world.outputs():
            world.s3.delete_object(Bucket=OUT, Key=key)
    world.invoke(events[-1])


# --- F8, F9, F10, F11, F16, F23, F25, F26: the function itself fails


@pytest.mark.parametrize(
    ("action", "method", "path"), [(faults.slow(30), "GET", SOURCE), (faults.hang(5), "PUT", OUTPUT)]
)
def test_f8_a_store_that_is_too_slow_ends_in_deadline_exceeded_before_lambda_ends_it(
    world: World, action: faults.Action, method: str, path: str
) -> None:
    key = f"slow-{method}.jpg"
    event = world.upload(key)
    world.configure(timeout=2)
    try:
        world.fail(action, method, path)
        assert "larger Timeout or MemorySize" in world.invoke(event)["raised"]
        assert [line["error"] for line in world.logged(key)] == ["DeadlineExceeded"]
    finally:
        world.configure()
    assert world.run(event)["status"] == "SUCCEEDED"


def test_f8_f23_a_function_that_hangs_is_ended_by_lambda_and_tried_again(world: World) -> None:
    event = world.upload("a.jpg")
    world.configure(timeout=2)
    try:
        world.fail(faults.first(lambda: world.kill_workers(signal.SIGSTOP)))
        execution = world.run(event, attempts=2)
    finally:
        world.configure()
    assert execution["status"] == "SUCCEEDED"
    history = world.stack.workflows.get_execution_history(executionArn=execution["executionArn"])["events"]
    assert "Sandbox.Timedout" in json.dumps(history, default=str)


def test_f9_a_picture_that_needs_more_memory_is_refused_and_not_tried(world: World) -> None:
    event = world.upload("bomb.png", bomb(9000, 9000))
    world.configure(memory=512)
    try:
        execution = world.run(event)
        assert (execution["status"], execution["error"]) == ("FAILED", "ImageTooLarge")
        assert "memory" in execution["cause"]
        assert world.run(world.upload("a.jpg"))["status"] == "SUCCEEDED"
    finally:
        world.configure()


@pytest.mark.parametrize("moment", [faults.first, faults.then])
@pytest.mark.parametrize("number", range(len(OUTPUTS)))
def test_f10_a_worker_that_is_killed_at_a_write_leaves_nothing_that_lasts(
    world: World, moment: Any, number: int
) -> None:
    world.invoke(world.upload("a.jpg", RED))
    event = world.upload("a.jpg", BLUE)
    world.proxy.clear()
    world.fail(moment(world.kill_workers), "PUT", OUTPUT, after=number)
    assert "died" in world.invoke(event)["raised"]
    assert world.invoke(event)["status"] == "SUCCESS"
    assert world.colour("a.jpg") == (0, 0, 1)


@pytest.mark.parametrize("number", range(len(OUTPUTS)))
def test_f11_without_all_outputs_no_manifest_is_complete(world: World, number: int) -> None:
    event = world.upload("a.jpg")
    world.fail(faults.EXPIRED_TOKEN, "PUT", OUTPUT, after=number, times=None)
    assert "raised" in world.invoke(event)
    assert len(world.outputs()) == number
    if (manifest := "a.jpg/manifest.json") in world.outputs():
        document = json.load(world.s3.get_object(Bucket=OUT, Key=manifest)["Body"])
        assert (document["complete"], document["renditions"]) == (False, [])
    world.proxy.clear()
    assert world.run(event)["status"] == "SUCCEEDED"
    assert world.outputs().keys() == {f"a.jpg/{name}" for name in OUTPUTS}


def test_f16_nothing_is_written_to_disk(world: World, tmp_path: Path) -> None:
    """A full disk has no effect: the handler works where no file can be opened for writing."""
    program = (
        "import errno, json, os, sys\n"
        "def refuse(event, about):\n"
        "    if event == 'open' and about[2] & (os.O_WRONLY | os.O_RDWR):\n"
        "        if about[0] not in (os.devnull, '/proc/self/mem'):\n"
        "            raise OSError(errno.ENOSPC, 'the disk is full')\n"
        "sys.addaudithook(refuse)\n"
        "import lambda_function\n"
        "lambda_function.lambda_handler(json.load(sys.stdin), None)"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(PROJECT / "src"),
        "AWS_ENDPOINT_URL": world.stack.facts.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": world.stack.facts.region,
        "TINYPICS_OUTPUT_BUCKET": OUT,
        "TINYPICS_RENDITIONS": RENDITIONS,
        "TMPDIR": str(tmp_path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    event = json.dumps(world.upload("a.jpg"))
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, input=event, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert json.loads(done.stdout)["status"] == "SUCCESS", done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", KILLED)
def test_f23_an_execution_whose_function_was_killed_twice_has_advice(world: World, error: str) -> None:
    execution = world.mocked(error)
    assert (execution["status"], execution["error"]) == ("FAILED", "ResourcesExhausted")
    assert re.search(rf"\({re.escape(error)}\): raise MemorySize.* or Timeout", execution["cause"])
    assert world.attempts(execution) == 2


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        ("Lambda.TooManyRequestsException", 7),  # F19
        ("Lambda.ServiceException", 7),
        *((name, 4) for name in ("StoreUnavailable", "SourceChanged", "DeadlineExceeded")),
    ],
)
def test_f1_f19_errors_as_aws_names_them_are_tried_again_for_longer(world: World, error: str, tries: int) -> None:
    execution = world.mocked(error)
    assert (execution["status"], execution["error"]) == ("FAILED", error)
    assert world.attempts(execution) == tries


@pytest.mark.parametrize(
    ("name", "text"), [("TINYPICS_RENDITIONS", "huge"), ("TINYPICS_TAGS", "?"), ("TINYPICS_OUTPUT_BUCKET", "")]
)
def test_f25_a_wrong_configuration_is_the_answer_to_every_event(world: World, name: str, text: str) -> None:
    key = f"{name}.jpg"
    event = world.upload(key)
    backfills = str(world.stack.facts.stack.backfill)
    world.configure(timeout=60, memory=1769, **{name: text})
    try:
        answer = world.invoke(event)
        execution = world.run(event)
        started = world.stack.workflows.start_execution(stateMachineArn=backfills, input=json.dumps({"bucket": IN}))
        backfill = finished(world.stack, started["executionArn"])
        lines = world.logged(key, 2)
    finally:
        world.configure()
    assert (answer["status"], answer["error"], answer["source_key"]) == ("FAILED", "InvalidConfiguration", key)
    assert answer["message"].startswith(f"{name}: ")
    assert (execution["status"], execution["error"]) == ("FAILED", "InvalidConfiguration")
    assert execution["cause"] == answer["message"]
    assert (backfill["status"], backfill["error"]) == ("FAILED", "InvalidConfiguration")
    assert backfill["cause"] == answer["message"]
    assert [(line["status"], line["error"]) for line in lines] == [("FAILED", answer["error"])] * 2
    assert world.run(event)["status"] == "SUCCEEDED"


def test_f25_a_backfill_whose_function_is_configured_wrongly_meanwhile_ends_and_can_be_resumed(world: World) -> None:
    world.upload("a.jpg")
    batch = {"Items": [{"run": {"id": "f25", "bucket": IN}, "item": {"Key": "a.jpg", "Size": len(RED)}}]}
    world.configure(TINYPICS_TAGS="?")
    try:
        refused = world.invoke(batch)
        assert (refused["status"], refused["error"]) == ("FAILED", "InvalidConfiguration")
        assert refused["message"].startswith("TINYPICS_TAGS: expected")
    finally:
        world.configure()
    assert world.invoke(batch)["done"] == 1


def test_f26_bad_pictures_leave_nothing_behind_for_the_next_ones(world: World) -> None:
    world.invoke(world.upload("a.jpg"))
    clean = {key: head["ETag"] for key, head in world.outputs().items() if not key.endswith(".json")}
    for number, damage in enumerate([RED[:2000], b"\xff\xd8\xff" + bytes(5000), bomb(60000, 60000), RED[::-1]]):
        assert world.invoke(world.upload(f"bad-{number}.jpg", damage))["status"] == "FAILED"
    for key in world.outputs():
        world.s3.delete_object(Bucket=OUT, Key=key)
    world.invoke(world.upload("a.jpg"))
    assert {key: head["ETag"] for key, head in world.outputs().items() if not key.endswith(".json")} == clean


# --- F12 to F15, F20 to F22: invalid pictures and messages


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"\xff\xd8\xff\xe0" + bytes(3000), "CorruptImage"),  # F12
        (RED[:-400], "CorruptImage"),  # F13
        (bomb(70000, 70000), "ImageTooLarge"),  # F14
        (b"", "CorruptImage"),  # F15
        (b"no picture at all " * 9, "UnsupportedFormat"),
    ],
)
def test_f12_to_f15_a_bad_picture_fails_once_by_name_and_its_old_outputs_go(
    world: World, body: bytes, error: str
) -> None:
    world.invoke(world.upload("a.jpg"))
    execution = world.run(world.upload("a.jpg", body))
    assert (execution["status"], execution["error"]) == ("FAILED", error)
    assert world.outputs() == {}


def test_f13_a_truncated_picture_is_used_only_on_request(world: World) -> None:
    world.put("a.jpg", RED[:-400])
    answer = world.invoke(mission("a.jpg", dest_key="lenient.jpg", lenient=True))
    assert (answer["status"], answer["dropped"]) == ("SUCCESS", ["missing-data"])
    world.s3.delete_object(Bucket=OUT, Key="lenient.jpg")


def test_f14_of_an_object_that_is_too_large_only_the_header_is_asked_for(world: World) -> None:
    event = world.upload("a.jpg")
    etag = f'"{event["detail"]["object"]["etag"]}"'
    read: list[int | None] = []

    def huge(exchange: faults.Exchange) -> None:
        exchange.send(200, {"ETag": etag, "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}, b"", 10**12)
        read.append(exchange.call.status)
        exchange.reset()

    world.fail(huge, times=None)
    execution = world.run(event)
    assert (execution["error"], read) == ("SourceTooLarge", [200])
    world.proxy.clear()
    world.invoke(event)


@pytest.mark.parametrize(
    "record",
    [
        event("Object Created", "folder/", size=0),
        event("Object Tags Added", "a.jpg"),
        event("Object Restore Completed", "a.jpg"),
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": IN},
        event("Object Deleted", "never-there.jpg", **{"deletion-type": "Delete Marker Created"}),
    ],
)
def test_f15_events_that_ask_for_nothing_are_skipped(world: World, record: dict[str, Any]) -> None:
    execution = world.run(record)
    assert execution["status"] == "SUCCEEDED"
    assert json.loads(execution["output"])["skipped"] is True


def test_f15_an_archived_source_is_access_denied(world: World) -> None:
    event = world.upload("a.jpg")
    world.fail(faults.status(403, "InvalidObjectState"), times=None)
    assert world.run(event)["error"] == "AccessDenied"
    world.proxy.clear()
    world.invoke(event)


@pytest.mark.parametrize("junk", ["{", "null", "[]", '{"detail-type": 1}', "x" * 250_000, '{"Records": [7]}'])
def test_f20_a_poisonous_message_is_done_with_and_the_others_are_made(world: World, junk: str) -> None:
    before, behind = world.upload("a.jpg"), world.upload("b.jpg")
    assert world.invoke(queued(before, junk, behind)) == {"batchItemFailures": []}
    assert len(world.outputs()) == 2 * len(OUTPUTS)


def test_f21_exactly_those_messages_come_again_that_may_succeed_then(world: World) -> None:
    events = [world.upload(f"{number}.jpg") for number in range(5)]
    for failing in ("024", "13"):  # tests/test_lambda_function.py has every pattern
        world.proxy.clear()
        world.fail(faults.EXPIRED_TOKEN, "GET", f"^/{OUT}/[{failing}].jpg/", times=None)
        assert world.invoke(queued(*events)) == {"batchItemFailures": [{"itemIdentifier": each} for each in failing]}


def test_f22_when_the_manifest_cannot_be_written_the_message_comes_back(world: World) -> None:
    event = world.upload("a.jpg")
    world.fail(faults.INTERNAL_ERROR, "PUT", "manifest.json$", times=None)
    assert world.invoke(queued(event)) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    world.proxy.clear()
    assert world.invoke(queued(event)) == {"batchItemFailures": []}


# --- F17, F18, F24: permissions, buckets and credentials


@pytest.mark.parametrize(
    ("action", "method", "error"),
    [
        (faults.ACCESS_DENIED, "GET", "AccessDenied"),  # F2: 403 for a missing key, without s3:ListBucket
        (faults.ACCESS_DENIED, "PUT", "AccessDenied"),
        (faults.status(403, "KMS.AccessDenied"), "PUT", "AccessDenied"),  # F18
        (faults.NO_SUCH_BUCKET, "PUT", "DestinationNotFound"),  # F17
    ],
)
def test_f17_f18_errors_of_the_configuration_fail_once_by_name(
    world: World, action: faults.Action, method: str, error: str
) -> None:
    event = world.upload("a.jpg")
    world.fail(action, method, "", times=None)
    execution = world.run(event)
    assert (execution["status"], execution["error"]) == ("FAILED", error)
    assert len(world.proxy.seen(method, SOURCE if method == "GET" else OUTPUT)) <= 2
    world.proxy.clear()
    assert world.run(event)["status"] == "SUCCEEDED"


def test_f17_without_permission_to_delete_a_deletion_fails_by_name(world: World) -> None:
    world.invoke(world.upload("a.jpg"))
    world.s3.delete_object(Bucket=IN, Key="a.jpg")
    world.fail(faults.ACCESS_DENIED, "DELETE", OUTPUT, times=None)
    assert world.run(event("Object Deleted", "a.jpg"))["error"] == "AccessDenied"
    assert len(world.outputs()) == len(OUTPUTS)
    world.proxy.clear()
    assert world.run(event("Object Deleted", "a.jpg"))["status"] == "SUCCEEDED"
    assert not world.outputs()


def test_f17_a_bucket_of_another_region_is_asked_once_an_attempt(world: World) -> None:
    event = world.upload("a.jpg")
    world.fail(faults.WRONG_REGION, "PUT", OUTPUT, times=None)
    execution = world.run(event, attempts=ATTEMPTS)
    assert "region" in execution["cause"]
    assert len(world.proxy.seen("PUT", "manifest.json$")) == ATTEMPTS
    world.proxy.clear()
    world.invoke(event)


@pytest.mark.parametrize("name", ["ExpiredToken", "KMS.ThrottlingException", "RequestTimeout"])
def test_f18_f24_transient_errors_are_retried(world: World, name: str) -> None:
    event = world.upload("a.jpg")
    world.fail(faults.status(400, name))
    assert world.run(event, attempts=2)["status"] == "SUCCEEDED"


@pytest.mark.parametrize("action", [faults.REQUEST_CONFLICT, faults.PRECONDITION_FAILED])
@pytest.mark.parametrize("number", range(len(OUTPUTS)))
def test_a_write_that_meets_another_is_settled_in_the_same_attempt(
    world: World, action: faults.Action, number: int
) -> None:
    world.invoke(world.upload("a.jpg", RED))
    event = world.upload("a.jpg", BLUE)
    world.proxy.clear()
    world.fail(action, "PUT", OUTPUT, after=number)
    assert world.run(event)["status"] == "SUCCEEDED"
