"""A backfill of the stack with a real emulator: a full bucket, the workflow, and the terminal's output."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import ANY

import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.e2e.test_resize import IN, OUT, finished
from tests.local_stack import PROJECT, LocalStack
from tests.waiting import eventually
from tinypics.aws.backfill.job import Job
from tinypics.backfill.key_list import read_keys
from tinypics.cli.app import app
from tinypics.cli.backfill.stack_job import from_report
from tinypics.cli.target import Target
from tinypics.local import deploy
from tinypics.local.package import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

pytestmark = pytest.mark.e2e

WITHOUT_EVENTS = {"Trigger": "none"}  # objects that are older than the stack


def photo(number: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (24, 16), (number % 256, number // 256 % 256, 90)).save(buffer, "JPEG")
    return buffer.getvalue()


FORMS = ["{0}.jpg", "2024/{0}.JPG", "2024/a/b/{0}.jpeg", "ü +%41&=/{0} .jpg", "日本/{0}.jpg", "'q\"/<{0}>.jpg"]


def content(count: int) -> dict[str, tuple[bytes, str]]:
    """Objects with the outcome of a first backfill: `done`, an error name, or the reason for leaving it out."""
    found = {}
    for number in range(count):
        key, good = FORMS[number % len(FORMS)].format(number), photo(number)
        found[key] = {
            3: (photo(number)[:-40], "CorruptImage"),
            13: (b"called so only", "UnsupportedFormat"),
            23: (b"", "empty"),
        }.get(number % 50, (good, "done"))
        if number % 25 == 9:
            found[f"notes/{number}.txt"] = b"text", "not a picture by its name"
        if number % 100 == 0:
            found[f"folder {number}/"] = b"", "a folder marker"
            found[f"odd//{number}.jpg"] = good, "InvalidRequest"
    return found


class Bucket:
    """A source bucket with this content; some objects already have outputs."""

    def __init__(self, stack: LocalStack, count: int, *, done: int = 0) -> None:
        self.stack = stack
        self.content = content(count)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(self._put, self.content))
        for key in [key for key, (_, what) in self.content.items() if what == "done"][:done]:
            event = {"bucket": IN, "key": key, "dest_bucket": OUT, "width": 128, "height": 128}
            stack.functions.invoke(FunctionName=stack.facts.stack.function, Payload=json.dumps(event))
            self.content[key] = self.content[key][0], "the outputs are current"

    def _put(self, key: str) -> None:
        self.stack.s3.put_object(Bucket=IN, Key=key, Body=self.content[key][0])

    def expected(self, *, again: bool = False) -> dict[str, Any]:
        """The counts in the report of a first run, or of one without missing outputs."""
        counts = Counter(what for _, what in self.content.values())
        if again:
            counts["the outputs are current"] += counts.pop("done")
        errors = {name: count for name, count in counts.items() if name[0].isupper()}
        reasons = {name: count for name, count in counts.items() if name[0].islower() and name != "done"}
        return {
            "state": "complete",
            "objects": len(self.content),
            "unaccounted": 0,
            "done": counts["done"],
            "skipped": sum(reasons.values()),
            "failed": sum(errors.values()),
            "errors": errors,
            "skipped_because": reasons,
        }

    def made(self) -> set[str]:
        return set(listed(self.stack, OUT))

    def wanted(self) -> set[str]:
        return {key for key, (_, what) in self.content.items() if what in ("done", "the outputs are current")}


def listed(stack: LocalStack, bucket: str) -> list[str]:
    pages = stack.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def tinypics(stack: LocalStack, *words: str, **more: Any) -> Result:
    return CliRunner().invoke(app, [*words, "--data", str(stack.data)], **more)


def backfill(stack: LocalStack, *options: str, **more: Any) -> Result:
    return tinypics(stack, "backfill", "--report", str(stack.data / "report"), *options, **more)


def report(stack: LocalStack) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((stack.data / "report" / "report.json").read_text())
    return found


def part(document: dict[str, Any], of: dict[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in of}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    data = tmp_path_factory.mktemp("backfill")
    with deploy.running(data, PROJECT, port=0, parameters=WITHOUT_EVENTS) as (_, facts):
        yield LocalStack(facts, data)


@pytest.fixture(autouse=True)
def empty_buckets(emulator: LocalStack) -> Iterator[None]:
    yield
    for bucket in (IN, OUT):
        keys = [{"Key": key} for key in listed(emulator, bucket)]
        for start in range(0, len(keys), 1000):
            emulator.s3.delete_objects(Bucket=bucket, Delete={"Objects": keys[start : start + 1000]})
    assert listed(emulator, IN) == []


def executions(stack: LocalStack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stack.workflows.list_executions(stateMachineArn=stack.facts.stack.backfill)[
        "executions"
    ]
    return found


def verified(stack: LocalStack) -> bool:
    done = tinypics(stack, "verify", "--json")
    return done.exit_code == 0 and json.loads(done.stdout)["findings"] == []


@contextmanager
def in_the_background(
    stack: LocalStack, *options: str, says: str = "Ctrl-C detaches"
) -> Iterator[subprocess.Popen[str]]:
    """The same command as a process; waits until it watches a run."""
    with started(stack, *options, "--report", str(stack.data / "watched"), stderr=subprocess.PIPE) as process:
        assert process.stderr
        assert says in process.stderr.readline()
        yield process


@contextmanager
def started(
    stack: LocalStack, *options: str, stdout: int = subprocess.DEVNULL, stderr: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    order = [sys.executable, "-m", "tinypics", "backfill", "--data", str(stack.data), *options]
    with subprocess.Popen(order, stdout=stdout, stderr=stderr, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def stopped_in_progress(stack: LocalStack, count: int = 1) -> Iterator[None]:
    """Stop the function's processes after so many outputs, so that the run cannot end meanwhile on any machine."""
    until(stack, count)
    stack.signal_workers(signal.SIGSTOP)
    try:
        yield
    finally:
        stack.signal_workers(signal.SIGCONT)


def until(stack: LocalStack, count: int) -> None:
    """Wait until there are this many outputs."""
    deadline = time.monotonic() + 200
    while len(listed(stack, OUT)) < count:
        assert time.monotonic() < deadline, "it makes nothing"
        time.sleep(0.2)  # between two polls, which slow the emulator down


def settled(stack: LocalStack) -> list[str]:
    """The outputs, after running invocations have ended: no new output for a second."""
    deadline = time.monotonic() + 120
    made, since = listed(stack, OUT), time.monotonic()
    while time.monotonic() - since < 1:
        assert time.monotonic() < deadline, "it does not stop"
        time.sleep(0.2)
        if (now := listed(stack, OUT)) != made:
            made, since = now, time.monotonic()
    return made


SIZES = [60, pytest.param(5000, marks=[pytest.mark.long, pytest.mark.timeout(1500)])]


@pytest.mark.untraced
@pytest.mark.parametrize("count", SIZES)
def test_a_full_bucket_is_worked_on_and_a_second_run_changes_nothing(emulator: LocalStack, count: int) -> None:
    bucket = Bucket(emulator, count, done=count // 50)
    before = len(executions(emulator))
    done = backfill(emulator, input="y\n")
    assert done.exit_code == 1  # some are broken
    assert len(executions(emulator)) == before + 1
    expected = bucket.expected()
    assert part(report(emulator), expected) == expected
    assert bucket.made() == bucket.wanted()
    pictures = sum(
        what[0].isupper() or what in ("done", "the outputs are current") for _, what in bucket.content.values()
    )
    assert f"{pictures:,} pictures in {IN}" in done.stdout
    assert "$" not in done.output  # the emulator is free
    assert verified(emulator)

    again = backfill(emulator, "--yes")
    expected = bucket.expected(again=True)
    assert part(report(emulator), expected) == expected
    assert "It changed nothing: all outputs that can be made were current." in again.stdout
    failed = list(read_keys(emulator.data / "report" / "report.csv"))
    assert {row.key: row.error for row in failed} == {
        key: what for key, (_, what) in bucket.content.items() if what[0].isupper()
    }

    shown = report(emulator)
    joined = backfill(emulator, "--attach")  # the newest, which has ended
    assert joined.exit_code == 1
    assert report(emulator) == shown


def test_a_run_over_a_cap_starts_nothing_and_reports_the_cap(emulator: LocalStack) -> None:
    Bucket(emulator, 110)
    before = len(executions(emulator))
    for options in (["--max-objects", "100"], ["--max-cost", "0.000001"]):
        refused = backfill(emulator, "--yes", *options)
        assert refused.exit_code == 1
        assert re.search(rf"CapExceeded: {options[0][2:].replace('-', '_')}: expected at most .* got ", refused.stderr)
        assert "Nothing was started." in refused.stderr
    both = backfill(emulator, "--yes", "--max-objects", "100", "--max-cost", "0")
    assert re.search(
        r"max_objects: expected .* got 110 among .*; max_cost: .*; the same command passes with "
        r"--max-objects 110 --max-cost 1\. Nothing was started\.",
        both.stderr,
    )
    assert len(executions(emulator)) == before
    assert listed(emulator, OUT) == []


def by_hand(stack: LocalStack, order: object, **name: str) -> dict[str, Any]:
    """Start an execution without our command."""
    machine, asked = stack.facts.stack.backfill, json.dumps(order)
    arn = stack.workflows.start_execution(stateMachineArn=machine, input=asked, **name)["executionArn"]
    return finished(stack, arn)


def test_the_caps_hold_for_a_workflow_that_is_started_by_hand(emulator: LocalStack) -> None:
    for number in range(101):
        emulator.s3.put_object(Bucket=IN, Key=f"{number}.jpg", Body=photo(number))
    orders: list[tuple[object, str, str]] = [
        ({"bucket": IN, "max_objects": 100}, "CapExceeded", "max_objects: expected at most 100 pictures, got 101"),
        ({"bucket": IN, "max_cost": 0}, "CapExceeded", "max_cost: expected at most $0.00"),
        ({"bucket": IN, "max_items": 10**9}, "InvalidRequest", "input: expected only the fields bucket, prefix"),
        ({"bucket": IN, "max_objects": 10**12}, "InvalidRequest", "max_objects: expected a whole number from 1"),
        ({"bucket": OUT}, "AccessDenied", "bucket: expected a bucket of this stack (original-pics)"),
        ({"bucket": IN, "renditions": ["huge"]}, "InvalidRequest", "rendition"),
        ([], "InvalidRequest", "input: expected a JSON object"),
    ]
    for order, error, cause in orders:
        execution = by_hand(emulator, order)
        assert (execution["status"], execution["error"]) == ("FAILED", error)
        assert execution["cause"].startswith(cause)
        told = backfill(emulator, "--attach", execution["name"])
        assert told.exit_code == 1
        assert f"{error}: {cause}" in told.stderr
        assert "Nothing was resized." in told.stderr
    assert listed(emulator, OUT) == []


def test_objects_that_are_deleted_after_the_count_leave_a_run_complete(emulator: LocalStack) -> None:
    """The first plan remains, so an existing one represents an earlier count."""
    for number in range(3):
        emulator.s3.put_object(Bucket=IN, Key=f"{number}.jpg", Body=photo(number))
    assert backfill(emulator, "--yes").exit_code == 0
    found, kept = report(emulator)["id"], str(emulator.facts.stack.backfill_bucket)
    plan = json.loads(emulator.s3.get_object(Bucket=kept, Key=f"runs/{found}/plan.json")["Body"].read())
    plan["survey"]["listed"] = 9
    emulator.s3.put_object(Bucket=kept, Key="runs/counted-before/plan.json", Body=json.dumps(plan).encode())
    by_hand(emulator, {"bucket": IN}, name="counted-before")
    assert backfill(emulator, "--attach", "counted-before").exit_code == 0
    assert (report(emulator)["state"], report(emulator)["objects"]) == ("complete", 3)


def test_a_stack_on_aws_has_prices(emulator: LocalStack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": emulator.facts.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }.items():
        monkeypatch.setenv(name, value)
    for number in range(3):
        emulator.s3.put_object(Bucket=IN, Key=f"{number}.jpg", Body=photo(number))
    words = ["backfill", "--yes", "--region", emulator.facts.region, "--report", str(tmp_path)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    estimated = re.findall(r"About (\$0\.0\d+) at list prices of ", done.stdout)
    costs = re.findall(r"Cost by list prices: (\$0\.0\d+) \((\$0\.0\d+) were estimated\)", done.stdout)
    assert [estimate for _, estimate in costs] == estimated != []
    document = json.loads((tmp_path / "report.json").read_text())
    assert 0 < document["cost"] < 0.01
    assert 0 < document["estimated_cost"] < 0.01


def test_a_duplicate_key_and_a_stopped_execution_are_reported(emulator: LocalStack) -> None:
    emulator.s3.put_object(Bucket=IN, Key="a.jpg", Body=photo(1))
    kept = str(emulator.facts.stack.backfill_bucket)
    emulator.s3.put_object(Bucket=kept, Key="lists/twice.jsonl", Body=b'{"key": "a.jpg"}\n' * 2)
    order = {"bucket": IN, "source": "keys", "list_bucket": kept, "list_key": "lists/twice.jsonl"}
    execution = by_hand(emulator, order)
    assert execution["status"] == "SUCCEEDED"
    assert backfill(emulator, "--attach", execution["name"]).exit_code == 1
    assert report(emulator)["reason"].startswith("fewer objects have an outcome than were counted")

    bucket = Bucket(emulator, 60)
    with in_the_background(emulator, "--yes") as watching, stopped_in_progress(emulator):
        emulator.workflows.stop_execution(executionArn=executions(emulator)[0]["executionArn"])
        assert watching.wait(120) == 1
    assert json.loads((emulator.data / "watched" / "report.json").read_text())["state"] == "stopped"
    assert "has ended." in backfill(emulator, "--stop").stderr
    assert len(settled(emulator)) < len(bucket.wanted())


def test_outputs_are_no_inputs_where_they_are_in_the_same_bucket(tmp_path: Path) -> None:
    parameters = WITHOUT_EVENTS | {"OutputBucket": IN, "OutputPrefix": "thumbs/", "CreateBuckets": "none"}
    with deploy.running(tmp_path, PROJECT, port=0, parameters=WITHOUT_EVENTS | parameters) as (_, facts):
        stack = LocalStack(facts, tmp_path)
        stack.s3.create_bucket(Bucket=IN)
        for number in range(3):
            stack.s3.put_object(Bucket=IN, Key=f"{number}.jpg", Body=photo(number))
        for _ in range(2):
            assert backfill(stack, "--yes").exit_code == 0
            keys = [f"{number}.jpg" for number in range(3)]
            assert listed(stack, IN) == [*keys, *(f"thumbs/{key}" for key in keys)]
        assert report(stack)["skipped_because"] == {"the outputs are current": 3, "an output": 3}


def test_a_dry_run_counts_and_a_no_starts_nothing(emulator: LocalStack) -> None:
    bucket = Bucket(emulator, 60)
    before = len(executions(emulator))
    assert f"{len(bucket.wanted()) + 4} pictures" in backfill(emulator, "--dry-run").stdout
    assert "Aborted" in backfill(emulator, input="n\n").output
    chosen = backfill(
        emulator, "--dry-run", "--prefix", "2024/", "--since", "2026-01-01", "--renditions", "8x,16x-webp"
    )
    assert re.search(rf"To tiny-pics: 8x,16x-webp; {AT_ONCE} pictures at a time", chosen.stdout)
    assert "keys that start with 2024/" in chosen.stdout
    assert "0 pictures" in backfill(emulator, "--dry-run", "--since", "2999-01-01").stdout
    assert len(executions(emulator)) == before


def stopped(stack: LocalStack, count: int) -> float:
    """Stop a run after `count` outputs; returns the seconds until its last output."""
    with in_the_background(stack, "--yes") as watching, ExitStack() as ends:
        with stopped_in_progress(stack, count):
            begun = time.time()
            command = started(stack, "--stop", "--report", str(stack.data / "report"), stdout=subprocess.PIPE)
            stopping = ends.enter_context(command)
            mark = f"runs/{executions(stack)[0]['name']}/stop"
            eventually(lambda: mark in listed(stack, str(stack.facts.stack.backfill_bucket)), 0.2)
        said, _ = stopping.communicate(timeout=120)
        assert stopping.returncode == 0, said
        assert watching.wait(120) == 1
    made = listed(stack, OUT)
    found = report(stack)
    assert (found["state"], found["done"]) == ("stopped", len(made))
    assert found["unaccounted"] == found["objects"] - found["done"] - found["skipped"] - found["failed"] > 0
    assert "the same command resumes the run" in said
    assert "has ended." in backfill(stack, "--stop").stderr
    assert listed(stack, OUT) == made  # no output appeared during that command
    pages = stack.s3.get_paginator("list_objects_v2").paginate(Bucket=OUT)
    newest: float = max(item["LastModified"].timestamp() for page in pages for item in page["Contents"])
    return newest - begun


def test_a_stopped_run_is_resumed_by_the_next(emulator: LocalStack) -> None:
    bucket = Bucket(emulator, 60)
    stopped(emulator, 10)
    backfill(emulator, "--yes")
    assert bucket.made() == bucket.wanted()
    assert report(emulator)["state"] == "complete"
    assert report(emulator)["skipped_because"]["the outputs are current"] >= 10


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_long_run_is_stopped_within_ten_seconds(emulator: LocalStack) -> None:
    Bucket(emulator, 3000)
    assert stopped(emulator, 300) < 10


def test_detach_attach_and_no_second_run_of_the_same_job(emulator: LocalStack) -> None:
    bucket = Bucket(emulator, 60)
    before = len(executions(emulator))
    with ExitStack() as other:
        with in_the_background(emulator, "--yes") as watching, stopped_in_progress(emulator):
            watching.send_signal(signal.SIGINT)
            _, said = watching.communicate(timeout=120)
            assert watching.returncode == 130
            name = executions(emulator)[0]["name"]
            assert f"-m tinypics backfill --attach --data {emulator.data} {name}\nStop it: " in said
            assert executions(emulator)[0]["status"] == "RUNNING"
            attaching = f"Backfill {name} has this job already: attaching to it."
            joined = other.enter_context(in_the_background(emulator, "--yes", says=attaching))  # the same command
        assert joined.wait(120) == 1
    assert len(executions(emulator)) == before + 1
    found = json.loads((emulator.data / "watched" / "report.json").read_text())
    assert part(found, bucket.expected()) == bucket.expected()


@pytest.mark.untraced
@pytest.mark.timeout(1500)  # starts the emulator twice, and waits for killed work
@pytest.mark.parametrize("count", [120, pytest.param(5000, marks=pytest.mark.long)])
def test_after_any_kill_the_next_run_ends_in_the_same_state(tmp_path: Path, count: int) -> None:
    """SIGKILL of the watching command, of the function's processes, and of the whole emulator."""
    with deploy.running(tmp_path, PROJECT, port=0, parameters=WITHOUT_EVENTS) as (_, facts):
        stack = LocalStack(facts, tmp_path)
        bucket, made = Bucket(stack, count), count // 6
        with in_the_background(stack, "--yes") as watching, stopped_in_progress(stack):
            watching.kill()
        with stopped_in_progress(stack):  # the run continues without a watcher
            stack.signal_workers(signal.SIGKILL)  # tests/aws/backfill/test_batch.py does so at every write
        with in_the_background(stack, "--attach") as watching, stopped_in_progress(stack, made):
            lost = executions(stack)[0]
            assert lost["status"] == "RUNNING"
            os.killpg(facts.pid, signal.SIGKILL)
            _, said = watching.communicate(timeout=120)
        assert watching.returncode == 1
        assert f"-m tinypics backfill --attach --data {stack.data} {lost['name']}\n" in said
    with deploy.running(tmp_path, PROJECT, port=0, parameters=WITHOUT_EVENTS) as (_, facts):
        stack = bucket.stack = LocalStack(facts, tmp_path)
        assert made <= len(listed(stack, OUT)) < len(bucket.wanted())
        told = backfill(stack, "--attach", lost["name"])
        assert told.exit_code == 1
        assert "Step Functions no longer knows the run" in told.stdout
        assert report(stack)["state"] == "incomplete"
        assert backfill(stack, "--yes").exit_code == 1
        expected = bucket.expected() | {"done": ANY, "skipped": ANY, "skipped_because": ANY}
        assert part(report(stack), expected) == expected
        assert bucket.made() == bucket.wanted()
        assert verified(stack)


def test_a_list_of_keys_is_resized_and_its_failures_retried(emulator: LocalStack, tmp_path: Path) -> None:
    good, odd = photo(1), "ü, \"x\" 'y'\\n\u2028.jpg"
    for key, body in {"a.jpg": good, odd: good, "broken.jpg": good[:-40], "other.jpg": good, "noname": good}.items():
        emulator.s3.put_object(Bucket=IN, Key=key, Body=body)
    (tmp_path / "keys.jsonl").write_text("".join(json.dumps({"key": key}) + "\n" for key in ("a.jpg", odd, "noname")))
    some = backfill(emulator, "--yes", "--keys", str(tmp_path / "keys.jsonl"), "--renditions", "8x8")
    assert some.exit_code == 0, some.output
    assert sorted(listed(emulator, OUT)) == sorted(["a.jpg", odd, "noname"])
    assert report(emulator)["objects"] == 3

    backfill(emulator, "--yes", "--renditions", "8x8", "--any-name")
    assert report(emulator)["objects"] == report(emulator)["done"] + 1 + 3
    failures = emulator.data / "report" / "report.csv"
    assert [row.key for row in read_keys(failures)] == ["broken.jpg"]
    alone = tmp_path / "killed.csv"
    alone.write_text(failures.read_text().replace("CorruptImage", "ResourcesExhausted"))
    target = Target.find(True, emulator.data, None, None, None)
    assert from_report(target, alone, None).job.batch == 1
    assert from_report(target, failures, None).job.batch == Job("x").batch
    assert tinypics(emulator, "retry", "--from", str(alone), "--dry-run").exit_code == 0
    emulator.s3.put_object(Bucket=IN, Key="broken.jpg", Body=good)
    retry = ["retry", "--from", str(failures), "--yes", "--report", str(emulator.data / "report")]
    nothing = tinypics(emulator, *retry, "--error", "SourceNotFound")
    assert (nothing.exit_code, "lists no failure SourceNotFound" in nothing.stderr) == (1, True)
    again = tinypics(emulator, *retry)
    assert again.exit_code == 0, again.output
    assert "To tiny-pics: 8x8;" in again.stdout
    assert (report(emulator)["done"], report(emulator)["objects"]) == (1, 1)
    assert "broken.jpg" in listed(emulator, OUT)
    assert "lists no failure." in tinypics(emulator, *retry).stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bucket,key\nelsewhere,a.jpg\n", "AccessDenied: bucket: expected a bucket of this stack"),
        ("bucket,key\n/home/me/photos,a.jpg\n", "AccessDenied: bucket: expected a bucket of this stack"),
        ("bucket,key\na,a.jpg\nb,b.jpg\n", "keys of one bucket"),
        ("bucket,name\na,a.jpg\n", "row 1: expected a column key"),
    ],
)
def test_a_list_that_the_stack_cannot_read_is_refused(
    emulator: LocalStack, tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "report.csv"
    path.write_text(text)
    for command in (["retry", "--from", str(path)], ["backfill", "--keys", str(path)]):
        refused = tinypics(emulator, *command)
        assert refused.exit_code == 1
        assert message in refused.stderr


def test_missing_runs_and_buckets_are_reported(emulator: LocalStack) -> None:
    assert "There is no backfill nonsense" in backfill(emulator, "--attach", "nonsense").stderr
    assert "AccessDenied: bucket" in backfill(emulator, "--bucket", "elsewhere").stderr
    assert "InvalidRequest: since" in backfill(emulator, "--since", "yesterday").stderr
