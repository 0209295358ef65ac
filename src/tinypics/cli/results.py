"""Waiting for the function's results, which are lines of its log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from tinypics.stack.logs import document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tinypics.stack.logs import Tail

MAX_SKEW: Final = 300
"""Seconds by which clocks differ at most: AWS refuses requests of others."""
_LATE = (
    "the function has logged no result yet: `tinypics why KEY` shows its executions, `tinypics logs` failed attempts, "
    "and --timeout waits longer"
)


def results(log: Tail, etags: Mapping[str, str], timeout: float, pause: float) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each key of `etags` with its answer, as the function logs them.

    After `timeout` seconds without any result, the rest with an answer that says so.
    """
    pending = dict(etags)
    deadline = time.monotonic() + timeout
    while pending:
        for line in log.lines():
            answer = document(line.text) or {}
            key = answer.get("source_key")
            if key in pending and _is_result(answer, pending[key]):
                del pending[key]
                yield key, answer
                deadline = time.monotonic() + timeout
        if pending and time.monotonic() > deadline:
            break
        if pending:
            time.sleep(pause)
    for key in pending:
        yield key, {"status": "FAILED", "error": "NoAnswer", "message": _LATE}


def _is_result(answer: dict[str, Any], etag: str) -> bool:
    """Whether a log line is the final result of this version of its key. Results of broken pictures name no version."""
    return answer.get("status") in ("SUCCESS", "FAILED") and answer.get("source", {}).get("etag") in (None, etag)
