"""Turning errors of libraries into ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Translating:
    """A context manager whose `translate` is called with an error of the block, and may raise another in its place.

    It replaces `contextlib.contextmanager`, because in Python 3.13 an error that goes through such a generator and the
    frames of all callers, which have the bytes of pictures, refer to each other until a garbage collection.
    """

    def __init__(self, translate: Callable[[Exception], None]) -> None:
        self._translate = translate

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, Exception):
            self._translate(error)
