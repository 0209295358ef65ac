"""An object that is worked on while it still comes."""

from __future__ import annotations

import functools
import os
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

from tinypics.errors import StoreUnavailable
from tinypics.image.stream import Arriving
from tinypics.store.threads import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from tinypics.store.objects import Stat


Bytes: TypeAlias = "bytes | memoryview"

# S3 gives a connection 85 to 90 MB/s: what is larger than a part comes over several. A request costs as much as 15 ms
# of a function with one CPU, in which a connection brings 1.3 MB, so that parts of this size pay for themselves.
PART = 8 * 2**20
_SURE = 2**20  # bytes that come before other parts are asked for: meanwhile the first are looked at
_AT_ONCE = 3


class Download(Arriving):
    """One version of one object, while it comes. A thread fetches; readers wait for what is not there yet.

    `chunks` is all of it in turn, of which only the first `PART` is taken; `part(start, end)` fetches a range of that
    version. `translated` turns what fetching raises into errors of ours, which reading then raises.
    """

    def __init__(
        self,
        stat: Stat,
        chunks: Iterable[Bytes],
        part: Callable[[int, int], Bytes],
        translated: Callable[[], AbstractContextManager[None]],
    ) -> None:
        super().__init__(stat.size, _room())
        weakref.finalize(self, os.close, self.fd)
        self.stat = stat
        self._part = part
        self._translated = translated
        self._arrived = 0
        self._error: BaseException | None = None
        self._ended = self._closed = False
        self._follower: int | None = None
        self._news = threading.Condition()
        threading.Thread(target=self._fetch, args=(chunks,), name="download", daemon=True).start()

    @property
    def ended(self) -> bool:
        """Whether no more will come: all is there, or something broke."""
        return self._ended

    def tail(self, count: int) -> bytes:
        start = max(0, self.size - count)
        if self._ended:
            return self._bytes(start, self.size)
        with self._translated():
            return bytes(Call(lambda: self._part(start, self.size)).result())

    def follow(self) -> int:
        """A pipe's end, on which another process with the same file can read how many bytes are there.

        Each message is a number of 8 bytes; after the last one the pipe is closed.
        """
        reading, writing = os.pipe()
        with self._news:
            self._follower = writing
            self._tell()
        return reading

    def check(self) -> None:
        """Raise what ended the fetching before its time."""
        self._wait(self.size)

    def close(self) -> None:
        """Fetch no more: nobody needs the rest."""
        self._closed = True

    def _tell(self) -> None:
        """Wake those who wait. With `_news` held."""
        self._news.notify()
        if self._follower is not None:
            with suppress(BrokenPipeError):  # who follows is gone, or has enough
                os.write(self._follower, self._arrived.to_bytes(8, "little"))
            if self._ended:
                os.close(self._follower)
                self._follower = None

    def _wait(self, end: int) -> None:
        with self._news:
            while self._arrived < end and not self._ended:
                self._news.wait()
        if self._arrived >= end:
            return
        if self._error is not None:
            raise self._error
        raise StoreUnavailable(f"the object ended after {self._arrived:,} of {self.size:,} bytes")

    def _fetch(self, chunks: Iterable[Bytes]) -> None:
        try:
            with self._translated():
                for chunk in self._in_parts(chunks) if self.size > PART else chunks:
                    self._add(chunk)
                    if self._closed:
                        break
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            self._error = error
        with self._news:
            self._ended = True
            self._tell()

    def _add(self, chunk: Bytes) -> None:
        left = memoryview(chunk)[: self.size - self._arrived]
        while left:  # a file may take less at a time
            count = os.pwrite(self.fd, left, self._arrived)
            left = left[count:]
            with self._news:
                self._arrived += count
                self._tell()

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


def _room() -> int:
    """A file in memory (or, where there are none, one without a name), which another process can be given."""
    with suppress(AttributeError, OSError):  # not Linux, or not allowed
        return os.memfd_create("source")
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
