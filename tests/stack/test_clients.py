"""Clients and buckets of one cloud, independent of the environment's settings for others."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from tinypics.stack.clients import Cloud

if TYPE_CHECKING:
    from collections.abc import Iterator

NOWHERE = "http://127.0.0.1:9"


class Nothing(BaseHTTPRequestHandler):
    """A store without objects that records its requests."""

    asked: list[str]

    def do_HEAD(self) -> None:
        self.asked.append(self.path)
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def store() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    with HTTPServer(("127.0.0.1", 0), type("Handler", (Nothing,), {"asked": asked})) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def test_a_local_bucket_is_the_emulators_in_any_environment(
    store: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, NOWHERE)
    endpoint, asked = store
    assert Cloud.local(endpoint, "us-east-1").bucket("pics").head("a b.jpg") is None
    assert asked == ["/pics/a%20b.jpg"]


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_a_bucket_on_aws_may_be_elsewhere(
    store: tuple[str, list[str]], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint, asked = store
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy"), NOWHERE)
    for variable, text in (proxies | {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", name: endpoint}).items():
        monkeypatch.setenv(variable, text)
    assert Cloud.aws(None, "eu-west-1").bucket("pics").head("a.jpg") is None
    assert asked == ["/pics/a.jpg"]


def test_an_invocation_is_waited_for_as_long_as_it_may_take() -> None:
    cloud = Cloud.local(NOWHERE, "us-east-1")
    limits = {service: cloud.client(service).meta.config.read_timeout for service in ("lambda", "s3")}
    assert limits["lambda"] > 900 > limits["s3"]
