"""The Lambda handler: parse, run, answer. Everything else is in the package `tinypics`."""

from __future__ import annotations

import time
from typing import Any

from tinypics.sandbox.supervisor import Sandbox

SANDBOX = Sandbox()  # Fork the worker now, before credentials and store clients are in memory.

from tinypics.aws import answers, deadline, events, telemetry  # noqa: E402
from tinypics.aws.s3 import open_bucket  # noqa: E402
from tinypics.aws.settings import Settings, load, require_valid  # noqa: E402
from tinypics.delivery import reconcile  # noqa: E402
from tinypics.delivery.request import Skip  # noqa: E402
from tinypics.errors import InvalidConfiguration, TinypicsError, TransientError  # noqa: E402
from tinypics.values import replace  # noqa: E402

SETTINGS = load()
LOADED_MS = time.process_time() * 1000  # an estimate of the cold start: CPU time so far, the interpreter's included


def lambda_handler(event: object, context: object) -> dict[str, Any]:
    """The answer to one event; for a batch of queue messages, the ids of those to redeliver.

    Raises `TransientError` where a retry may help, after every record was attempted.
    """
    if events.is_queue_batch(event):
        messages = events.queue_messages(event)
        return answers.batch([identity for identity, body in messages if not _is_finished(body, context)])
    if events.is_backfill(event):
        from tinypics.aws.backfill import batch  # keeps the import off an upload's cold start

        return batch.handle(event, context, SETTINGS, _answer)
    return answers.combine(_answer_all(event, context))


def _is_finished(body: object, context: object) -> bool:
    """Whether to delete a message from the queue: it succeeded, or failed permanently, which is logged.

    Messages that a wrong configuration refuses stay in the queue, for the next deployment.
    """
    try:
        results = _answer_all(body, context)
    except TransientError:
        return False
    except Exception as error:  # noqa: BLE001 - one unexpected message must not redeliver the others
        telemetry.record_unexpected(error, context)
        return False
    return all(answer.get("error") != InvalidConfiguration.__name__ for answer in results)


def _answer_all(event: object, context: object) -> list[answers.Answer]:
    results: list[answers.Answer] = []
    transient: TransientError | None = None
    for record in events.split(event):
        try:
            results.append(_answer(record, context, SETTINGS))
        except TransientError as error:
            transient = transient or error
    if transient is not None:
        raise transient
    return results


def _answer(record: object, context: object, settings: Settings | InvalidConfiguration, **about: str) -> answers.Answer:
    """The answer to one record, logged; `about` is added to it."""
    started = time.perf_counter()
    subject = events.subject(record)
    failure: TinypicsError | None = None
    try:
        with deadline.enforce(context):
            settings = require_valid(settings)
            request = events.parse(record, settings)
            if isinstance(request, Skip):
                answer = answers.skip(subject, request)
            else:
                if "backfill" in about:  # most of its objects have outputs, which need no reading of the source
                    request = replace(request, size=None)
                outcome = reconcile.run(request, open_bucket, settings.limits, settings.handling, SANDBOX.resize_all)
                answer = answers.success(request, outcome)
    except TinypicsError as error:
        answer, failure = answers.failure(subject, error), error
    answer |= telemetry.bill(started=started, loaded_ms=LOADED_MS, context=context) | about
    telemetry.record(answer, context)
    if isinstance(failure, TransientError):
        raise failure
    return answer
