"""The GET requests of one download."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import obstore
from obstore import exceptions as foreign

from tinypics.store import download
from tinypics.store.threads import Call, interruptible

if TYPE_CHECKING:
    from obstore.store import ObjectStore


class Fetch:
    """Requests for one object. The first answer decides which version it is.

    `size` is the size that the object probably has (None: unknown). A large one is requested as two ranges at once.
    """

    def __init__(self, store: ObjectStore, key: str, version_id: str | None, size: int | None) -> None:
        self._store = store
        self._key = key
        self._options: dict[str, Any] = {"version": version_id} if version_id else {}
        self._etag: str | None = None
        self.first: int | None = None
        """The bytes that the first answer has, if it is not the whole object."""
        self._ahead: Call | None = None
        if size is not None and size >= download.SPLIT:
            half = self.first = min(size // 2, download.PART)
            self._ahead = Call(lambda: self._tagged_part(half, min(half + download.PART, size)))

    def begin(self) -> Any:
        """The first answer, whose body is not read yet."""
        try:
            result = interruptible(lambda: self._get({"range": (0, self.first)} if self.first else {}))
        except foreign.GenericError as error:
            if self.first is None or not _is_empty(error):
                raise
            self.first = self._ahead = None
            result = interruptible(lambda: self._get({}))
        self._etag = result.meta["e_tag"]
        return result

    def part(self, start: int, end: int) -> Any:
        """The bytes of a range, of the version of the first answer."""
        if start == self.first and self._ahead:
            ahead, self._ahead = self._ahead, None  # once, so that its bytes are not kept
            with suppress(foreign.BaseError):
                etag, data = ahead.result()
                if etag == self._etag and len(data) == end - start:
                    return data
        # After a broken connection, a range request with `If-Match` resumes the download. So the result is exactly one
        # version of the object, or an error.
        return self._get({"if_match": self._etag, "range": (start, end)}).bytes()

    def _tagged_part(self, start: int, end: int) -> tuple[str | None, Any]:
        result = self._get({"range": (start, end)})
        return result.meta["e_tag"], result.bytes()

    def _get(self, options: dict[str, Any]) -> Any:
        merged: Any = self._options | options
        return obstore.get(self._store, self._key, options=merged or None)


def _is_empty(error: foreign.GenericError) -> bool:
    """Whether the object had no byte for a range. The client has no class for 416, and its memory store no number."""
    return any(sign in str(error) for sign in ("416 Range Not Satisfiable", "Invalid range"))
