"""A picture's file, which may still be on its way: what the core reads from."""

from __future__ import annotations

import io
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
