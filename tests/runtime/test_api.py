"""The API's function under AWS's runtime client, and the workflow that it starts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.runtime import function as functions
from tests.runtime.function import Function
from tests.runtime.store import OUTPUT, SOURCE, Store
from tests.runtime.test_events import DIRECT
from tests.waiting import eventually

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def api(
    runtime: Path, artifact: Path, everything: Store, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Function]:
    machine = everything.cloud.client("stepfunctions").create_state_machine(
        name="tinypics-resize",
        roleArn="arn:aws:iam::000000000000:role/any",
        definition=json.dumps({"StartAt": "Answer", "States": {"Answer": {"Type": "Succeed"}}}),
    )
    given = functions.variables(
        "ApiFunction",
        TINYPICS_SOURCE_BUCKETS=SOURCE,
        TINYPICS_OUTPUT_BUCKET=OUTPUT,
        TINYPICS_STATE_MACHINE=machine["stateMachineArn"],
        TINYPICS_API_URL="https://api.example",
    )
    given |= {"AWS_ENDPOINT_URL": everything.proxy.endpoint}
    with functions.running(
        "ApiFunction", (artifact, runtime), given, tmp_path_factory.mktemp("api") / "log"
    ) as function:
        yield function


def asked(api: Function, route: str, **about: Any) -> tuple[int, dict[str, Any]]:
    """The status and the document of the API's answer. It logs nothing; the SDK warns of nothing."""
    done = api.invoke({"version": "2.0", "routeKey": route, "isBase64Encoded": False, **about})
    assert (done.error, done.lines) == (None, [])
    assert {line["level"] for line in done.runtime_lines} <= {"INFO"}
    return done.answer["statusCode"], json.loads(done.answer["body"])


def test_a_request_starts_the_workflow_which_can_be_asked_for(api: Function) -> None:
    status, started = asked(api, "POST /resize", body=json.dumps(DIRECT))
    assert (status, started["status"]) == (202, "RUNNING")
    found: dict[str, Any] = {}

    def ended() -> bool:
        code, document = asked(api, "GET /resize/{id}", pathParameters={"id": started["id"]})
        assert code == 200
        found.update(document)
        return bool(document["status"] != "RUNNING")

    eventually(ended)
    assert found == {"id": started["id"], "status": "SUCCEEDED", "result": DIRECT}


@pytest.mark.parametrize("body", ["{", "null", "5", "[]", json.dumps(DIRECT | {"width": "128"})])
def test_a_bad_request_is_answered_400(api: Function, body: str) -> None:
    status, document = asked(api, "POST /resize", body=body)
    assert (status, document["error"]) == (400, "InvalidRequest")


def test_an_execution_that_never_was_is_answered_404(api: Function) -> None:
    status, document = asked(api, "GET /resize/{id}", pathParameters={"id": "never"})
    assert (status, document["error"]) == (404, "ExecutionNotFound")
