"""Where pictures are, or outputs go, as people write it: `s3://bucket/folder`, `gs://…`, `az://…`, or a folder."""

from __future__ import annotations

import functools
import os
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from obstore.store import AzureStore, GCSStore, S3Store

from tinypics.errors import AccessDenied, DestinationNotFound, InvalidRequest, LoopRefused
from tinypics.store.bucket import AzureBucket, Bucket, GoogleBucket
from tinypics.store.folder import FolderBucket
from tinypics.store.partitions import s3_endpoint

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

FILE = "file"
SCHEMES = ("s3", "gs", "az", FILE)

_CLIENT: ClientConfig = {
    "connect_timeout": timedelta(seconds=5),
    "read_timeout": timedelta(seconds=20),  # without a byte
    "timeout": timedelta(minutes=5),  # a large source over a slow line
}
_RETRIES: RetryConfig = {
    "max_retries": 4,
    "retry_timeout": timedelta(seconds=30),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=5), "base": 2},
}


@dataclass(frozen=True, slots=True)
class Location:
    """A bucket (or folder, by its absolute path), and what the keys there start with: nothing, or a path and a slash.

    A process opens it for itself; what is passed from one to another is this. `endpoint` is for S3 of other vendors.
    """

    scheme: str
    name: str
    prefix: str = ""
    endpoint: str | None = None

    @classmethod
    def parse(cls, text: str, endpoint: str | None = None) -> Location:
        """A URL or the path of a folder, which need not be there yet. Raises InvalidRequest."""
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
        """What answers, messages and the marks on outputs call it."""
        return Path(self.name).as_uri() if self.scheme == FILE else self.name

    def bucket(self) -> Bucket:
        """The client for it: one for each location, kept. Raises DestinationNotFound for a folder that is not there."""
        return _opened(replace(self, prefix=""))

    def make(self) -> None:
        """Make the folder; a bucket must be there. Raises InvalidRequest, AccessDenied."""
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
    """What those keys of the source start with that are outputs; None when outputs are elsewhere.

    Raises LoopRefused when every key of the source could be an output.
    """
    there, ours = _spread(source), _spread(output)
    if there[:-1] != ours[:-1]:
        return None
    if there[-1].startswith(ours[-1]):
        raise LoopRefused(f"expected outputs in a place that does not hold the sources {source}, got {output}")
    if not ours[-1].startswith(there[-1]):
        return None
    return ours[-1].removeprefix(there[-1]) if source.scheme == FILE else ours[-1]


def _spread(location: Location) -> tuple[str, str, str | None, str]:
    """The parts that tell one place from another; of folders, too, the last is what holds the rest."""
    if location.scheme == FILE:
        return FILE, "", None, f"{location.name.rstrip('/')}/"
    return location.scheme, location.name, location.endpoint, location.prefix


def is_loopback(endpoint: str) -> bool:
    """Whether it is on this computer, where no proxy of the environment leads to."""
    return re.match(r"https?://(localhost|127\.|\[::1\])", endpoint) is not None


@functools.cache
def _opened(location: Location) -> Bucket:
    name = location.name
    if location.scheme == FILE:
        if not Path(name).is_dir():
            raise DestinationNotFound(f"there is no folder {name}")
        return FolderBucket(Path(name))
    if location.scheme == "gs":
        return GoogleBucket(name, GCSStore(name, client_options=_CLIENT, retry_config=_RETRIES))
    if location.scheme == "az":
        return AzureBucket(name, AzureStore(name, client_options=_CLIENT, retry_config=_RETRIES))
    return Bucket(name, _s3(name, location.endpoint))


def _s3(name: str, endpoint: str | None) -> S3Store:
    endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    options: ClientConfig = {**_CLIENT, "allow_http": bool(endpoint and endpoint.startswith("http://"))}
    if endpoint is None:
        own = s3_endpoint(name, os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "")
        return S3Store(
            name,
            config={"aws_endpoint_url_s3": own} if own else {},
            client_options=options,
            retry_config=_RETRIES,
            virtual_hosted_style_request=True,
        )
    if is_loopback(endpoint):
        # A proxy of the environment is not used when another is named, and that one is not used for loopback.
        options |= {"proxy_url": endpoint, "proxy_excludes": "localhost,127.0.0.1,::1"}
    return S3Store(
        name,
        client_options=options,
        retry_config=_RETRIES,
        config={"aws_endpoint_url_s3": endpoint, "virtual_hosted_style_request": False},
    )
