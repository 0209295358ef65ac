"""The first step of the backfill workflow: count what there is, and refuse what is over a cap.

Nothing is resized before all is counted. A large bucket takes several invocations, each of which says where the next
goes on; counting ends with the first object over the cap, so that the largest bucket costs as little to refuse as one
that is just too large.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
from typing import TYPE_CHECKING, Any, Final

from tinypics.aws import events
from tinypics.aws.orders import INVENTORY, KEYS, OBJECTS, Order, found
from tinypics.backfill import LISTED_AT_ONCE, Survey, estimate
from tinypics.errors import (
    AccessDenied,
    CorruptImage,
    DeadlineExceeded,
    InvalidRequest,
    PermanentError,
    SourceNotFound,
    StoreUnavailable,
)
from tinypics.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tinypics.aws.settings import Settings
    from tinypics.backfill import Found
    from tinypics.store import Bucket

COUNTING, COUNTED, FAILED = "COUNTING", "COUNTED", "FAILED"
"""What the answer's `status` says: come again with this answer; go on; refused."""

_RESERVE: Final = 8.0  # seconds of the invocation that are left for the plan and the answer
_SLACK: Final = 1000  # objects that may come while it runs, and a tenth of all
_HUGE: Final = 10_000_000  # of memory for one line of a list: a key has 1,024 bytes
_FACTS: Final = ("bucket", "prefix", "source", "list_bucket", "list_key", "renditions", "since", "any_name")
"""Of an order, what a batch of it needs."""
_MISSING: Final = {"NoSuchBucket", "NoSuchKey", "404"}
_DENIED: Final = {"AccessDenied", "403", "AllAccessDisabled", "InvalidObjectState"}

MIDDLE: Final = ""
Page = tuple[list["Found | None"], str | None]
"""Objects of a list (None for rows that are no current object), and where it goes on: None at its end, `MIDDLE` where
nobody can go on from."""


def count(event: Mapping[str, Any], context: Any, settings: Settings, open_bucket: Callable[[str], Bucket]) -> Any:
    """The answer of one counting step. A permanent failure is a value. Raises TransientError."""
    state = event["backfill"]
    identity, given = state["id"], state["input"]
    try:
        order = Order.of(given)
        events.admit("bucket", order.bucket, settings.source_buckets)
        ours = settings.of(order.renditions) if order.renditions else settings
        survey, goes_on = _count(order, ours, Survey.of(state.get("survey", {})), state.get("token"), context)
        if goes_on is not None:
            return {"status": COUNTING, "backfill": {**state, "survey": survey.document(), "token": goes_on}}
        plan = _plan(identity, order, ours, survey, _cost(order, ours, survey, context))
        if settings.backfill_bucket is None:
            raise InvalidRequest.expected("backfill_bucket", "the stack's bucket for backfills", None)
        Journal(open_bucket(settings.backfill_bucket), identity).write_plan(plan)
    except PermanentError as error:
        return {"status": FAILED, "error": error.name, "message": error.message}
    return {"status": COUNTED, **plan}


def _count(
    order: Order, settings: Settings, survey: Survey, token: str | None, context: Any
) -> tuple[Survey, str | None]:
    """Add to `survey` until the list or the time ends: the sum, and where it goes on. Raises CapExceeded at once."""
    selection = order.selection(settings)
    left = getattr(context, "get_remaining_time_in_millis", None)
    whole, given, goes_on = survey.document(), token, None
    for objects, goes_on in {OBJECTS: _listed, INVENTORY: _inventory, KEYS: _keys}[order.source](order, token):
        for each in objects:
            if each is None:
                survey.listed += 1
                survey.left_out["not a current version"] += 1
            else:
                survey.add(each, selection)
        order.caps.check(survey, _cost(order, settings, survey, context))
        if goes_on != MIDDLE:
            whole, token = survey.document(), goes_on
            if token is None:
                return survey, None
        if left is not None and left() / 1000 < _RESERVE:
            break
    if goes_on == MIDDLE and token == given:
        raise DeadlineExceeded("a part of the list takes longer to count than an invocation may")
    return Survey.of(whole), token


def _cost(order: Order, settings: Settings, survey: Survey, context: Any) -> float:
    memory = int(getattr(context, "memory_limit_in_mb", 0) or 1769)
    return estimate(survey, settings.renditions, memory_mb=memory, batch=order.batch).total


def _plan(identity: str, order: Order, settings: Settings, survey: Survey, cost: float) -> dict[str, Any]:
    """All that the states after this one need."""
    slack = survey.listed // 10 + _SLACK if order.source == OBJECTS else 0
    return {
        **order.document(),
        "id": identity,
        "renditions": [str(rendition) for rendition in settings.renditions],
        "survey": survey.document(),
        "estimate": cost,
        "counted_at": time.time(),
        "max_items": max(1, survey.listed + slack),
        "results_prefix": f"runs/{identity}/map",
        "run": {
            "id": identity,
            **{name: value for name, value in order.document().items() if name in _FACTS and value},
        },
    }


def _client() -> Any:
    # The SDK, not the store client, which takes keys like `a//b.jpg` for others. Lambda's runtime brings it along.
    import boto3

    return boto3.client("s3")


def _call(call: Callable[..., Any], **arguments: Any) -> Any:
    from botocore.exceptions import BotoCoreError, ClientError

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


def _listed(order: Order, token: str | None) -> Iterator[Page]:
    """A thousand objects at a time; the token is the last key, so that it never grows old."""
    s3, after = _client(), token or ""
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


def _inventory(order: Order, token: str | None) -> Iterator[Page]:
    """One of the manifest's files at a time; the token is the number of the next."""
    s3, number = _client(), int(token or 0)
    manifest = json.loads(_call(s3.get_object, Bucket=order.list_bucket, Key=order.list_key)["Body"].read(_HUGE))
    if manifest.get("fileFormat") != "CSV" or not isinstance(manifest.get("files"), list):
        raise InvalidRequest.expected(
            "list_key", "the manifest.json of an inventory in CSV", manifest.get("fileFormat")
        )
    columns = [name.strip() for name in str(manifest.get("fileSchema", "")).split(",")]
    for number, file in enumerate(manifest["files"][number:], start=number + 1):  # noqa: B020 - the rest of them
        body = _call(s3.get_object, Bucket=order.list_bucket, Key=file["key"])["Body"]
        lines = io.TextIOWrapper(gzip.GzipFile(fileobj=body), encoding="utf-8", newline="")
        rows = (dict(zip(columns, row, strict=False)) for row in csv.reader(lines))
        yield from _slices(rows, INVENTORY, str(number) if number < len(manifest["files"]) else None)


def _keys(order: Order, _: str | None) -> Iterator[Page]:
    """All of a list of keys: it has no places to go on from, so that it must be counted at once."""
    body = _call(_client().get_object, Bucket=order.list_bucket, Key=order.list_key)["Body"]
    rows = csv.DictReader(io.TextIOWrapper(body, encoding="utf-8", newline=""))
    yield from _slices(rows, KEYS, None)


def _slices(rows: Iterable[dict[str, Any]], source: str, goes_on: str | None) -> Iterator[Page]:
    """Parts of a file, so that a cap ends it early."""
    part: list[Found | None] = []
    try:
        for row in rows:
            part.append(found(row, source))
            if len(part) == LISTED_AT_ONCE:
                yield part, MIDDLE
                part = []
    except (UnicodeDecodeError, csv.Error, EOFError, gzip.BadGzipFile) as error:
        raise CorruptImage(f"the list cannot be read: {error}") from error
    yield part, goes_on
