"""The console of a stack in a running emulator, and a client that sends the requests of its page."""

from __future__ import annotations

import http.client
import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.local_stack import LocalStack
from tests.pictures import encoded, photo
from tests.waiting import PATIENCE, SELDOM
from tinypics.console.server import serving
from tinypics.stack.clients import Cloud

if TYPE_CHECKING:
    from collections.abc import Iterator

BACKFILL = "bin/tinypics backfill --data 'my pictures'"
JPEG = encoded(photo((320, 240)), "JPEG")


class Response(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class Page:
    """A client like the console's own page, with the cookie and the origin."""

    def __init__(self, address: str, where: LocalStack) -> None:
        parts = urlsplit(address)
        self.address = address
        self.stack = where
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.token = parts.query.removeprefix("token=")
        self.cookie = f"tinypics-{parts.port}={self.token}"

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Response:
        """Header names have underscores for hyphens; an empty header is left out."""
        given = {"Cookie": self.cookie, "Origin": self.origin} | {k.replace("_", "-"): v for k, v in headers.items()}
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection = http.client.HTTPConnection(urlsplit(self.origin).netloc, timeout=PATIENCE)
        try:
            connection.request(method, path, sent, {name: value for name, value in given.items() if value})
            response = connection.getresponse()
            return Response(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status == 200, answer.body
        return answer.document

    def post(self, path: str, body: object = None) -> Any:
        answer = self.ask("POST", path, {} if body is None else body)
        assert answer.status == 200, answer.body
        return answer.document

    def put(self, key: str, data: bytes = JPEG) -> None:
        """Upload to the bucket, without the console."""
        self.stack.s3.put_object(Bucket=self.stack.facts.stack.source_bucket, Key=key, Body=data)

    def about(self, key: str, ended: bool = True) -> dict[str, Any]:
        """Wait until the newest execution for `key` has ended; returns its entry."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            items = self.get("/api/executions")["items"]
            found = self.post("/api/subjects", {"names": [item["name"] for item in items]})
            for item in items:
                about = found.get(item["name"], {})
                if about.get("key") == key and (about["status"] != "RUNNING" or not ended):
                    return {"name": item["name"], **about}
            time.sleep(SELDOM)
        raise AssertionError(f"no execution for {key}")

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Wait for the log lines of an execution, which appear a moment after its end.

        On a busy machine the emulator writes a line late, with those of the next picture, so this uploads one.
        """
        deadline, soon = time.monotonic() + 120, time.monotonic() + 2
        while not (found := self.get(f"/api/executions/{name}/log")):
            assert time.monotonic() < deadline
            if time.monotonic() > soon:
                self.stack.functions.invoke(FunctionName=self.stack.facts.stack.function, Payload=b"{}")
            time.sleep(SELDOM)
        return list(found)

    def ended(self, name: str) -> dict[str, Any]:
        """Wait until the execution of this name has ended."""
        deadline = time.monotonic() + 120
        while (found := self.get(f"/api/executions/{name}"))["status"] == "RUNNING":
            assert time.monotonic() < deadline
            time.sleep(SELDOM)
        return dict(found)


@pytest.fixture(scope="session")
def page(stack: LocalStack) -> Iterator[Page]:
    cloud = Cloud.local(stack.facts.endpoint, stack.facts.region)
    with serving(cloud, stack.facts.stack, backfill=BACKFILL) as address:
        yield Page(address, stack)
