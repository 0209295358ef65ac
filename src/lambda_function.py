"""The Lambda handler: parse, run, answer. Everything else is in the package `tinypics`."""

from __future__ import annotations

import time
from typing import Any

from tinypics import invocation
from tinypics.aws import answers, events, telemetry
from tinypics.aws.s3 import open_bucket
from tinypics.aws.settings import Settings
from tinypics.errors import PermanentError, TransientError
from tinypics.request import Skip

SETTINGS = Settings.from_environment()


def lambda_handler(event: object, context: object) -> dict[str, Any]:
    """The answer to one event. Raises `TransientError` where trying again may help."""
    return answers.combined([_answer(record, context) for record in events.split(event)])


def _answer(record: object, context: object) -> dict[str, Any]:
    started = time.perf_counter()
    subject = events.subject(record)
    try:
        request = events.parse(record, SETTINGS)
        if isinstance(request, Skip):
            answer = answers.skipped(subject, request)
        else:
            answer = answers.success(request, invocation.run(request, open_bucket, SETTINGS.limits))
    except PermanentError as error:
        answer = answers.failure(subject, error)
    except TransientError as error:
        telemetry.record(answers.failure(subject, error), started=started, context=context)
        raise
    telemetry.record(answer, started=started, context=context)
    return answer
