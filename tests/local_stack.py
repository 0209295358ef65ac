"""The real template, deployed into a real emulator."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinypics.local import deploy
from tinypics.stack.clients import Cloud

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinypics.local.pidfile import PidFile

PROJECT = Path(__file__).parents[1]


@dataclass(frozen=True)
class LocalStack:
    """The deployed stack for a test: its names (`facts.stack.source_bucket`) and clients.

    `data` is the emulator's data folder, for `tinypics put --data DATA`.
    """

    facts: PidFile
    data: Path

    @functools.cache  # noqa: B019 - kept for the whole test session
    def client(self, service: str) -> Any:
        return Cloud.local(self.facts.endpoint, self.facts.region).client(service)

    @property
    def s3(self) -> Any:
        return self.client("s3")

    @property
    def functions(self) -> Any:
        return self.client("lambda")

    @property
    def workflows(self) -> Any:
        return self.client("stepfunctions")

    @property
    def logs(self) -> Any:
        return self.client("logs")

    def manifest(self, key: str) -> dict[str, Any] | None:
        """The manifest of a source, when it is complete: an incomplete one is written before the outputs."""
        try:
            body = self.s3.get_object(Bucket=self.facts.stack.output_bucket, Key=f"{key}/manifest.json")["Body"]
        except self.s3.exceptions.NoSuchKey:
            return None
        found: dict[str, Any] = json.loads(body.read())
        return found if found["complete"] else None

    def signal_workers(self, number: int) -> None:
        """Send a signal to the functions' processes: all of the emulator's group but itself."""
        listing = subprocess.run(["ps", "-A", "-o", "pid=,pgid="], capture_output=True, text=True, check=True).stdout
        for pid, group in (map(int, line.split()) for line in listing.splitlines()):
            if group == self.facts.pid != pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)


@contextlib.contextmanager
def running(data: Path) -> Iterator[LocalStack]:
    """A stack with the default parameters, in an emulator with its files below `data`."""
    with deploy.running(data, PROJECT, port=0) as (_, facts):
        yield LocalStack(facts, data)
