"""Reading, replacing and deleting the outputs of one request.

The metadata of every output names its source, the source's ETag, and the recipe.
Writes are compare-and-swap: an object is replaced only if its ETag is still the one that was read.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tinypics.delivery import inventory, keys
from tinypics.errors import InvalidRequest
from tinypics.store.objects import Conflict
from tinypics.store.threads import together
from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping

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
CLAIM = "tinypics-claim"
"""The ETag of the incomplete manifest under which an output of a list was written."""
ON_DEMAND = "tinypics-on-demand"
"""Marks outputs that were made when they were asked for. They stay while they are of the source's version, but an
upload's event replaces those of its own renditions: no lifecycle rule may remove what a manifest names."""
ON_DEMAND_TAG = ("tinypics", "on-demand")
"""The tag of these objects, which a lifecycle rule can select. S3 allows ten tags for an object."""

MAX_UNKNOWN = 100
"""Objects without the name of a rendition whose metadata one invocation reads, to see whether they are outputs of its
source. There are many only if a source has the name of a folder of others."""


@value
class Handling:
    """How outputs are stored. `url_base` replaces the prefix of keys in a manifest; `sizes` is for its markup."""

    cache_control: str | None = None
    storage_class: str | None = None
    tags: Mapping[str, str] = MappingProxyType({})
    url_base: str = ""
    sizes: str = ""
    follow_deletes: bool = True


@value
class ExistingOutputs:
    """The objects at the keys of a request's outputs.

    `etag` is that of the object at the marker's key (the single output, or the manifest), also if it is not ours.
    `source` (with its `etag`), `recipe`, `outputs` and `placeholder` are as the marker of this source tells them.
    `outputs` has those that are really there; `recipe` is empty if any is not.

    Of a folder, `named` has the keys of outputs that may exist, as its manifest tells. If that is incomplete,
    `claimed_recipe` is the recipe that an invocation is writing, or was when it was killed, and `kept` has the ETags of
    outputs that it does not write again. If it is complete,
    `owned` has the ETags of this source's objects by key, and `damaged` those of objects that are not the ones that
    the manifest names (None: it is gone). `obstacle` is the error if a key belongs to somebody else. `displaces` is the
    source in whose list the object at the marker's key is. `existed`: the single output that was to be stored is one of
    a concurrent invocation.
    """

    etag: str | None = None
    source: Mapping[str, Any] = MappingProxyType({})
    recipe: str = ""
    outputs: tuple[StoredOutput, ...] = ()
    placeholder: Mapping[str, str] = MappingProxyType({})
    named: tuple[str, ...] = ()
    claimed_recipe: str = ""
    kept: Mapping[str, str] = MappingProxyType({})
    owned: Mapping[str, str] = MappingProxyType({})
    damaged: Mapping[str, str | None] = MappingProxyType({})
    existed: bool = False
    obstacle: InvalidRequest | None = None
    displaces: str = ""

    @property
    def source_etag(self) -> str | None:
        """None: there are no outputs of this source."""
        return self.source.get("etag")


@value
class NewOutputs:
    """Outputs to store. `source` describes their source (`etag`, `format`, `width`, `height`, ...).

    `reused` has existing outputs of the same version by an earlier recipe, by rendition. `placeholder` is the output of
    `placeholder.PLACEHOLDER`, if a manifest will be written.
    """

    outputs: tuple[Output, ...]
    source: Mapping[str, Any]
    reused: Mapping[str, StoredOutput] = MappingProxyType({})
    placeholder: Output | None = None


class Layout(ABC):
    """The layout of the outputs of one request. Every method raises Conflict if the objects change meanwhile."""

    marker: str
    """The key of the object that tells what the outputs were made of: the manifest, or the single output."""
    output_keys: tuple[str, ...]
    """The keys of the outputs, without that of the manifest."""

    def __init__(self, request: Request, bucket: Bucket, handling: Handling) -> None:
        self.request = request
        self.bucket = bucket
        self.handling = handling
        self._source = keys.fingerprint(request.bucket, request.key)

    @abstractmethod
    def look(self) -> ExistingOutputs:
        """Read the existing outputs."""

    def confirm(self, existing: ExistingOutputs) -> ExistingOutputs:
        """The same, without outputs whose metadata does not bear out what the marker tells of them."""
        return existing

    @abstractmethod
    def write(self, new: NewOutputs, existing: ExistingOutputs) -> ExistingOutputs:
        """Store all outputs in place of what `look` found. They still need `clean`."""

    @abstractmethod
    def clean(self, existing: ExistingOutputs) -> bool:
        """Delete outputs of this source that are not among `existing`; whether there were any."""

    @abstractmethod
    def owned(self, existing: ExistingOutputs) -> Mapping[str, str]:
        """The ETags of every output of this source, by key."""

    def heirs(self) -> list[str]:
        """Sources whose single output has the same key, and exists only while this source has none."""
        return []

    def delete(self, etags: Mapping[str, str]) -> None:
        """Delete these objects while they have these ETags.

        A manifest goes first, so that no reader relies on outputs that are being deleted.
        """
        manifest = f"{self.request.base_key}/{keys.MANIFEST}"
        if manifest in etags:
            self.bucket.delete(manifest, etag=etags[manifest])
        together(
            functools.partial(self.bucket.delete, key, etag=etag) for key, etag in etags.items() if key != manifest
        )

    def _etags(self) -> dict[str, str]:
        """The ETags of all objects at keys that an output of this source can have."""
        listed = inventory.read(self.bucket, self.request.base_key, self.output_keys)
        return {key: each.etag for key, each in listed.items()}

    def _stats(self, etags: Mapping[str, str]) -> dict[str, Stat]:
        """Facts of listed objects, of at most `MAX_UNKNOWN` unlikely ones.

        Raises Conflict if one of ours is another version now.
        """
        some = [key for number, key in enumerate(etags) if number < MAX_UNKNOWN or inventory.is_likely(key)]
        stats = together(functools.partial(self.bucket.head, key) for key in some)
        found = {key: stat for key, stat in zip(some, stats, strict=True) if stat}
        for key, stat in found.items():
            if self._is_ours(stat) and stat.etag != etags[key]:
                raise Conflict(f'object "{key}" was replaced after it was listed')
        return found

    def _ours(self, stats: Mapping[str, Stat], source_etag: str | None = None) -> dict[str, str]:
        """The ETags of those objects that are outputs of this source, without those on demand of this version."""

        def stays(stat: Stat) -> bool:
            return ON_DEMAND in stat.metadata and stat.metadata.get(SOURCE_ETAG, "") == source_etag

        return {key: stat.etag for key, stat in stats.items() if self._is_ours(stat) and not stays(stat)}

    def _put_output(
        self,
        key: str,
        output: Output,
        source: Mapping[str, Any],
        replaces: str | None,
        there: Stat | None = None,
        *,
        claim: str = "",
        kept: str | None = None,
    ) -> tuple[str, bool]:
        """Store an output in place of the object with the ETag `replaces`; its ETag, and whether it was there already.

        `there` has the facts of an object that may be this very output. It is written again if it was written under
        another `claim`: that fails if a concurrent invocation has deleted it, and makes late writes of others fail.
        One with the ETag `kept` stays.
        """
        facts = f"{output.width}x{output.height} {output.format} {','.join(output.dropped)}".strip()
        recipe = self.request.recipe_of(output.rendition)

        def is_there(stat: Stat) -> bool:
            is_claimed = stat.metadata.get(CLAIM, "") == claim or stat.etag == kept
            is_same = stat.metadata.get(RECIPE) == recipe and stat.size == len(output.data)
            return is_claimed and is_same and self._is_made_of(stat, source["etag"])

        if there and is_there(there):
            return there.etag, True
        attributes = self._attributes(output.content_type, source, recipe, facts)
        attributes |= {CLAIM: claim} if claim else {}
        tags = {**self.handling.tags, **dict([ON_DEMAND_TAG] if self.request.on_demand else [])}
        try:
            return self.bucket.put(key, output.data, attributes=attributes, tags=tags, replaces=replaces), False
        except Conflict:
            found = self.bucket.head(key)
            if found and is_there(found):
                return found.etag, True  # written by a concurrent invocation, or by an earlier attempt of the client
            raise

    def _attributes(self, content_type: str, source: Mapping[str, Any], recipe: str, facts: str) -> dict[str, str]:
        headers = {"Content-Type": content_type}
        if self.handling.cache_control:
            headers["Cache-Control"] = self.handling.cache_control
        if self.handling.storage_class:
            headers["Storage-Class"] = self.handling.storage_class
        placed = {PLACED: "by-request"} if self.request.dest_key else {}
        placed |= {ON_DEMAND: "yes"} if self.request.on_demand else {}
        made_of = {
            SOURCE: self._source,
            SOURCE_ETAG: source["etag"],
            SOURCE_FACTS: f"{source['width']}x{source['height']} {source['format']} {source['bytes']}",
        }
        return headers | placed | made_of | {RECIPE: recipe, FACTS: facts}

    def _is_ours(self, stat: Stat) -> bool:
        """Whether an object is an output of this source, and has a requested key if and only if this request has."""
        return stat.metadata.get(SOURCE) == self._source and (PLACED in stat.metadata) == bool(self.request.dest_key)

    def _is_made_of(self, stat: Stat, source_etag: str | None) -> bool:
        """Whether it is an output of this version. For an upload, one on demand is none: it may be removed any time."""
        if ON_DEMAND in stat.metadata and not self.request.on_demand:
            return False
        return self._is_ours(stat) and stat.metadata.get(SOURCE_ETAG) == source_etag

    def _obstacle(self, key: str, stat: Stat) -> InvalidRequest | None:
        """The error if the object at the key of an output belongs to somebody else; one without our metadata does not.

        A requested key and that of an upload's output exclude each other: the first one stays. Of two sources, the one
        that comes first in `keys.possible_sources` has the key; it also replaces an output of the other one.
        """
        owner = stat.metadata.get(SOURCE)
        if owner is None or self._is_ours(stat):
            return None
        if self.request.dest_key:
            allowed = "a key where no output of an upload is"
            return None if PLACED in stat.metadata else InvalidRequest.expected("dest_key", allowed, key)
        if PLACED in stat.metadata:
            return InvalidRequest.expected("key", "a source whose output key no request has taken as its dest_key", key)
        shorter = keys.shorter_sources(key.removeprefix(self.request.prefix), self.request.key)
        if owner in (keys.fingerprint(self.request.bucket, each) for each in shorter):
            return None
        return InvalidRequest.expected("key", "a source whose output no other source has", key)
