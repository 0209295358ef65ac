"""The HTTP API: `POST /resize` starts the workflow, `GET /resize/{id}` tells how it went.

An API Gateway HTTP API (payload format 2.0) calls `handler`. It only starts and asks: no picture goes through it.
"""

from __future__ import annotations

import base64
import json
import os
import re
import uuid
from functools import cache
from typing import TYPE_CHECKING, Any

from tinypics.aws import events
from tinypics.aws.settings import API_URL, STATE_MACHINE, Settings
from tinypics.errors import InvalidRequest, PermanentError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY = 64 * 1024  # characters; Step Functions takes 256 KiB, and no request needs a tenth of this
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")  # the names that StartExecution takes, without what needs escaping in a URL

SETTINGS = Settings.from_environment()


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """202 with the id of the started execution, 200 with the state of one, or 400, 404, 413 with a named error."""
    try:
        if event.get("routeKey") == "POST /resize":
            return _start(event)
        return _state((event.get("pathParameters") or {}).get("id", ""))
    except PermanentError as error:
        return _response(400, {"error": error.name, "message": error.message})


def _start(event: Mapping[str, Any]) -> dict[str, Any]:
    body = event.get("body") or ""
    if len(body) > MAX_BODY:
        message = f"body: expected at most {MAX_BODY:,} characters, got {len(body):,}"
        return _response(413, {"error": InvalidRequest.__name__, "message": message})
    request = _json(body, encoded=bool(event.get("isBase64Encoded")))
    events.parse_direct(request, SETTINGS)  # refused here, with 400, rather than by the execution later
    identity = str(uuid.uuid4())
    _states().start_execution(stateMachineArn=os.environ[STATE_MACHINE], name=identity, input=json.dumps(request))
    return _response(
        202, {"id": identity, "status": "RUNNING", "status_url": f"{os.environ[API_URL]}/resize/{identity}"}
    )


def _json(body: str, *, encoded: bool) -> object:
    try:
        return json.loads(base64.b64decode(body, validate=True) if encoded else body)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest.expected("body", "a JSON document", body) from error


def _state(identity: str) -> dict[str, Any]:
    missing = {"error": "ExecutionNotFound", "message": "id: expected one that POST /resize answered"}
    if not _ID.fullmatch(identity):
        return _response(404, missing)
    states = _states()
    arn = os.environ[STATE_MACHINE].replace(":stateMachine:", ":execution:") + ":" + identity
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
        "body": json.dumps(body),
    }


@cache
def _states() -> Any:
    # Imported when it is first needed: a request that is refused does not pay for it.
    import boto3

    return boto3.client("stepfunctions")
