"""A download that can be read before it is complete."""

from __future__ import annotations

import functools
import itertools
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

from tinypics.errors import StoreUnavailable
from tinypics.image.stream import GrowingFile
from tinypics.store.threads import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from tinypics.store.objects import Stat


Bytes: TypeAlias = "bytes | memoryview"

# S3 gives a connection 85 to 90 MB/s, so an object larger than a part is fetched over several connections. A request
# costs as much as 15 ms of a function with one CPU, in which a connection transfers 1.3 MB: parts of this size pay off.
PART = 8 * 2**20
SPLIT = 1_300_000
"""Bytes of each range at least, if several are requested at once because an object's size is known before its answer.

As three ranges, an object of 4.2 MB arrives 31 ms earlier. At 1,769 MB of memory that time costs as much as the two
further requests, below it less.
"""
AT_ONCE = 3
_PREFETCH_AFTER = 2**20  # bytes that arrive before other parts are requested: the header in them may be refused first


class Download(GrowingFile):
    """One version of one object, while it is downloaded. A thread fetches it; readers wait for bytes that are missing.

    `chunks` yields the object's bytes in order, and `part(start, end)` those of a range of the same version. If ranges
    were requested already, `each` has the bytes of one, and `chunks` is the first. `translated` turns errors of
    fetching into ours, and reading raises them. `close` frees the bytes; reading raises StoreUnavailable afterwards.
    """

    def __init__(
        self,
        stat: Stat,
        chunks: Iterable[Bytes],
        part: Callable[[int, int], Iterable[Bytes]],
        translated: Callable[[], AbstractContextManager[None]],
        each: int | None = None,
    ) -> None:
        super().__init__(stat.size, _room())
        self.stat = stat
        self._part = part
        self._translated = translated
        self._closed = False
        self._follower: int | None = None
        self._news = threading.Condition()
        self._start(chunks, each)

    def _start(self, chunks: Iterable[Bytes], each: int | None = None) -> None:
        self._each = each or PART
        self._alone = 0 if each else _PREFETCH_AFTER
        self._arrived = 0
        self._reached: dict[int, int] = {}  # how far each part has arrived, by its start
        self._error: BaseException | None = None
        self._ended = False
        threading.Thread(target=self._fetch, args=(chunks,), name="download", daemon=True).start()

    def __del__(self) -> None:  # `weakref.finalize` does it, too, and takes 0.6 ms of a cold start to load
        with suppress(AttributeError):  # there was no file
            self.close()

    @property
    def ended(self) -> bool:
        """Whether fetching has ended: the object is complete, or fetching failed."""
        return self._ended

    def tail(self, count: int) -> bytes:
        start = max(0, self.size - count)
        if self._arrived >= self.size or self._ended or self._closed:
            return self._read_range(start, self.size)
        with self._translated():
            return b"".join(Call(lambda: list(self._part(start, self.size))).result())

    def follow(self) -> int:
        """The read end of a pipe that tells a process with the same file how many bytes have arrived.

        Each message is a number of 8 bytes, little-endian. The pipe is closed after the last one.
        """
        with self._news:
            self._check_open()
            if os.fstat(self.fd).st_size < self._arrived:  # an earlier process emptied it: fetch it again
                while not self._ended:
                    self._news.wait()
                self._start(itertools.chain.from_iterable(map(self._part, [0], [min(PART, self.size)])))
            self._drop_follower()
            reading, self._follower = os.pipe()
            self._tell()
        return reading

    def check(self) -> None:
        """Wait for the end, and raise the error if fetching failed."""
        self._wait(self.size)

    def close(self) -> None:
        """Stop fetching, and free the bytes."""
        with self._news:
            if self._closed:
                return
            # If a signal interrupts this, a file may stay open, but no number is closed twice.
            self._closed = True
            fd, self.fd = self.fd, -1
            os.ftruncate(fd, 0)  # another process may still have it open
            os.close(fd)
            self._data = self._error = None
            self._drop_follower()
            self._news.notify_all()

    def _check_open(self) -> None:
        """The caller holds `_news`, so that the number of the file is not yet that of another one."""
        if self._closed:
            raise StoreUnavailable("the download was closed")

    def _drop_follower(self) -> None:
        if self._follower is not None:
            os.close(self._follower)
            self._follower = None

    def _read_file(self, count: int, at: int) -> bytes:
        with self._news:
            self._check_open()
            return super()._read_file(count, at)

    def _empty(self) -> None:
        with self._news:
            self._check_open()
            super()._empty()

    def _tell(self) -> None:
        """Wake waiting readers. The caller holds `_news`."""
        self._news.notify_all()
        if self._follower is not None:
            with suppress(BrokenPipeError):  # the other process has closed its end
                os.write(self._follower, self._arrived.to_bytes(8, "little"))
            if self._ended:
                self._drop_follower()

    def _wait(self, end: int) -> None:
        with self._news:
            while self._arrived < end and not (self._ended or self._closed):
                self._news.wait()
            self._check_open()
            if self._arrived >= end:
                return
            if self._error is not None:
                raise self._error
        raise StoreUnavailable(f"the object ended after {self._arrived:,} of {self.size:,} bytes")

    def _fetch(self, chunks: Iterable[Bytes]) -> None:
        """The first part and, beside it, the others, `AT_ONCE` of them at a time."""
        parts = range(self._each, self.size, self._each)
        starts = iter(parts)  # which threads may share
        others: list[Call] = []

        def begin_others() -> None:
            if not others:
                others.extend(Call(functools.partial(self._guard, fill_others)) for _ in parts[:AT_ONCE])

        def fill_first() -> None:
            if not self._alone:
                begin_others()
            for arrived in self._fill(0, chunks):
                if arrived >= min(self._alone, self._each):
                    begin_others()

        def fill_others() -> None:
            for start in starts:
                if self._error is None:
                    for _ in self._fill(start, self._part(start, min(start + self._each, self.size))):
                        pass

        self._guard(fill_first)
        for call in others:
            call.join()
        with self._news:
            self._ended = True
            self._tell()

    def _guard(self, work: Callable[[], None]) -> None:
        """Keep the error of `work`, translated: `_wait` raises it."""
        try:
            with self._translated():
                work()
        except BaseException as error:  # noqa: BLE001 - see above
            if not self._closed and self._error is None:
                self._error = error

    def _fill(self, start: int, chunks: Iterable[Bytes]) -> Iterator[int]:
        """Write a part as it arrives. Yields the position after each chunk."""
        at, end = start, min(start + self._each, self.size)
        for chunk in chunks:
            left = memoryview(chunk)[: end - at]
            while left:  # pwrite(2) may write less than asked
                with self._news:
                    self._check_open()
                    count = os.pwrite(self.fd, left, at)
                    at += count
                    self._reached[start] = at
                    self._advance()
                left = left[count:]
            yield at
            if at == end:
                return

    def _advance(self) -> None:
        """Tell how many bytes have arrived without a gap. The caller holds `_news`."""
        before = self._arrived
        while (reached := self._reached.get(self._arrived - self._arrived % self._each, 0)) > self._arrived:
            self._arrived = reached
        if self._arrived > before:
            self._tell()


def _room() -> int:
    """A file descriptor that another process can share: of a file in memory, or of an unlinked temporary file."""
    with suppress(AttributeError, OSError):  # not Linux, or not permitted
        return os.memfd_create("source")
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
