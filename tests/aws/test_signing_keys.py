"""The keys of signatures: when they are read, and how Secrets Manager is asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tinypics.aws.signing_keys import KEPT, SigningKeys, read_secret
from tinypics.errors import AccessDenied, InvalidConfiguration, StoreUnavailable

KEY = "k" * 32


class Manager(HTTPServer):
    """A server that answers each request with `answer`. `requests` has their headers and bodies."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer: tuple[int, bytes] = (200, json.dumps({"SecretString": '{"1": "x"}'}).encode())
        self.requests: list[tuple[dict[str, str], bytes]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Manager

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append(({name.lower(): text for name, text in self.headers.items()}, body))
        status, answer = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    server = Manager()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://127.0.0.1:{server.server_port}")
    for name, text in {"REGION": "eu-west-1", "ACCESS_KEY_ID": "AKID", "SECRET_ACCESS_KEY": "hidden"}.items():
        monkeypatch.setenv(f"AWS_{name}", text)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_secret_is_asked_for_as_the_sdk_would(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = time.strptime("2026-11-26T12:34:56", "%Y-%m-%dT%H:%M:%S")
    monkeypatch.setattr("tinypics.aws.signing_keys.time.gmtime", lambda: moment)
    assert read_secret("arn:aws:secretsmanager:eu-west-1:1:secret:x") == '{"1": "x"}'
    ((headers, body),) = manager.requests
    assert json.loads(body) == {"SecretId": "arn:aws:secretsmanager:eu-west-1:1:secret:x"}
    signed = {name: headers[name] for name in ("content-type", "x-amz-target")}
    request = AWSRequest("POST", f"http://{headers['host']}/", signed, body)
    request.context["timestamp"] = headers["x-amz-date"]
    request.headers["X-Amz-Date"] = headers["x-amz-date"]
    request.headers["X-Amz-Security-Token"] = "token"
    auth = SigV4Auth(Credentials("AKID", "hidden"), "secretsmanager", "eu-west-1")
    text = auth.string_to_sign(request, auth.canonical_request(request))
    assert headers["authorization"].endswith(f"Signature={auth.signature(text, request)}")
    assert headers["x-amz-security-token"] == "token"


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (500, b"", StoreUnavailable),
        (400, b'{"__type": "ThrottlingException"}', StoreUnavailable),
        (400, b'{"__type": "com.amazonaws#ThrottlingException"}', StoreUnavailable),
        (400, b'{"__type": "AccessDeniedException"}', AccessDenied),
        (200, b"{}", AccessDenied),
        (200, b"[1]", AccessDenied),
        (200, b"no JSON", AccessDenied),
    ],
)
def test_an_answer_without_a_secret_is_an_error(
    manager: Manager, status: int, answer: bytes, error: type[Exception]
) -> None:
    manager.answer = status, answer
    with pytest.raises(error):
        read_secret("keys")


def test_a_manager_that_is_down_is_a_transient_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.delenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", raising=False)
    with pytest.raises(StoreUnavailable, match="Secrets Manager: "):
        read_secret("keys")


def test_keys_are_kept_and_an_unknown_one_is_looked_for_in_vain_once_a_minute() -> None:
    now, reads, document = [1000.0], list[str](), [json.dumps({"1": KEY})]

    def read(secret: str) -> str:
        reads.append(secret)
        return document[0]

    keys = SigningKeys(read, lambda: now[0])
    assert keys.ring("keys", "1") == keys.ring("keys", "1") == {"1": KEY}
    assert reads == ["keys"]
    document[0] = json.dumps({"1": KEY, "2": KEY})
    assert "2" in keys.ring("keys", "2")  # a new key is valid at once
    assert len(reads) == 2
    assert "3" not in keys.ring("keys", "3")
    document[0] = json.dumps({"3": KEY})
    assert "3" not in keys.ring("keys", "3")
    assert len(reads) == 3
    now[0] += 61
    assert "3" in keys.ring("keys", "3")
    assert len(reads) == 4
    now[0] += KEPT - 1
    keys.ring("keys", "3")
    assert len(reads) == 4
    now[0] += 1
    keys.ring("keys", "3")
    assert len(reads) == 5


def test_a_secret_without_keys_is_a_wrong_configuration_that_shows_nothing_of_it() -> None:
    with pytest.raises(InvalidConfiguration, match="secret: expected a JSON document") as caught:
        SigningKeys(lambda _: "hidden text").ring("keys", "1")
    assert "hidden" not in str(caught.value)
