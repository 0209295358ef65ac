"""Values and errors that all object stores share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


MAX_KEY_BYTES = 1024
"""Of UTF-8 (S3 user guide, "Naming Amazon S3 objects")."""


@value
class Stat:
    """The facts of one version of an object. `metadata` has the content type and our own entries."""

    etag: str
    size: int
    version_id: str | None
    metadata: Mapping[str, str]


class UnsupportedKey(Exception):
    """A listing has a key that the client cannot represent (see `keys.check`), and loses the other keys of its page."""


class Conflict(Exception):
    """A conditional write failed, because another writer has changed the object (409 or 412)."""


def unquoted(etag: str | None) -> str:
    """An ETag without the quotes of the HTTP header, as in S3's events."""
    return (etag or "").strip('"')


@value
class Listed:
    """One object of a listing: `size` in bytes, `etag` without quotes, `modified` with a time zone, or None if it
    is not known."""

    key: str
    size: int
    etag: str
    modified: datetime | None = None
