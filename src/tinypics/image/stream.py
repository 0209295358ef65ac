"""A picture's file, which may still be on its way: what the core reads from."""

from __future__ import annotations

import io
import os
import time
from abc import ABC, abstractmethod
from typing import Protocol, runtime_checkable


@runtime_checkable
class Stream(Protocol):
    """A file whose `size` is known before all of it is there. Reading waits for what is not; it may be read again."""

    size: int

    def head(self, count: int) -> bytes:
        """The first `count` bytes, or more, or all if there are fewer."""

    def tail(self, count: int) -> bytes:
        """The last `count` bytes, or all if there are fewer: without those between, if they are not there yet."""

    def whole(self) -> bytes:
        """All of it."""

    def read(self, count: int = -1, /) -> bytes:
        """As of any file, for a decoder."""

    def seek(self, offset: int, whence: int = 0, /) -> int: ...

    def tell(self) -> int: ...


class Whole(io.BytesIO):
    """A file that is all there."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.size = len(data)

    def head(self, count: int) -> bytes:  # noqa: ARG002 - all of it is as easily had
        return self.whole()

    def tail(self, count: int) -> bytes:
        return self.whole()[-count:]

    def whole(self) -> bytes:
        return self.getvalue()  # not a copy, as long as nobody writes


class Arriving(ABC):
    """A stream of which the first `arrived` bytes are in the file `fd`; more are added to it by somebody else.

    `waited` is the time, in seconds, that readers have spent waiting.
    """

    def __init__(self, size: int, fd: int) -> None:
        self.size = size
        self.fd = fd
        self.waited = 0.0
        self._at = 0
        self._data: bytes | None = None  # once all of it was wanted

    @abstractmethod
    def _wait(self, end: int) -> None:
        """Return when the first `end` bytes are there; raise when they will not come."""

    @abstractmethod
    def tail(self, count: int) -> bytes:
        """See `Stream`."""

    def head(self, count: int) -> bytes:
        return self._bytes(0, min(count, self.size))

    def whole(self) -> bytes:
        """All of it, in one copy: the file is emptied."""
        if self._data is None:
            data = self._bytes(0, self.size)
            os.ftruncate(self.fd, 0)
            self._data = data
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

    def _bytes(self, start: int, end: int) -> bytes:
        if self._data is not None:
            return self._data[start:end]
        begun = time.perf_counter()
        self._wait(end)
        self.waited += time.perf_counter() - begun
        return os.pread(self.fd, end - start, start)  # of a file in memory: never less than there is, up to 2 GiB
