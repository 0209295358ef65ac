"""A folder as a bucket: a key is the path of a file below it.

File systems have neither object metadata nor conditional writes, so this module adds both. Metadata are in a file of
their own below `.tinypics`, which has the ETag (inode, modification time, size) of its object. They are valid only
while the ETags match: a copied, restored or edited file has no metadata. Two guarantees are weaker than in a bucket:
an ETag is valid on this computer only, and another process may replace a file between our check and our write.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import uuid
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from obstore.store import MemoryStore

from tinypics.errors import AccessDenied, InvalidRequest, SourceNotFound, SourceTooLarge, StoreUnavailable
from tinypics.store.atomic import atomic_write
from tinypics.store.bucket import PAGE, Bucket
from tinypics.store.download import Download
from tinypics.store.objects import Conflict, Listed, Stat
from tinypics.translating import Translating

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


_T = TypeVar("_T")

PRIVATE: Final = ".tinypics"
"""The folder of this module's own files, which are no objects."""

_TRIES = 3
_MAX_ABOUT = 64 * 1024  # bytes; ten times the largest that is written
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK)


class FolderBucket(Bucket):
    """The files below `path`, which must exist. The bucket's name is the folder's URL."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.as_uri(), MemoryStore())  # a placeholder: every method is overridden
        self._path = path

    def open(
        self,
        key: str,
        *,
        version_id: str | None = None,  # noqa: ARG002
        max_bytes: int,
        size: int | None = None,  # noqa: ARG002
    ) -> Download:
        with self._translate_errors(key):
            if not self._is_file(key):
                raise SourceNotFound(f'there is no file "{key}" in {self.name}')
            with self._file(key).open("rb") as file:
                found = os.fstat(file.fileno())
                if found.st_size > max_bytes:
                    raise SourceTooLarge.of("file", max_bytes, found.st_size, _tag(found))
                data = file.read(found.st_size)
        if len(data) < found.st_size:
            raise StoreUnavailable(f"the file ended after {len(data):,} of {found.st_size:,} bytes")
        return Download(self._stat_of(key, found), [data], lambda start, end: [data[start:end]], nullcontext)

    def head(self, key: str, *, version_id: str | None = None) -> Stat | None:  # noqa: ARG002
        with self._translate_errors(key), suppress(FileNotFoundError):
            if self._is_file(key):
                return self._stat_of(key, self._file(key).stat())
        return None

    def put(
        self,
        key: str,
        data: bytes,
        *,
        attributes: Mapping[str, str],
        tags: Mapping[str, str] | None = None,  # noqa: ARG002 - files have none
        replaces: str | None,
    ) -> str:
        """As `Bucket.put`. Raises InvalidRequest if the key is a folder, or if a file stands in place of its folder."""
        with self._translate_errors(key), self._explain_obstacles(key):
            part = self._file(f"{PRIVATE}/parts/{uuid.uuid4().hex}")
            try:
                tag = _write_new(part, data)
                there = self.head(key) if replaces else None
                if replaces and (there is None or there.etag != replaces):
                    raise Conflict(f'file "{key}" in {self.name}')
                _move_into_place(part, self._file(key), over=bool(replaces))  # atomic
            except FileExistsError as error:
                raise Conflict(f'file "{key}" in {self.name}') from error
            finally:
                part.unlink(missing_ok=True)
            self._write_metadata(key, {"key": key, "etag": tag, "attributes": dict(attributes)})
        return tag

    def delete(self, key: str, *, etag: str | None = None) -> None:
        """As `Bucket.delete`; folders that become empty go, too."""
        with self._translate_errors(key):
            if etag is not None and (there := self.head(key)) and there.etag != etag:
                raise Conflict(f'file "{key}" in {self.name}')
            for file in (self._file(key), self._file(_metadata_key(key))):
                with suppress(FileNotFoundError, NotADirectoryError):
                    file.unlink()
                with suppress(OSError):  # stops at the first folder that is not empty
                    for folder in file.parents[: len(file.relative_to(self._path).parts) - 1]:
                        folder.rmdir()

    def from_key(self, key: str) -> list[Listed]:
        """The file `key`, files beside it whose names begin with its name and a dot, and those in the folder `key`."""
        folder, slash, name = key.rpartition("/")

        def not_listed(error: OSError) -> None:
            if not isinstance(error, FileNotFoundError | NotADirectoryError):
                raise error

        with self._translate_errors(key):
            found = [key]
            with suppress(FileNotFoundError, NotADirectoryError), os.scandir(self._file(folder)) as entries:
                found += [f"{folder}{slash}{entry.name}" for entry in entries if entry.name.startswith(f"{name}.")]
            for above, _, names in os.walk(self._file(key), onerror=not_listed):
                below = self._path.joinpath(above).relative_to(self._path).as_posix()
                found += [f"{below}/{each}" for each in names]
            listed = [Listed(each, stat.size, stat.etag) for each in sorted(found) if (stat := self.head(each))]
        return listed[:PAGE]

    def _file(self, key: str) -> Path:
        return self._path / key

    def _is_file(self, key: str) -> bool:
        return os.path.isfile(self._file(key))  # noqa: PTH113 - False also for names that no file can have

    def _stat_of(self, key: str, found: os.stat_result) -> Stat:
        """The file's `Stat`, with its metadata if they were written for this version."""
        tag = _tag(found)
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):  # missing, or damaged
            with self._file(_metadata_key(key)).open("rb") as file:
                about: Any = json.loads(file.read(_MAX_ABOUT))
            if about["key"] == key and about["etag"] == tag:
                attributes = {str(name): str(value) for name, value in about["attributes"].items()}
                return Stat(tag, found.st_size, None, attributes)
        return Stat(tag, found.st_size, None, {})

    def _write_metadata(self, key: str, about: Mapping[str, object]) -> None:
        file = self._file(_metadata_key(key))

        def write() -> None:
            with atomic_write(file) as part:
                part.write_text(json.dumps(about, indent=1))

        _with_parents(file, write)

    def _explain_obstacles(self, key: str) -> Translating:
        """Explain an error of a write by the key, if a folder or a file is in its way."""

        def translate(error: Exception) -> None:
            if not isinstance(error, (OSError, Conflict)):
                return
            file = self._file(key)
            if file.is_dir():
                raise InvalidRequest.expected("key", "the name of no folder", key) from error
            above = next(parent for parent in file.parents if parent.exists())
            if not above.is_dir():
                raise InvalidRequest.expected("key", f"one in a folder: {above.name} is a file", key) from error

        return Translating(translate)

    def _translate_errors(self, key: str) -> Translating:
        """Turn errors of the file system into ours. Callers handle those about existence."""

        def translate(error: Exception) -> None:
            if isinstance(error, PermissionError):
                raise AccessDenied(f'no permission for "{key}" in {self.name}') from error
            if not isinstance(error, OSError):
                return
            if error.errno == errno.ENAMETOOLONG:
                raise InvalidRequest.expected("key", "names that the file system takes", key) from error
            raise StoreUnavailable(f'"{key}" in {self.name}: {error.strerror}') from error

        return Translating(translate)


def _write_new(file: Path, data: bytes) -> str:
    """Write a new file; its ETag."""
    with _with_parents(file, lambda: file.open("xb")) as opened:
        opened.write(data)
    return _tag(file.stat())  # after closing, because some file systems set the modification time then


def _move_into_place(part: Path, file: Path, *, over: bool) -> None:
    """Move a complete file to its name. Raises FileExistsError if the name is taken and `over` is false."""
    try:
        _with_parents(file, lambda: part.replace(file) if over else file.hardlink_to(part))
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if file.exists():  # a file system without hard links, like FAT on memory cards
            raise FileExistsError(error.errno, "there is one", str(file)) from error
        part.replace(file)


def _with_parents(file: Path, call: Callable[[], _T]) -> _T:
    """The result of `call`, which needs the folder of `file`: it is created if missing."""
    for _ in range(_TRIES):  # another process may remove the new folder while it is still empty
        with suppress(FileNotFoundError):
            return call()
        file.parent.mkdir(parents=True, exist_ok=True)
    return call()


def _tag(found: os.stat_result) -> str:
    return f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"


def _metadata_key(key: str) -> str:
    """The key of an object's metadata. Hashed, because a key may have the maximum length, or also be a folder."""
    name = hashlib.sha256(key.encode()).hexdigest()
    return f"{PRIVATE}/about/{name[:2]}/{name[2:40]}.json"
