"""The original and its outputs for a browser: facts, and presigned URLs that are valid for an hour."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from tinypics.aws import events
from tinypics.delivery import keys
from tinypics.errors import InvalidRequest
from tinypics.image.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinypics.stack.clients import Cloud
    from tinypics.stack.deployed import Stack

EXPIRES = 3600  # seconds
_MAX_MANIFEST_BYTES = 2**20
_MAX_PREVIEW = 8_000_000  # bytes of a source in a list: most photos
_DEFAULT_TYPE = "application/octet-stream"


class Pictures:
    """Objects of a stack's buckets, as presigned URLs: the browser fetches them from S3 itself."""

    def __init__(self, cloud: Cloud, stack: Stack) -> None:
        self._stack = stack
        self._s3 = cloud.presigner()

    def address(self, bucket: str, key: str) -> str:
        """A presigned URL to read the object, valid for an hour."""
        return self._presigned("get_object", {"Bucket": bucket, "Key": key})

    def preview(self, bucket: str, key: str) -> str | None:
        """The address of a source that a browser can show in a list; None if it is no such picture, large or gone."""
        kind = keys.format_by_name(key)
        if bucket != self._stack.source_bucket or kind is None or not FORMATS[kind].browser_support:
            return None
        found = self._head(bucket, key)
        return self.address(bucket, key) if found and found["ContentLength"] <= _MAX_PREVIEW else None

    def upload(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """A presigned URL to PUT a new picture, and its headers. Without `replace`, only if the key is free.

        If the key is taken in between, S3 answers 412.
        """
        key, kind = document.get("key"), document.get("type") or _DEFAULT_TYPE
        if not isinstance(key, str) or not isinstance(kind, str):
            raise InvalidRequest.expected("key", "an object key", key)
        bucket = self._stack.source_bucket
        given = {"Bucket": bucket, "Key": keys.check(key), "ContentType": kind}
        headers = {"Content-Type": kind}
        if not document.get("replace"):
            if self._head(bucket, key):
                return {"taken": True, "key": key, "url": self.address(bucket, key)}
            given["IfNoneMatch"] = headers["If-None-Match"] = "*"
        return {"url": self._presigned("put_object", given), "headers": headers, "key": key}

    def records(self, execution: Mapping[str, Any]) -> list[dict[str, Any]]:
        """For each record of an execution: its original, its renditions, its manifest's markup."""
        output = json.loads(execution.get("output") or "{}")
        subject = events.subject(json.loads(execution["input"]))
        answers = output.get("records") or [subject | output]
        return [self.record(answer) for answer in answers if answer.get("source_key")]

    def record(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """The original (None if it is not known), the renditions and the manifest of one answer of the function."""
        stored = answer.get("renditions") or ([answer] if "dest_key" in answer else [])
        original = self._original(answer) if answer["source_key"] else None
        document: dict[str, Any] = {
            "original": original,
            "renditions": [self._rendition(item, answer, original) for item in stored],
            "removed": answer.get("removed", []),
            "manifest": None,
        }
        if "manifest" in answer:
            document["manifest"] = self._manifest(answer["dest_bucket"], answer["manifest"])
        return document

    def _original(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        bucket, key, facts = answer["source_bucket"], answer["source_key"], answer.get("source", {})
        found = self._head(bucket, key)
        kind = facts.get("format")
        return {
            "bucket": bucket,
            "key": key,
            "url": self.address(bucket, key) if found else None,
            "width": facts.get("width"),
            "height": facts.get("height"),
            "bytes": facts.get("bytes") or (found or {}).get("ContentLength"),
            "format": kind,
            "label": FORMATS[kind].label if kind in FORMATS else None,
            "shown": kind in FORMATS and FORMATS[kind].browser_support if kind else None,
            "there": found is not None,
            "overwritten": bool(found and facts.get("etag") and found["ETag"].strip('"') != facts["etag"]),
        }

    def _rendition(
        self, item: Mapping[str, Any], answer: Mapping[str, Any], original: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        names = ("rendition", "width", "height", "bytes", "format", "dropped", "on_demand")
        bucket, version = answer["dest_bucket"], answer.get("source", {}).get("etag")
        facts = {name: item[name] for name in names if name in item}
        original_bytes = original and original["bytes"]
        key, kind = item["dest_key"], item.get("format")
        return {
            **facts,
            "bucket": bucket,
            "key": key,
            "url": self.address(bucket, key),
            "path": keys.in_address(key) + (f"?v={version[:8]}" if version else ""),
            "download": self._download(bucket, key),
            "label": FORMATS[kind].label if kind in FORMATS else None,
            "saved": round(100 * (1 - item["bytes"] / original_bytes), 1) if original_bytes else None,
        }

    def _manifest(self, bucket: str, key: str) -> dict[str, Any] | None:
        """The manifest's key and markup; None if it is missing or invalid."""
        try:
            body = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read(_MAX_MANIFEST_BYTES)
            document = json.loads(body)
            notes = [str(note) for note in document.get("notes", [])]
            return {"key": key, "picture": str(document["picture"]), "notes": notes}
        except (ClientError, ValueError, KeyError, TypeError):
            return None

    def _head(self, bucket: str, key: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._s3.head_object(Bucket=bucket, Key=key)
        except ClientError:  # deleted, or access denied: there is nothing to show
            return None
        return found

    def _download(self, bucket: str, key: str) -> str:
        """A presigned URL to save the object: by its key's last part, and in a folder of outputs by the folder's."""
        folder, _, name = key.rpartition("/")
        picture = folder.rpartition("/")[2]
        if keys.format_by_name(picture):
            name = f"{picture.rpartition('.')[0]}-{name}"
        disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"  # RFC 6266
        return self._presigned("get_object", {"Bucket": bucket, "Key": key, "ResponseContentDisposition": disposition})

    def _presigned(self, operation: str, given: Mapping[str, Any]) -> str:
        return str(self._s3.generate_presigned_url(operation, Params=dict(given), ExpiresIn=EXPIRES))
