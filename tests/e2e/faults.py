"""A small HTTP proxy in front of the emulator's S3, which injects faults.

A `Fault` selects requests (by method, key, number to let pass, number to hit) and what happens to them. All others are
forwarded unchanged. `Proxy.calls` has every request with the status of its answer, for counting.
"""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

BROKEN = 0  # the status of a call whose answer was not sent completely


@dataclass
class Call:
    """A request and its time (`time.monotonic()`). `status` is set with the answer."""

    method: str
    path: str  # decoded: /bucket/key
    at: float
    struck: bool
    status: int | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"


Action = Callable[["Exchange"], None]


@dataclass
class Fault:
    """A fault of requests whose method and decoded path match, after the first `after` of them."""

    action: Action
    method: str = "GET|PUT|HEAD|DELETE"
    path: str = ""
    after: int = 0
    times: int | None = 1
    chance: Callable[[], bool] = lambda: True
    seen: int = 0

    def strikes(self, method: str, path: str) -> bool:
        if not re.fullmatch(self.method, method) or not re.search(self.path, path):
            return False
        if not self.chance():
            return False
        self.seen += 1
        return self.after < self.seen and (self.times is None or self.seen <= self.after + self.times)


class Exchange:
    """A request in progress. An action answers it, forwards it, or breaks the connection."""

    def __init__(self, handler: BaseHTTPRequestHandler, body: bytes, upstream: tuple[str, int], call: Call) -> None:
        self.handler = handler
        self.body = body
        self.upstream = upstream
        self.call = call

    def ask(self) -> tuple[http.client.HTTPResponse, bytes]:
        """The emulator's own answer, not sent yet."""
        connection = http.client.HTTPConnection(*self.upstream, timeout=60)
        try:
            headers = {name: value for name, value in self.handler.headers.items() if name.lower() != "connection"}
            connection.request(self.handler.command, self.handler.path, self.body, headers)
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def send(self, status: int, headers: dict[str, str], body: bytes, length: int | None = None) -> None:
        self.call.status = status  # first, because the client may look at it as soon as it has the answer
        self.handler.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.handler.send_header(name, value)
        self.handler.send_header("Content-Length", str(len(body) if length is None else length))
        self.handler.end_headers()
        if self.handler.command != "HEAD":
            self.handler.wfile.write(body)
            self.handler.wfile.flush()

    def pass_on(self) -> None:
        response, body = self.ask()
        # The answer to a HEAD has a Content-Length, but no body.
        length = response.getheader("Content-Length") if self.handler.command == "HEAD" else None
        self.send(response.status, dict(response.getheaders()), body, int(length) if length else None)

    def reset(self) -> None:
        """Break the connection with a reset instead of a regular close."""
        self.call.status = BROKEN
        self.handler.close_connection = True
        self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.handler.connection.close()


# --- Faults


def status(code: int, name: str, headers: dict[str, str] | None = None) -> Action:
    """Answer with an S3 error, without the emulator."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{name}</Code><Message>injected</Message></Error>'

    def act(exchange: Exchange) -> None:
        exchange.send(code, {"Content-Type": "application/xml", **(headers or {})}, body.encode())

    return act


SLOW_DOWN = status(503, "SlowDown")
INTERNAL_ERROR = status(500, "InternalError")
TOO_MANY_REQUESTS = status(429, "TooManyRequests")
NO_SUCH_KEY = status(404, "NoSuchKey")
NO_SUCH_BUCKET = status(404, "NoSuchBucket")
ACCESS_DENIED = status(403, "AccessDenied")
PRECONDITION_FAILED = status(412, "PreconditionFailed")
REQUEST_CONFLICT = status(409, "ConditionalRequestConflict")
WRONG_REGION = status(301, "PermanentRedirect", {"x-amz-bucket-region": "eu-central-1"})
EXPIRED_TOKEN = status(400, "ExpiredToken")


def reset(exchange: Exchange) -> None:
    """Break the connection before the emulator gets the request."""
    exchange.reset()


def lose_answer(exchange: Exchange) -> None:
    """Forward the request, and break the connection instead of sending the answer."""
    exchange.ask()
    exchange.reset()


def cut(after: int) -> Action:
    """Break the connection after this number of bytes of the body."""

    def act(exchange: Exchange) -> None:
        response, body = exchange.ask()
        exchange.send(response.status, dict(response.getheaders()), body[:after], len(body))
        exchange.reset()

    return act


def short(by: int) -> Action:
    """Announce the whole body, send all but its last bytes, and close the connection regularly."""

    def act(exchange: Exchange) -> None:
        response, body = exchange.ask()
        exchange.send(response.status, dict(response.getheaders()), body[:-by], len(body))
        exchange.call.status = BROKEN
        exchange.handler.close_connection = True
        exchange.handler.connection.shutdown(socket.SHUT_RDWR)

    return act


def slow(seconds: float, chunks: int = 50) -> Action:
    """Send the body in this number of pieces over this number of seconds, as long as the client reads."""

    def act(exchange: Exchange) -> None:
        response, body = exchange.ask()
        exchange.send(response.status, dict(response.getheaders()), b"", len(body))
        step = max(1, -(-len(body) // chunks))
        for start in range(0, len(body), step):
            exchange.handler.wfile.write(body[start : start + step])
            time.sleep(seconds / chunks)

    return act


def hang(seconds: float) -> Action:
    """Wait for this number of seconds, then break the connection."""

    def act(exchange: Exchange) -> None:
        time.sleep(seconds)
        exchange.reset()

    return act


def first(do: Callable[[], Any]) -> Action:
    """Call a hook, then forward the request."""

    def act(exchange: Exchange) -> None:
        do()
        exchange.pass_on()

    return act


def then(do: Callable[[], Any]) -> Action:
    """Forward the request, and call a hook before sending the answer."""

    def act(exchange: Exchange) -> None:
        response, body = exchange.ask()
        do()
        exchange.send(response.status, dict(response.getheaders()), body)

    return act


class Proxy:
    """The proxy, on a free port of loopback. `faults` may change at any time."""

    def __init__(self, endpoint: str) -> None:
        url = urlsplit(endpoint)
        assert url.hostname is not None
        assert url.port is not None
        self._upstream = (url.hostname, url.port)
        self._lock = threading.Lock()
        self.faults: list[Fault] = []
        self.calls: list[Call] = []
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"

    def seen(self, method: str = "", path: str = "") -> list[Call]:
        """The calls whose method and path match."""
        with self._lock:
            return [call for call in self.calls if re.search(method, call.method) and re.search(path, call.path)]

    def clear(self) -> None:
        with self._lock:
            self.faults.clear()
            self.calls.clear()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do(self) -> None:
                proxy._serve(self)

            do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = do  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Log nothing: `calls` has the requests."""

        return Handler

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(handler.path).path)
        with self._lock:
            fault = next((fault for fault in self.faults if fault.strikes(handler.command, path)), None)
            call = Call(handler.command, path, time.monotonic(), fault is not None)
            self.calls.append(call)
        exchange = Exchange(handler, body, self._upstream, call)
        try:
            fault.action(exchange) if fault else exchange.pass_on()
        except OSError:  # the client gave up, which some faults intend
            call.status = BROKEN
            handler.close_connection = True
        if call.status is None:  # the action answered nothing
            call.status = BROKEN

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore broken connections, which faults intend."""


@contextmanager
def proxied(endpoint: str) -> Iterator[Proxy]:
    """A running proxy in front of the emulator at `endpoint`."""
    proxy = Proxy(endpoint)
    thread = threading.Thread(target=proxy.serve, name="faults", daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join(5)
