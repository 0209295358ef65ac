"""The objects of a backfill, page by page: S3's own listing, or a list of keys.

boto3 reads both, because the store client changes keys like `a//b.jpg`. Lambda's runtime has boto3, so the function's
own package does not need it.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from tinypics.aws.backfill.job import KEYS, OBJECTS, Job, to_listed
from tinypics.backfill.survey import LISTED_AT_ONCE
from tinypics.errors import AccessDenied, InvalidRequest, SourceNotFound, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tinypics.store.objects import Listed

MIDDLE: Final = ""
Page = tuple[list["Listed"], str | None]
"""Objects of a list, and the token of the next page: None at the end, `MIDDLE` if the list cannot be resumed there."""

_MISSING: Final = {"NoSuchBucket", "NoSuchKey", "404"}
_DENIED: Final = {"AccessDenied", "403", "AllAccessDisabled", "InvalidObjectState"}


def pages(job: Job, token: str | None, s3: Any) -> Iterator[Page]:
    """The pages of the job's list from `token` on (None: from its start). `s3` is a client of boto3.

    Raises SourceNotFound, AccessDenied, StoreUnavailable, and InvalidRequest for an unreadable list.
    """
    return {OBJECTS: _list_objects, KEYS: _read_keys}[job.source](job, token, s3)


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


def _list_objects(job: Job, token: str | None, s3: Any) -> Iterator[Page]:
    """Pages of a thousand objects. The token is the last key, because S3's own tokens expire."""
    after = token or ""
    while True:
        start = {"StartAfter": after} if after else {}
        page = _call(s3.list_objects_v2, Bucket=job.bucket, Prefix=job.prefix, MaxKeys=LISTED_AT_ONCE, **start)
        objects = [
            to_listed(
                {"Key": item["Key"], "Size": item["Size"], "LastModified": item["LastModified"].timestamp()}, OBJECTS
            )
            for item in page.get("Contents", [])
        ]
        if not page.get("IsTruncated") or not objects:
            yield objects, None
            return
        after = page["Contents"][-1]["Key"]
        yield objects, after


def _read_keys(job: Job, _: str | None, s3: Any) -> Iterator[Page]:
    """A list of keys, in pages, so that counting can end early at a cap."""
    body = _call(s3.get_object, Bucket=job.list_bucket, Key=job.list_key)["Body"]
    lines = io.TextIOWrapper(body, encoding="utf-8", newline="\n")
    part: list[Listed] = []
    try:
        for row in (json.loads(line) for line in lines if line.strip()):
            if not isinstance(row, dict):
                raise InvalidRequest.expected("Items[]", "an object with a key", row)
            part.append(to_listed(row, KEYS))
            if len(part) == LISTED_AT_ONCE:
                yield part, MIDDLE
                part = []
    except ValueError as error:
        raise InvalidRequest(f"the list cannot be read: {error}") from error
    yield part, None
