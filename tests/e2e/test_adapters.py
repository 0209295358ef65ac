"""The adapters to AWS, called in this process with a real emulator: a deployed function, seen from inside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.test_resize import IN, OUT, PHOTO, mission
from tests.waiting import SELDOM, eventually
from tinypics.aws import api
from tinypics.aws.s3 import open_bucket
from tinypics.errors import SourceNotFound

if TYPE_CHECKING:
    from tests.local_stack import LocalStack

pytestmark = pytest.mark.e2e


@pytest.fixture
def inside(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalStack]:
    """The environment that the emulator gives functions."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.facts.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", stack.facts.region)
    monkeypatch.setenv("AWS_REGION", stack.facts.region)
    monkeypatch.setenv("TINYPICS_STATE_MACHINE", stack.facts.stack.state_machine)
    monkeypatch.setenv("TINYPICS_API_URL", "https://api.example")
    api._states.cache_clear()
    open_bucket.cache_clear()
    yield stack
    api._states.cache_clear()
    open_bucket.cache_clear()


def call(route: str, **event: Any) -> tuple[int, dict[str, Any]]:
    response = api.handler({"routeKey": route, **event}, None)
    return response["statusCode"], json.loads(response["body"])


def test_the_api_starts_the_workflow_and_tells_how_it_went(inside: LocalStack) -> None:
    inside.s3.put_object(Bucket=IN, Key="inside.jpg", Body=PHOTO)
    status, started = call("POST /resize", body=json.dumps(mission("inside.jpg")))
    assert (status, started["status"]) == (202, "RUNNING")
    assert started["status_url"] == f"https://api.example/resize/{started['id']}"

    def look() -> dict[str, Any] | None:
        status, state = call("GET /resize/{id}", pathParameters={"id": started["id"]})
        assert status == 200
        return state if state["status"] != "RUNNING" else None

    state = eventually(look, SELDOM)
    assert (state["status"], state["result"]["width"]) == ("SUCCEEDED", 128)


def test_the_api_reports_failures(inside: LocalStack) -> None:
    _, started = call("POST /resize", body=json.dumps(mission("missing.jpg")))

    def look() -> dict[str, Any] | None:
        _, state = call("GET /resize/{id}", pathParameters={"id": started["id"]})
        return state if state["status"] != "RUNNING" else None

    state = eventually(look, SELDOM)
    assert (state["status"], state["error"]) == ("FAILED", "SourceNotFound")
    assert "missing.jpg" in state["message"]


def test_the_api_answers_404_to_an_unknown_id(inside: LocalStack) -> None:
    assert call("GET /resize/{id}", pathParameters={"id": "nobody-started-this"})[0] == 404


def test_a_bucket_is_opened_as_the_environment_says(inside: LocalStack) -> None:
    bucket = open_bucket(OUT)
    assert bucket is open_bucket(OUT)
    bucket.put("a b/ü+%41.txt", b"x", attributes={"Content-Type": "text/plain"}, replaces=None)
    assert bucket.open("a b/ü+%41.txt", max_bytes=1).read_all() == b"x"
    bucket.delete("a b/ü+%41.txt")
    with pytest.raises(SourceNotFound):
        bucket.open("a b/ü+%41.txt", max_bytes=1)
