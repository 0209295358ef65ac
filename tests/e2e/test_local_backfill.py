"""A backfill without the function, with the emulator's S3: the same outputs as the function's."""

from __future__ import annotations

import functools
import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.local_stack import LocalStack
from tests.waiting import eventually
from tinypics.backfill import worker
from tinypics.backfill.estimate import Caps
from tinypics.cli.app import app
from tinypics.cli.backfill import local as command
from tinypics.cli.backfill.local import LocalBackfill
from tinypics.cli.terminal import CommandFailed
from tinypics.store.listing import list_location
from tinypics.store.location import Location

pytestmark = pytest.mark.e2e

IN, OUT = "walked-pics", "walked-tiny"
ODD = ("a//b.jpg", "/c.jpg", "x/../d.jpg")


def photo(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (320, 240), colour).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def s3(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two buckets without notifications."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_REGION", stack.facts.region)
    for bucket in (IN, OUT):
        stack.s3.create_bucket(Bucket=bucket)
    yield stack.s3
    for bucket in (IN, OUT):
        for key in there(stack.s3, bucket):
            stack.s3.delete_object(Bucket=bucket, Key=key)
        stack.s3.delete_bucket(Bucket=bucket)


def there(s3: Any, bucket: str) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def run(stack: LocalStack, tmp_path: Path, source: str, output: str, *to: str) -> tuple[int, dict[str, Any]]:
    chosen = LocalBackfill.from_options(
        source, output, list(to) or ["32x32"], endpoint=stack.facts.endpoint, processes=2
    )
    code = command.backfill(chosen, Caps(), dry_run=False, yes=True, report_to=tmp_path / "report")
    return code, json.loads((tmp_path / "report" / "report.json").read_text())


def test_a_bucket_with_odd_keys_and_broken_pictures(stack: LocalStack, s3: Any, tmp_path: Path) -> None:
    good = ["a.jpg", "2024/ü +%41.jpg", "a/beside.jpg"]
    for key in (*good, *ODD):
        s3.put_object(Bucket=IN, Key=key, Body=photo("navy"))
    s3.put_object(Bucket=IN, Key="broken.jpg", Body=photo("navy")[:200])
    s3.put_object(Bucket=IN, Key="notes.txt", Body=b"x")
    s3.put_object(Bucket=IN, Key="folder/", Body=b"")
    code, report = run(stack, tmp_path, f"s3://{IN}", f"s3://{OUT}")
    assert (code, report["state"], report["done"], report["failed"]) == (1, "complete", 3, 4)
    assert report["errors"] == {"InvalidRequest": len(ODD), "CorruptImage": 1}
    assert sorted(there(s3, OUT)) == sorted(good)
    failed = (tmp_path / "report" / "report.csv").read_text()
    assert all(key in failed for key in (*ODD, "broken.jpg"))
    code, report = run(stack, tmp_path, f"s3://{IN}", f"s3://{OUT}")
    assert (report["done"], report["skipped"], report["failed"]) == (0, 3, 4)


def test_the_function_finds_outputs_of_a_local_backfill_current(stack: LocalStack, s3: Any, tmp_path: Path) -> None:
    source, output = stack.facts.stack.source_bucket, stack.facts.stack.output_bucket
    s3.put_object(Bucket=IN, Key="one.jpg", Body=photo("navy"))
    assert run(stack, tmp_path, f"s3://{IN}", f"s3://{output}/walked", "64x48", "thumb=32x32")[0] == 0
    assert json.loads(s3.get_object(Bucket=output, Key="walked/one.jpg/manifest.json")["Body"].read())["source"]
    two = "apart/two.jpg"  # other tests leave pictures in this bucket
    s3.put_object(Bucket=source, Key=two, Body=photo("navy"))
    assert run(stack, tmp_path, f"s3://{source}/apart", f"s3://{output}", "128x128")[0] == 0
    event = {"bucket": source, "key": two, "dest_bucket": output, "width": 128, "height": 128}
    answer = stack.functions.invoke(FunctionName=stack.facts.stack.function, Payload=json.dumps(event))
    assert json.loads(answer["Payload"].read())["skipped"] is True
    for key in ("walked/one.jpg/manifest.json", "walked/one.jpg/64x48.jpg", "walked/one.jpg/thumb.jpg", two):
        s3.delete_object(Bucket=output, Key=key)
    s3.delete_object(Bucket=source, Key=two)


def test_the_stack_finds_nothing_to_put_right_after_a_walk(stack: LocalStack, s3: Any, tmp_path: Path) -> None:
    source, output = stack.facts.stack.source_bucket, stack.facts.stack.output_bucket
    keys = ["walked/a.jpg", "walked/b ü.jpg"]
    for key in keys:
        s3.put_object(Bucket=source, Key=key, Body=photo("navy"))
    assert run(stack, tmp_path, f"s3://{source}/walked", f"s3://{output}", "128x128")[1]["objects"] == 2
    done = CliRunner().invoke(app, ["verify", "--json", "--prefix", "walked/", "--data", str(stack.data)])
    assert json.loads(done.stdout)["findings"] == []
    for bucket in (output, source):
        for key in keys:
            s3.delete_object(Bucket=bucket, Key=key)


def test_from_a_bucket_to_a_folder_and_back(stack: LocalStack, s3: Any, tmp_path: Path) -> None:
    for key in ("in/a.jpg", "in/b/c.jpg", "other.jpg"):
        s3.put_object(Bucket=IN, Key=key, Body=photo("navy"))
    folder = tmp_path / "small"
    assert run(stack, tmp_path, f"s3://{IN}/in", str(folder))[1]["done"] == 2
    assert Image.open(io.BytesIO((folder / "in" / "b" / "c.jpg").read_bytes())).size == (32, 32)
    assert run(stack, tmp_path, f"s3://{IN}/in", str(folder))[1]["skipped"] == 2
    assert run(stack, tmp_path, str(folder), f"s3://{OUT}/again", "16x16")[1]["errors"] == {"LoopRefused": 2}
    assert there(s3, OUT) == []


def test_a_missing_bucket_is_reported(
    stack: LocalStack, s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "ABORT_AFTER", 3)
    for number in range(5):
        s3.put_object(Bucket=IN, Key=f"{number}.jpg", Body=photo("navy"))
    code, report = run(stack, tmp_path, f"s3://{IN}", "s3://nowhere-to-be-found")
    assert (code, report["state"], set(report["errors"])) == (1, "incomplete", {"DestinationNotFound"})
    with pytest.raises(CommandFailed, match="NoSuchBucket"):
        run(stack, tmp_path, "s3://nowhere-to-be-found", f"s3://{OUT}")


def test_the_store_clients_own_listing_loses_one_folder_to_an_odd_key(stack: LocalStack, s3: Any) -> None:
    """The listing for Google's and Azure's stores."""
    for key in ("a.jpg", "b/c.jpg", "b/d/e.jpg", "odd//x.jpg", "odd/lost.jpg", "odd/deep/f.jpg", "z.jpg"):
        s3.put_object(Bucket=IN, Key=key, Body=b"x")
    lost: list[str] = []
    found = [each.key for each in list_location(Location.parse(f"s3://{IN}", stack.facts.endpoint), lost.append)]
    assert lost == ["odd"]
    assert sorted(found) == ["a.jpg", "b/c.jpg", "b/d/e.jpg", "z.jpg"]


def test_a_killed_run_is_taken_up_where_it_was(stack: LocalStack, s3: Any, tmp_path: Path) -> None:
    """After SIGKILL of the main process, the next run makes the missing outputs, and none twice."""
    keys = [f"{number:03}.jpg" for number in range(150)]
    for key in keys:
        s3.put_object(Bucket=IN, Key=key, Body=photo("navy"))
    places = (f"s3://{IN}", f"s3://{OUT}", stack.facts.endpoint)
    with subprocess.Popen([sys.executable, "-c", HALF, *places], cwd=tmp_path) as process:
        eventually(lambda: len(there(s3, OUT)) >= 5)
        process.send_signal(signal.SIGKILL)
    settled(s3)
    done = len(there(s3, OUT))
    work = functools.partial(
        worker.process, source=places[0], output=places[1], renditions=["32x32"], endpoint=places[2]
    )
    states = [outcome.state for outcome in work(keys)]
    assert (states.count("done"), states.count("skipped")) == (len(keys) - done, done)
    assert done < len(keys)
    assert there(s3, OUT) == keys


def settled(s3: Any) -> None:
    """Wait until the workers of the killed run have exited and their requests are complete."""
    before = -1
    deadline = time.monotonic() + 120
    while (now := len(there(s3, OUT))) != before:
        assert time.monotonic() < deadline
        before = now
        time.sleep(0.5)


HALF = """
import functools, sys
from tinypics.backfill import worker
from tinypics.store.objects import Listed
source, output, endpoint = sys.argv[1:]
work = functools.partial(worker.process, source=source, output=output, renditions=["32x32"], endpoint=endpoint)
for outcome in worker.run((Listed(f"{n:03}.jpg", 1, "", None) for n in range(150)), work, 2):
    pass
"""
