"""A link as S3 has it, in front of the local store: a proxy that waits before each answer and lets bytes drip.

    python -m bench.link PORT      (of the store) prints its own port

Each answer's first byte comes 15 to 30 ms later than the store has it, and each connection carries at most 90 MB/s each
way: about what one sees from Lambda to S3 in one region. Nothing is added for connecting, as there is no TLS here.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
from dataclasses import dataclass

FIRST_BYTE_MS = (15.0, 30.0)
MB_PER_S = 90.0
_CHUNK = 65_536
_FINEST = 0.001  # seconds: timers are not more exact
_LATE = 0.003  # how much of what came too late is made up for


@dataclass(slots=True)
class _Exchange:
    """Of one connection: whether a request was seen since the last answer began."""

    asked: bool = False


class _Drip:
    """When the next bytes may go: no faster than `MB_PER_S`; little is saved up while it was idle."""

    def __init__(self) -> None:
        self._free = 0.0

    async def wait(self, count: int) -> None:
        clock = asyncio.get_running_loop().time
        self._free = max(self._free, clock() - _LATE) + count / (MB_PER_S * 1e6)
        if (left := self._free - clock()) > _FINEST:
            await asyncio.sleep(left)


async def _upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, exchange: _Exchange) -> None:
    drip = _Drip()
    while chunk := await reader.read(_CHUNK):
        await drip.wait(len(chunk))
        exchange.asked = True
        writer.write(chunk)
        await writer.drain()
    writer.close()


async def _downstream(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, exchange: _Exchange, chance: random.Random
) -> None:
    drip = _Drip()
    while chunk := await reader.read(_CHUNK):
        if exchange.asked and not chunk.startswith(b"HTTP/1.1 100"):  # "go on" is no answer yet
            exchange.asked = False
            await asyncio.sleep(chance.uniform(*FIRST_BYTE_MS) / 1000)
        await drip.wait(len(chunk))
        writer.write(chunk)
        await writer.drain()
    writer.close()


async def serve(store: int) -> asyncio.Server:
    """A server on a free port of loopback, in front of the store on the port `store`."""
    chance = random.Random(1)  # the same waits in every run

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", store, limit=_CHUNK)
        exchange = _Exchange()
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_upstream(reader, far_writer, exchange))
                both.create_task(_downstream(far_reader, writer, exchange, chance))
        except* ConnectionError:
            writer.close()

    return await asyncio.start_server(connected, "127.0.0.1", 0, limit=_CHUNK)


def port_of(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


async def _main(store: int) -> None:
    server = await serve(store)
    print(port_of(server), flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(int(sys.argv[1])))
