"""Every shape of event that can ask for work, read into `Request` or `Skip`.

Object keys are decoded here and nowhere else: S3 notifications carry them form-encoded, EventBridge carries them raw
(S3 user guide, "Event message structure" and "Using EventBridge").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from tinypics import keys
from tinypics.errors import InvalidRequest
from tinypics.rendition import FIELDS, Rendition
from tinypics.request import Request, Skip

if TYPE_CHECKING:
    from tinypics.aws.settings import Settings

_STRINGS = ("bucket", "key", "dest_bucket", "dest_key", "version_id")
DIRECT_FIELDS = frozenset({*_STRINGS, *FIELDS, "renditions", "lenient"} - {"name"})
MAX_RENDITIONS = 50


def split(event: object) -> list[object]:
    """The single units of work in an event: an S3 notification may carry several records, all else is one."""
    if isinstance(event, Mapping) and isinstance(event.get("Records"), list):
        return list(event["Records"])
    return [event]


def parse(record: object, settings: Settings) -> Request | Skip:
    """What one record asks for. Raises InvalidRequest (the field, what is allowed, what was given) and LoopRefused."""
    if isinstance(record, Mapping):
        if record.get("Event") == "s3:TestEvent":
            return Skip("a test event, sent when a notification is set up")
        if isinstance(record.get("s3"), Mapping):
            return _notification(record, settings)
        if "detail-type" in record:
            return _eventbridge(record, settings)
    return parse_direct(record, settings)


def subject(record: object) -> dict[str, str]:
    """What a record is about, as far as it can be read: for answers and log lines about those that cannot be parsed."""
    if not isinstance(record, Mapping):
        return {}
    where = record.get("s3") or record.get("detail") or {}
    found: dict[str, object] = {"dest_bucket": record.get("dest_bucket")}
    if isinstance(where, Mapping) and isinstance(where.get("bucket"), Mapping):
        named = where.get("object")
        key = named.get("key") if isinstance(named, Mapping) else None
        found |= {"source_bucket": where["bucket"].get("name")}
        found |= {"source_key": unquote_plus(key) if isinstance(key, str) and "s3" in record else key}
    else:
        found |= {"source_bucket": record.get("bucket"), "source_key": record.get("key")}
    return {name: value[: keys.MAX_BYTES] for name, value in found.items() if isinstance(value, str)}


def _notification(record: Mapping[str, Any], settings: Settings) -> Request | Skip:
    bucket, encoded, size, version_id = _names(record["s3"], "Records[].s3", version="versionId")
    try:
        key = unquote_plus(encoded, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidRequest.expected("Records[].s3.object.key", "a form-encoded key in UTF-8", encoded) from error
    # "ObjectCreated:Put", in some versions with an "s3:" before it.
    if "ObjectCreated:" not in str(record.get("eventName")):
        return Skip(f"not a created object: {str(record.get('eventName'))[:80]}")
    return _uploaded(bucket, key, size, version_id, settings)


def _eventbridge(record: Mapping[str, Any], settings: Settings) -> Request | Skip:
    detail = record.get("detail")
    if record["detail-type"] != "Object Created" or not isinstance(detail, Mapping):
        return Skip(f"not an Object Created event: {str(record['detail-type'])[:80]}")
    bucket, key, size, version_id = _names(detail, "detail", version="version-id")
    return _uploaded(bucket, key, size, version_id, settings)


def _names(where: Mapping[str, Any], path: str, *, version: str) -> tuple[str, str, int | None, str | None]:
    """Bucket name, key, size and version of the object that an event is about."""
    bucket, found = where.get("bucket"), where.get("object")
    name = bucket.get("name") if isinstance(bucket, Mapping) else None
    if not isinstance(name, str):
        raise InvalidRequest.expected(f"{path}.bucket.name", "the name of a bucket", name)
    if not isinstance(found, Mapping) or not isinstance(found.get("key"), str):
        raise InvalidRequest.expected(f"{path}.object.key", "an object key", found)
    size = found.get("size")
    return name, found["key"], size if isinstance(size, int) else None, _text_or_none(found.get(version))


def _uploaded(bucket: str, key: str, size: int | None, version_id: str | None, settings: Settings) -> Request | Skip:
    if keys.is_folder_marker(key, size):
        return Skip("a folder marker, not a picture")
    return Request(
        bucket=bucket,
        key=key,
        dest_bucket=_output_bucket(settings),
        renditions=settings.renditions,
        in_folder=settings.in_folder,
        version_id=version_id,
    )


def parse_direct(record: object, settings: Settings) -> Request | Skip:
    """The mission's event: `{"bucket", "key", "dest_bucket", "width", "height"}` and the optional fields."""
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
    return Request(
        bucket=bucket,
        key=key,
        dest_bucket=record.get("dest_bucket") or _output_bucket(settings),
        renditions=renditions,
        in_folder=in_folder,
        dest_key=record.get("dest_key"),
        version_id=record.get("version_id"),
        lenient=record.get("lenient", False),
    )


def _renditions(record: Mapping[str, Any], settings: Settings) -> tuple[tuple[Rendition, ...], bool]:
    """The renditions that a direct event asks for, and whether they go into a folder of their own."""
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


def _output_bucket(settings: Settings) -> str:
    if settings.output_bucket is None:
        raise InvalidRequest.expected("dest_bucket", "the name of a bucket", None)
    return settings.output_bucket


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
