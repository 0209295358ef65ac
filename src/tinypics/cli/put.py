"""`tinypics put`: upload pictures, and wait for their results."""

from __future__ import annotations

import mimetypes
import os
import shlex
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.progress import BarColumn, DownloadColumn

from tinypics.cli.logs import picture_line
from tinypics.cli.results import MAX_SKEW, results
from tinypics.cli.target import readable_errors
from tinypics.cli.terminal import CommandFailed, err, out, plain, progress
from tinypics.cli.url import of_outputs
from tinypics.errors import UnsupportedFormat
from tinypics.image import formats
from tinypics.stack.diagnosis import download
from tinypics.store.objects import unquoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tinypics.cli.target import Target

_PARALLEL = 4  # uploads at a time; boto3 sends a large file in parallel parts of its own
_LOCAL_BATCH = 8  # pictures in progress on a laptop, where each is a process: a folder of hundreds would overload it


@dataclass(frozen=True, slots=True)
class Upload:
    """A file and its key."""

    file: Path
    key: str


@readable_errors()
def put(target: Target, paths: Sequence[Path], prefix: str, timeout: float) -> int:
    """Upload files and the pictures in folders; print each result as it appears. 0 if none failed, else 1."""
    uploads = find(paths, prefix)
    _warn_about_prefix(prefix, uploads)
    addresses = of_outputs(target)
    log = target.log(time.time() - MAX_SKEW)
    log.lines()  # skip the results of earlier uploads, which may be of the same pictures
    failed, made = 0, None
    at_once = _LOCAL_BATCH if target.cloud.endpoint else len(uploads)
    for first in range(0, len(uploads), at_once):
        etags = _upload_all(target, uploads[first : first + at_once])
        with err.status("Waiting for the thumbnails"):
            for key, answer in results(log, etags, timeout, target.pause):
                out.print(picture_line({"source_key": key} | answer))
                for place in (addresses or output_places)(answer):
                    out.print(f"  → {plain(place)}")
                failed += answer["status"] != "SUCCESS"
                outputs = [(item.get("rendition", ""), item["dest_key"]) for item in _stored(answer)]
                if answer["status"] == "SUCCESS" and outputs:
                    made = key, outputs
    if made:
        err.print(f"Get one: {download(target.command, *made)}")
    return 1 if failed else 0


def find(paths: Sequence[Path], prefix: str) -> list[Upload]:
    """The files to upload: those of `paths`, and of folders those that are pictures by content, with their key.

    Raises typer.BadParameter for a path that is not there, and for two files of one key.
    """
    found, others = [], 0
    for path in paths:
        if path.is_dir():
            inside = [Upload(file, prefix + file.relative_to(path).as_posix()) for file in _visible_files(path)]
            pictures = [upload for upload in inside if _is_picture(upload.file)]
            others += len(inside) - len(pictures)
            found += pictures
        elif path.is_file():
            found.append(Upload(path, prefix + path.name))
        else:
            raise typer.BadParameter(f"{plain(path)} is neither a file nor a folder")
    if others:
        err.print(f"{others:,} files in folders are not pictures: left out.")
    if not found:
        raise CommandFailed("There are no pictures to upload.")
    for upload in found:
        try:
            upload.key.encode()
        except UnicodeEncodeError:
            raise typer.BadParameter(f"{plain(upload.file)}: expected a name in UTF-8, as keys are") from None
    key, count = Counter(upload.key for upload in found).most_common(1)[0]
    if count > 1:
        raise typer.BadParameter(
            f"{count} files would have the key {plain(key)}: upload them separately, each with a --prefix"
        )
    return found


def _visible_files(folder: Path) -> Iterator[Path]:
    """The files below a folder, without hidden ones and symbolic links to folders."""
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = (Path(root, name) for name in sorted(files) if not name.startswith("."))
        yield from (file for file in inside if file.is_file())  # a pipe would never end


def _warn_about_prefix(prefix: str, uploads: Sequence[Upload]) -> None:
    if prefix and prefix[-1].isalnum():
        err.print(
            f"The keys begin with {plain(prefix)} as it is: {plain(uploads[0].key)}. "
            f"For a folder, end it with a slash: --prefix {plain(shlex.quote(f'{prefix}/'))}",
            style="yellow",
        )


def _upload_all(target: Target, uploads: Sequence[Upload]) -> dict[str, str]:
    """Upload all files; the ETag of each key."""
    with (
        progress("{task.description}", BarColumn(), DownloadColumn()) as shown,
        ThreadPoolExecutor(_PARALLEL) as pool,
    ):
        total = sum(upload.file.stat().st_size for upload in uploads)
        name = uploads[0].file.name if len(uploads) == 1 else f"{len(uploads):,} files"
        bar = shown.add_task(plain(name), total=total)
        etags = pool.map(lambda each: _upload(target, each, lambda count: shown.advance(bar, count)), uploads)
        return {upload.key: etag for upload, etag in zip(uploads, etags, strict=True)}


def _upload(target: Target, upload: Upload, advance: Callable[[int], None]) -> str:
    """Upload a file; its ETag."""
    s3, bucket = target.client("s3"), target.stack.source_bucket
    arguments = {"ContentType": content_type(upload.file)}
    s3.upload_file(str(upload.file), bucket, upload.key, arguments, Callback=advance)
    return unquoted(s3.head_object(Bucket=bucket, Key=upload.key)["ETag"])


def content_type(file: Path) -> str:
    """The content type by the file's first bytes; if they are not a picture's, by its name."""
    try:
        return _sniff(file).content_type
    except UnsupportedFormat:
        return mimetypes.guess_type(file.name)[0] or "application/octet-stream"


def _is_picture(file: Path) -> bool:
    try:
        _sniff(file)
    except (UnsupportedFormat, OSError):
        return False
    return True


def _sniff(file: Path) -> formats.Codec:
    with file.open("rb") as source:
        return formats.sniff(source.read(formats.HEAD))


def _stored(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The outputs that an answer names."""
    return [item for item in answer.get("renditions") or [answer] if "dest_key" in item]


def output_places(answer: dict[str, Any]) -> Iterator[str]:
    """The address of each output that an answer names."""
    bucket = answer.get("dest_bucket")
    keys = [item["dest_key"] for item in _stored(answer)]
    return (f"s3://{bucket}/{key}" for key in [*keys, *([answer["manifest"]] if "manifest" in answer else [])])
