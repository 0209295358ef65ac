"""Listings of any location: buckets through the store client, folders through the file system."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinypics.errors import SourceNotFound
from tinypics.store.location import FILE
from tinypics.store.objects import Listed, UnsupportedKey, unquoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tinypics.store.bucket import Bucket
    from tinypics.store.location import Location


def list_location(location: Location, not_listed: Callable[[str], None]) -> Iterator[Listed]:
    """Every object of a location, one page in memory at a time.

    `not_listed` is called with each folder that cannot be listed: permission is missing, or it has a key like
    `a//b.jpg`, for which the client refuses the whole page. S3 has a better listing in `cli`.
    """
    if location.scheme == FILE:
        yield from list_files(Path(location.name), not_listed)
    else:
        yield from _objects(location.bucket(), location.prefix.rstrip("/"), not_listed)


def list_files(root: Path, not_listed: Callable[[str], None]) -> Iterator[Listed]:
    """The files of a folder, without hidden files and folders. Symbolic links to folders are not followed.

    Raises SourceNotFound.
    """

    def refused(error: OSError) -> None:
        not_listed(Path(error.filename).relative_to(root).as_posix())

    if not root.is_dir():
        raise SourceNotFound(f"there is no folder {root}")
    for folder, names, found in os.walk(root, onerror=refused):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in sorted(found):
            path = Path(folder, name)
            with suppress(FileNotFoundError):  # deleted meanwhile
                if not name.startswith(".") and path.is_file():
                    stat = path.stat()
                    changed = datetime.fromtimestamp(stat.st_mtime, UTC)
                    yield Listed(path.relative_to(root).as_posix(), stat.st_size, "", changed)


def _objects(bucket: Bucket, folder: str, not_listed: Callable[[str], None]) -> Iterator[Listed]:
    last = ""
    try:
        for meta in bucket.everything(folder):
            yield _from_meta(meta)
            last = meta["path"]
    except UnsupportedKey:  # list each folder by itself, so that only the folder with the odd key is lost
        yield from (found for found in _levels(bucket, folder, not_listed) if found.key > last)


def _levels(bucket: Bucket, folder: str, not_listed: Callable[[str], None]) -> Iterator[Listed]:
    try:
        below, objects = bucket.level(folder)
    except UnsupportedKey:
        not_listed(folder)
        return
    yield from map(_from_meta, objects)
    for each in below:
        yield from _levels(bucket, each, not_listed)


def _from_meta(meta: Any) -> Listed:
    return Listed(meta["path"], meta["size"], unquoted(meta["e_tag"]), meta["last_modified"])
