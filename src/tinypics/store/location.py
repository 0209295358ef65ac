"""Locations of pictures and outputs, as users write them: `s3://bucket/folder`, `gs://…`, `az://…`, or a folder."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from obstore.store import AzureStore, GCSStore

from tinypics.errors import AccessDenied, DestinationNotFound, InvalidRequest, LoopRefused
from tinypics.store.folder import FolderBucket
from tinypics.store.s3 import s3_bucket
from tinypics.store.vendors import AzureBucket, GoogleBucket

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

    from tinypics.store.bucket import Bucket

FILE = "file"
SCHEMES = ("s3", "gs", "az", FILE)

_TIMEOUTS: ClientConfig = {
    "connect_timeout": timedelta(seconds=5),
    "read_timeout": timedelta(seconds=20),  # between two reads
    "timeout": timedelta(minutes=5),  # a large source over a slow line
}
_RETRIES: RetryConfig = {
    "max_retries": 4,
    "retry_timeout": timedelta(seconds=30),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=5), "base": 2},
}
_NO_RETRIES: RetryConfig = {"max_retries": 0}


@dataclass(frozen=True, slots=True)
class Location:
    """A bucket (or a folder, by its absolute path), and a key prefix: empty, or a path with a trailing slash.

    It can be pickled; each process opens its own client. `endpoint` is for S3-compatible stores of other vendors.
    """

    scheme: str
    name: str
    prefix: str = ""
    endpoint: str | None = None

    @classmethod
    def parse(cls, text: str, endpoint: str | None = None) -> Location:
        """The location of a URL, or of a folder's path, which need not exist yet. Raises InvalidRequest."""
        scheme, separator, rest = text.partition("://")
        if not separator:
            scheme, rest = FILE, text
        if scheme not in SCHEMES or not rest:
            allowed = ", ".join(f"{each}://…" for each in SCHEMES)
            raise InvalidRequest.expected("location", f"a folder or one of {allowed}", text)
        if scheme == FILE:
            return cls(FILE, str(Path(rest).expanduser().resolve()))
        name, _, prefix = rest.partition("/")
        prefix = prefix.strip("/")
        return cls(scheme, name, f"{prefix}/" if prefix else "", endpoint if scheme == "s3" else None)

    @property
    def bucket_name(self) -> str:
        """Its name in answers, messages and the metadata of outputs."""
        return Path(self.name).as_uri() if self.scheme == FILE else self.name

    def bucket(self) -> Bucket:
        """The cached client of this location. Raises DestinationNotFound if it is a folder that does not exist."""
        return _client(replace(self, prefix=""))

    def make(self) -> None:
        """Create the folder; a bucket must exist already. Raises InvalidRequest, AccessDenied."""
        if self.scheme != FILE:
            return
        try:
            Path(self.name).mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise InvalidRequest.expected("location", "a folder", self.name) from error
        except OSError as error:
            raise AccessDenied(f"cannot make the folder {self.name}: {error.strerror}") from error

    def __str__(self) -> str:
        return self.name if self.scheme == FILE else f"{self.scheme}://{self.name}/{self.prefix}"


def outputs_within(source: Location, output: Location) -> str | None:
    """The prefix of the source's keys that are outputs; None if outputs are in another location.

    Raises LoopRefused if every key of the source could be an output.
    """
    there, ours = _identity(source), _identity(output)
    if there[:-1] != ours[:-1]:
        return None
    if there[-1].startswith(ours[-1]):
        raise LoopRefused(f"expected outputs in a place that does not hold the sources {source}, got {output}")
    if not ours[-1].startswith(there[-1]):
        return None
    return ours[-1].removeprefix(there[-1]) if source.scheme == FILE else ours[-1]


def _identity(location: Location) -> tuple[str, str, str | None, str]:
    """The parts that identify a location. The last one is the prefix, which for a folder is its path."""
    if location.scheme == FILE:
        return FILE, "", None, f"{location.name.rstrip('/')}/"
    return location.scheme, location.name, location.endpoint, location.prefix


@functools.cache
def _client(location: Location) -> Bucket:
    name = location.name
    if location.scheme == FILE:
        if not Path(name).is_dir():
            raise DestinationNotFound(f"there is no folder {name}")
        return FolderBucket(Path(name))
    if location.scheme == "gs":
        google = (GCSStore(name, client_options=_TIMEOUTS, retry_config=each) for each in (_RETRIES, _NO_RETRIES))
        return GoogleBucket(name, *google)
    if location.scheme == "az":
        azure = (AzureStore(name, client_options=_TIMEOUTS, retry_config=each) for each in (_RETRIES, _NO_RETRIES))
        return AzureBucket(name, *azure)
    return s3_bucket(name, endpoint=location.endpoint, timeouts=_TIMEOUTS, retries=_RETRIES)
