"""Values that every object store has in common: what it tells of an object, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


if TYPE_CHECKING:
    from collections.abc import Mapping


@value
class Stat:
    """What a store says of one version of one object. `metadata` has the content type and our own entries."""

    etag: str
    size: int
    version_id: str | None
    metadata: Mapping[str, str]


class OddKey(Exception):
    """A listing has a key that the client cannot speak of (see `keys.check`), and loses the others of its page."""


class Conflict(Exception):
    """A conditional write found another object than expected: somebody else was faster."""


def bare(etag: str | None) -> str:
    """An ETag as events carry it: without the quotes of the HTTP header."""
    return (etag or "").strip('"')


class Found(NamedTuple):
    """An object as a listing tells of it: `size` in bytes, `etag` without quotes, `modified` with a time zone."""

    key: str
    size: int
    etag: str
    modified: datetime | None
