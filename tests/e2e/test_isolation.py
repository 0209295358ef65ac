"""A decoder that crashes, hangs or runs out of memory, in the middle of a batch, with a real emulator."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

import pytest
from PIL import Image

from tests.local_stack import PROJECT, LocalStack
from tinypics.local import deploy

pytestmark = pytest.mark.e2e

# Actions of the deployed copy's decoder on pictures of these sizes.
HARM = {
    "crash": ((66, 11), "os.kill(os.getpid(), 11)", "DecoderCrashed", "SIGSEGV"),
    "hang": ((66, 12), "[0 for _ in iter(int, 1)]", "TimeLimitExceeded", "more than 2 s of CPU time"),
    "memory": ((66, 13), "[bytes(1 << 26) for _ in iter(int, 1)]", "ImageTooLarge", "more memory"),
}
READ = """

_unharmed = read


def read(source, limits):
    import os

    header = _unharmed(source, limits)
"""


@pytest.fixture(scope="module")
def harmed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    project = tmp_path_factory.mktemp("project")
    for name in ("template.yaml", "samconfig.toml", *(path.name for path in PROJECT.glob("*-definition.json"))):
        shutil.copy(PROJECT / name, project)
    shutil.copytree(PROJECT / "src", project / "src", ignore=shutil.ignore_patterns("__pycache__"))
    headers = project / "src" / "tinypics" / "image" / "headers" / "reader.py"
    does = "".join(f"    if header.size == {size}:\n        {harm}\n" for size, harm, *_ in HARM.values())
    headers.write_text(headers.read_text() + READ + does + "    return header\n")
    limits = project / "src" / "tinypics" / "image" / "limits.py"
    limits.write_text(limits.read_text().replace("cpu_seconds: int = 30", "cpu_seconds: int = 2"))
    data = tmp_path_factory.mktemp("emulator")
    with deploy.running(data, project, port=0, parameters={"Trigger": "none"}) as (_, facts):
        yield LocalStack(facts, data)


def picture(size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.radial_gradient("L").resize(size).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


def invoke(stack: LocalStack, event: dict[str, Any]) -> Any:
    response = stack.functions.invoke(FunctionName=stack.facts.stack.function, Payload=json.dumps(event))
    assert "FunctionError" not in response
    return json.loads(response["Payload"].read())


def test_the_other_pictures_of_a_batch_are_done_and_the_next_invocation_is_warm(harmed: LocalStack) -> None:
    bucket = harmed.facts.stack.source_bucket
    bad = dict(zip((3, 7, 11), HARM.values(), strict=True))
    records = []
    for number in range(20):
        key = f"a batch/{number}.png"
        size = bad[number][0] if number in bad else (80 + number, 60)
        harmed.s3.put_object(Bucket=bucket, Key=key, Body=picture(size))
        found = {"bucket": {"name": bucket}, "object": {"key": quote_plus(key)}}
        records.append({"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": found})
    answers = invoke(harmed, {"Records": records})["records"]
    assert [answer["status"] for answer in answers] == [
        "FAILED" if number in bad else "SUCCESS" for number in range(20)
    ]
    for number, (_, _, error, says) in bad.items():
        assert answers[number]["error"] == error
        assert says in answers[number]["message"]
    after = invoke(harmed, {"bucket": bucket, "key": "a batch/0.png", "width": 32, "height": 32})
    assert (after["status"], after["cold_start"]) == ("SUCCESS", False)
    stored = harmed.s3.get_paginator("list_objects_v2").paginate(
        Bucket=harmed.facts.stack.output_bucket, Prefix="a batch/"
    )
    assert sum(len(page["Contents"]) for page in stored) == 20 - len(bad)
