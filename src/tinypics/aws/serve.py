"""The handler of the serving function: outputs by their address, made where they are missing."""

from __future__ import annotations

import time
from typing import Any

from tinypics.sandbox.supervisor import Sandbox

SANDBOX = Sandbox()  # Fork the worker now, before credentials and store clients are in memory.

from tinypics.aws import deadline, http, telemetry  # noqa: E402
from tinypics.aws.s3 import open_bucket  # noqa: E402
from tinypics.aws.serve_settings import load  # noqa: E402
from tinypics.aws.serving import Server  # noqa: E402
from tinypics.aws.signing_keys import SigningKeys, read_secret  # noqa: E402
from tinypics.errors import InvalidConfiguration, TinypicsError  # noqa: E402

SETTINGS = load()
SIGNING_KEYS = SigningKeys(read_secret)
LOADED_MS = time.process_time() * 1000  # an estimate of the cold start, as in `lambda_function`

_LOGGED = {2: "SUCCESS", 3: "SUCCESS", 4: "FAILED", 5: "RETRY"}  # the status of a log line, by class of HTTP status


def handler(event: object, context: object) -> dict[str, Any]:
    """The answer to one HTTP request, for the function's URL. One log line tells it, without the signature."""
    started = time.perf_counter()
    facts: dict[str, object] = {}
    if isinstance(SETTINGS, InvalidConfiguration):
        reply = http.failure(SETTINGS)
        facts["message"] = SETTINGS.message
    else:
        server = Server(SETTINGS, open_bucket, SANDBOX.resize_all, SIGNING_KEYS)
        try:
            with deadline.enforce(context):
                reply = server.reply(http.HttpRequest.parse(event), facts)
        except TinypicsError as error:
            facts["message"] = error.message
            reply = server.failure(error)
        except Exception as error:  # noqa: BLE001 - a visitor gets an answer that caches keep for seconds only
            telemetry.record_unexpected(error, context)
            reply = http.unexpected()
    about = {"status": _LOGGED[reply.status // 100], "outcome": reply.outcome, "http_status": reply.status}
    about |= {**facts, "answer_bytes": len(reply.body)}
    telemetry.record(about | telemetry.bill(started=started, loaded_ms=LOADED_MS, context=context), context)
    return reply.to_event()
