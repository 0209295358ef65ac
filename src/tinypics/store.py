"""Object stores behind one narrow class: S3, GCS, Azure, folders and memory, through obstore (Rust `object_store`).

obstore was chosen over boto3 because it imports in a twentieth of the time and memory, streams, and has conditional
writes for every store. Its errors are translated here and nowhere else.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import obstore
from obstore import exceptions as foreign

from tinypics.errors import AccessDenied, DestinationNotFound, SourceNotFound, SourceTooLarge, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from obstore import Attributes
    from obstore.store import ObjectStore


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One version of one object, whole: its bytes and the ETag (and version) that they belong to."""

    data: bytes
    etag: str | None
    version_id: str | None
    metadata: Mapping[str, str]


class Bucket:
    """One bucket. Keys are passed as they are; whether they can be is `keys.check`'s to say."""

    def __init__(self, name: str, store: ObjectStore) -> None:
        self.name = name
        self._store = store

    def get(self, key: str, *, version_id: str | None = None, max_bytes: int) -> StoredObject:
        """The object, in memory. Its size is checked before its bytes are asked for.

        Raises SourceNotFound, SourceTooLarge, AccessDenied, StoreUnavailable.
        """
        with _translated(f'object "{key}" in bucket {self.name}', missing=SourceNotFound):
            result = obstore.get(self._store, key, options={"version": version_id} if version_id else None)
            meta = result.meta
            if meta["size"] > max_bytes:
                raise SourceTooLarge(f"object: expected at most {max_bytes:,} bytes, got {meta['size']:,}")
            data = result.bytes().to_bytes()
        return StoredObject(
            data=data,
            etag=_bare(meta["e_tag"]),
            version_id=meta["version"],
            metadata={name: str(value) for name, value in result.attributes.items()},
        )

    def put(self, key: str, data: bytes, *, content_type: str, metadata: Mapping[str, str]) -> str | None:
        """Store `data` in one request, so that a reader sees all of it or nothing; its ETag.

        Raises DestinationNotFound, AccessDenied, StoreUnavailable.
        """
        attributes: Attributes = {"Content-Type": content_type, **metadata}
        with _translated(f"bucket {self.name} to write to", missing=DestinationNotFound):
            # One PUT is atomic; a multipart upload that is cut short leaves parts that cost money.
            result = obstore.put(self._store, key, data, attributes=attributes, use_multipart=False)
        return _bare(result["e_tag"])


@contextmanager
def _translated(what: str, *, missing: type[SourceNotFound | DestinationNotFound]) -> Iterator[None]:
    """Turn obstore's errors into ours. Whatever is not a clear "no" may pass, so it counts as unavailable."""
    try:
        yield
    except (FileNotFoundError, foreign.NotFoundError) as error:
        raise missing(f"there is no {what}") from error
    except (foreign.PermissionDeniedError, foreign.UnauthenticatedError) as error:
        raise AccessDenied(f"no permission for {what}") from error
    except (foreign.BaseError, OSError, TimeoutError) as error:
        raise StoreUnavailable(f"{what}: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


def _bare(etag: str | None) -> str | None:
    """An ETag as events carry it: without the quotes of the HTTP header."""
    return etag.strip('"') if etag else None
