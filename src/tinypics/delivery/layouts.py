"""The two layouts of outputs: one output with the source's key, or several below it with a manifest."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from tinypics.delivery import keys
from tinypics.delivery.manifest import Manifest, Stored, placeholder
from tinypics.delivery.outputs import FACTS, RECIPE, SOURCE_ETAG, SOURCE_FACTS, Place, Present, Torn
from tinypics.errors import SourceNotFound
from tinypics.store.objects import Conflict
from tinypics.store.threads import together
from tinypics.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinypics.delivery.outputs import Handling, Made
    from tinypics.delivery.request import Request
    from tinypics.image.results import Output
    from tinypics.store.bucket import Bucket
    from tinypics.store.objects import Stat

MAX_MANIFEST = 4 * 2**20  # bytes; ten times that of fifty renditions with the longest keys


class Single(Place):
    """One output, with the source's key (or `dest_key`); its own metadata is the marker."""

    def look(self) -> Present | None:
        return self._at(self._candidates()[0])

    def everywhere(self) -> list[Present]:
        return [present for key in self._candidates() if (present := self._at(key))]

    def elsewhere(self, source_format: str | None) -> list[Present]:
        """If the key's extension is not the source's format, or the output's format is chosen by its pixels."""
        told = source_format in (None, keys.format_by_name(self.request.key))
        if told and self.request.renditions[0].format != "auto":
            return []
        return [present for key in self._candidates()[1:] if (present := self._at(key))]

    def _at(self, key: str) -> Present | None:
        stat = self.bucket.head(key)
        if stat is None or not self._is_ours(stat):
            return None
        stored = _from_facts(str(self.request.renditions[0]), key, stat)
        if stored is None:
            return None
        return Present(stat.etag, _source(stat), stat.metadata.get(RECIPE, ""), (stored,))

    def write(self, made: Made, present: Present | None, unchanged: Callable[[], bool]) -> tuple[Stored, ...]:
        (output,) = made.outputs
        key = self.request.dest_key or keys.single_output(
            self.request.place, source=made.source["format"], output=output.format
        )
        replaces = present.etag if present and present.stored[0].key == key else None
        if present and replaces is None:  # the source's format has changed, and so the output's key
            if not unchanged():
                raise Conflict(key)
            self.bucket.delete(present.stored[0].key)
        etag = self._put(key, output, made.source, replaces, unchanged)
        return (_stored(key, output, etag),)

    def strays(self, present: Present | None, stored: Sequence[Stored]) -> list[str]:
        """If `look` found nothing, outputs of earlier versions of the source may be at the other candidates."""
        others = [key for key in self._candidates() if key != stored[0].key] if present is None else []
        stats = together(functools.partial(self.bucket.head, key) for key in others)
        return [key for key, stat in zip(others, stats, strict=True) if stat and self._is_ours(stat)]

    def remove(self) -> list[str]:
        found = [key for key in self._candidates() if (stat := self.bucket.head(key)) and self._is_ours(stat)]
        for key in found:
            self.bucket.delete(key)
        return found

    def tidy(self, present: Present) -> None:
        """Nothing to do: a single output is written by one request."""

    def _candidates(self) -> list[str]:
        if self.request.dest_key:
            return [self.request.dest_key]
        return keys.single_outputs(self.request.place, self.request.renditions[0].format)


class Folder(Place):
    """Several outputs below the source's key, and a manifest. It is written last, so that it lists existing outputs."""

    def look(self) -> Present | None:
        try:
            found = self.bucket.open(keys.manifest(self.request.place), max_bytes=MAX_MANIFEST)
            manifest = Manifest.from_json(found.whole())
        except SourceNotFound:
            return None
        if manifest is None or not self._is_ours(found.stat):
            return None
        return Present(found.stat.etag, manifest.source, manifest.recipe, manifest.stored, manifest.obsolete)

    def write(self, made: Made, present: Present | None, unchanged: Callable[[], bool]) -> tuple[Stored, ...]:
        before = {item.key: item.etag for item in present.stored} if present else {}
        planned = {
            keys.listed_output(self.request.place, output.rendition.label, output.extension): output
            for output in made.outputs
        }  # validates every key before anything is stored
        etags = together(
            functools.partial(self._put, key, output, made.source, before.get(key), unchanged)
            for key, output in planned.items()
        )
        new = {
            str(output.rendition): _stored(key, output, written, sha256=_sha256(output.data))
            for (key, output), written in zip(planned.items(), etags, strict=True)
        }
        stored = tuple({**made.kept, **new}[str(rendition)] for rendition in self.request.renditions)
        gone = {*before, *(present.obsolete if present else ())} - {item.key for item in stored}
        assert made.small is not None  # noqa: S101 - `reconcile` makes it for every folder
        small = placeholder(made.small)
        manifest = Manifest(dict(made.source), self.request.recipe, stored, small, tuple(sorted(gone)))
        written = self._put_manifest(manifest, present.etag if present else None, unchanged)
        if gone:
            self._finish(manifest, written)
        return stored

    def strays(self, present: Present | None, stored: Sequence[Stored]) -> list[str]:  # noqa: ARG002 - for Single
        """Lists the folder, because a killed invocation may have left outputs that no manifest names."""
        kept = {keys.manifest(self.request.place), *(item.key for item in stored)}
        others = [key for key in self.bucket.children(self.request.place) if key not in kept]
        stats = {key: self.bucket.head(key) for key in others}
        return [key for key, stat in stats.items() if stat and self._is_ours(stat)]

    def remove(self) -> list[str]:
        marker = keys.manifest(self.request.place)
        # Delete the manifest first, so that no reader relies on outputs that are being deleted. List the outputs
        # instead of reading them from the manifest: a repeated removal then finds the rest.
        children = self.bucket.children(self.request.place)
        found = [key for key in children if (stat := self.bucket.head(key)) and self._is_ours(stat)]
        for key in sorted(found, key=lambda key: key != marker):
            self.bucket.delete(key)
        return found

    def tidy(self, present: Present) -> None:
        """Delete obsolete outputs of an earlier recipe, if an earlier invocation was cut short before it did."""
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
        attributes = self._attributes("application/json", manifest.source, manifest.recipe, "manifest")
        attributes["Cache-Control"] = "no-cache"  # its content changes under the same key
        data = manifest.to_json(self.handling.url_base)
        try:
            return self.bucket.put(key, data, attributes=attributes, tags=self.handling.tags, replaces=replaces)
        except Conflict:
            # A manifest of an older version, or a damaged one, may be replaced; that of a concurrent invocation not.
            there = self.bucket.head(key)
            if replaces is not None or there is None or self.look() is not None or not unchanged():
                raise
            return self.bucket.put(key, data, attributes=attributes, tags=self.handling.tags, replaces=there.etag)


def place_of(request: Request, bucket: Bucket, handling: Handling) -> Place:
    """The layout of the outputs of `request`."""
    return (Folder if request.in_folder else Single)(request, bucket, handling)


def _stored(key: str, output: Output, etag: str, *, sha256: str = "") -> Stored:
    return Stored(
        rendition=str(output.rendition),
        key=key,
        width=output.width,
        height=output.height,
        format=output.format,
        bytes=len(output.data),
        etag=etag,
        sha256=sha256,
        dropped=output.dropped,
    )


def _sha256(data: bytes) -> str:
    from hashlib import sha256  # loads OpenSSL, which takes 4 ms; only manifests need it

    return sha256(data).hexdigest()


def _from_facts(rendition: str, key: str, stat: Stat) -> Stored | None:
    """The facts of an output, from its metadata; None if they are missing."""
    size, name, dropped = _split(stat.metadata.get(FACTS, ""))
    if size is None or not name:
        return None
    lost = tuple(dropped.split(",")) if dropped else ()
    return Stored(rendition, key, *size, name, stat.size, stat.etag, dropped=lost)


def _source(stat: Stat) -> dict[str, Any]:
    """The facts of the source, from an output's metadata: the ETag at least."""
    etag = stat.metadata.get(SOURCE_ETAG, "")
    size, name, count = _split(stat.metadata.get(SOURCE_FACTS, ""))
    if size is None or not count.isdigit():
        return {"etag": etag}
    return {"etag": etag, "width": size[0], "height": size[1], "format": name, "bytes": int(count)}


def _split(facts: str) -> tuple[tuple[int, int] | None, str, str]:
    """`4032x3024 jpeg rest` split into its three parts."""
    size, _, rest = facts.partition(" ")
    name, _, rest = rest.partition(" ")
    width, _, height = size.partition("x")
    return ((int(width), int(height)) if width.isdigit() and height.isdigit() else None), name, rest
