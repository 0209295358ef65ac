"""The console's addresses, and its end."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tinypics.console.server import PortTaken, listen, serving
from tinypics.stack.clients import Cloud
from tinypics.stack.deployed import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator

CLOUD = Cloud.local("http://127.0.0.1:1", "us-east-1")
STACK = Stack("original-pics", "tiny-pics", "f", "arn:aws:states:us-east-1:0:stateMachine:resize", "/log", None)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


def test_it_listens_on_loopback_alone_with_a_new_token_each_time() -> None:
    with serving(CLOUD, STACK) as one, serving(CLOUD, STACK) as other:
        parts = [urlsplit(address) for address in (one, other)]
        assert [part.hostname for part in parts] == ["127.0.0.1"] * 2
        assert parts[0].query != parts[1].query
        assert all(len(part.query) > 30 for part in parts)


def test_it_ends_with_the_block() -> None:
    others = set(threading.enumerate())
    with serving(CLOUD, STACK) as address:
        where = ("127.0.0.1", urlsplit(address).port or 0)
        socket.create_connection(where).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(where)
    assert not [thread for thread in set(threading.enumerate()) - others if thread.name == "console"]


def test_a_port_that_was_asked_for_and_is_taken_is_a_sentence(taken: int) -> None:
    with pytest.raises(PortTaken, match=f"Port {taken} cannot be used"):
        listen(taken)


def test_without_one_asked_for_another_is_found(taken: int) -> None:
    with listen(usual=taken) as listener:
        assert listener.getsockname()[1] != taken


def test_a_given_token_is_that_of_the_address() -> None:
    with serving(CLOUD, STACK, token="t" * 32) as address:
        assert urlsplit(address).query == f"token={'t' * 32}"
