"""`tinypics verify` with a real emulator: it finds tampered outputs by name, and repairs them."""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.local_stack import PROJECT, LocalStack
from tests.waiting import SELDOM, eventually
from tinypics.cli.app import app
from tinypics.local import deploy

pytestmark = pytest.mark.e2e

IN, OUT = "original-pics", "tiny-pics"


def photo(colour: str = "navy", format: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (320, 240), colour).save(buffer, format)
    return buffer.getvalue()


@pytest.fixture
def stack(stack: LocalStack) -> Iterator[LocalStack]:
    """The shared emulator, with empty buckets."""
    empty(stack)
    yield stack
    empty(stack)


def empty(stack: LocalStack) -> None:
    for bucket in (IN, OUT):
        for item in stack.s3.list_objects_v2(Bucket=bucket).get("Contents", []):
            stack.s3.delete_object(Bucket=bucket, Key=item["Key"])
        settled(stack)


def settled(stack: LocalStack) -> None:
    """Wait until every existing upload has been processed, and no execution is running."""

    def look() -> bool:
        there = {
            (item["Key"], item["ETag"].strip('"')) for item in stack.s3.list_objects_v2(Bucket=IN).get("Contents", [])
        }
        pages = stack.workflows.get_paginator("list_executions").paginate(
            stateMachineArn=stack.facts.stack.state_machine
        )
        listed = [item for page in pages for item in page["executions"]]
        if any(item["status"] == "RUNNING" for item in listed):
            return False
        events = [event_of(stack, item["executionArn"]) for item in listed]
        return there <= {(event.get("key"), event.get("etag")) for event in events}

    eventually(look, SELDOM)


@functools.cache
def event_of(stack: LocalStack, execution: str) -> dict[str, Any]:
    """The object that an execution's event names."""
    given = json.loads(stack.workflows.describe_execution(executionArn=execution)["input"])
    found: dict[str, Any] = given.get("detail", {}).get("object", {})
    return found


def there(stack: LocalStack, key: str) -> bool:
    return any(item["Key"] == key for item in stack.s3.list_objects_v2(Bucket=OUT).get("Contents", []))


def upload(stack: LocalStack, **objects: bytes) -> None:
    for name, body in objects.items():
        stack.s3.put_object(Bucket=IN, Key=name.replace("__", "/") + ".jpg", Body=body)


def verify(stack: LocalStack, *options: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(app, ["verify", "--json", *options, "--data", str(stack.data)])
    assert done.stdout, done.output
    return done.exit_code, json.loads(done.stdout)


def findings(report: dict[str, Any], name: str = "findings") -> list[tuple[str, str]]:
    return sorted((finding["kind"], finding["output"]) for finding in report[name])


def test_uploads_that_were_answered_leave_nothing_to_find(stack: LocalStack) -> None:
    upload(stack, a=photo(), b__ü=photo("red"), text=b"no picture")
    stack.s3.put_object(Bucket=IN, Key="a//b.jpg", Body=photo())
    stack.s3.put_object(Bucket=IN, Key="folder/", Body=b"")
    stack.s3.put_object(Bucket=OUT, Key="index.html", Body=b"of somebody")
    event = {"bucket": IN, "key": "a.jpg", "width": 20, "height": 20, "dest_key": "mine.jpg"}
    stack.functions.invoke(FunctionName=stack.facts.stack.function, Payload=json.dumps(event))
    settled(stack)
    code, report = verify(stack)
    assert (code, report["findings"]) == (0, [])
    assert report["sources"] == {"complete": 2, "UnsupportedFormat": 1, "unreadable": 1, "skipped": 1}
    assert report["outputs"] == {"managed": 2, "foreign": 1, "placed": 1}


def test_what_was_tampered_with_is_seen_by_name_and_put_right(stack: LocalStack) -> None:
    upload(stack, gone=photo(), lost=photo(), old=photo(), swapped=photo(), spoilt=photo(), good=photo())
    settled(stack)
    before = stack.s3.get_object(Bucket=OUT, Key="old.jpg")
    kept = stack.s3.get_object(Bucket=OUT, Key="gone.jpg")
    upload(stack, old=photo("red"), spoilt=b"no picture any more")
    stack.s3.delete_object(Bucket=IN, Key="gone.jpg")
    settled(stack)

    def put_back(key: str, found: dict[str, Any]) -> None:
        stack.s3.put_object(Bucket=OUT, Key=key, Body=found["Body"].read(), Metadata=found["Metadata"])

    eventually(lambda: not there(stack, "gone.jpg"), SELDOM)
    put_back("gone.jpg", kept)
    put_back("old.jpg", before)
    stack.s3.delete_object(Bucket=OUT, Key="lost.jpg")
    stack.s3.put_object(Bucket=OUT, Key="swapped.jpg", Body=b"something else")
    expected = [("missing", "lost.jpg"), ("missing", "swapped.jpg"), ("orphaned", "gone.jpg"), ("stale", "old.jpg")]
    code, report = verify(stack)
    assert (code, findings(report)) == (1, expected)
    code, report = verify(stack, "--fix")
    assert (code, findings(report, "found"), report["findings"]) == (0, expected, [])
    assert report["sources"] == {"complete": 4, "UnsupportedFormat": 1}
    body = stack.s3.get_object(Bucket=OUT, Key="old.jpg")["Body"].read()
    assert Image.open(io.BytesIO(body)).convert("RGB").getpixel((9, 9))[0] > 200  # type: ignore[index]


@pytest.fixture
def listing_stack(tmp_path: Path) -> Iterator[LocalStack]:
    """A stack in a separate emulator, which makes lists of renditions for a prefix."""
    parameters = {"Renditions": "hero=64x48,32x-webp", "Prefix": "in/", "OutputPrefix": "small/"}
    with deploy.running(tmp_path, PROJECT, port=0, parameters=parameters) as (_, facts):
        yield LocalStack(facts, tmp_path)


def test_lists_below_a_prefix_of_their_own(listing_stack: LocalStack) -> None:
    stack = listing_stack
    upload(stack, in__a=photo(), in__b=photo("red"), out__c=photo())
    eventually(lambda: stack.manifest("small/in/a.jpg") and stack.manifest("small/in/b.jpg"), SELDOM)
    code, report = verify(stack)
    assert (code, report["prefix"], report["sources"]) == (0, "in/", {"complete": 2})
    assert report["outputs"] == {"managed": 6}
    stack.s3.delete_object(Bucket=OUT, Key="small/in/a.jpg/hero.jpg")
    stack.s3.put_object(Bucket=OUT, Key="small/in/a.jpg/32x-webp.webp", Body=b"x")
    stack.s3.delete_object(Bucket=OUT, Key="small/in/b.jpg/manifest.json")
    expected = [
        ("damaged", "small/in/a.jpg/32x-webp.webp"),
        ("damaged", "small/in/a.jpg/hero.jpg"),
        ("missing", "small/in/b.jpg/manifest.json"),
    ]
    code, report = verify(stack)
    assert (code, findings(report)) == (1, expected)
    assert verify(stack, "--fix")[0] == 0
    assert CliRunner().invoke(app, ["verify", "--prefix", "out/", "--data", str(stack.data)]).exit_code == 2
