"""A folder as a bucket: a key is the path of a file below it.

File systems keep neither metadata nor conditional writes, so both are arranged here. Metadata go to a file of their own
below `.tinypics`, and count only while the file that they are about has the ETag (inode, time of change, size) that is
told there: a file that was copied, restored or edited is one that nobody made here. What is weaker than in a bucket: an
ETag is true on this computer only, and another process may replace a file between our look at it and our own write.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import uuid
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from obstore.store import MemoryStore

from tinypics.errors import AccessDenied, InvalidRequest, SourceNotFound, SourceTooLarge, StoreUnavailable
from tinypics.store.bucket import Bucket
from tinypics.store.download import Download
from tinypics.store.objects import Conflict, Stat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


_T = TypeVar("_T")

PRIVATE: Final = ".tinypics"
"""What this module keeps for itself: no file below it is an object."""

_TRIES = 3
_MAX_ABOUT = 64 * 1024  # bytes; what is written has a tenth of it
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK)


class FolderBucket(Bucket):
    """The files below `path`, which must be there. Its name is the folder's URL."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.as_uri(), MemoryStore())  # which nothing is asked
        self._path = path

    def open(self, key: str, *, version_id: str | None = None, max_bytes: int) -> Download:  # noqa: ARG002
        with self._translated(key):
            if not self._has(key):
                raise SourceNotFound(f'there is no file "{key}" in {self.name}')
            with self._file(key).open("rb") as file:
                found = os.fstat(file.fileno())
                if found.st_size > max_bytes:
                    raise SourceTooLarge(f"file: expected at most {max_bytes:,} bytes, got {found.st_size:,}")
                data = file.read(found.st_size)
        if len(data) < found.st_size:
            raise StoreUnavailable(f"the file ended after {len(data):,} of {found.st_size:,} bytes")
        return Download(self._described(key, found), [data], lambda start, end: data[start:end], nullcontext)

    def head(self, key: str, *, version_id: str | None = None) -> Stat | None:  # noqa: ARG002
        with self._translated(key), suppress(FileNotFoundError):
            if self._has(key):
                return self._described(key, self._file(key).stat())
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
        """As a bucket does it. Raises InvalidRequest where a folder has that name, or a file that of its folder."""
        with self._translated(key), self._explained(key):
            part = self._file(f"{PRIVATE}/parts/{uuid.uuid4().hex}")
            try:
                tag = _written(part, data)
                there = self.head(key) if replaces else None
                if replaces and (there is None or there.etag != replaces):
                    raise Conflict(f'file "{key}" in {self.name}')
                _placed(part, self._file(key), over=bool(replaces))  # whole, or not there
            except FileExistsError as error:
                raise Conflict(f'file "{key}" in {self.name}') from error
            finally:
                part.unlink(missing_ok=True)
            self._describe(key, {"key": key, "etag": tag, "attributes": dict(attributes)})
        return tag

    def delete(self, key: str) -> None:
        """Remove the file, if it is there, and the folders that are empty without it."""
        with self._translated(key):
            for file in (self._file(key), self._file(_about(key))):
                with suppress(FileNotFoundError, NotADirectoryError):
                    file.unlink()
                with suppress(OSError):  # the first that is not empty
                    for folder in file.parents[: len(file.relative_to(self._path).parts) - 1]:
                        folder.rmdir()

    def children(self, folder: str) -> list[str]:
        with self._translated(folder):
            try:
                with os.scandir(self._file(folder)) as entries:
                    return [f"{folder}/{entry.name}" for entry in entries if entry.is_file()]
            except (FileNotFoundError, NotADirectoryError):
                return []

    def _file(self, key: str) -> Path:
        return self._path / key

    def _has(self, key: str) -> bool:
        return os.path.isfile(self._file(key))  # noqa: PTH113 - False also for names that no file can have

    def _described(self, key: str, found: os.stat_result) -> Stat:
        """With the metadata that were written for this version of the file, if any were."""
        tag = _tag(found)
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):  # none, or damaged
            with self._file(_about(key)).open("rb") as file:
                about: Any = json.loads(file.read(_MAX_ABOUT))
            if about["key"] == key and about["etag"] == tag:
                attributes = {str(name): str(value) for name, value in about["attributes"].items()}
                return Stat(tag, found.st_size, None, attributes)
        return Stat(tag, found.st_size, None, {})

    def _describe(self, key: str, about: Mapping[str, object]) -> None:
        file = self._file(_about(key))
        part = file.with_suffix(f".{uuid.uuid4().hex}")
        _written(part, json.dumps(about, indent=1).encode())
        part.replace(file)

    @contextmanager
    def _explained(self, key: str) -> Iterator[None]:
        """Why a file cannot have this name, if that is why it was not written."""
        try:
            yield
        except (OSError, Conflict) as error:
            file = self._file(key)
            if file.is_dir():
                raise InvalidRequest.expected("key", "the name of no folder", key) from error
            above = next(parent for parent in file.parents if parent.exists())
            if not above.is_dir():
                raise InvalidRequest.expected("key", f"one in a folder: {above.name} is a file", key) from error
            raise

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        """What the file system raises, but for what says that something is or is not there, in our words."""
        try:
            yield
        except PermissionError as error:
            raise AccessDenied(f'no permission for "{key}" in {self.name}') from error
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise InvalidRequest.expected("key", "names that the file system takes", key) from error
            raise StoreUnavailable(f'"{key}" in {self.name}: {error.strerror}') from error


def _written(file: Path, data: bytes) -> str:
    """Write a new file; its ETag."""
    with _above(file, lambda: file.open("xb")) as opened:
        opened.write(data)
    return _tag(file.stat())  # not before it is closed: some file systems set the time then


def _placed(part: Path, file: Path, *, over: bool) -> None:
    """Give a whole file its name. Raises FileExistsError if there is one already, and it is not to be replaced."""
    try:
        _above(file, lambda: part.replace(file) if over else file.hardlink_to(part))
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if file.exists():  # a file system without links, on memory cards for example
            raise FileExistsError(error.errno, "there is one", str(file)) from error
        part.replace(file)


def _above(file: Path, call: Callable[[], _T]) -> _T:
    """What `call` returns, which needs the folder of `file`: made where it is missing."""
    for _ in range(_TRIES):  # somebody else may remove the folder, which is empty, before there is a file in it
        with suppress(FileNotFoundError):
            return call()
        file.parent.mkdir(parents=True, exist_ok=True)
    return call()


def _tag(found: os.stat_result) -> str:
    return f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"


def _about(key: str) -> str:
    """Where the metadata of a file are. A hash, because names may be as long as a file system takes, or be folders."""
    name = hashlib.sha256(key.encode()).hexdigest()
    return f"{PRIVATE}/about/{name[:2]}/{name[2:40]}.json"
