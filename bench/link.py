"""A model of the link to S3, in front of the local store: a proxy that adds latency and limits the bandwidth.

    python -m bench.link PORT      (of the store) prints its own port

It delays the first byte of each answer by 15 to 30 ms, and limits each connection to 90 MB/s in each direction, typical
figures from Lambda to S3 in one region. It does not delay connecting, because there is no TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
from asyncio import sleep
from dataclasses import dataclass

FIRST_BYTE_MS = (15.0, 30.0)
MB_PER_S = 90.0
_CHUNK = 65_536
_FINEST = 0.001  # seconds; timers are not more precise
_LATE = 0.003  # seconds of delay that faster sending may make up for


@dataclass(slots=True)
class _Exchange:
    """State of one connection: whether a request arrived since the last answer began."""

    asked: bool = False


class _Drip:
    """Limits the rate to `MB_PER_S`. Idle time earns almost no credit."""

    def __init__(self) -> None:
        self._free = 0.0

    async def wait(self, count: int) -> None:
        clock = asyncio.get_running_loop().time
        self._free = max(self._free, clock() - _LATE) + count / (MB_PER_S * 1e6)
        if (left := self._free - clock()) > _FINEST:
            await sleep(left)


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
        if exchange.asked and not chunk.startswith(b"HTTP/1.1 100"):  # 100 Continue is not the answer
            exchange.asked = False
            await sleep(chance.uniform(*FIRST_BYTE_MS) / 1000)
        await drip.wait(len(chunk))
        writer.write(chunk)
        await writer.drain()
    writer.close()


async def serve(store: int) -> asyncio.Server:
    """A server on a free port of loopback, in front of the store on the port `store`."""
    chance = random.Random(1)  # the same delays in every run

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
