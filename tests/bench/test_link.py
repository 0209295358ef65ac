"""The link model passes every byte on unchanged, with its delays."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench import link

pytestmark = pytest.mark.release


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        count = int(line)
        writer.write(b"HTTP/1.1 100 Continue\r\n" if count == 0 else bytes(range(256)) * count)
        await writer.drain()
    writer.close()


def _through(asked: list[int], monkeypatch: pytest.MonkeyPatch) -> tuple[list[bytes], list[float]]:
    """The answer to each request, and the sum of the link's sleeps."""
    slept: list[float] = []

    async def noted(seconds: float) -> None:
        slept.append(seconds)
        await asyncio.sleep(0)

    async def talk() -> list[bytes]:
        store = await asyncio.start_server(_echo, "127.0.0.1", 0)
        server = await link.serve(link.port_of(store))
        async with store, server:
            reader, writer = await asyncio.open_connection("127.0.0.1", link.port_of(server))
            found = []
            for count in asked:
                writer.write(b"%d\n" % count)
                found.append(await reader.readexactly(count * 256 or 23))
            writer.close()
            await writer.wait_closed()
            await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))  # the close reaches all of them
        return found

    monkeypatch.setattr(link, "sleep", noted)  # and not that of asyncio, which other tests' event loops call
    # In a new thread, because a browser of other tests keeps an event loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, talk()).result(), slept


def test_bytes_are_carried_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = _through([1, 5000, 3], monkeypatch)
    assert found == [bytes(range(256)) * count for count in (1, 5000, 3)]


def test_each_answer_waits_for_its_first_byte_once(monkeypatch: pytest.MonkeyPatch) -> None:
    _, slept = _through([1, 1, 1], monkeypatch)
    low, high = (ms / 1000 for ms in link.FIRST_BYTE_MS)
    assert [low <= seconds <= high for seconds in slept] == [True] * 3


def test_go_on_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    _, slept = _through([0], monkeypatch)
    assert slept == []


def test_many_bytes_take_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "MB_PER_S", 1.0)
    _, slept = _through([400], monkeypatch)  # 102,400 bytes at 1 MB/s
    assert max(slept) > 0.05  # after the first chunk, the rest waits for about its transfer time
