"""Outputs in their places: what is there, how it is replaced, and how it goes.

Every object that is written carries, as metadata, the source that it was made of, that source's ETag, and the recipe.
Writes are compare-and-swap: an object is replaced only if it is still the one that was looked at.
"""

from __future__ import annotations

import functools
import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tinypics import keys
from tinypics.errors import InvalidRequest, SourceNotFound
from tinypics.manifest import Manifest, Stored, placeholder
from tinypics.store import Conflict, together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tinypics.request import Request
    from tinypics.resize import Output
    from tinypics.store import Bucket, Stat

SOURCE = "tinypics-source"
SOURCE_ETAG = "tinypics-source-etag"
RECIPE = "tinypics-recipe"
FACTS = "tinypics-facts"
PLACED = "tinypics-placed"
"""On outputs whose key was asked for (`dest_key`): they are the asker's own, whatever becomes of their source."""
MAX_MANIFEST = 4 * 2**20  # bytes; one of fifty renditions with the longest keys has a tenth of it


@dataclass(frozen=True, slots=True)
class Handling:
    """How outputs are stored. `url_base` stands before the keys in a manifest's markup."""

    cache_control: str | None = None
    storage_class: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    url_base: str = ""
    follow_deletes: bool = True


@dataclass(frozen=True, slots=True)
class Present:
    """Outputs of a request that are there, as their marker (the one output, or the manifest) says."""

    etag: str
    source_etag: str
    recipe: str
    stored: tuple[Stored, ...]
    obsolete: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """What is to be stored, of the source that `source` describes (`etag`, `format`, `width`, `height`, ...).

    `kept` are outputs of an earlier recipe that this one has, too, made from the same source. `small` is the output of
    `manifest.PLACEHOLDER`, where there will be a manifest.
    """

    outputs: tuple[Output, ...]
    source: Mapping[str, Any]
    kept: Mapping[str, Stored] = field(default_factory=dict)
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
        self, key: str, output: Output, source_etag: str, replaces: str | None, unchanged: Callable[[], bool]
    ) -> str:
        facts = f"{output.width}x{output.height} {output.format} {','.join(output.dropped)}".strip()
        recipe = self.request.recipe_of(output.rendition)
        attributes = self._attributes(output.content_type, source_etag, recipe, facts)
        try:
            return self.bucket.put(key, output.data, attributes=attributes, tags=self.handling.tags, replaces=replaces)
        except Conflict:
            there = self.bucket.head(key)
            if there and self._is_same(there, source_etag, recipe):
                return there.etag  # the same outputs, by a twin of this invocation or an earlier try of it
            if there and not self.request.dest_key and self._is_of_another(there):
                raise InvalidRequest.expected("key", "a source whose output no other source has", key) from None
            if not unchanged():
                raise
            replaces = there.etag if there else None
            return self.bucket.put(key, output.data, attributes=attributes, tags=self.handling.tags, replaces=replaces)

    def _attributes(self, content_type: str, source_etag: str, recipe: str, facts: str) -> dict[str, str]:
        headers = {"Content-Type": content_type}
        if self.handling.cache_control:
            headers["Cache-Control"] = self.handling.cache_control
        if self.handling.storage_class:
            headers["Storage-Class"] = self.handling.storage_class
        placed = {PLACED: "by-request"} if self.request.dest_key else {}
        return headers | placed | {SOURCE: self._source, SOURCE_ETAG: source_etag, RECIPE: recipe, FACTS: facts}

    def _is_ours(self, stat: Stat) -> bool:
        return stat.metadata.get(SOURCE) == self._source

    def _is_of_another(self, stat: Stat) -> bool:
        """An object without our metadata may be what a predecessor of this function left: it is replaced."""
        return stat.metadata.get(SOURCE, self._source) != self._source

    def _is_same(self, stat: Stat, source_etag: str, recipe: str) -> bool:
        wanted = (self._source, source_etag, recipe)
        return tuple(map(stat.metadata.get, (SOURCE, SOURCE_ETAG, RECIPE))) == wanted


class Single(Place):
    """One output, with the source's key (or `dest_key`); its own metadata is the marker."""

    def look(self) -> Present | None:
        key = self._candidates()[0]
        stat = self.bucket.head(key)
        if stat is None or not self._is_ours(stat):
            return None
        stored = _from_facts(str(self.request.renditions[0]), key, stat)
        if stored is None:
            return None
        return Present(stat.etag, stat.metadata.get(SOURCE_ETAG, ""), stat.metadata.get(RECIPE, ""), (stored,))

    def write(self, made: Made, present: Present | None, unchanged: Callable[[], bool]) -> tuple[Stored, ...]:
        (output,) = made.outputs
        key = self.request.dest_key or keys.single_output(
            self.request.place, source=made.source["format"], output=output.format
        )
        replaces = present.etag if present and present.stored[0].key == key else None
        if present and replaces is None:  # the source was of another format before
            if not unchanged():
                raise Conflict(key)
            self.bucket.delete(present.stored[0].key)
        etag = self._put(key, output, made.source["etag"], replaces, unchanged)
        return (_stored(key, output, etag),)

    def strays(self, present: Present | None, stored: Sequence[Stored]) -> list[str]:
        """Of a source whose name did not tell its format, the output was not at the first candidate."""
        others = [key for key in self._candidates() if key != stored[0].key] if present is None else []
        stats = together(functools.partial(self.bucket.head, key) for key in others)
        return [key for key, stat in zip(others, stats, strict=True) if stat and self._is_ours(stat)]

    def remove(self) -> list[str]:
        found = [key for key in self._candidates() if (stat := self.bucket.head(key)) and self._is_ours(stat)]
        for key in found:
            self.bucket.delete(key)
        return found

    def tidy(self, present: Present) -> None:
        """Nothing: one output is there or it is not."""

    def _candidates(self) -> list[str]:
        if self.request.dest_key:
            return [self.request.dest_key]
        return keys.single_outputs(self.request.place, self.request.renditions[0].format)


class Folder(Place):
    """Several outputs below the source's key, and a manifest, written last, that says that all of them are there."""

    def look(self) -> Present | None:
        try:
            found = self.bucket.open(keys.manifest(self.request.place), max_bytes=MAX_MANIFEST)
            manifest = Manifest.from_json(found.whole())
        except SourceNotFound:
            return None
        if manifest is None or not self._is_ours(found.stat):
            return None
        return Present(found.stat.etag, manifest.source["etag"], manifest.recipe, manifest.stored, manifest.obsolete)

    def write(self, made: Made, present: Present | None, unchanged: Callable[[], bool]) -> tuple[Stored, ...]:
        before = {item.key: item.etag for item in present.stored} if present else {}
        planned = {
            keys.listed_output(self.request.place, output.rendition.label, output.extension): output
            for output in made.outputs
        }  # every key is checked before anything is stored
        etag = made.source["etag"]
        etags = together(
            functools.partial(self._put, key, output, etag, before.get(key), unchanged)
            for key, output in planned.items()
        )
        new = {
            str(output.rendition): _stored(key, output, written)
            for (key, output), written in zip(planned.items(), etags, strict=True)
        }
        stored = tuple({**made.kept, **new}[str(rendition)] for rendition in self.request.renditions)
        gone = {*before, *(present.obsolete if present else ())} - {item.key for item in stored}
        assert made.small is not None  # noqa: S101 - invocation makes it for every folder
        small = placeholder(made.small)
        manifest = Manifest(dict(made.source), self.request.recipe, stored, small, tuple(sorted(gone)))
        written = self._put_manifest(manifest, present.etag if present else None, unchanged)
        if gone:
            self._finish(manifest, written)
        return stored

    def strays(self, present: Present | None, stored: Sequence[Stored]) -> list[str]:  # noqa: ARG002 - for Single
        """They are listed, because no manifest knows of what was written by one who never came to write its own."""
        kept = {keys.manifest(self.request.place), *(item.key for item in stored)}
        others = [key for key in self.bucket.children(self.request.place) if key not in kept]
        stats = {key: self.bucket.head(key) for key in others}
        return [key for key, stat in stats.items() if stat and self._is_ours(stat) and PLACED not in stat.metadata]

    def remove(self) -> list[str]:
        marker = keys.manifest(self.request.place)
        # The signal goes first, so that nobody relies on what is about to go. What is below is listed, not read from
        # it: a removal that was cut short finds the rest.
        children = self.bucket.children(self.request.place)
        found = [key for key in children if (stat := self.bucket.head(key)) and self._is_ours(stat)]
        for key in sorted(found, key=lambda key: key != marker):
            self.bucket.delete(key)
        return found

    def tidy(self, present: Present) -> None:
        """Remove what an earlier recipe left, if the invocation that should have was cut short."""
        if present.obsolete:
            found = self.bucket.open(keys.manifest(self.request.place), max_bytes=MAX_MANIFEST)
            manifest = Manifest.from_json(found.whole())
            if manifest is not None and found.stat.etag == present.etag:
                self._finish(manifest, found.stat.etag)

    def _finish(self, manifest: Manifest, etag: str) -> None:
        for key in manifest.obsolete:
            if (stat := self.bucket.head(key)) and self._is_ours(stat):
                self.bucket.delete(key)
        try:
            self._put_manifest(replace(manifest, obsolete=()), etag, lambda: False)
        except Conflict as error:
            raise Torn(str(error)) from error

    def _put_manifest(self, manifest: Manifest, replaces: str | None, unchanged: Callable[[], bool]) -> str:
        key = keys.manifest(self.request.place)
        attributes = self._attributes("application/json", manifest.source["etag"], manifest.recipe, "manifest")
        attributes["Cache-Control"] = "no-cache"  # it changes in its place
        data = manifest.to_json(self.handling.url_base)
        try:
            return self.bucket.put(key, data, attributes=attributes, tags=self.handling.tags, replaces=replaces)
        except Conflict:
            # What is no manifest of ours (an older form of it, a damaged one) may be replaced; a twin's may not.
            there = self.bucket.head(key)
            if replaces is not None or there is None or self.look() is not None or not unchanged():
                raise
            return self.bucket.put(key, data, attributes=attributes, tags=self.handling.tags, replaces=there.etag)


def place_of(request: Request, bucket: Bucket, handling: Handling) -> Place:
    """Where the outputs of `request` are."""
    return (Folder if request.in_folder else Single)(request, bucket, handling)


def _stored(key: str, output: Output, etag: str) -> Stored:
    return Stored(
        rendition=str(output.rendition),
        key=key,
        width=output.width,
        height=output.height,
        format=output.format,
        bytes=len(output.data),
        etag=etag,
        sha256=hashlib.sha256(output.data).hexdigest(),
        dropped=output.dropped,
    )


def _from_facts(rendition: str, key: str, stat: Stat) -> Stored | None:
    """What the metadata of an output says of it; None if it does not."""
    size, _, rest = stat.metadata.get(FACTS, "").partition(" ")
    name, _, dropped = rest.partition(" ")
    width, _, height = size.partition("x")
    if not (width.isdigit() and height.isdigit() and name):
        return None
    lost = tuple(dropped.split(",")) if dropped else ()
    return Stored(rendition, key, int(width), int(height), name, stat.size, stat.etag, dropped=lost)
