"""An object that is worked on while it still comes."""

from __future__ import annotations

import functools
import io
import threading
import time
from typing import TYPE_CHECKING, TypeAlias

from tinypics.calls import Call
from tinypics.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from tinypics.store import Stat


Bytes: TypeAlias = "bytes | memoryview"

# S3 gives a connection 85 to 90 MB/s: what is larger than a part comes over several. A request costs as much as 15 ms
# of a function with one CPU, in which a connection brings 1.3 MB, so that parts of this size pay for themselves.
PART = 8 * 2**20
_SURE = 2**20  # bytes that come before other parts are asked for: meanwhile the first are looked at
_AT_ONCE = 3


class Download:
    """A `stream.Stream` of one version of one object. A thread fetches; readers wait for what is not there yet.

    `chunks` is all of it in turn, of which only the first `PART` is taken; `part(start, end)` fetches a range of that
    version. `translated` turns what fetching raises into errors of ours, which reading then raises. `waited` is the
    time, in seconds, that readers have spent waiting.
    """

    def __init__(
        self,
        stat: Stat,
        chunks: Iterable[Bytes],
        part: Callable[[int, int], Bytes],
        translated: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.stat = stat
        self.size = stat.size
        self.waited = 0.0
        self._part = part
        self._translated = translated
        self._at = 0
        self._buffer = bytearray()
        self._data: bytes | None = None  # once all of it is there
        self._error: BaseException | None = None
        self._ended = self._closed = False
        self._news = threading.Condition()
        threading.Thread(target=self._fetch, args=(chunks,), name="download", daemon=True).start()

    def head(self, count: int) -> bytes:
        return self._bytes(0, min(count, self.size))

    def whole(self) -> bytes:
        """All of it, in one copy."""
        if self._data is None:
            self._wait(self.size)
            self._data, self._buffer = bytes(self._buffer), bytearray()
        return self._data

    def tail(self, count: int) -> bytes:
        start = max(0, self.size - count)
        if self._ended:
            return self._bytes(start, self.size)
        with self._translated():
            return bytes(Call(lambda: self._part(start, self.size)).result())

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

    def _fetch(self, chunks: Iterable[Bytes]) -> None:
        try:
            with self._translated():
                for chunk in self._in_parts(chunks) if self.size > PART else chunks:
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

    def _in_parts(self, first: Iterable[Bytes]) -> Iterator[Bytes]:
        """The first part as it comes, then the others, some of which are fetched at the same time."""
        left = PART
        waiting = [
            functools.partial(self._part, start, min(start + PART, self.size)) for start in range(PART, self.size, PART)
        ]
        running: list[Call] = []
        for chunk in first:
            yield memoryview(chunk)[:left]
            left -= len(chunk)
            if left <= PART - _SURE:
                while waiting and len(running) < _AT_ONCE:
                    running.append(Call(waiting.pop(0)))
            if left <= 0:
                break
        while running:
            found = running.pop(0).result()
            if waiting:
                running.append(Call(waiting.pop(0)))
            yield found


class Arrived(Download):
    """An object that is there as a whole: nothing is fetched, so nobody waits."""

    def __init__(self, stat: Stat, data: bytes) -> None:
        self.stat = stat
        self.size = len(data)
        self.waited = 0.0
        self._at = 0
        self._data = data
        self._ended = True
