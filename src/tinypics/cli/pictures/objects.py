"""`tinypics ls`, `get` and `rm`: objects of a stack's two buckets."""

from __future__ import annotations

import contextlib
import itertools
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from botocore.exceptions import ClientError

from tinypics.aws import events
from tinypics.cli.logs import picture_line
from tinypics.cli.results import MAX_SKEW, results
from tinypics.cli.target import readable_errors
from tinypics.cli.terminal import CommandFailed, err, nothing_in, out, plain, result, size
from tinypics.delivery import keys, layouts
from tinypics.delivery.request import Request
from tinypics.errors import InvalidRequest, TinypicsError
from tinypics.stack.diagnosis import near_keys
from tinypics.stack.listing import list_objects
from tinypics.store.atomic import atomic_write
from tinypics.urls.address import canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinypics.cli.target import Target

ORIGINAL, MANIFEST = "original", "manifest"


@readable_errors()
def ls(target: Target, prefix: str, *, outputs: bool, limit: int, as_json: bool) -> int:
    """Print at most `limit` objects of a bucket. 0 if there is any, else 1."""
    stack = target.stack
    bucket = stack.output_bucket if outputs else stack.source_bucket
    found = list(itertools.islice(list_objects(target.client("s3"), bucket, prefix), limit + 1))
    if as_json:
        dated = [(each, each.modified and each.modified.isoformat()) for each in found[:limit]]
        result([{"key": each.key, "bytes": each.size, "etag": each.etag, "modified": date} for each, date in dated])
    else:
        for each in found[:limit]:
            date = f"{each.modified.astimezone():%Y-%m-%d %H:%M}" if each.modified else ""
            out.print(f"{date}  {size(each.size):>10}  {plain(each.key)}")
    if not found:
        err.print(nothing_in(bucket, prefix))
    if len(found) > limit:
        err.print(f"There are more than {limit:,}: --max lists more, a longer PREFIX fewer.")
    return 0 if found else 1


@readable_errors()
def get(target: Target, key: str, rendition: str | None, file: Path | None) -> None:
    """Download one output of the upload `key` to `file`, to standard output ("-"), or to a new file here."""
    choices = _choices(target, key)
    only = next(iter(choices)) if len(choices.keys() - {ORIGINAL, MANIFEST}) == 1 else None
    chosen = rendition or only
    if chosen and chosen not in choices:
        with contextlib.suppress(InvalidRequest):  # the message below lists the choices
            chosen = canonical(chosen)
    if chosen not in choices:
        raise typer.BadParameter(str(InvalidRequest.expected("RENDITION", " or ".join(choices), chosen)))
    bucket, name = choices[chosen]
    path = file or _own_name(key, name)
    if file is None and path.exists():
        raise CommandFailed(f"{plain(path)} exists already: choose another file with --out FILE.")
    s3 = target.client("s3")
    try:
        if str(path) == "-":
            s3.download_fileobj(bucket, name, sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return
        with atomic_write(path) as part:
            s3.download_file(bucket, name, str(part))
    except ClientError as error:
        if error.response["Error"]["Code"] != "404":
            raise
        raise CommandFailed(
            f"{plain(bucket)} has no {plain(name)}. The reason: {target.command('why', arguments=[key])}"
        ) from None
    except OSError as error:
        raise CommandFailed(f"{plain(path)} cannot be written: {error.strerror}") from None
    out.print(f"{plain(path)}  {size(path.stat().st_size)}, from s3://{plain(bucket)}/{plain(name)}")


def _own_name(key: str, name: str) -> Path:
    """`cat.jpg` as it is, `cat.jpg/800x.webp` as `cat.jpg-800x.webp`."""
    last = name.rpartition("/")[2]
    folder = name.rpartition("/")[0].rpartition("/")[2]
    own = key.rpartition("/")[2]
    return Path(f"{folder}-{last}" if folder == own and last != own else last)


def _choices(target: Target, key: str) -> dict[str, tuple[str, str]]:
    """Bucket and key by rendition, and of the original and the manifest."""
    settings = target.settings()
    try:
        request = events.parse(events.upload(target.stack.source_bucket, key), settings)
        if not isinstance(request, Request):
            raise CommandFailed(f"{plain(key)} has no outputs: {request.reason}.")
        bucket = settings.output_bucket or target.stack.output_bucket
        layout = layouts.layout_of(request, target.cloud.bucket(bucket), settings.handling)
    except TinypicsError as error:
        raise CommandFailed(f"{error.name}: {plain(error)}") from None
    labels = [rendition.label for rendition in request.renditions]
    found = {label: (bucket, name) for label, name in zip(labels, layout.output_keys, strict=True)}
    if request.in_folder:
        found.setdefault(MANIFEST, (bucket, keys.manifest(request.base_key)))
    found.setdefault(ORIGINAL, (target.stack.source_bucket, key))
    return found


@readable_errors()
def rm(target: Target, names: Sequence[str], timeout: float, *, yes: bool) -> int:
    """Delete sources, and print a line for each as its outputs are deleted. 0 if all are, else 1."""
    s3, bucket = target.client("s3"), target.stack.source_bucket
    for key in names:
        _check_exists(target, key)
    if not target.settings().handling.follow_deletes:
        err.print("Outputs are kept: this stack has FollowDeletes=false.", style="yellow")
    if not yes:
        typer.confirm(f"Delete {', '.join(map(plain, names))} from {plain(bucket)}?", abort=True)
    log = target.log(time.time() - MAX_SKEW)
    log.lines()  # skip earlier results
    for key in names:
        s3.delete_object(Bucket=bucket, Key=key)
    failed = 0
    with err.status("Waiting until the outputs are deleted"):
        for key, answer in results(log, dict.fromkeys(names, ""), timeout, target.pause):
            out.print(picture_line({"source_key": key} | answer))
            failed += answer["status"] != "SUCCESS"
    return 1 if failed else 0


def _check_exists(target: Target, key: str) -> None:
    bucket = target.stack.source_bucket
    try:
        target.client("s3").head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] != "404":
            raise
        near = near_keys(target.cloud, bucket, key)
        similar = f" Similar keys: {', '.join(map(plain, near))}." if near else ""
        raise CommandFailed(f"{plain(bucket)} has no {plain(key)}.{similar} Nothing was deleted.") from None
