"""Object stores behind one narrow class: S3, GCS, Azure, folders and memory, through obstore (Rust `object_store`).

obstore was chosen over boto3 because it imports in a twentieth of the time and memory, streams, and has conditional
writes for every store. Its errors are translated here and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import obstore
from obstore import exceptions as foreign

from tinypics.errors import (
    AccessDenied,
    DestinationNotFound,
    PermanentError,
    SourceChanged,
    SourceNotFound,
    SourceTooLarge,
    StoreUnavailable,
)
from tinypics.store.download import Download
from tinypics.store.fetch import Fetch, stream
from tinypics.store.objects import MAX_KEY_BYTES, Conflict, Listed, Stat, UnsupportedKey, unquoted
from tinypics.store.threads import interruptible
from tinypics.translating import Translating

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from obstore import Attributes, ObjectMeta, PutMode, UpdateVersion
    from obstore.store import ObjectStore


PAGE = 1000  # keys of one LIST


class Bucket:
    """One bucket. Keys are passed as they are: callers validate them with `keys.check`.

    Every method raises AccessDenied and StoreUnavailable.
    """

    def __init__(self, name: str, store: ObjectStore, deleting: ObjectStore | None = None) -> None:
        """`deleting` is a client of the same bucket that never retries: a delayed second delete could remove a newer
        object."""
        self.name = name
        self._store = store
        self._deleting = deleting or store

    def open(self, key: str, *, version_id: str | None = None, max_bytes: int, size: int | None = None) -> Download:
        """The object, while it is downloaded. Its size is checked before its body is read.

        `size` is the size that it probably has: see `Fetch`. Raises SourceNotFound and SourceTooLarge. Reading raises
        them, too, if the object is deleted meanwhile.
        """

        def translate() -> AbstractContextManager[None]:
            return translated(f'object "{key}" in bucket {self.name}', missing=SourceNotFound)

        with translate():
            fetch = Fetch(self._store, key, version_id, size if size is not None and size <= max_bytes else None)
            result = fetch.begin()
            stat = self._stat(result)
            if stat.size > max_bytes:
                raise SourceTooLarge.of("object", max_bytes, stat.size, stat.etag)
        return Download(stat, stream(result), fetch.part, translate, fetch.each)

    def head(self, key: str, *, version_id: str | None = None) -> Stat | None:
        """The object's ETag, size and metadata; None if there is no such object (or bucket)."""
        try:
            with translated(f'object "{key}" in bucket {self.name}', missing=SourceNotFound):
                options: Any = {"head": True} | ({"version": version_id} if version_id else {})
                return self._stat(interruptible(lambda: obstore.get(self._store, key, options=options)))
        except SourceNotFound:
            return None

    def put(
        self,
        key: str,
        data: bytes,
        *,
        attributes: Mapping[str, str],
        tags: Mapping[str, str] | None = None,
        replaces: str | None,
    ) -> str:
        """Store `data` if the current object has the ETag `replaces` (None: if there is no object); the new ETag.

        One request, so that a reader sees the whole object or none. `attributes` has HTTP headers (`Content-Type`) and
        metadata. Raises Conflict, DestinationNotFound.
        """
        with translated(f"bucket {self.name} to write to", missing=DestinationNotFound):
            given: Attributes = self._encode_names(attributes)
            mode: PutMode = self._if_match(replaces) if replaces else "create"
            labels = dict(tags) if tags else None
            with self._conflicts(key):
                result = interruptible(
                    lambda: obstore.put(self._store, key, data, attributes=given, tags=labels, mode=mode)
                )
        return self._tag(result)

    def delete(self, key: str, *, etag: str | None = None) -> None:
        """Delete the object, if it exists and has this ETag (None: any). Raises Conflict, DestinationNotFound.

        Only S3 compares and deletes in one step.
        """
        if etag is not None:
            there = self.head(key)
            if there is None:
                return
            if there.etag != etag:
                raise Conflict(f'object "{key}" in bucket {self.name}')
        with translated(f"bucket {self.name} to remove from", missing=DestinationNotFound):
            interruptible(lambda: obstore.delete(self._deleting, key))

    def level(self, folder: str) -> tuple[Sequence[str], Sequence[ObjectMeta]]:
        """Folders and objects directly below `folder` (given without a trailing slash). Raises UnsupportedKey."""
        with translated(f"bucket {self.name}", missing=DestinationNotFound), _translate_unsupported_keys():
            found = interruptible(lambda: obstore.list_with_delimiter(self._store, folder))
            return found["common_prefixes"], found["objects"]

    def from_key(self, key: str) -> list[Listed]:
        """The objects in the folder of `key`, and in folders below it, from `key` on: one page, sorted.

        An object whose version the listing does not tell has the ETag "". Raises UnsupportedKey, DestinationNotFound.
        """
        folder, offset = key.rpartition("/")[0], _just_before(key)

        def first_page() -> Sequence[ObjectMeta]:
            pages = obstore.list(self._store, folder or None, offset=offset or None, chunk_size=PAGE)
            return next(iter(pages), ())

        with translated(f"bucket {self.name}", missing=DestinationNotFound), _translate_unsupported_keys():
            found = interruptible(first_page)
        # Azure includes the offset itself.
        listed = (Listed(meta["path"], meta["size"], self._listed_tag(meta), meta["last_modified"]) for meta in found)
        return sorted((each for each in listed if each.key >= key), key=lambda each: each.key)

    def everything(self, folder: str, *, after: str = "") -> Iterator[ObjectMeta]:
        """All objects below `folder` whose keys sort after `after`, sorted if the store sorts its listings.

        Raises UnsupportedKey.
        """
        pages = iter(obstore.list(self._store, folder, offset=after or None))
        while True:
            with translated(f"bucket {self.name}", missing=SourceNotFound), _translate_unsupported_keys():
                page = interruptible(lambda: next(pages, None))
            if page is None:
                return
            yield from page

    def _conflicts(self, key: str) -> Translating:
        """Turn the errors of a condition that does not hold into Conflict."""

        def translate(error: Exception) -> None:
            if isinstance(error, (foreign.AlreadyExistsError, foreign.PreconditionError)):  # 409 and 412
                raise Conflict(f'object "{key}" in bucket {self.name}') from error

        return Translating(translate)

    # The stores of other vendors (`store/vendors.py`) override these methods.

    def _tag(self, meta: Any) -> str:
        """The identity of one version of an object: on S3, its ETag."""
        return unquoted(meta["e_tag"])

    def _listed_tag(self, meta: ObjectMeta) -> str:
        """The same, of an object in a listing; "" if listings do not tell it."""
        return self._tag(meta)

    def _if_match(self, tag: str) -> UpdateVersion:
        """The write condition: the current object has this tag."""
        return {"e_tag": f'"{tag}"'}

    def _encode_names(self, attributes: Mapping[str, str]) -> dict[str, str]:
        """HTTP headers and metadata, with names that this store accepts."""
        return dict(attributes)

    def _decode_names(self, attributes: Mapping[str, str]) -> dict[str, str]:
        """The reverse of `_encode_names`."""
        return dict(attributes)

    def _stat(self, result: Any) -> Stat:
        meta = result.meta
        metadata = self._decode_names({name: str(value) for name, value in result.attributes.items()})
        return Stat(self._tag(meta), meta["size"], meta["version"], metadata)


def translated(what: str, *, missing: type[PermanentError]) -> Translating:
    """Turn obstore's errors into ours. Any error that is not clearly permanent becomes StoreUnavailable.

    obstore has classes for 401, 403, 404, 409 and 412. One class stands for all else: 429, 5xx and broken connections,
    which obstore has retried already, but also 301 (another region) and 400 (an expired token, a disabled key).
    """

    def translate(error: Exception) -> None:
        if isinstance(error, (FileNotFoundError, foreign.NotFoundError)):
            raise missing(f"there is no {what}") from error
        if isinstance(error, (foreign.PermissionDeniedError, foreign.UnauthenticatedError)):
            raise AccessDenied(f"no permission for {what}") from error
        if isinstance(error, foreign.PreconditionError):  # of a read; `_conflicts` handles the one of a write
            raise SourceChanged(f"{what} was overwritten while it was read") from error
        if isinstance(error, (foreign.BaseError, OSError, TimeoutError)):
            raise StoreUnavailable(f"{what}: {_first_line(error)}") from error

    return Translating(translate)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


def _translate_unsupported_keys() -> Translating:
    def translate(error: Exception) -> None:
        if isinstance(error, foreign.InvalidPathError):
            raise UnsupportedKey(_first_line(error)) from error

    return Translating(translate)


def _just_before(key: str) -> str:
    """The last text before `key`, in the order of UTF-8, that the client sends as a key; "" if there is none.

    A listing after it begins at `key`: the last character is lowered, and the highest one fills the key up to the
    maximum length, so that no other key fits between. Characters and parts that the client refuses are passed over.
    """
    if not key:
        return ""
    head, last = key[:-1], ord(key[-1])
    for lower in range(last - 1, 0x1F, -1):
        if lower != 0x7F and not 0xD800 <= lower < 0xE000:  # "Delete" and surrogates
            text = head + chr(lower)
            text += "\U0010ffff" * ((MAX_KEY_BYTES - len(text.encode())) // 4)
            if _is_sent(text):
                return text
    return head if _is_sent(head) else _just_before(head)


def _is_sent(text: str) -> bool:
    return {"", ".", ".."}.isdisjoint(text.split("/"))
