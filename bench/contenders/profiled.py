"""Our handler under a profiler. The answer has the milliseconds of each part of the software."""

from __future__ import annotations

import cProfile
from typing import Any

import lambda_function
from bench import parts
from tinypics import resize_all

lambda_function.SANDBOX.resize_all = resize_all  # type: ignore[assignment,method-assign]  # in this process, where the profiler sees it


def lambda_handler(event: object, context: object) -> dict[str, Any]:
    profile = cProfile.Profile()
    answer = profile.runcall(lambda_function.lambda_handler, event, context)
    return {"status": answer["status"], "timings_ms": answer["timings_ms"], "parts": parts.of(profile)}
