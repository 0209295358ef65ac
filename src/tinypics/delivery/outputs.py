"""Reading, replacing and deleting the outputs of one request.

The metadata of every output names its source, the source's ETag, and the recipe.
Writes are compare-and-swap: an object is replaced only if its ETag is still the one that was read.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tinypics.delivery import keys
from tinypics.errors import InvalidRequest
from tinypics.store.objects import Conflict
from tinypics.store.threads import together
from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tinypics.delivery.manifest import StoredOutput
    from tinypics.delivery.request import Request
    from tinypics.image.results import Output
    from tinypics.store.bucket import Bucket
    from tinypics.store.objects import Stat

SOURCE = "tinypics-source"
SOURCE_ETAG = "tinypics-source-etag"
RECIPE = "tinypics-recipe"
SOURCE_FACTS = "tinypics-source-facts"
"""The source's dimensions, format and bytes, so that a later answer has them without reading the source."""
FACTS = "tinypics-facts"
PLACED = "tinypics-placed"
"""Marks outputs with a requested key (`dest_key`): they belong to the requester, and are kept without their source."""


@value
class Handling:
    """How outputs are stored. `url_base` is prepended to the keys in a manifest's markup."""

    cache_control: str | None = None
    storage_class: str | None = None
    tags: Mapping[str, str] = MappingProxyType({})
    url_base: str = ""
    follow_deletes: bool = True


@value
class ExistingOutputs:
    """The outputs of a request that are in the bucket, as their marker (the single output, or the manifest) tells.

    `etag` is the marker's own; `source` has at least the `etag` of their source. `obsolete` has keys that may hold
    outputs of this source, and should not. `placeholder` is the manifest's.
    """

    etag: str
    source: Mapping[str, Any]
    recipe: str
    outputs: tuple[StoredOutput, ...]
    obsolete: tuple[str, ...] = ()
    placeholder: Mapping[str, str] = MappingProxyType({})

    @property
    def source_etag(self) -> str:
        return str(self.source["etag"])


@value
class NewOutputs:
    """Outputs to store. `source` describes their source (`etag`, `format`, `width`, `height`, ...).

    `reused` has existing outputs of the same source by an earlier recipe, by rendition. `placeholder` is the output of
    `placeholder.PLACEHOLDER`, if a manifest will be written.
    """

    outputs: tuple[Output, ...]
    source: Mapping[str, Any]
    reused: Mapping[str, StoredOutput] = MappingProxyType({})
    placeholder: Output | None = None


class ConcurrentCleanup(Exception):
    """A conflict after obsolete outputs were deleted: we may have deleted new outputs of a concurrent invocation."""


class Layout(ABC):
    """The layout of the outputs of one request."""

    def __init__(self, request: Request, bucket: Bucket, handling: Handling) -> None:
        self.request = request
        self.bucket = bucket
        self.handling = handling
        self._source = keys.fingerprint(request.bucket, request.key)

    @abstractmethod
    def look(self) -> ExistingOutputs | None:
        """The existing outputs, by one read of their marker; None if there is none of this source."""

    @abstractmethod
    def write(
        self, new: NewOutputs, existing: ExistingOutputs | None, unchanged: Callable[[], bool]
    ) -> ExistingOutputs:
        """Store all outputs, given what `look` found; they still need `finish_cleanup`.

        `unchanged` tells whether the source is still the version that was read. It is called before replacing an object
        that `look` did not see. Raises Conflict if a concurrent invocation writes the same outputs: look again.
        """

    @abstractmethod
    def finish_cleanup(self, existing: ExistingOutputs) -> bool:
        """Delete outputs of this source that are not among `existing`; whether there were any.

        Raises ConcurrentCleanup.
        """

    @abstractmethod
    def remove(self) -> list[str]:
        """Delete every output of this source; returns their keys."""

    def _delete_ours(self, candidates: Iterable[str]) -> list[str]:
        """Delete those of the objects that are outputs of this source, in this order; returns their keys."""
        listed = list(candidates)
        stats = together(functools.partial(self.bucket.head, key) for key in listed)
        found = [key for key, stat in zip(listed, stats, strict=True) if stat and self._is_ours(stat)]
        for key in found:
            self.bucket.delete(key)
        return found

    def _put_output(
        self,
        key: str,
        output: Output,
        source: Mapping[str, Any],
        replaces: str | None,
        unchanged: Callable[[], bool],
    ) -> str:
        facts = f"{output.width}x{output.height} {output.format} {','.join(output.dropped)}".strip()
        recipe = self.request.recipe_of(output.rendition)
        attributes = self._attributes(output.content_type, source, recipe, facts)
        try:
            return self.bucket.put(key, output.data, attributes=attributes, tags=self.handling.tags, replaces=replaces)
        except Conflict:
            there = self.bucket.head(key)
            if there and self._is_current(there, source["etag"], recipe):
                return there.etag  # written by a concurrent invocation, or by an earlier attempt
            if there and not self.request.dest_key and self._is_of_another_source(there):
                raise InvalidRequest.expected("key", "a source whose output no other source has", key) from None
            if not unchanged():
                raise
            replaces = there.etag if there else None
            return self.bucket.put(key, output.data, attributes=attributes, tags=self.handling.tags, replaces=replaces)

    def _attributes(self, content_type: str, source: Mapping[str, Any], recipe: str, facts: str) -> dict[str, str]:
        headers = {"Content-Type": content_type}
        if self.handling.cache_control:
            headers["Cache-Control"] = self.handling.cache_control
        if self.handling.storage_class:
            headers["Storage-Class"] = self.handling.storage_class
        placed = {PLACED: "by-request"} if self.request.dest_key else {}
        made_of = {
            SOURCE: self._source,
            SOURCE_ETAG: source["etag"],
            SOURCE_FACTS: f"{source['width']}x{source['height']} {source['format']} {source['bytes']}",
        }
        return headers | placed | made_of | {RECIPE: recipe, FACTS: facts}

    def _is_ours(self, stat: Stat) -> bool:
        """Whether an object is an output of this source, and has a requested key if and only if this request has."""
        return stat.metadata.get(SOURCE) == self._source and (PLACED in stat.metadata) == bool(self.request.dest_key)

    def _is_of_another_source(self, stat: Stat) -> bool:
        """Whether an object is the output of another source. One without our metadata is not, and may be replaced."""
        return stat.metadata.get(SOURCE, self._source) != self._source

    def _is_current(self, stat: Stat, source_etag: str, recipe: str) -> bool:
        wanted = (source_etag, recipe)
        return self._is_ours(stat) and tuple(map(stat.metadata.get, (SOURCE_ETAG, RECIPE))) == wanted
