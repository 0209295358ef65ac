"""An object that is worked on while it still comes."""

from __future__ import annotations

import io
import threading
import time
from typing import TYPE_CHECKING

from tinypics.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from tinypics.store import Stat


class Download:
    """A `stream.Stream` of one version of one object. A thread fetches; readers wait for what is not there yet.

    `translated` turns what fetching raises into errors of ours, which reading then raises. `waited` is the time, in
    seconds, that readers have spent waiting.
    """

    def __init__(
        self,
        stat: Stat,
        chunks: Iterable[bytes | memoryview],
        translated: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.stat = stat
        self.size = stat.size
        self.waited = 0.0
        self._at = 0
        self._buffer = bytearray()
        self._data: bytes | None = None  # once all of it is there
        self._error: BaseException | None = None
        self._ended = self._closed = False
        self._news = threading.Condition()
        threading.Thread(target=self._fetch, args=(chunks, translated), name="download", daemon=True).start()

    def head(self, count: int) -> bytes:
        return self._bytes(0, min(count, self.size))

    def whole(self) -> bytes:
        """All of it, in one copy."""
        if self._data is None:
            self._wait(self.size)
            self._data, self._buffer = bytes(self._buffer), bytearray()
        return self._data

    def read(self, count: int = -1, /) -> bytes:
        start = min(self._at, self.size)
        end = self.size if count < 0 else min(start + count, self.size)
        self._at = end
        return self._bytes(start, end)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._at = max(0, offset + (0, self._at, self.size)[whence])
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        """Fetch no more: nobody needs the rest."""
        self._closed = True

    def _bytes(self, start: int, end: int) -> bytes:
        if self._data is None:
            self._wait(end)
            with self._news:
                return bytes(self._buffer[start:end])
        return self._data[start:end]

    def _wait(self, end: int) -> None:
        begun = time.perf_counter()
        with self._news:
            while len(self._buffer) < end and not self._ended:
                self._news.wait()
            arrived = len(self._buffer)
        self.waited += time.perf_counter() - begun
        if arrived >= end:
            return
        if self._error is not None:
            raise self._error
        raise StoreUnavailable(f"the object ended after {arrived:,} of {self.size:,} bytes")

    def _fetch(
        self, chunks: Iterable[bytes | memoryview], translated: Callable[[], AbstractContextManager[None]]
    ) -> None:
        try:
            with translated():
                for chunk in chunks:
                    with self._news:
                        self._buffer += chunk
                        self._news.notify()
                    if self._closed:
                        break
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            self._error = error
        with self._news:
            self._ended = True
            self._news.notify()


class Arrived(Download):
    """An object that is there as a whole: nothing is fetched, so nobody waits."""

    def __init__(self, stat: Stat, data: bytes) -> None:
        self.stat = stat
        self.size = len(data)
        self.waited = 0.0
        self._at = 0
        self._data = data
