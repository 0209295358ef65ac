"""What a backfill is to look at, page by page: S3's own listing, the files of an inventory, or a list of keys.

All of it is read by the SDK, not by the store client, which takes keys like `a//b.jpg` for others. Lambda's runtime
brings the SDK along, so that the function's own package is without it.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from tinypics.aws.orders import INVENTORY, KEYS, OBJECTS, Order, found
from tinypics.backfill import LISTED_AT_ONCE
from tinypics.errors import AccessDenied, InvalidRequest, SourceNotFound, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tinypics.backfill import Found

MIDDLE: Final = ""
Page = tuple[list["Found | None"], str | None]
"""Objects of a list (None for rows that are no current object), and where it goes on: None at its end, `MIDDLE` where
nobody can go on from."""

_HUGE: Final = 64 * 2**20  # bytes of a manifest: more than the longest that S3 writes
_MISSING: Final = {"NoSuchBucket", "NoSuchKey", "404"}
_DENIED: Final = {"AccessDenied", "403", "AllAccessDisabled", "InvalidObjectState"}


def pages(order: Order, token: str | None, s3: Any) -> Iterator[Page]:
    """The order's list from `token` on (None: from its start), read by `s3`, a client of boto3.

    Raises SourceNotFound, AccessDenied, StoreUnavailable, and InvalidRequest for a list that is none.
    """
    return {OBJECTS: _listed, INVENTORY: _inventory, KEYS: _keys}[order.source](order, token, s3)


def _call(call: Callable[..., Any], **arguments: Any) -> Any:
    try:
        return call(**arguments)
    except ClientError as error:
        code = error.response["Error"].get("Code", "")
        what = f'"{arguments["Key"]}" in bucket {arguments["Bucket"]}' if "Key" in arguments else arguments["Bucket"]
        if code in _MISSING:
            raise SourceNotFound(f"there is no {what} to count") from error
        if code in _DENIED:
            raise AccessDenied(f"no permission to read {what}") from error
        raise StoreUnavailable(f"{what}: {code}") from error
    except BotoCoreError as error:
        raise StoreUnavailable(f"{arguments['Bucket']}: {type(error).__name__}") from error


def _listed(order: Order, token: str | None, s3: Any) -> Iterator[Page]:
    """A thousand objects at a time; the token is the last key, so that it never grows old."""
    after = token or ""
    while True:
        start = {"StartAfter": after} if after else {}
        page = _call(s3.list_objects_v2, Bucket=order.bucket, Prefix=order.prefix, MaxKeys=LISTED_AT_ONCE, **start)
        objects = [
            found({"Key": item["Key"], "Size": item["Size"], "LastModified": item["LastModified"].timestamp()}, OBJECTS)
            for item in page.get("Contents", [])
        ]
        if not page.get("IsTruncated") or not objects:
            yield objects, None
            return
        after = page["Contents"][-1]["Key"]
        yield objects, after


def _inventory(order: Order, token: str | None, s3: Any) -> Iterator[Page]:
    """One of the manifest's files at a time; the token is the number of the next."""
    number = int(token or 0)
    columns, files = _manifest(_call(s3.get_object, Bucket=order.list_bucket, Key=order.list_key)["Body"].read(_HUGE))
    for number, name in enumerate(files[number:], start=number + 1):  # noqa: B020 - the rest of them
        body = _call(s3.get_object, Bucket=order.list_bucket, Key=name)["Body"]
        lines = io.TextIOWrapper(gzip.GzipFile(fileobj=body), encoding="utf-8", newline="")
        rows = (dict(zip(columns, row, strict=False)) for row in csv.reader(lines))
        yield from _slices(rows, INVENTORY, str(number) if number < len(files) else None)


def _manifest(text: bytes) -> tuple[list[str], list[str]]:
    """The columns of an inventory's files, and their keys."""
    allowed = "the manifest.json of an inventory in CSV"
    try:
        manifest = json.loads(text)
        if manifest["fileFormat"] != "CSV":
            raise InvalidRequest.expected("list_key", allowed, manifest["fileFormat"])
        names = [file["key"] for file in manifest["files"]]
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidRequest.expected("list_key", allowed, text[:100].decode(errors="replace")) from error
    return [name.strip() for name in str(manifest.get("fileSchema", "")).split(",")], names


def _keys(order: Order, _: str | None, s3: Any) -> Iterator[Page]:
    """All of a list of keys: it has no places to go on from, so that it must be counted at once."""
    body = _call(s3.get_object, Bucket=order.list_bucket, Key=order.list_key)["Body"]
    lines = io.TextIOWrapper(body, encoding="utf-8", newline="\n")
    yield from _slices((json.loads(line) for line in lines if line.strip()), KEYS, None)


def _slices(rows: Iterable[Any], source: str, goes_on: str | None) -> Iterator[Page]:
    """Parts of a file, so that a cap ends it early."""
    part: list[Found | None] = []
    try:
        for row in rows:
            if not isinstance(row, dict):
                raise InvalidRequest.expected("Items[]", "an object with a key", row)
            part.append(found(row, source))
            if len(part) == LISTED_AT_ONCE:
                yield part, MIDDLE
                part = []
    except (ValueError, csv.Error, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidRequest(f"the list cannot be read: {error}") from error
    yield part, goes_on
