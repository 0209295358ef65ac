"""The messages between supervisor and worker: length-prefixed JSON, with file descriptors attached."""

from __future__ import annotations

import _socket  # `socket` builds enumerations of 300 constants, which takes 4 ms of a cold start
import json
from array import array
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

_LENGTH = 4  # bytes, before each block
MAX_BLOCK = 2**20  # bytes of a message, or of a source's tail; outputs are sent without a length


class Channel:
    """One end of a connection between supervisor and worker. Receiving raises EOFError when the other end is closed."""

    def __init__(self, connection: _socket.socket) -> None:
        self._socket = connection

    @classmethod
    def pair(cls) -> tuple[Self, Self]:
        one, other = _socket.socketpair()
        return cls(one), cls(other)

    @classmethod
    def from_descriptor(cls, descriptor: int) -> Self:
        return cls(_socket.socket(fileno=descriptor))

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def send_message(self, message: dict[str, Any], files: Sequence[int] = ()) -> None:
        self.send_block(json.dumps(message).encode(), files)

    def receive_message(self, max_files: int = 0) -> tuple[Any, list[int]]:
        """A message and its file descriptors."""
        block, files = self.receive_block(max_files)
        return json.loads(block), files

    def send_block(self, data: bytes, files: Sequence[int] = ()) -> None:
        rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array("i", files))] if files else []
        self._socket.sendmsg([len(data).to_bytes(_LENGTH, "little")], rights)
        self.send_bytes(data)

    def receive_block(self, max_files: int = 0) -> tuple[bytes, list[int]]:
        files = array("i")
        room = _socket.CMSG_LEN(max_files * files.itemsize) if max_files else 0
        length, rights, _, _ = self._socket.recvmsg(_LENGTH, room)
        for level, kind, sent in rights:
            if (level, kind) == (_socket.SOL_SOCKET, _socket.SCM_RIGHTS):
                files.frombytes(sent[: len(sent) - len(sent) % files.itemsize])
        if not length:
            raise EOFError
        length += self.receive_bytes(_LENGTH - len(length))
        count = int.from_bytes(length, "little")
        if count > MAX_BLOCK:
            raise ValueError
        return self.receive_bytes(count), list(files)

    def send_bytes(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive_bytes(self, count: int) -> bytes:
        """Exactly `count` bytes."""
        found = bytearray(count)
        view = memoryview(found)
        while view:
            arrived = self._socket.recv_into(view)
            if not arrived:
                raise EOFError
            view = view[arrived:]
        return bytes(found)

    def wait(self, seconds: float) -> bool:
        """Whether there is something to receive within the time, which from now on limits every call."""
        self._socket.settimeout(seconds)
        try:
            self._socket.recv(1, _socket.MSG_PEEK)
        except TimeoutError:
            return False
        return True
