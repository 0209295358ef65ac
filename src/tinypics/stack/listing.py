"""Listings of S3 buckets by boto3, which supports every key. The store client changes keys like `a//b.jpg`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinypics.store.objects import Listed, unquoted

if TYPE_CHECKING:
    from collections.abc import Iterator


def list_objects(s3: Any, bucket: str, prefix: str, after: str = "") -> Iterator[Listed]:
    """Every object whose key starts with `prefix` and sorts behind `after`, one page in memory at a time.

    `s3` is a client.
    """
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, StartAfter=after):
        for item in page.get("Contents", []):
            yield Listed(item["Key"], item["Size"], unquoted(item["ETag"]), item["LastModified"])
