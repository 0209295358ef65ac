"""Lambda's Runtime API on loopback: a function gets its events from it and sends it answers.

Lambda developer guide, "Using the Lambda runtime API for custom runtimes".
"""

from __future__ import annotations

import json
import queue
import re
import threading
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

WITHIN = 60.0  # seconds, far more than any step takes on a busy machine
ARN = "arn:aws:lambda:us-east-1:123456789012:function:tinypics-resize"
_NEXT = "/2018-06-01/runtime/invocation/next"
_SAID = re.compile(r"/2018-06-01/runtime/(?:invocation/(?P<request_id>[^/]+)|init)/(?P<kind>response|error)")


@dataclass(frozen=True)
class Said:
    """A function's POST: its answer to an event (`kind` is "response"), or an error. Init errors have no id."""

    request_id: str | None
    kind: str
    document: Any


class RuntimeApi:
    """The API for one function, which has one event at a time. `idle` is set while the function waits for the next."""

    def __init__(self) -> None:
        self.idle = threading.Event()
        self._events: queue.Queue[tuple[dict[str, str], bytes] | None] = queue.Queue()
        self._said: queue.Queue[Said] = queue.Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = False  # so that `server_close` joins them
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def send(self, event: object, *, left: float) -> str:
        """Queue an event for the function, with `left` seconds to answer it; returns the id of the request."""
        identity = str(uuid.uuid4())
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": identity,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + left) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": ARN,
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
        }
        self._events.put((headers, json.dumps(event).encode()))
        return identity

    def said(self) -> Said:
        """The function's next POST."""
        try:
            return self._said.get(timeout=WITHIN)
        except queue.Empty:
            raise AssertionError("the function did not answer") from None

    def next(self) -> tuple[dict[str, str], bytes] | None:
        """Wait for the next event; None if the API is closed."""
        self.idle.set()
        try:
            return self._events.get()
        finally:
            self.idle.clear()

    def hear(self, said: Said) -> None:
        self._said.put(said)

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        """Stop serving. The function must have exited before."""
        self._events.put(None)
        self._server.shutdown()
        self._server.server_close()


def _handler(api: RuntimeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 2 * WITHIN

        def do_GET(self) -> None:
            if self.path != _NEXT:
                self.send_error(404)
                return
            found = api.next()
            if found is None:
                self.close_connection = True
                return
            headers, body = found
            self._answer(200, headers, body)

        def do_POST(self) -> None:
            document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = _SAID.fullmatch(self.path)
            if found is None:
                self.send_error(404)
                return
            # Answer before notifying the test, because the test may end the function.
            self._answer(202, {"Content-Type": "application/json"}, b'{"status":"OK"}')
            api.hear(Said(found["request_id"], found["kind"], document))

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing: the function has its own log."""

    return Handler


@contextmanager
def runtime_api() -> Iterator[RuntimeApi]:
    api = RuntimeApi()
    thread = threading.Thread(target=api.serve, name="runtime api")
    thread.start()
    try:
        yield api
    finally:
        api.close()
        thread.join()
