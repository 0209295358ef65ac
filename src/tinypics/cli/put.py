"""`tinypics put`: upload pictures, and wait for their results."""

from __future__ import annotations

import contextlib
import json
import mimetypes
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from tinypics.cli.logs import Tail, picture
from tinypics.cli.target import readable_errors
from tinypics.cli.terminal import err, out, plain
from tinypics.errors import UnsupportedFormat
from tinypics.image import formats
from tinypics.stack.executions import outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tinypics.cli.target import Target

_SKEW = 2  # seconds of clock skew between services


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded object, written at or after `at` (seconds on the clock of the service that reports results)."""

    key: str
    etag: str
    at: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The reported result of a key. `etag` is None if the report names no version."""

    key: str
    etag: str | None
    at: float
    document: dict[str, Any]

    def is_about(self, upload: Upload) -> bool:
        # An earlier upload of the same picture has the same ETag, so only newer reports count.
        return self.key == upload.key and self.at >= upload.at and self.etag in (None, upload.etag)


@readable_errors()
def put(target: Target, files: Sequence[Path], prefix: str, timeout: float) -> int:
    """Upload `files`, print a line for each as its thumbnail appears or fails. 0 if none failed, else 1."""
    key, count = Counter(prefix + file.name for file in files).most_common(1)[0]
    if count > 1:
        raise typer.BadParameter(
            f"{count} files would have the key {plain(key)}: upload them apart, with a --prefix each"
        )
    pending = [_upload(target, file, prefix + file.name) for file in files]
    deadline = time.monotonic() + timeout
    failed = 0
    with err.status("Waiting for the thumbnails"):
        for upload, answer in _outcomes(target, pending, deadline):
            out.print(picture({"source_key": upload.key} | answer))
            failed += answer["status"] != "SUCCESS"
    return 1 if failed else 0


def _upload(target: Target, file: Path, key: str) -> Upload:
    s3, started = target.client("s3"), time.time()
    bucket = target.stack.source_bucket
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn()
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task(plain(file.name), total=file.stat().st_size)
        arguments = {"ContentType": content_type(file)}
        s3.upload_file(str(file), bucket, key, arguments, Callback=lambda count: progress.advance(bar, count))
    written = s3.head_object(Bucket=bucket, Key=key)
    # The emulator uses this computer's clock. AWS's clocks differ, also between its services.
    at = started if target.cloud.endpoint else written["LastModified"].timestamp() - _SKEW
    return Upload(key, written["ETag"].strip('"'), at)


def content_type(file: Path) -> str:
    """The content type by the file's first bytes; if they are not a picture's, by its name."""
    with file.open("rb") as source:
        try:
            return formats.sniff(source.read(formats.HEAD)).content_type
        except UnsupportedFormat:
            return mimetypes.guess_type(file.name)[0] or "application/octet-stream"


def _outcomes(target: Target, uploads: Sequence[Upload], deadline: float) -> Iterator[tuple[Upload, dict[str, Any]]]:
    """Each upload with its answer, as answers arrive. After `deadline` (monotonic), the rest with a timeout answer."""
    watches = _watches(target, min(upload.at for upload in uploads))
    pending = list(uploads)
    while pending:
        for answer in (answer for watch in watches for answer in watch.answers()):
            for upload in [upload for upload in pending if answer.is_about(upload)]:
                pending.remove(upload)
                yield upload, answer.document
        if pending and time.monotonic() > deadline:
            message = "no thumbnail in time: `tinypics logs` may say why, or --timeout was too short"
            yield from ((upload, {"status": "FAILED", "error": "NoAnswer", "message": message}) for upload in pending)
            return
        if pending:
            time.sleep(target.pause)


def _watches(target: Target, since: float) -> list[Executions | LogLines]:
    """The sources of answers: the log has all pictures that the function processed. Executions also show failures
    before the function ran; EXPRESS workflows keep none."""
    machine = target.client("stepfunctions").describe_state_machine(stateMachineArn=target.stack.state_machine)
    log = LogLines(target, since)
    return [log] if machine["type"] == "EXPRESS" else [log, Executions(target, since)]


class Executions:
    """Answers from the workflow's executions."""

    def __init__(self, target: Target, since: float) -> None:
        self._states = target.client("stepfunctions")
        self._machine = target.stack.state_machine
        self._since = since
        self._told: set[str] = set()

    def answers(self) -> Iterator[Answer]:
        """The answers of executions that have ended since the last call."""
        for page in self._states.get_paginator("list_executions").paginate(stateMachineArn=self._machine):
            for listed in page["executions"]:
                if (at := listed["startDate"].timestamp()) < self._since:
                    return  # newest first: the rest is older
                arn = listed["executionArn"]
                if listed["status"] == "RUNNING" or arn in self._told:
                    continue
                self._told.add(arn)
                execution = self._states.describe_execution(executionArn=arn)
                event = json.loads(execution["input"])
                if event.get("detail-type") == "Object Created":
                    written = event["detail"]["object"]
                    yield Answer(written["key"], written.get("etag"), at, outcome(execution))


class LogLines:
    """Answers from the function's log."""

    def __init__(self, target: Target, since: float) -> None:
        self._tail = Tail(target, since)

    def answers(self) -> Iterator[Answer]:
        """The answers in new log lines with a final result."""
        for stamp, text in self._tail.lines():
            with contextlib.suppress(ValueError, AttributeError, KeyError):  # a line of another kind
                line = json.loads(text)
                if line.get("status") in ("SUCCESS", "FAILED"):
                    yield Answer(line["source_key"], line.get("source", {}).get("etag"), stamp / 1000, line)
