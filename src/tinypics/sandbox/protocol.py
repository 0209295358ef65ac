"""The messages between the sandbox and its worker: length-prefixed JSON, with file descriptors attached."""

from __future__ import annotations

import _socket as socket  # `socket` builds enumerations of 300 constants, which takes 4 ms of a cold start
import json
from array import array
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

LENGTH = 4  # bytes, before each message
MOST = 2**20  # bytes of a message; the pictures themselves follow it


def send(line: socket.socket, message: dict[str, Any], files: Sequence[int] = ()) -> None:
    data = json.dumps(message).encode()
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", files))] if files else []
    line.sendmsg([len(data).to_bytes(LENGTH, "little")], rights)
    line.sendall(data)


def received(line: socket.socket, most: int = 0) -> tuple[Any, list[int]]:
    """A message and its file descriptors. Raises EOFError when the other end is closed."""
    files = array("i")
    length, rights, _, _ = line.recvmsg(LENGTH, socket.CMSG_LEN(most * files.itemsize) if most else 0)
    for level, kind, sent in rights:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            files.frombytes(sent[: len(sent) - len(sent) % files.itemsize])
    if not length:
        raise EOFError
    length += exactly(line, LENGTH - len(length))
    count = int.from_bytes(length, "little")
    if count > MOST:
        raise ValueError
    return json.loads(exactly(line, count)), list(files)


def exactly(line: socket.socket, count: int) -> bytes:
    found = bytearray(count)
    view = memoryview(found)
    while view:
        arrived = line.recv_into(view)
        if not arrived:
            raise EOFError
        view = view[arrived:]
    return bytes(found)
