"""What one unit of work is, whatever event asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinypics import keys
from tinypics.errors import InvalidRequest, LoopRefused

if TYPE_CHECKING:
    from tinypics.rendition import Rendition


@dataclass(frozen=True, slots=True)
class Request:
    """Make `renditions` of one object. Cannot exist with fields that are not allowed: `InvalidRequest`, `LoopRefused`.

    `in_folder` says where outputs go: False, the one output has the source's key (or `dest_key`); True, each is
    `<key>/<rendition>.<extension>`. `version_id` None means the newest.
    """

    bucket: str
    key: str
    dest_bucket: str
    renditions: tuple[Rendition, ...]
    in_folder: bool = False
    dest_key: str | None = None
    version_id: str | None = None
    lenient: bool = False

    def __post_init__(self) -> None:
        for field in ("bucket", "dest_bucket"):
            if not getattr(self, field):
                raise InvalidRequest.expected(field, "the name of a bucket", getattr(self, field))
        keys.check(self.key)
        if self.dest_key is not None:
            keys.check(self.dest_key, "dest_key")
            if self.in_folder:
                raise InvalidRequest.expected("dest_key", "nothing when there is a list of renditions", self.dest_key)
        if not self.renditions:
            raise InvalidRequest.expected("renditions", "at least one rendition", "none")
        if not self.in_folder and len(self.renditions) > 1:
            raise InvalidRequest.expected("renditions", "one rendition for one key", f"{len(self.renditions)}")
        labels = [rendition.label for rendition in self.renditions]
        for label in labels:
            if labels.count(label) > 1:
                raise InvalidRequest.expected("renditions", "each rendition once", label)
        if self.bucket == self.dest_bucket:
            raise LoopRefused(
                f"dest_bucket: expected another bucket than the source's ({self.bucket}), "
                "because a thumbnail written there would start this work again"
            )


@dataclass(frozen=True, slots=True)
class Skip:
    """An event that asks for no work, and why."""

    reason: str
