"""The HTTP API: `POST /resize` starts the workflow, `GET /resize/{id}` returns its state.

An API Gateway HTTP API (payload format 2.0) calls `handler`, which calls Step Functions only: no picture passes it.
"""

from __future__ import annotations

import base64
import json
import os
import re
import uuid
from functools import cache
from typing import TYPE_CHECKING, Any

from tinypics.aws import events, telemetry
from tinypics.aws.settings import API_URL, STATE_MACHINE, load, require, require_valid
from tinypics.errors import InvalidConfiguration, InvalidRequest, PermanentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinypics.aws.settings import Settings

MAX_BODY = 64 * 1024  # bytes; Step Functions takes 256 KiB, and no request needs a tenth of this
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")  # names that StartExecution allows and that need no escaping in a URL

SETTINGS = load()


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """202 with the id of the started execution, 200 with the state of one, or 400, 404, 413, 500 with a named error."""
    try:
        settings = require_valid(SETTINGS)
        if event.get("routeKey") == "POST /resize":
            return _start(event, settings)
        return _state((event.get("pathParameters") or {}).get("id", ""))
    except PermanentError as error:
        refused = {"error": error.name, "message": error.message}
        if not isinstance(error, InvalidConfiguration):
            return _response(400, refused)
        telemetry.record({"status": "FAILED", **refused}, context)
        return _response(500, refused)


def _start(event: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    body = _body(event)
    if len(body) > MAX_BODY:
        message = f"body: expected at most {MAX_BODY:,} bytes, got {len(body):,}"
        return _response(413, {"error": InvalidRequest.__name__, "message": message})
    request = _json(body)
    events.parse_direct(request, settings)  # answers 400 now, instead of failing the execution later
    machine, url = _state_machine(), require(API_URL, os.environ.get(API_URL), "the address of this API")
    identity = str(uuid.uuid4())
    _states().start_execution(stateMachineArn=machine, name=identity, input=json.dumps(request))
    return _response(202, {"id": identity, "status": "RUNNING", "status_url": f"{url}/resize/{identity}"})


def _state_machine() -> str:
    return require(STATE_MACHINE, os.environ.get(STATE_MACHINE), "the ARN of a workflow")


def _body(event: Mapping[str, Any]) -> bytes:
    """The bytes that were sent. API Gateway bounds them: 10 MB (its developer guide, "Quotas for HTTP APIs")."""
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode(errors="replace")
    try:
        return base64.b64decode(body, validate=True)
    except ValueError as error:
        raise InvalidRequest.expected("body", "Base64, as isBase64Encoded says", body) from error


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest.expected("body", "a JSON document", body.decode(errors="replace")) from error


def _state(identity: str) -> dict[str, Any]:
    missing = {"error": "ExecutionNotFound", "message": "id: expected one that POST /resize answered"}
    if not _ID.fullmatch(identity):
        return _response(404, missing)
    arn = _state_machine().replace(":stateMachine:", ":execution:") + ":" + identity
    states = _states()
    try:
        execution = states.describe_execution(executionArn=arn)
    except states.exceptions.ExecutionDoesNotExist:
        return _response(404, missing)
    state = {"id": identity, "status": execution["status"]}
    if "output" in execution:
        state["result"] = json.loads(execution["output"])
    if "error" in execution:
        state["error"] = execution["error"]
        state["message"] = execution.get("cause", "")
    return _response(200, state)


def _response(status: int, body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {
            "Content-Type": "application/json",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
        "body": json.dumps(body) + "\n",  # curl prints no line break after it
    }


@cache
def _states() -> Any:
    # A lazy import, so that refused requests do not pay for it.
    import boto3

    return boto3.client("stepfunctions")
