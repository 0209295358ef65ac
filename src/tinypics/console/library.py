"""The pictures of the output bucket, newest first, and the outputs of one of them.

S3 lists keys in their own order and in no other, so finding the newest takes reading all keys. A listing ends after
`MAX_OBJECTS` and says so; the next one continues behind it.
"""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tinypics.console.stored import OutputReader, StoredPicture, grouped
from tinypics.delivery import keys
from tinypics.errors import InvalidConfiguration
from tinypics.stack import deployed
from tinypics.stack.listing import list_objects

if TYPE_CHECKING:
    from tinypics.console.pictures import Pictures
    from tinypics.console.stored import OutputFacts
    from tinypics.stack.clients import Cloud
    from tinypics.stack.deployed import Stack

PAGE = 60
MAX_OBJECTS = 10_000  # ten requests
_MAX_OUTPUTS = 200  # of one picture; an event may ask for fifty
_SHARE = 10  # a listing is reused for ten times as long as it took, however many pages poll
_WANTED_WIDTH = 200  # pixels of a tile's thumbnail
_MAX_THUMBNAIL = 2**21  # bytes: a page shows sixty


class PictureNotFound(Exception):
    """The output bucket has no picture of this name."""


@dataclass(frozen=True)
class _Listing:
    """Pictures, newest first. `after`: the key to continue behind; None at the bucket's end."""

    pictures: list[StoredPicture]
    after: str | None
    valid_until: float


class Library:
    """The pictures of a stack's output bucket."""

    def __init__(self, cloud: Cloud, stack: Stack, pictures: Pictures) -> None:
        self._cloud = cloud
        self._stack = stack
        self._pictures = pictures
        self._s3 = cloud.client("s3")
        self._reader = OutputReader(self._s3, stack)
        self._lock = threading.Lock()
        self._last: tuple[tuple[str, str], _Listing] | None = None

    def page(self, find: str, after: str, start: int) -> dict[str, Any]:
        """Up to `PAGE` pictures from number `start` on, newest first.

        `find` is a part of their keys; in a bucket with more than `MAX_OBJECTS`, the start of their keys. `after`
        continues a listing. `whole`: the listing has all of the bucket.
        """
        prefix = self._prefix()
        listing = self._listing(prefix, after)
        whole = listing.after is None and not after
        if find and not whole:
            listing = self._listing(prefix + find, after)
        wanted = find.casefold()
        found = [each for each in listing.pictures if wanted in each.name.casefold()]
        shown = found[start : start + PAGE]
        return {
            "items": [
                self._item(each, facts, prefix) for each, facts in zip(shown, self._reader.read(shown), strict=True)
            ],
            "total": len(found),
            "start": start,
            "next": start + PAGE if len(found) > start + PAGE else None,
            "whole": whole,
            "after": listing.after,
            "most": MAX_OBJECTS,
        }

    def picture(self, name: str) -> dict[str, Any]:
        """The original and every output of one picture. Raises PictureNotFound."""
        keys.check(name)
        bucket = self._stack.output_bucket
        objects = (  # the shortest key that starts with the name sorts first
            *(each for each in itertools.islice(list_objects(self._s3, bucket, name), 1) if each.key == name),
            *itertools.islice(list_objects(self._s3, bucket, f"{name}/"), _MAX_OUTPUTS),
        )
        found = next((each for each in grouped(objects, {name}) if each.name == name), None)
        if found is None:
            raise PictureNotFound(name)
        (outputs,) = self._reader.read([found])
        answer = self._reader.answer(found, outputs, self._prefix())
        return {"name": name, "at": found.modified} | self._pictures.record(answer)

    def _prefix(self) -> str:
        try:
            return deployed.settings(self._cloud, self._stack).output_prefix
        except InvalidConfiguration:  # the stack resizes nothing until it is corrected, but what is there is shown
            return ""

    def _listing(self, prefix: str, after: str) -> _Listing:
        with self._lock:  # one listing at a time: requests that wait for it share its result
            if self._last and self._last[0] == (prefix, after) and time.monotonic() < self._last[1].valid_until:
                return self._last[1]
            started = time.monotonic()
            every = list_objects(self._s3, self._stack.output_bucket, prefix, after)
            listed = list(itertools.islice(every, MAX_OBJECTS + 1))
            pictures = grouped(listed[:MAX_OBJECTS])
            last = None
            if len(listed) > MAX_OBJECTS and len(pictures) > 1:
                cut = min(each.key for each in pictures.pop().objects)  # the next listing has all of its objects
                last = max(each.key for each in listed if each.key < cut)
            pictures.sort(key=lambda each: (-each.modified, each.name))
            ended = time.monotonic()
            found = _Listing(pictures, last, ended + max(0.5, (ended - started) * _SHARE))
            self._last = (prefix, after), found
            return found

    def _item(self, picture: StoredPicture, outputs: list[OutputFacts], prefix: str) -> dict[str, Any]:
        shown = _thumbnail(outputs)
        return {
            "key": picture.name,
            "source": self._reader.source(picture, outputs, prefix) if outputs else None,
            "at": picture.modified,
            "bytes": sum(each.size for each in picture.outputs),
            "number": len(picture.outputs),
            "sizes": [{"width": each.width, "height": each.height} for each in outputs if each.width],
            "thumbnail": shown and self._pictures.address(self._stack.output_bucket, shown),
        }


def _thumbnail(outputs: list[OutputFacts]) -> str | None:
    """The key of the smallest output that is large enough for a tile, else of the largest one."""
    usable = [each for each in outputs if each.bytes <= _MAX_THUMBNAIL]
    large = [each for each in usable if (each.width or 0) >= _WANTED_WIDTH]
    if large:
        return min(large, key=lambda each: each.bytes).key
    return max(usable, key=lambda each: (each.width or 0, each.bytes)).key if usable else None
