"""`tinypics put`: upload pictures, and wait for their results."""

from __future__ import annotations

import mimetypes
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import typer
from rich.progress import BarColumn, DownloadColumn

from tinypics.cli.logs import picture_line
from tinypics.cli.target import readable_errors
from tinypics.cli.terminal import err, out, plain, progress
from tinypics.errors import UnsupportedFormat
from tinypics.image import formats
from tinypics.stack.logs import document
from tinypics.store.objects import unquoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tinypics.cli.target import Target
    from tinypics.stack.logs import Tail

_MAX_SKEW = 300  # seconds: AWS refuses requests of clocks that differ more
_LATE = (
    "the function has logged no result yet: `tinypics logs` shows failed attempts, `tinypics retry --dry-run` "
    "executions that failed before the function ran, and --timeout waits longer"
)


@readable_errors()
def put(target: Target, files: Sequence[Path], prefix: str, timeout: float) -> int:
    """Upload `files`, print a line for each as its thumbnail appears or fails. 0 if none failed, else 1."""
    key, count = Counter(prefix + file.name for file in files).most_common(1)[0]
    if count > 1:
        raise typer.BadParameter(
            f"{count} files would have the key {plain(key)}: upload them separately, each with a --prefix"
        )
    log = target.log(time.time() - _MAX_SKEW)
    log.lines()  # skip the results of earlier uploads, which may be of the same pictures
    etags = {prefix + file.name: _upload(target, file, prefix + file.name) for file in files}
    deadline = time.monotonic() + timeout
    failed = 0
    with err.status("Waiting for the thumbnails"):
        for key, answer in _results(log, etags, deadline, target.pause):
            out.print(picture_line({"source_key": key} | answer))
            failed += answer["status"] != "SUCCESS"
    return 1 if failed else 0


def _upload(target: Target, file: Path, key: str) -> str:
    """Upload a file; its ETag."""
    s3, bucket = target.client("s3"), target.stack.source_bucket
    with progress("{task.description}", BarColumn(), DownloadColumn()) as shown:
        bar = shown.add_task(plain(file.name), total=file.stat().st_size)
        arguments = {"ContentType": content_type(file)}
        s3.upload_file(str(file), bucket, key, arguments, Callback=lambda count: shown.advance(bar, count))
    return unquoted(s3.head_object(Bucket=bucket, Key=key)["ETag"])


def content_type(file: Path) -> str:
    """The content type by the file's first bytes; if they are not a picture's, by its name."""
    with file.open("rb") as source:
        try:
            return formats.sniff(source.read(formats.HEAD)).content_type
        except UnsupportedFormat:
            return mimetypes.guess_type(file.name)[0] or "application/octet-stream"


def _results(log: Tail, etags: dict[str, str], deadline: float, pause: float) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each key of `etags` with its answer, as the function logs them. After `deadline` (monotonic), the rest with a
    timeout answer."""
    pending = dict(etags)
    while True:
        for line in log.lines():
            answer = document(line.text) or {}
            key = answer.get("source_key")
            if key in pending and _is_result(answer, pending[key]):
                del pending[key]
                yield key, answer
        if not pending:
            return
        if time.monotonic() > deadline:
            break
        time.sleep(pause)
    for key in pending:
        yield key, {"status": "FAILED", "error": "NoAnswer", "message": _LATE}


def _is_result(answer: dict[str, Any], etag: str) -> bool:
    """Whether a log line is the final result of this version of its key. Results of broken pictures name no version."""
    return answer.get("status") in ("SUCCESS", "FAILED") and answer.get("source", {}).get("etag") in (None, etag)
