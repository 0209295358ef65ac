"""Objects of the output bucket as pictures: grouped by key, with the facts of their manifests and metadata."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tinypics.delivery import keys
from tinypics.delivery.manifest import MAX_BYTES, Manifest
from tinypics.delivery.outputs import FACTS, ON_DEMAND, SOURCE
from tinypics.delivery.stored_facts import source_from_metadata, split_facts
from tinypics.image.formats import OUTPUTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from tinypics.stack.deployed import Stack
    from tinypics.store.objects import Listed

_PARALLEL = 8
_MAX_HEADS = 8  # objects of one picture whose metadata is read, besides those that its manifest describes
_MAX_CACHED = 5_000


@dataclass
class StoredPicture:
    """Objects that belong together. `name` is the key of a single output, or the folder of several."""

    name: str
    outputs: list[Listed] = field(default_factory=list)
    manifest: Listed | None = None

    @property
    def objects(self) -> list[Listed]:
        return [*self.outputs, self.manifest] if self.manifest else self.outputs

    @property
    def modified(self) -> int:
        """Milliseconds since 1970."""
        return max(int(each.modified.timestamp() * 1000) for each in self.objects if each.modified)


@dataclass(frozen=True)
class OutputFacts:
    """One output. Without a format, nothing but its size in bytes is known."""

    key: str
    bytes: int
    width: int | None = None
    height: int | None = None
    format: str | None = None
    rendition: str | None = None
    dropped: tuple[str, ...] = ()
    source: str = ""
    """The fingerprint of its source, from its metadata."""
    on_demand: bool = False


def grouped(listed: Iterable[Listed], folders: Collection[str] = ()) -> list[StoredPicture]:
    """The pictures of these objects, in the order of their keys. `folders` may have outputs without a manifest."""
    objects = [each for each in listed if not keys.is_folder_marker(each.key, each.size)]
    marked = {each.key.rpartition("/")[0] for each in objects if each.key.endswith(f"/{keys.MANIFEST}")}
    found: dict[str, StoredPicture] = {}
    for each in objects:
        folder = each.key.rpartition("/")[0]
        known = folder in marked or folder in folders or keys.format_by_name(folder) is not None
        inside = known and keys.may_be_output(folder, each.key)
        name = folder if inside else each.key
        picture = found.setdefault(name, StoredPicture(name))
        if inside and each.key.endswith(f"/{keys.MANIFEST}"):
            picture.manifest = each
        else:
            picture.outputs.append(each)
    return list(found.values())


class OutputReader:
    """Reads manifests and metadata, each once for every version of an object."""

    def __init__(self, s3: Any, stack: Stack) -> None:
        self._s3 = s3
        self._stack = stack
        self._pool = ThreadPoolExecutor(_PARALLEL, thread_name_prefix="outputs")
        self._cache: dict[tuple[str, ...], list[OutputFacts]] = {}

    def read(self, pictures: list[StoredPicture]) -> list[list[OutputFacts]]:
        """The outputs of each picture, in the manifest's order."""
        return list(self._pool.map(self._outputs, pictures))

    def answer(self, picture: StoredPicture, outputs: list[OutputFacts], prefix: str) -> dict[str, Any]:
        """The picture in the form of the function's answers. `source_key` is None if its source cannot be told."""
        marker = picture.manifest or picture.outputs[0]
        metadata = self._metadata(marker.key) or {}
        manifest = self._manifest(picture)
        facts = dict(manifest.source) if manifest else source_from_metadata(metadata)
        return {
            "source_bucket": self._stack.source_bucket,
            "source_key": self._source(picture.name.removeprefix(prefix), metadata.get(SOURCE, "")),
            "source": facts,
            "dest_bucket": self._stack.output_bucket,
            "renditions": [vars(each) | {"dest_key": each.key} for each in outputs],
            **({"manifest": picture.manifest.key} if picture.manifest else {}),
        }

    def source(self, picture: StoredPicture, outputs: list[OutputFacts], prefix: str) -> str | None:
        """The key of the picture's source, as far as it is known without another request."""
        name = picture.name.removeprefix(prefix)
        return name if picture.manifest else self._source(name, outputs[0].source)

    def _source(self, name: str, fingerprint: str) -> str | None:
        bucket = self._stack.source_bucket
        possible = keys.possible_sources(name)
        return next((key for key in possible if keys.fingerprint(bucket, key) == fingerprint), None)

    def _outputs(self, picture: StoredPicture) -> list[OutputFacts]:
        version = picture.name, *(each.etag for each in picture.objects)
        found = self._cache.get(version)
        if found is None:
            found = self._cache[version] = self._read(picture)
            while len(self._cache) > _MAX_CACHED:
                self._cache.pop(next(iter(self._cache)), None)
        return found

    def _read(self, picture: StoredPicture) -> list[OutputFacts]:
        manifest = self._manifest(picture)
        there = {each.key: each for each in picture.outputs}
        described = [
            OutputFacts(item.key, there.pop(item.key).size, item.width, item.height, item.format, item.rendition,
                        item.dropped)
            for item in (manifest.outputs if manifest else ())
            if item.key in there
        ]  # fmt: skip
        others = list(there.values())
        known = [self._by_metadata(each) for each in others[:_MAX_HEADS]]
        return described + known + [OutputFacts(each.key, each.size) for each in others[_MAX_HEADS:]]

    def _by_metadata(self, listed: Listed) -> OutputFacts:
        metadata = self._metadata(listed.key) or {}
        size, name, dropped = split_facts(metadata.get(FACTS, ""))
        if size is None or name not in OUTPUTS:
            return OutputFacts(listed.key, listed.size)
        lost = tuple(filter(None, dropped.split(",")))
        source, on_demand = metadata.get(SOURCE, ""), ON_DEMAND in metadata
        return OutputFacts(listed.key, listed.size, *size, name, dropped=lost, source=source, on_demand=on_demand)

    def _manifest(self, picture: StoredPicture) -> Manifest | None:
        if picture.manifest is None:
            return None
        try:
            found = self._s3.get_object(Bucket=self._stack.output_bucket, Key=picture.manifest.key)
        except ClientError:  # deleted meanwhile, or access denied: the listing still shows its objects
            return None
        with found["Body"] as body:
            return Manifest.from_json(body.read(MAX_BYTES))

    def _metadata(self, key: str) -> dict[str, str] | None:
        try:
            found: dict[str, str] = self._s3.head_object(Bucket=self._stack.output_bucket, Key=key)["Metadata"]
        except ClientError:
            return None
        return found
