"""The picture that a program hands to the library: bytes, a path, or an open file."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from tinypics.errors import InvalidRequest
from tinypics.image.limits import check_bytes

if TYPE_CHECKING:
    from tinypics.image.limits import Limits


def read_source(source: object, limits: Limits) -> bytes:
    """All bytes of a picture, of at most `limits.bytes`.

    :raises SourceTooLarge: more bytes than `limits` allow; they are not read.
    :raises InvalidRequest: another type, or a file in text mode.
    :raises OSError: the file cannot be read.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    if isinstance(source, str | os.PathLike):
        with open(source, "rb") as file:  # noqa: PTH123 - any path
            check_bytes(os.fstat(file.fileno()).st_size, limits)
            return read_source(file, limits)
    if hasattr(source, "read"):
        # A file in text mode is not read: its bytes need not be UTF-8.
        data = source if isinstance(source, io.TextIOBase) else source.read(limits.bytes + 1)
        if not isinstance(data, bytes):
            raise InvalidRequest.expected("data", "a file opened in binary mode", data)
        check_bytes(len(data), limits)
        return data
    raise InvalidRequest.expected("data", "bytes, a path or an open file", source)
