"""A backfill job: the validated input of its workflow, with a safe default for every number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from tinypics.aws import events
from tinypics.backfill.estimate import Caps
from tinypics.backfill.survey import Selection, parse_time
from tinypics.errors import InvalidRequest, LoopRefused
from tinypics.store.objects import Listed

if TYPE_CHECKING:
    from tinypics.aws.settings import Settings

OBJECTS, KEYS = "objects", "keys"
"""Sources of the list: S3's own listing; JSON lines with a `key`."""

ASSUMED_BYTES: Final = 2_000_000
"""Assumed bytes of a picture if its list has no size: a photo of a phone."""

_RANGES: Final = {
    "max_objects": (1, 100_000_000, "a whole number from 1 to 100000000"),
    "max_cost": (0, 1_000_000, "US dollars from 0 to 1000000"),
    "concurrency": (1, 1000, "a whole number from 1 to 1000"),
    "batch": (1, 100, "a whole number from 1 to 100"),
    "tolerated_failure_percentage": (0, 100, "a number from 0 to 100"),
}


@dataclass(frozen=True, slots=True)
class Job:
    """One backfill. Invalid fields raise `InvalidRequest`.

    `list_bucket` and `list_key` locate a list of keys. `renditions` None: the stack's own. `since` is ISO 8601.
    `concurrency` is the number of parallel batches, `batch` the objects in each.
    `tolerated_failure_percentage` counts objects whose whole batch failed; a picture that fails does not count.
    """

    bucket: str
    prefix: str = ""
    source: str = OBJECTS
    list_bucket: str | None = None
    list_key: str | None = None
    renditions: list[str] | None = None
    since: str | None = None
    any_name: bool = False
    max_objects: int = Caps().max_objects
    max_cost: float = Caps().max_cost
    concurrency: int = 50
    batch: int = 40
    tolerated_failure_percentage: float = 5

    @classmethod
    def from_dict(cls, document: object) -> Self:
        if not isinstance(document, Mapping):
            raise InvalidRequest.expected("input", "a JSON object", document)
        known = [each.name for each in fields(cls)]
        for name in document:
            if name not in known:
                raise InvalidRequest.expected("input", f"only the fields {', '.join(known)}", name)
        if not document.get("bucket"):
            raise InvalidRequest.expected("bucket", "the name of a bucket", document.get("bucket"))
        return cls(**document)

    def __post_init__(self) -> None:
        for name, kind in {"bucket": str, "prefix": str, "list_bucket": str | None, "list_key": str | None}.items():
            if not isinstance(value := getattr(self, name), kind):
                raise InvalidRequest.expected(name, "text", value)
        for name, (low, high, allowed) in _RANGES.items():
            value = getattr(self, name)
            whole = name not in ("max_cost", "tolerated_failure_percentage")
            if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
                raise InvalidRequest.expected(name, allowed, value)
            if not low <= value <= high:
                raise InvalidRequest.expected(name, allowed, value)
        if self.source not in (OBJECTS, KEYS):
            raise InvalidRequest.expected("source", f"{OBJECTS} or {KEYS}", self.source)
        if self.source != OBJECTS and not (self.list_bucket and self.list_key):
            raise InvalidRequest.expected("list_key", f"the key of the list, for source {self.source}", self.list_key)
        if not isinstance(self.any_name, bool):
            raise InvalidRequest.expected("any_name", "true or false", self.any_name)
        if self.renditions is not None:
            if not isinstance(self.renditions, list) or not self.renditions:
                raise InvalidRequest.expected("renditions", "a list of renditions, or nothing", self.renditions)
            for each in self.renditions:
                if not isinstance(each, str):
                    raise InvalidRequest.expected("renditions[]", "text like 128x128", each)
        self.after()

    def after(self) -> datetime | None:
        """`since` as a time; without a zone it is UTC."""
        if self.since is None:
            return None
        try:
            return parse_time(self.since)
        except (TypeError, ValueError) as error:
            raise InvalidRequest.expected("since", "a time like 2026-11-24T12:00:00Z", self.since) from error

    def admit(self, settings: Settings) -> None:
        """Raise AccessDenied for a bucket that is not the stack's, LoopRefused for the bucket of the outputs."""
        events.admit("bucket", self.bucket, settings.source_buckets)
        if self.bucket == settings.output_bucket and not settings.output_prefix:
            raise LoopRefused("bucket: expected one without outputs, or a stack with an OutputPrefix for outputs")

    @property
    def caps(self) -> Caps:
        return Caps(self.max_objects, self.max_cost)

    def selection(self, settings: Settings) -> Selection:
        """The objects to resize. Keys of a list are not filtered by extension, because the user has chosen them."""
        return Selection(
            prefix=self.prefix,
            since=self.after(),
            output_prefix=settings.output_prefix if self.bucket == settings.output_bucket else "",
            max_bytes=settings.limits.bytes,
            any_name=self.any_name or self.source == KEYS,
        )

    def to_dict(self) -> dict[str, Any]:
        """The workflow's input, with every default."""
        return asdict(self)


def to_listed(item: Mapping[str, Any], source: str) -> Listed:
    """An object from an item of the workflow's map. Raises InvalidRequest.

    The names and types depend on the map's reader: a listing has `Key, Size, Etag, LastModified` (a number), a list of
    keys has `bucket, key`.
    """
    facts = {str(name).lower(): value for name, value in item.items()}
    key = facts.get("key")
    if not isinstance(key, str) or not key:
        raise InvalidRequest.expected("Items[].Key", "an object key", key)
    try:
        size = int(facts.get("size") or 0) if "size" in facts else ASSUMED_BYTES
        modified = _time(facts.get("lastmodified"))
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidRequest.expected("Items[]", "a valid size and time", dict(item)) from error
    etag = facts.get("etag")
    # A listing is minutes old, so its ETag saves a HEAD of the source. A list of keys may be a week old.
    return Listed(key, size, etag.strip('"') if source == OBJECTS and isinstance(etag, str) else "", modified)


def _time(value: object) -> datetime | None:
    if not value:
        return None
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    return parse_time(str(value))
