"""A bucket of S3 in memory: ETags, conditions, versions, metadata, and listings in the order of UTF-8.

Every request takes effect at once and as a whole, as S3's do. `tests/delivery/world.py` decides when.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from obstore.store import MemoryStore

from tinypics.delivery import keys
from tinypics.errors import InvalidRequest, SourceNotFound, SourceTooLarge
from tinypics.store.bucket import Bucket
from tinypics.store.download import Download
from tinypics.store.objects import Conflict, Listed, Stat, UnsupportedKey

PAGE = 1000  # keys of one answer to a listing
_NO_STORE = MemoryStore()  # every method that would use it is overridden


@functools.lru_cache(4096)
def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@functools.lru_cache(4096)
def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@functools.lru_cache(1024)
def is_odd(key: str) -> bool:
    """Whether the client of the real bucket cannot represent this key."""
    try:
        keys.check(key)
    except InvalidRequest:
        return True
    return False


@dataclass(frozen=True)
class Object:
    data: bytes
    etag: str
    version_id: str | None
    metadata: Mapping[str, str]
    number: int = 0
    """Of its PUT: objects with the same bytes have the same ETag."""

    def stat(self) -> Stat:
        return Stat(self.etag, len(self.data), self.version_id, self.metadata)


class Opened(Download):
    """An object that has arrived completely, without the thread and the file of a real download."""

    def __init__(self, found: Object) -> None:
        self.stat = found.stat()
        self.size = len(found.data)
        self.wait_seconds = 0.0
        self.released = False
        self._data = found.data
        self._at = 0
        self._ended = True

    def __del__(self) -> None:
        """There is no file to close."""

    def check(self) -> None:
        """It has arrived."""

    def close(self) -> None:
        self.released = True


@dataclass
class ModelBucket(Bucket):
    """`unique`: every PUT has its own ETag, as with SSE-KMS; otherwise an ETag is the MD5 of the bytes."""

    name: str
    unique: bool = False
    versioned: bool = False
    objects: dict[str, Object] = field(default_factory=dict)
    versions: dict[tuple[str, str], Object] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        super().__init__(self.name, _NO_STORE)

    def _get(self, key: str, version_id: str | None) -> Object | None:
        return self.versions.get((key, version_id)) if version_id else self.objects.get(key)

    def open(self, key: str, *, version_id: str | None = None, max_bytes: int, size: int | None = None) -> Download:
        found = self._get(key, version_id)
        if found is None:
            raise SourceNotFound(f'there is no object "{key}" in bucket {self.name}')
        if len(found.data) > max_bytes:
            raise SourceTooLarge.of("object", max_bytes, len(found.data), found.etag)
        return Opened(found)

    def head(self, key: str, *, version_id: str | None = None) -> Stat | None:
        found = self._get(key, version_id)
        return found.stat() if found else None

    def put(
        self,
        key: str,
        data: bytes,
        *,
        attributes: Mapping[str, str],
        tags: Mapping[str, str] | None = None,
        replaces: str | None,
    ) -> str:
        there = self.objects.get(key)
        if (there.etag if there else None) != replaces:
            raise Conflict(f'object "{key}" in bucket {self.name}')
        return self._write(key, data, attributes).etag

    def store(self, key: str, data: bytes, attributes: Mapping[str, str]) -> Object:
        """An unconditional PUT, which Tinypics never sends."""
        return self._write(key, data, attributes)

    def _write(self, key: str, data: bytes, attributes: Mapping[str, str]) -> Object:
        number = next(self._numbers)
        etag = f"{number:032x}" if self.unique else md5(data)
        found = Object(data, etag, f"v{number}" if self.versioned else None, dict(attributes), number)
        self.objects[key] = found
        if found.version_id:
            self.versions[key, found.version_id] = found
        return found

    def delete(self, key: str, *, etag: str | None = None) -> None:
        there = self.objects.get(key)
        if there and etag is not None and there.etag != etag:
            raise Conflict(f'object "{key}" in bucket {self.name}')
        self.objects.pop(key, None)  # versions stay

    def _listed(self, prefix: str, begin: str = "", most: int | None = None) -> list[str]:
        found = [key for key in self.objects if key.startswith(prefix) and key.encode() >= begin.encode()]
        found = sorted(found, key=str.encode)[:most]
        for key in found:
            if is_odd(key):
                raise UnsupportedKey(f"{key!r} in bucket {self.name}")
        return found

    def _meta(self, key: str) -> Any:
        found = self.objects[key]
        return {"path": key, "size": len(found.data), "e_tag": f'"{found.etag}"', "last_modified": None}

    def level(self, folder: str) -> tuple[Sequence[str], Sequence[Any]]:
        prefix = f"{folder}/" if folder else ""
        found = self._listed(prefix)
        direct = [key for key in found if "/" not in key[len(prefix) :]]
        folders = dict.fromkeys(prefix + key[len(prefix) :].partition("/")[0] for key in found if key not in direct)
        return list(folders), [self._meta(key) for key in direct]

    def everything(self, folder: str, *, after: str = "") -> Iterator[Any]:
        prefix = f"{folder}/" if folder else ""
        return iter([self._meta(key) for key in self._listed(prefix, after) if key != after])

    def from_key(self, key: str) -> list[Listed]:
        """One answer to a listing of the key's folder, without a delimiter, that begins at the key."""
        folder = key.rpartition("/")[0]
        listed = self._listed(f"{folder}/" if folder else "", key, PAGE)
        return [Listed(each, len(self.objects[each].data), self.objects[each].etag) for each in listed]
