"""The GET requests of one download."""

from __future__ import annotations

import functools
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import obstore
from obstore import exceptions as foreign

from tinypics.store import download
from tinypics.store.threads import Call

if TYPE_CHECKING:
    from collections.abc import Iterable

    from obstore.store import ObjectStore


_CHUNK = 64 * 1024  # bytes; Pillow's decoders read that much at a time


class Fetch:
    """Requests for one object. The first answer decides which version it is.

    `size` is the size that the object probably has (None: unknown). A large one is requested as several ranges at once.
    """

    def __init__(self, store: ObjectStore, key: str, version_id: str | None, size: int | None) -> None:
        self._store = store
        self._key = key
        self._options: dict[str, Any] = {"version": version_id} if version_id else {}
        self._etag: str | None = None
        count = min(download.AT_ONCE, (size or 0) // download.SPLIT)
        self.each = min(-(-size // count), download.PART) if size is not None and count > 1 else None
        """The bytes of each range; None: one request asks for the whole object."""
        # The first one first: decoding begins with it.
        self._begun = Call(functools.partial(self._get, {"range": (0, self.each)} if self.each else {}))
        self._ahead: dict[int, Call] = {}
        if self.each and size:
            for start in range(self.each, min(size, count * self.each), self.each):
                options = {"range": (start, min(start + self.each, size))}
                self._ahead[start] = Call(functools.partial(self._get, options))

    def begin(self) -> Any:
        """The first answer, whose body is not read yet (see `stream`)."""
        try:
            result = self._begun.result()
        except foreign.GenericError as error:
            if self.each is None or not _is_empty(error):
                raise
            self.each = None
            self._ahead.clear()
            result = Call(functools.partial(self._get, {})).result()
        self._etag = result.meta["e_tag"]
        return result

    def part(self, start: int, end: int) -> Iterable[Any]:
        """The bytes of a range as they arrive, of the version of the first answer."""
        if ahead := self._ahead.pop(start, None):
            with suppress(foreign.BaseError):
                result = ahead.result()
                if (result.meta["e_tag"], result.range) == (self._etag, (start, end)):
                    return stream(result)
        # After a broken connection, a range request with `If-Match` resumes the download. So the result is exactly one
        # version of the object, or an error.
        return stream(self._get({"if_match": self._etag, "range": (start, end)}))

    def _get(self, options: dict[str, Any]) -> Any:
        merged: Any = self._options | options
        return obstore.get(self._store, self._key, options=merged or None)


def stream(result: Any) -> Iterable[Any]:
    """The body of an answer, as it arrives."""
    found: Iterable[Any] = result.stream(min_chunk_size=_CHUNK)
    return found


def _is_empty(error: foreign.GenericError) -> bool:
    """Whether the object had no byte for a range. The client has no class for 416, and its memory store no number."""
    return any(sign in str(error) for sign in ("416 Range Not Satisfiable", "Invalid range"))
