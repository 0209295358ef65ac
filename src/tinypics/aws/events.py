"""Parsing of all supported events into `Request` or `Skip`.

Object keys are decoded only here: S3 notifications have them form-encoded, EventBridge has them raw
(S3 user guide, "Event message structure" and "Using EventBridge").
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from tinypics.aws.settings import OUTPUT_BUCKET, require
from tinypics.delivery import keys
from tinypics.delivery.request import Request, Skip
from tinypics.errors import AccessDenied, InvalidRequest, quote_value
from tinypics.image.rendition import FIELDS, Rendition
from tinypics.values import replace, value

if TYPE_CHECKING:
    from tinypics.aws.settings import Settings

_STRINGS = ("bucket", "key", "dest_bucket", "dest_key", "version_id")
DIRECT_FIELDS = frozenset({*_STRINGS, *FIELDS, "renditions", "lenient"} - {"name"})
MAX_RENDITIONS = 50


def split(event: object) -> list[object]:
    """The records of an event: an S3 notification may have several, any other event is one."""
    if isinstance(event, Mapping) and isinstance(event.get("Records"), list):
        return list(event["Records"])
    return [event]


def is_queue_batch(event: object) -> bool:
    """Whether this is a batch of SQS messages."""
    first = event["Records"][:1] if isinstance(event, Mapping) and isinstance(event.get("Records"), list) else []
    return any(isinstance(record, Mapping) and record.get("eventSource") == "aws:sqs" for record in first)


def is_backfill(event: object) -> bool:
    """Whether this is a step of the backfill workflow: the count, a batch of objects, or a single object."""
    return isinstance(event, Mapping) and ("Items" in event or "backfill" in event or {"run", "item"} <= event.keys())


def upload(bucket: str, key: str, **known: object) -> dict[str, Any]:
    """EventBridge's event for an upload of that object; `known` may have its `size` and `etag`."""
    return {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": bucket}, "object": {"key": key} | known},
    }


def queue_messages(event: Any) -> list[tuple[str, object]]:
    """The id and body of each message. A body is any supported event, or text that is not JSON."""
    return [(record["messageId"], _load_json(record["body"])) for record in event["Records"]]


def _load_json(body: str) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body  # `parse` raises InvalidRequest for it


def parse(record: object, settings: Settings) -> Request | Skip:
    """The request of one record.

    Raises InvalidRequest, AccessDenied (for a bucket that is not the stack's), LoopRefused.
    """
    if isinstance(record, Mapping):
        if record.get("Event") == "s3:TestEvent":
            return Skip("a test event, sent when a notification is set up")
        if isinstance(record.get("s3"), Mapping):
            return _notification(record, settings)
        if "detail-type" in record:
            return _eventbridge(record, settings)
    return parse_direct(record, settings)


def subject(record: object) -> dict[str, str]:
    """The bucket, key and other fields of a record that can be read: for answers and logs about invalid events."""
    if not isinstance(record, Mapping):
        return {}
    where = record.get("s3") or record.get("detail") or {}
    found: dict[str, object] = {"dest_bucket": record.get("dest_bucket")}
    if isinstance(where, Mapping) and isinstance(where.get("bucket"), Mapping):
        named = where.get("object")
        key = named.get("key") if isinstance(named, Mapping) else None
        found |= {"source_bucket": where["bucket"].get("name")}
        found |= {"source_key": _decode(key) if isinstance(key, str) and "s3" in record else key}
    else:
        found |= {"source_bucket": record.get("bucket"), "source_key": record.get("key")}
    return {name: value[: keys.MAX_BYTES] for name, value in found.items() if isinstance(value, str)}


def _notification(record: Mapping[str, Any], settings: Settings) -> Request | Skip:
    found = _event_object(record["s3"], "Records[].s3")
    try:
        key = _decode(found.key, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidRequest.expected("Records[].s3.object.key", "a form-encoded key in UTF-8", found.key) from error
    name = str(record.get("eventName")).removeprefix("s3:")  # only some event versions have the prefix
    deleted = name.startswith(("ObjectRemoved:", "LifecycleExpiration:"))
    return _follow(replace(found, key=key), settings, name, name.startswith("ObjectCreated:"), deleted)


def _version_id(record: Mapping[str, Any]) -> str | None:
    """The version of the object. S3 answers 400 to a malformed one, as to an expired token, which passes."""
    version: str | None = record.get("version_id")
    if version and not (version.isascii() and version.isprintable() and " " not in version):
        raise InvalidRequest.expected("version_id", "the id of a version, as S3 gives it", version)
    if version and len(version) > keys.MAX_BYTES:
        raise InvalidRequest.expected("version_id", f"at most {keys.MAX_BYTES} characters", f"{len(version)} of them")
    return version


def _decode(key: str, errors: str = "replace") -> str:
    from urllib.parse import unquote_plus  # slow to load, and only S3 notifications need it

    return unquote_plus(key, errors=errors)


def _eventbridge(record: Mapping[str, Any], settings: Settings) -> Request | Skip:
    detail, name = record.get("detail"), str(record["detail-type"])
    if not isinstance(detail, Mapping):
        raise InvalidRequest.expected("detail", "an object", detail)
    return _follow(_event_object(detail, "detail"), settings, name, name == "Object Created", name == "Object Deleted")


@value
class _EventObject:
    """The object of a bucket's event."""

    bucket: str
    key: str
    size: int | None
    etag: str | None


def _event_object(where: Mapping[str, Any], path: str) -> _EventObject:
    bucket, item = where.get("bucket"), where.get("object")
    name = bucket.get("name") if isinstance(bucket, Mapping) else None
    if not isinstance(name, str):
        raise InvalidRequest.expected(f"{path}.bucket.name", "the name of a bucket", name)
    if not isinstance(item, Mapping) or not isinstance(item.get("key"), str):
        raise InvalidRequest.expected(f"{path}.object.key", "an object key", item)
    size, etag = item.get("size"), item.get("eTag", item.get("etag"))
    return _EventObject(
        name, item["key"], size if isinstance(size, int) else None, etag if isinstance(etag, str) else None
    )


def _follow(found: _EventObject, settings: Settings, event: str, created: bool, deleted: bool) -> Request | Skip:
    """The request for a bucket's event. Outputs follow the object as it is now, so the event's version is ignored."""
    if deleted and not settings.handling.follow_deletes:
        return Skip("outputs of removed objects are kept, as this stack's parameters say")
    if not created and not deleted:
        return Skip(f"neither a created nor a removed object: {event[:80]}")
    if keys.is_folder_marker(found.key, found.size):
        return Skip("a folder marker, not a picture")
    prefix = settings.output_prefix
    dest_bucket = require(OUTPUT_BUCKET, settings.output_bucket, "the name of a bucket")
    if found.bucket == dest_bucket and prefix and found.key.startswith(prefix):
        return Skip(f"below the output prefix {prefix}: an output, not a source")
    request = Request(
        bucket=found.bucket,
        key=found.key,
        dest_bucket=dest_bucket,
        renditions=settings.renditions,
        in_folder=settings.in_folder,
        prefix=prefix,
        follows=True,
        etag=found.etag if created else None,
        size=found.size if created else None,
    )
    return _admit_buckets(request, settings)


def parse_direct(record: object, settings: Settings) -> Request | Skip:
    """The request of a direct event: `{"bucket", "key", "dest_bucket", "width", "height"}` and optional fields."""
    if not isinstance(record, Mapping):
        raise InvalidRequest.expected("event", "a JSON object", record)
    for field in record:
        if field not in DIRECT_FIELDS:
            raise InvalidRequest.expected("event", f"only the fields {', '.join(sorted(DIRECT_FIELDS))}", field)
    for field in _STRINGS:
        if not isinstance(record.get(field, ""), str):
            raise InvalidRequest.expected(field, "text", record[field])
    bucket, key = record.get("bucket"), record.get("key")
    if not bucket:
        raise InvalidRequest.expected("bucket", "the name of a bucket", bucket)
    if not key:
        raise InvalidRequest.expected("key", "an object key", key)
    if keys.is_folder_marker(key, None):
        return Skip("a folder marker, not a picture")
    if not isinstance(record.get("lenient", False), bool):
        raise InvalidRequest.expected("lenient", "true or false", record["lenient"])
    renditions, in_folder = _renditions(record, settings)
    dest_bucket = record.get("dest_bucket") or settings.output_bucket
    if dest_bucket is None:
        raise InvalidRequest.expected("dest_bucket", "the name of a bucket", None)
    request = Request(
        bucket=bucket,
        key=key,
        dest_bucket=dest_bucket,
        renditions=renditions,
        in_folder=in_folder,
        prefix="" if record.get("dest_key") else settings.output_prefix,
        dest_key=record.get("dest_key"),
        version_id=_version_id(record),
        lenient=record.get("lenient", False),
    )
    return _admit_buckets(request, settings)


def _renditions(record: Mapping[str, Any], settings: Settings) -> tuple[tuple[Rendition, ...], bool]:
    """The renditions of a direct event, and whether its outputs go into a folder."""
    single = {field: value for field, value in record.items() if field in FIELDS}
    if "renditions" not in record:
        return ((Rendition.from_fields(single),), False) if single else (settings.renditions, settings.in_folder)
    asked = record["renditions"]
    if single:
        raise InvalidRequest.expected("renditions", "either a list or fields of one rendition", ", ".join(single))
    if not isinstance(asked, list) or not 1 <= len(asked) <= MAX_RENDITIONS:
        raise InvalidRequest.expected("renditions", f"a list of 1 to {MAX_RENDITIONS} renditions", asked)
    return tuple(_rendition(item, f"renditions[{number}]") for number, item in enumerate(asked)), True


def _rendition(item: object, where: str) -> Rendition:
    try:
        if isinstance(item, str):
            return Rendition.parse(item)
        if isinstance(item, Mapping):
            return Rendition.from_fields(item)
    except InvalidRequest as error:
        raise InvalidRequest(f"{where}: {error}") from error
    raise InvalidRequest.expected(where, "a text like 128x128 or an object", item)


def _admit_buckets(request: Request, settings: Settings) -> Request:
    """`request` itself. Raises AccessDenied if it names a bucket that is not the stack's, before any call to S3."""
    admit("bucket", request.bucket, settings.source_buckets)
    admit("dest_bucket", request.dest_bucket, settings.output_buckets)
    return request


def admit(field: str, bucket: str, admitted: Collection[str]) -> None:
    """Raise AccessDenied for a bucket that is not in `admitted`."""
    if bucket not in admitted:
        expected = " or ".join(sorted(admitted))
        raise AccessDenied(f"{field}: expected a bucket of this stack ({expected}), got {quote_value(bucket)}")
