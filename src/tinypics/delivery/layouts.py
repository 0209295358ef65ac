"""The two layouts of outputs: one output with the source's key, or several below it with a manifest."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from tinypics.delivery import keys
from tinypics.delivery.manifest import Manifest, StoredOutput, placeholder
from tinypics.delivery.outputs import (
    FACTS,
    RECIPE,
    SOURCE_ETAG,
    SOURCE_FACTS,
    ConcurrentCleanup,
    ExistingOutputs,
    Layout,
)
from tinypics.errors import SourceNotFound
from tinypics.store.objects import Conflict
from tinypics.store.threads import together

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinypics.delivery.outputs import Handling, NewOutputs
    from tinypics.delivery.request import Request
    from tinypics.image.results import Output
    from tinypics.store.bucket import Bucket
    from tinypics.store.objects import Stat

MAX_MANIFEST = 4 * 2**20  # bytes; ten times that of fifty renditions with the longest keys


class SingleLayout(Layout):
    """One output, with a key that follows from the source's (or `dest_key`); its own metadata is the marker."""

    def __init__(self, request: Request, bucket: Bucket, handling: Handling) -> None:
        super().__init__(request, bucket, handling)
        (self._rendition,) = request.renditions
        self._key = request.dest_key or keys.single_output(request.base_key, self._rendition)

    def look(self) -> ExistingOutputs | None:
        stat = self.bucket.head(self._key)
        if stat is None or not self._is_ours(stat):
            return None
        output = _output_from_metadata(str(self._rendition), self._key, stat)
        if output is None:
            return None
        return ExistingOutputs(stat.etag, _source_from_metadata(stat), stat.metadata.get(RECIPE, ""), (output,))

    def write(
        self, new: NewOutputs, existing: ExistingOutputs | None, unchanged: Callable[[], bool]
    ) -> ExistingOutputs:
        (output,) = new.outputs
        etag = self._put_output(self._key, output, new.source, existing.etag if existing else None, unchanged)
        true_name = new.source["format"] == keys.format_by_name(self.request.key)
        former = () if existing else self._former_keys(true_name=true_name)
        stored = _stored_output(self._key, output, etag)
        return ExistingOutputs(etag, new.source, self.request.recipe, (stored,), former)

    def finish_cleanup(self, existing: ExistingOutputs) -> bool:
        return bool(self._delete_ours(existing.obsolete))

    def remove(self) -> list[str]:
        return self._delete_ours([self._key, *self._former_keys(true_name=False)])

    def _former_keys(self, *, true_name: bool) -> tuple[str, ...]:
        if self.request.dest_key:
            return ()
        return tuple(keys.former_outputs(self.request.base_key, self._rendition, true_name=true_name))


class FolderLayout(Layout):
    """Several outputs below the source's key, and a manifest. It is written last, so that it lists existing outputs."""

    def __init__(self, request: Request, bucket: Bucket, handling: Handling) -> None:
        super().__init__(request, bucket, handling)
        self._manifest_key = keys.manifest(request.base_key)
        self._keys = {str(each): keys.listed_output(request.base_key, each) for each in request.renditions}

    def look(self) -> ExistingOutputs | None:
        try:
            found = self.bucket.open(self._manifest_key, max_bytes=MAX_MANIFEST)
            manifest = Manifest.from_json(found.whole())
        except SourceNotFound:
            return None
        if manifest is None or not self._is_ours(found.stat):
            return None
        # Earlier versions chose keys by the picture's content.
        former = [item for item in manifest.outputs if self._keys.get(item.rendition, item.key) != item.key]
        return ExistingOutputs(
            found.stat.etag,
            manifest.source,
            "" if former else manifest.recipe,
            tuple(item for item in manifest.outputs if item not in former),
            (*manifest.obsolete, *(item.key for item in former)),
            manifest.placeholder,
        )

    def write(
        self, new: NewOutputs, existing: ExistingOutputs | None, unchanged: Callable[[], bool]
    ) -> ExistingOutputs:
        assert new.placeholder is not None  # noqa: S101 - `reconcile` makes it for every folder
        before = {item.key: item.etag for item in existing.outputs} if existing else {}
        planned = {self._keys[str(output.rendition)]: output for output in new.outputs}
        etags = together(
            functools.partial(self._put_output, key, output, new.source, before.get(key), unchanged)
            for key, output in planned.items()
        )
        written = {
            str(output.rendition): _stored_output(key, output, etag, sha256=_sha256(output.data))
            for (key, output), etag in zip(planned.items(), etags, strict=True)
        }
        stored = tuple({**new.reused, **written}[str(rendition)] for rendition in self.request.renditions)
        gone = {*before, *(existing.obsolete if existing else ())} - {item.key for item in stored}
        manifest = Manifest(new.source, self.request.recipe, stored, placeholder(new.placeholder), tuple(sorted(gone)))
        etag = self._put_manifest(manifest, existing.etag if existing else None, unchanged)
        return ExistingOutputs(etag, new.source, manifest.recipe, stored, manifest.obsolete, manifest.placeholder)

    def finish_cleanup(self, existing: ExistingOutputs) -> bool:
        """List the folder, because a killed invocation may have left outputs that no manifest names."""
        kept = {self._manifest_key, *(item.key for item in existing.outputs)}
        orphans = [key for key in self.bucket.children(self.request.base_key) if key not in kept]
        deleted = self._delete_ours(orphans)
        if existing.obsolete:
            manifest = Manifest(existing.source, existing.recipe, existing.outputs, existing.placeholder)
            try:
                self._put_manifest(manifest, existing.etag, lambda: False)
            except Conflict as error:
                raise ConcurrentCleanup(str(error)) from error
        return bool(deleted)

    def remove(self) -> list[str]:
        # Delete the manifest first, so that no reader relies on outputs that are being deleted. List the outputs
        # instead of reading them from the manifest: a repeated removal then finds the rest.
        children = self.bucket.children(self.request.base_key)
        return self._delete_ours(sorted(children, key=lambda key: key != self._manifest_key))

    def _put_manifest(self, manifest: Manifest, replaces: str | None, unchanged: Callable[[], bool]) -> str:
        key = self._manifest_key
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


def layout_of(request: Request, bucket: Bucket, handling: Handling) -> Layout:
    """The layout of the outputs of `request`. Raises InvalidRequest if a key of theirs would be too long."""
    return (FolderLayout if request.in_folder else SingleLayout)(request, bucket, handling)


def _stored_output(key: str, output: Output, etag: str, *, sha256: str = "") -> StoredOutput:
    return StoredOutput(
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


def _output_from_metadata(rendition: str, key: str, stat: Stat) -> StoredOutput | None:
    """The facts of an output, from its metadata; None if they are missing."""
    size, name, dropped = _split_facts(stat.metadata.get(FACTS, ""))
    if size is None or not name:
        return None
    lost = tuple(dropped.split(",")) if dropped else ()
    return StoredOutput(rendition, key, *size, name, stat.size, stat.etag, dropped=lost)


def _source_from_metadata(stat: Stat) -> dict[str, Any]:
    """The facts of the source, from an output's metadata: the ETag at least."""
    etag = stat.metadata.get(SOURCE_ETAG, "")
    size, name, count = _split_facts(stat.metadata.get(SOURCE_FACTS, ""))
    if size is None or not count.isdigit():
        return {"etag": etag}
    return {"etag": etag, "width": size[0], "height": size[1], "format": name, "bytes": int(count)}


def _split_facts(facts: str) -> tuple[tuple[int, int] | None, str, str]:
    """`4032x3024 jpeg rest` split into its three parts."""
    size, _, rest = facts.partition(" ")
    name, _, rest = rest.partition(" ")
    width, _, height = size.partition("x")
    return ((int(width), int(height)) if width.isdigit() and height.isdigit() else None), name, rest
