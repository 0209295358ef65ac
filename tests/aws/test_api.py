from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from tinypics.aws import api, settings

# tests/e2e starts and describes real executions in the emulator; these requests fail before that.


def call(route: str, body: str | None = None, **fields: Any) -> tuple[int, dict[str, Any]]:
    response = api.handler({"routeKey": route, "body": body, **fields}, None)
    assert response["headers"]["Content-Type"] == "application/json"
    return response["statusCode"], json.loads(response["body"])


@pytest.fixture(autouse=True)
def no_workflow(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        pytest.fail("a request that is not valid must not reach Step Functions")

    monkeypatch.setattr(api, "_states", refused)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (None, "body: expected a JSON document"),
        ("{", "body: expected a JSON document"),
        ("[" * 50_000, "body: expected a JSON document"),
        ("[]", "event: expected a JSON object"),
        ('{"bucket": "b", "key": "k", "width": "128"}', 'width: expected .*, got "128"'),
        ('{"bucket": "b", "key": "k", "fit": "no", "width": 1}', "fit: expected"),
        ('{"Records": []}', "event: expected only the fields"),
    ],
)
def test_a_bad_body_is_400_with_the_named_error(body: str | None, message: str) -> None:
    status, answer = call("POST /resize", body)
    assert (status, answer["error"]) == (400, "InvalidRequest")
    assert re.match(message, answer["message"])


def test_a_loop_is_refused_before_it_starts() -> None:
    body = json.dumps({"bucket": "b", "key": "k", "dest_bucket": "b", "width": 1})
    assert call("POST /resize", body)[1]["error"] == "LoopRefused"


@pytest.mark.parametrize("body", ["%%%", base64.b64encode(b"\xff{").decode()])
def test_a_body_that_differs_from_its_encoding_is_400(body: str) -> None:
    assert call("POST /resize", body, isBase64Encoded=True)[0] == 400


def test_a_refused_body_is_quoted_as_it_was_sent() -> None:
    body = base64.b64encode(b"{").decode()
    message = call("POST /resize", body, isBase64Encoded=True)[1]["message"]
    assert message == 'body: expected a JSON document, got "{"'


ENVIRONMENT = {
    "TINYPICS_OUTPUT_BUCKET": "tiny-pics",
    "TINYPICS_STATE_MACHINE": "arn:aws:states:us-east-1:000000000000:stateMachine:resize",
    "TINYPICS_API_URL": "https://example.com",
}
VALID = json.dumps({"bucket": "original-pics", "key": "a.jpg", "width": 1})


@pytest.mark.parametrize(
    ("route", "environment", "message"),
    [
        ("POST /resize", {"TINYPICS_RENDITIONS": "foo"}, "TINYPICS_RENDITIONS: rendition: expected"),
        ("GET /resize/{id}", {"TINYPICS_RENDITIONS": "foo"}, "TINYPICS_RENDITIONS: rendition: expected"),
        ("POST /resize", {"TINYPICS_STATE_MACHINE": "resize"}, "TINYPICS_STATE_MACHINE: expected the ARN"),
        ("POST /resize", {"TINYPICS_STATE_MACHINE": ""}, "TINYPICS_STATE_MACHINE: expected the ARN"),
        ("GET /resize/{id}", {"TINYPICS_STATE_MACHINE": ""}, "TINYPICS_STATE_MACHINE: expected the ARN"),
        ("POST /resize", {"TINYPICS_API_URL": ""}, "TINYPICS_API_URL: expected the address"),
    ],
)
def test_a_wrong_configuration_is_500_and_logged(
    route: str,
    environment: dict[str, str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, text in (ENVIRONMENT | environment).items():
        monkeypatch.setenv(name, text)
    monkeypatch.setattr(api, "SETTINGS", settings.load())  # as at import
    status, answer = call(route, VALID, pathParameters={"id": "x"})
    assert (status, answer["error"]) == (500, "InvalidConfiguration")
    assert answer["message"].startswith(message)
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["level"], line["status"], line["message"]) == ("ERROR", "FAILED", answer["message"])


@pytest.mark.parametrize("encoded", [False, True])
def test_a_huge_body_is_413(encoded: bool) -> None:
    body = " " * 100_000
    sent = base64.b64encode(body.encode()).decode() if encoded else body
    status, answer = call("POST /resize", sent, isBase64Encoded=encoded)
    assert status == 413
    assert answer["message"] == "body: expected at most 65,536 bytes, got 100,000"


@pytest.mark.parametrize("identity", ["", "a/b", "x" * 81, "a:b", "ü"])
def test_an_id_that_no_execution_can_have_is_404(identity: str) -> None:
    status, answer = call("GET /resize/{id}", pathParameters={"id": identity})
    assert (status, answer["error"]) == (404, "ExecutionNotFound")
