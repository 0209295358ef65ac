"""The input of the image core: a file that may still be downloading."""

from __future__ import annotations

import io
import os
import time
from abc import ABC, abstractmethod


class Stream(ABC):
    """A file whose `size` is known before it is complete. Reads wait for missing bytes, and can be repeated.

    Not a protocol: Python 3.13 loads `inspect` to tell whether an object follows one, which delays the first picture.
    """

    size: int

    @abstractmethod
    def head(self, count: int) -> bytes:
        """The first `count` bytes, or more, or all if there are fewer."""

    @abstractmethod
    def tail(self, count: int) -> bytes:
        """The last `count` bytes, or all if there are fewer. Need not wait for the bytes before them."""

    @abstractmethod
    def read_all(self) -> bytes:
        """All of it."""

    @abstractmethod
    def read(self, count: int = -1, /) -> bytes:
        """The next `count` bytes, or all that are left. A decoder reads a stream like a file object."""

    @abstractmethod
    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Set the position of the next read; returns it."""

    @abstractmethod
    def tell(self) -> int:
        """The position of the next read."""


class BytesStream(io.BytesIO, Stream):
    """A complete file, in memory."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.size = len(data)

    def head(self, count: int) -> bytes:  # noqa: ARG002 - all of it is as easily had
        return self.read_all()

    def tail(self, count: int) -> bytes:
        return self.read_all()[-count:]

    def read_all(self) -> bytes:
        return self.getvalue()  # BytesIO copies only when it is written to


class GrowingFile(Stream):
    """A stream whose first bytes are in the file `fd`, to which a download appends.

    `wait_seconds` is the time that readers have spent waiting.
    """

    def __init__(self, size: int, fd: int) -> None:
        self.size = size
        self.fd = fd
        self.wait_seconds = 0.0
        self._at = 0
        self._data: bytes | None = None  # set by `read_all`

    @abstractmethod
    def _wait(self, end: int) -> None:
        """Return when the first `end` bytes have arrived; raise if the download failed."""

    def head(self, count: int) -> bytes:
        return self._read_range(0, min(count, self.size))

    def read_all(self) -> bytes:
        """All bytes, in one copy: the file is emptied to free its memory."""
        if self._data is None:
            data = self._read_range(0, self.size)
            self._empty()
            self._data = data
        return self._data

    def read(self, count: int = -1, /) -> bytes:
        start = min(self._at, self.size)
        end = self.size if count < 0 else min(start + count, self.size)
        self._at = end
        return self._read_range(start, end)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._at = max(0, offset + (0, self._at, self.size)[whence])
        return self._at

    def tell(self) -> int:
        return self._at

    def _read_range(self, start: int, end: int) -> bytes:
        if self._data is not None:
            return self._data[start:end]
        begun = time.perf_counter()
        self._wait(end)
        self.wait_seconds += time.perf_counter() - begun
        return self._read_file(end - start, start)

    def _read_file(self, count: int, at: int) -> bytes:
        return os.pread(self.fd, count, at)  # a file in memory gives no short reads up to 2 GiB

    def _empty(self) -> None:
        os.ftruncate(self.fd, 0)
