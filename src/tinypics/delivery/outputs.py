"""Outputs in their places: what is there, how it is replaced, and how it goes.

Every object that is written carries, as metadata, the source that it was made of, that source's ETag, and the recipe.
Writes are compare-and-swap: an object is replaced only if it is still the one that was looked at.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tinypics.delivery import keys
from tinypics.errors import InvalidRequest
from tinypics.store.objects import Conflict
from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tinypics.delivery.manifest import Stored
    from tinypics.delivery.request import Request
    from tinypics.image.results import Output
    from tinypics.store.bucket import Bucket
    from tinypics.store.objects import Stat

SOURCE = "tinypics-source"
SOURCE_ETAG = "tinypics-source-etag"
RECIPE = "tinypics-recipe"
SOURCE_FACTS = "tinypics-source-facts"
"""The source's size, format and bytes, so that a later request can tell them without reading it."""
FACTS = "tinypics-facts"
PLACED = "tinypics-placed"
"""On outputs whose key was asked for (`dest_key`): they are the asker's own, whatever becomes of their source."""


@value
class Handling:
    """How outputs are stored. `url_base` stands before the keys in a manifest's markup."""

    cache_control: str | None = None
    storage_class: str | None = None
    tags: Mapping[str, str] = MappingProxyType({})
    url_base: str = ""
    follow_deletes: bool = True


@value
class Present:
    """Outputs of a request that are there, as their marker (the one output, or the manifest) says.

    `etag` is the marker's own; `source` has at least the `etag` of the source that they were made of.
    """

    etag: str
    source: Mapping[str, Any]
    recipe: str
    stored: tuple[Stored, ...]
    obsolete: tuple[str, ...] = ()

    @property
    def source_etag(self) -> str:
        return str(self.source["etag"])


@value
class Made:
    """What is to be stored, of the source that `source` describes (`etag`, `format`, `width`, `height`, ...).

    `kept` are outputs of an earlier recipe that this one has, too, made from the same source. `small` is the output of
    `placeholder.PLACEHOLDER`, where there will be a manifest.
    """

    outputs: tuple[Output, ...]
    source: Mapping[str, Any]
    kept: Mapping[str, Stored] = MappingProxyType({})
    small: Output | None = None


class Torn(Conflict):
    """Somebody else wrote outputs while obsolete ones were removed: some of theirs may have been among those."""


class Place(ABC):
    """Where the outputs of one request are. The two layouts have their own `look`, `write` and `remove`."""

    def __init__(self, request: Request, bucket: Bucket, handling: Handling) -> None:
        self.request = request
        self.bucket = bucket
        self.handling = handling
        self._source = keys.fingerprint(request.bucket, request.key)

    @abstractmethod
    def look(self) -> Present | None:
        """What is there, by one request; None: nothing, or nothing that this request made."""

    def everywhere(self) -> list[Present]:
        """What is there at each key that the marker can have; `look` tries the likeliest only."""
        present = self.look()
        return [present] if present else []

    def elsewhere(self, source_format: str | None) -> list[Present]:  # noqa: ARG002 - for Single
        """What is there where `look` did not look, in case that a source of this format has its outputs there."""
        return []

    @abstractmethod
    def write(self, made: Made, present: Present | None, unchanged: Callable[[], bool]) -> tuple[Stored, ...]:
        """Store all outputs, given what `look` found.

        `unchanged` says whether the source is still the one that was read; it is asked before something is replaced
        that `look` did not see. Raises Conflict when somebody else writes the same outputs: look again.
        """

    def strays(self, present: Present | None, stored: Sequence[Stored]) -> list[str]:  # noqa: ARG002 - for Single
        """After `write`: keys of outputs of this source where none should be, and where `look` did not look."""
        return []

    @abstractmethod
    def remove(self) -> list[str]:
        """Remove every output of this source; their keys."""

    @abstractmethod
    def tidy(self, present: Present) -> None:
        """Finish what an invocation that was cut short left to do after its outputs were there."""

    def _put(
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
            if there and self._is_same(there, source["etag"], recipe):
                return there.etag  # the same outputs, by a twin of this invocation or an earlier try of it
            if there and not self.request.dest_key and self._is_of_another(there):
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
        """Of this source, and (or not) at a key that was asked for, as this request's are."""
        return stat.metadata.get(SOURCE) == self._source and (PLACED in stat.metadata) == bool(self.request.dest_key)

    def _is_of_another(self, stat: Stat) -> bool:
        """An object without our metadata may be what a predecessor of this function left: it is replaced."""
        return stat.metadata.get(SOURCE, self._source) != self._source

    def _is_same(self, stat: Stat, source_etag: str, recipe: str) -> bool:
        wanted = (source_etag, recipe)
        return self._is_ours(stat) and tuple(map(stat.metadata.get, (SOURCE_ETAG, RECIPE))) == wanted
