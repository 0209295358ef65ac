"""The local store with the pictures, and the link in front of it, for measuring handlers."""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.peers import ROOT
from tinypics.local.emulator import HOST, REGION, Emulator
from tinypics.stack.clients import Cloud

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.rows import Wanted

SOURCE, DESTINATION = "original-pics", "tiny-pics"


@dataclass(frozen=True, slots=True)
class Store:
    """The endpoints for handlers: `near` is the store itself, `slow` the same store over the link."""

    near: str
    slow: str
    s3: Any
    processes: tuple[int, ...]
    _count: Iterator[int] = field(default_factory=itertools.count)

    def event(self, key: str, wanted: Wanted) -> dict[str, Any]:
        """An event for the picture `key`. The key of its output is new, so that no output is current already."""
        return {
            "bucket": SOURCE,
            "key": key,
            "dest_bucket": DESTINATION,
            "dest_key": f"{next(self._count)}.jpg",
            "width": wanted.width,
            "height": wanted.height,
        }

    def output(self, event: Mapping[str, Any]) -> bytes:
        return bytes(self.s3.get_object(Bucket=DESTINATION, Key=event["dest_key"])["Body"].read())


def environment(endpoint: str) -> dict[str, str]:
    """The environment that Lambda gives a function at 1769 MB, with the endpoint of S3."""
    return {
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
