"""The local store with the pictures, and the link in front of it, for measuring handlers."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.peers import ROOT
from bench.rows import THUMBNAIL
from tinypics.aws import events
from tinypics.local.emulator import HOST, REGION, Emulator
from tinypics.stack.clients import Cloud
from tinypics.store.objects import unquoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SOURCE, DESTINATION = "original-pics", "tiny-pics"


@dataclass(frozen=True, slots=True)
class Store:
    """The endpoints for handlers: `near` is the store itself, `slow` the same store over the link."""

    near: str
    slow: str
    s3: Any
    processes: tuple[int, ...]

    def uploads(self, key: str, count: int) -> list[dict[str, Any]]:
        """The events of uploads of `count` copies of the picture `key`, none of which has an output."""
        for there in self.s3.list_objects_v2(Bucket=DESTINATION).get("Contents", ()):
            self.s3.delete_object(Bucket=DESTINATION, Key=there["Key"])
        return [self._upload(key, f"copy-{number}-of-{key}") for number in range(count)]

    def _upload(self, key: str, copy: str) -> dict[str, Any]:
        self.s3.copy_object(Bucket=SOURCE, Key=copy, CopySource={"Bucket": SOURCE, "Key": key})
        found = self.s3.head_object(Bucket=SOURCE, Key=copy)
        return events.upload(SOURCE, copy, size=found["ContentLength"], etag=unquoted(found["ETag"]))

    def output(self, event: Mapping[str, Any]) -> bytes:
        """The output of an upload. Every contender stores it with the source's key."""
        return bytes(self.s3.get_object(Bucket=DESTINATION, Key=event["detail"]["object"]["key"])["Body"].read())


def environment(endpoint: str) -> dict[str, str]:
    """The environment that Lambda gives a function at 1769 MB, with the endpoint of S3, and all that is configured."""
    return {
        "TINYPICS_SOURCE_BUCKETS": SOURCE,
        "TINYPICS_OUTPUT_BUCKET": DESTINATION,
        "TINYPICS_RENDITIONS": f"{THUMBNAIL.width}x{THUMBNAIL.height}",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
    }


@contextlib.contextmanager
def running(pictures: Mapping[str, Path]) -> Iterator[Store]:
    """A store that contains `pictures`, by key."""
    with tempfile.TemporaryDirectory() as data, Emulator.start(Path(data), 0) as emulator, _link(emulator.port) as link:
        s3 = Cloud.local(emulator.endpoint, REGION).client("s3")
        for bucket in (SOURCE, DESTINATION):
            s3.create_bucket(Bucket=bucket)
        for key, path in pictures.items():
            s3.put_object(Bucket=SOURCE, Key=key, Body=path.read_bytes())
        slow = f"http://{HOST}:{link.stdout.readline().strip()}" if link.stdout else ""
        yield Store(emulator.endpoint, slow, s3, (emulator.pid, link.pid))


@contextlib.contextmanager
def _link(port: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "bench.link", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.terminate()
