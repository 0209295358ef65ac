"""A folder as a bucket: a key is the path of a file below it.

File systems keep neither metadata nor conditional writes, so both are arranged here. Metadata goes to a file of its own
below `.tinypics`, and counts only while the file that it is about has the ETag (inode, time of change, size) that it
names: a file that was copied, restored or edited is one that nobody made here. What is weaker than in a bucket: an ETag
is true on this computer only, and between looking at a file and replacing it, another process may replace it, too.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import obstore
from obstore import exceptions as foreign
from obstore.store import LocalStore

from tinypics.errors import DestinationNotFound, InvalidRequest, SourceNotFound
from tinypics.store import Bucket, Conflict, bare, translated

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tinypics.download import Download
    from tinypics.store import Stat

PRIVATE: Final = ".tinypics"
"""What this module keeps for itself: no file below it is an object."""

_LONGEST_NAME = 255  # bytes; of nearly every file system
_MAX_ABOUT = 64 * 1024  # bytes; what is written has a tenth of it


class FolderBucket(Bucket):
    """The files below `path`, which must be there. Its name is the folder's URL."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.as_uri(), LocalStore(path, automatic_cleanup=True))
        self._path = path

    def open(self, key: str, *, version_id: str | None = None, max_bytes: int) -> Download:
        if not self._has(key):  # the store takes a file where a folder should be for a passing failure
            raise SourceNotFound(f'there is no file "{key}" in {self.name}')
        found = super().open(key, version_id=version_id, max_bytes=max_bytes)
        found.stat = self._described(key, found.stat)
        return found

    def head(self, key: str, *, version_id: str | None = None) -> Stat | None:
        stat = super().head(key, version_id=version_id) if self._has(key) else None
        return self._described(key, stat) if stat else None

    def put(
        self,
        key: str,
        data: bytes,
        *,
        attributes: Mapping[str, str],
        tags: Mapping[str, str] | None = None,  # noqa: ARG002 - files have none
        replaces: str | None,
    ) -> str:
        """As a bucket does it. Raises InvalidRequest where a folder has that name, or a file that of its folder."""
        self._check_place(key)
        part = f"{PRIVATE}/parts/{uuid.uuid4().hex}"
        with translated(f"{self.name} to write to", missing=DestinationNotFound):
            try:
                etag = bare(obstore.put(self._store, part, data)["e_tag"])
                there = super().head(key) if replaces else None
                if replaces and (there is None or there.etag != replaces):
                    raise Conflict(f'file "{key}" in {self.name}')
                obstore.rename(self._store, part, key, overwrite=bool(replaces))  # whole, or not there
            except foreign.AlreadyExistsError as error:
                raise Conflict(f'file "{key}" in {self.name}') from error
            finally:
                self._file(part).unlink(missing_ok=True)
            about = json.dumps({"key": key, "etag": etag, "attributes": dict(attributes)}, indent=1)
            obstore.put(self._store, _about(key), about.encode())
        return etag

    def delete(self, key: str) -> None:
        with translated(f"{self.name} to remove from", missing=DestinationNotFound):
            for name in (key, _about(key)):
                if self._has(name):
                    with suppress(FileNotFoundError):
                        obstore.delete(self._store, name)

    def children(self, folder: str) -> list[str]:
        with translated(f"{self.name}", missing=DestinationNotFound):
            try:
                with os.scandir(self._file(folder)) as entries:
                    return [f"{folder}/{entry.name}" for entry in entries if entry.is_file()]
            except (FileNotFoundError, NotADirectoryError):
                return []

    def _file(self, key: str) -> Path:
        return self._path / key

    def _has(self, key: str) -> bool:
        return os.path.isfile(self._file(key))  # noqa: PTH113 - False also for names that no file can have

    def _described(self, key: str, stat: Stat) -> Stat:
        """With the metadata that were written for this version of the file, if any were."""
        try:
            with self._file(_about(key)).open("rb") as file:
                about: Any = json.loads(file.read(_MAX_ABOUT))
            if about["key"] == key and about["etag"] == stat.etag:
                return replace(stat, metadata={str(name): str(value) for name, value in about["attributes"].items()})
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            pass  # none, or damaged: the file is one that nobody made here
        return stat

    def _check_place(self, key: str) -> None:
        if any(len(part.encode()) > _LONGEST_NAME for part in key.split("/")):
            raise InvalidRequest.expected("key", f"names of at most {_LONGEST_NAME} bytes in a folder", key)
        file = self._file(key)
        if file.is_dir():
            raise InvalidRequest.expected("key", "the name of no folder", key)
        above = next(parent for parent in file.parents if parent.exists())
        if not above.is_dir():
            raise InvalidRequest.expected("key", f"one in a folder: {above.name} is a file", key)


def _about(key: str) -> str:
    """Where the metadata of a file are. A hash, because names may be as long as a file system takes, or be folders."""
    name = hashlib.sha256(key.encode()).hexdigest()
    return f"{PRIVATE}/about/{name[:2]}/{name[2:40]}.json"
