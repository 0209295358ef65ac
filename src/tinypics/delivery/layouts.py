"""The two layouts of outputs: one output with the source's key, or several below it with a manifest."""

from __future__ import annotations

import functools
from os import urandom
from typing import TYPE_CHECKING

from tinypics.delivery import keys
from tinypics.delivery.manifest import MAX_BYTES, Manifest, StoredOutput, placeholder
from tinypics.delivery.outputs import RECIPE, SOURCE, ExistingOutputs, Layout
from tinypics.delivery.stored_facts import output_from_metadata, sha256_of, source_from_metadata, stored_output
from tinypics.errors import InvalidRequest, SourceChanged, SourceNotFound, SourceTooLarge
from tinypics.store.objects import Conflict
from tinypics.store.threads import together
from tinypics.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinypics.delivery.outputs import Handling, NewOutputs
    from tinypics.delivery.request import Request
    from tinypics.store.bucket import Bucket
    from tinypics.store.objects import Stat


class SingleLayout(Layout):
    """One output, with a key that follows from the source's (or `dest_key`); its own metadata is the marker."""

    def __init__(self, request: Request, bucket: Bucket, handling: Handling) -> None:
        super().__init__(request, bucket, handling)
        (self._rendition,) = request.renditions
        self.marker = request.dest_key or keys.single_output(request.base_key, self._rendition)
        self.output_keys = (self.marker,)

    def look(self) -> ExistingOutputs:
        return self._existing(self.bucket.head(self.marker))

    def _existing(self, stat: Stat | None) -> ExistingOutputs:
        if stat is None:
            return ExistingOutputs()
        output = output_from_metadata(str(self._rendition), self.marker, stat) if self._is_ours(stat) else None
        if output is None:
            displaces, obstacle = self._displaced(stat), self._obstacle(self.marker, stat)
            if displaces and not self.request.follows:  # only the stack's recipe may take an output out of a list
                obstacle = obstacle or InvalidRequest.expected("key", "a source whose output no list has", self.marker)
            return ExistingOutputs(stat.etag, obstacle=obstacle, displaces=displaces)
        return ExistingOutputs(stat.etag, source_from_metadata(stat.metadata), stat.metadata.get(RECIPE, ""), (output,))

    def _displaced(self, stat: Stat) -> str:
        """The source in whose list the object at the output's key is; "" if it is in none."""
        folder = self.marker.removeprefix(self.request.prefix).rpartition("/")[0]
        is_another = folder != self.request.key
        return (
            folder if is_another and stat.metadata.get(SOURCE) == keys.fingerprint(self.request.bucket, folder) else ""
        )

    def write(self, new: NewOutputs, existing: ExistingOutputs) -> ExistingOutputs:
        (output,) = new.outputs
        etag, existed = self._put_output(self.marker, output, new.source, existing.etag)
        stored = (stored_output(self.marker, output, etag),)
        return ExistingOutputs(etag, new.source, self.request.recipe, stored, existed=existed)

    def clean(self, existing: ExistingOutputs) -> bool:
        """One listing, after the write: of two recipes that write at the same time, one sees the other's output."""
        if self.request.dest_key:
            return False
        others = {key: etag for key, etag in self._etags().items() if key != self.marker}
        strays = self._ours(self._stats(others), existing.source_etag)
        self.delete(strays)
        return bool(strays)

    def owned(self, existing: ExistingOutputs) -> Mapping[str, str]:  # noqa: ARG002 - a listing finds it, too
        return self._ours(self._stats(self._etags()))

    def heirs(self) -> list[str]:
        prefix = self.request.prefix
        shorter = keys.shorter_sources(self.marker.removeprefix(prefix), self.request.key)
        return [each for each in shorter if keys.single_output(prefix + each, self._rendition) == self.marker]


class FolderLayout(Layout):
    """Several outputs below the source's key, and a manifest.

    An incomplete manifest, which names no output, is written before the first output, and the complete one after the
    last. So a manifest never names an object that is about to change, and of concurrent invocations only those that
    work on the latest incomplete manifest can complete it.
    """

    def __init__(self, request: Request, bucket: Bucket, handling: Handling) -> None:
        super().__init__(request, bucket, handling)
        self.marker = keys.manifest(request.base_key)
        self._keys = {str(each): keys.listed_output(request.base_key, each) for each in request.renditions}
        self.output_keys = tuple(self._keys.values())

    def look(self) -> ExistingOutputs:
        """A GET of the manifest. If it is complete, a listing shows whether it is true."""
        stat, manifest = self._read_manifest()
        if stat is None:
            return ExistingOutputs()
        if manifest is None:
            return ExistingOutputs(stat.etag, obstacle=self._obstacle(self.marker, stat))
        if not manifest.outputs:
            named, recipe = manifest.all_keys, manifest.recipe
            return ExistingOutputs(stat.etag, manifest.source, named=named, claimed_recipe=recipe, kept=manifest.kept)
        vouched = _vouched(manifest.outputs) | {self.marker: stat.etag}
        etags, owned, stats = self._survey(vouched, manifest.source["etag"])
        if etags.get(self.marker) != stat.etag:
            raise Conflict(f'object "{self.marker}" was replaced after it was read')
        true = [item for item in manifest.outputs if etags.get(item.key) == item.etag]
        outputs = tuple(item for item in true if self._keys.get(item.rendition) == item.key)
        return ExistingOutputs(
            etag=stat.etag,
            source=manifest.source,
            recipe=manifest.recipe if outputs == manifest.outputs else "",
            outputs=outputs,
            placeholder=manifest.placeholder,
            named=manifest.all_keys,
            owned=owned,
            damaged={item.key: etags.get(item.key) for item in manifest.outputs if item not in true},
            obstacle=self._first_obstacle(stats),
        )

    def confirm(self, existing: ExistingOutputs) -> ExistingOutputs:
        """A HEAD of each output: equal bytes have one ETag, of whatever version, and on demand or not."""
        stats = self._stats(_vouched(existing.outputs))
        etag = existing.source_etag
        true = tuple(item for item in existing.outputs if item.key in stats and self._is_made_of(stats[item.key], etag))
        if true == existing.outputs:
            return existing
        other = {item.key: item.etag if item.key in stats else None for item in existing.outputs if item not in true}
        return replace(existing, recipe="", outputs=true, damaged={**existing.damaged, **other})

    def write(self, new: NewOutputs, existing: ExistingOutputs) -> ExistingOutputs:
        assert new.placeholder is not None  # noqa: S101 - `reconcile` makes it for every folder
        shown = placeholder(new.placeholder)
        # Invocations of duplicate events share one claim: if each made its own, none would complete. The claim of one
        # that was killed is shared, too, with the outputs that it has written.
        shared = (existing.source_etag, existing.claimed_recipe) == (new.source["etag"], self.request.recipe)
        if shared and existing.etag:
            claim, kept = existing.etag, existing.kept
        else:
            kept = _vouched(tuple(new.reused.values()))
            claim = self._claim(Manifest(new.source, self.request.recipe, placeholder=shown, kept=kept), existing)
        # Listed after the claim, so that of invocations of both layouts at least one sees the other's writes.
        etags, owned, stats = self._survey(_vouched(existing.outputs) | {self.marker: claim}, new.source["etag"])
        expected = _vouched(tuple(new.reused.values())) | {self.marker: claim}
        if any(etags.get(key) != etag for key, etag in expected.items()):
            raise Conflict(f'another invocation writes below "{self.request.base_key}"')
        if stats:
            self._check_claim(claim)  # if it was lost, these may be another's outputs
        if obstacle := self._first_obstacle(stats):
            self.bucket.delete(self.marker, etag=claim)
            raise obstacle
        planned = {self._keys[str(output.rendition)]: output for output in new.outputs}
        stored = together(
            functools.partial(
                self._put_output,
                key,
                output,
                new.source,
                etags.get(key),
                stats.get(key),
                claim=claim,
                kept=kept.get(key),
            )
            for key, output in planned.items()
        )
        written = {
            str(output.rendition): stored_output(key, output, etag, sha256=sha256_of(output.data))
            for (key, output), (etag, _) in zip(planned.items(), stored, strict=True)
        }
        complete = tuple({**new.reused, **written}[str(rendition)] for rendition in self.request.renditions)
        self._delete_strays(owned, claim)
        return self._complete(Manifest(new.source, self.request.recipe, complete, shown), claim)

    def clean(self, existing: ExistingOutputs) -> bool:
        if existing.owned.keys() <= {self.marker, *self.output_keys}:
            return False
        manifest = Manifest(existing.source, existing.recipe, existing.outputs, existing.placeholder)
        claim = self._claim(replace(manifest, outputs=(), kept=_vouched(existing.outputs)), existing)
        self._delete_strays(existing.owned, claim)
        self._complete(manifest, claim)
        return True

    def owned(self, existing: ExistingOutputs) -> Mapping[str, str]:
        marker = {self.marker: existing.etag} if existing.etag and existing.source else {}
        return self._survey(_vouched(existing.outputs) | marker)[1]

    def _survey(
        self, vouched: Mapping[str, str], source_etag: str | None = None
    ) -> tuple[dict[str, str], dict[str, str], dict[str, Stat]]:
        """The ETags of all objects where outputs can be, those of this source's, and the facts of unknown ones.

        Outputs on demand of the version `source_etag` are not among them, because they stay. Objects with an ETag in
        `vouched` are known to belong to this source.
        """
        etags = self._etags()
        ours = {key: etag for key, etag in etags.items() if vouched.get(key) == etag}
        unknown = self._stats({key: etag for key, etag in etags.items() if key not in ours})
        return etags, ours | self._ours(unknown, source_etag), unknown

    def _first_obstacle(self, stats: Mapping[str, Stat]) -> InvalidRequest | None:
        found = (self._obstacle(key, stats[key]) for key in self.output_keys if key in stats)
        return next(filter(None, found), None)

    def _delete_strays(self, owned: Mapping[str, str], claim: str) -> None:
        kept = {self.marker, *self.output_keys}
        strays = {key: etag for key, etag in owned.items() if key not in kept}
        if strays:
            self._check_claim(claim)  # if it was lost, they may be outputs of the invocation that has it now
        self.delete(strays)

    def _check_claim(self, claim: str) -> None:
        there = self.bucket.head(self.marker)
        if there is None or there.etag != claim:
            raise Conflict(f'another invocation writes below "{self.request.base_key}"')

    def _claim(self, manifest: Manifest, existing: ExistingOutputs) -> str:
        """Write an incomplete manifest; its ETag. It is unlike all others, so no older one can be mistaken for it."""
        names = tuple(sorted({*self.output_keys, *existing.named}))
        return self._put_manifest(replace(manifest, claim=urandom(8).hex(), keys=names), existing.etag)

    def _complete(self, manifest: Manifest, claim: str) -> ExistingOutputs:
        etag = self._put_manifest(manifest, claim)
        return ExistingOutputs(etag, manifest.source, manifest.recipe, manifest.outputs, manifest.placeholder)

    def _put_manifest(self, manifest: Manifest, replaces: str | None) -> str:
        attributes = self._attributes("application/json", manifest.source, manifest.recipe, "manifest")
        attributes["Cache-Control"] = "no-cache"  # its content changes under the same key
        data = manifest.to_json(self.handling.url_base, self.handling.sizes, self.request.prefix)
        return self.bucket.put(self.marker, data, attributes=attributes, tags=self.handling.tags, replaces=replaces)

    def _read_manifest(self) -> tuple[Stat | None, Manifest | None]:
        """The facts of the object at the manifest's key; its content if it is a valid manifest of this source."""
        try:
            found = self.bucket.open(self.marker, max_bytes=MAX_BYTES)
            return found.stat, Manifest.from_json(found.read_all()) if self._is_ours(found.stat) else None
        except SourceNotFound:
            return None, None
        except SourceTooLarge:
            return self.bucket.head(self.marker), None
        except SourceChanged as error:
            raise Conflict(str(error)) from error


def layout_of(request: Request, bucket: Bucket, handling: Handling) -> Layout:
    """The layout of the outputs of `request`. Raises InvalidRequest if a key of theirs would be too long."""
    if request.on_demand is not None:
        from tinypics.delivery.on_demand import OnDemandLayout  # no upload's event needs it

        return OnDemandLayout(request, bucket, handling)
    return (FolderLayout if request.in_folder else SingleLayout)(request, bucket, handling)


def _vouched(stored: tuple[StoredOutput, ...]) -> dict[str, str]:
    return {item.key: item.etag for item in stored}
