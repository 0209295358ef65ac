"""Failed executions, grouped by error name, with advice; and their retries."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tinypics.console.executions import Executions, advised, check_name, milliseconds
from tinypics.errors import REFUSED, CorruptImage, InvalidRequest, SourceNotFound
from tinypics.stack.executions import FAILED_STATUSES, Failure, failures, start_retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinypics.stack.clients import Cloud

MAX_FAILURES = 100  # failures to list, and to retry at once: each takes two requests, which AWS throttles
_DAYS = 14
_PARALLEL = 8
# Their files may be an attack on a decoder, or are not there. That of a CorruptImage tells which upload it was.
_NOT_SHOWN = {each.__name__ for each in (*REFUSED, SourceNotFound)} - {CorruptImage.__name__} | {"ResourcesExhausted"}


class Failures:
    """Failed executions without a successful retry, as in `tinypics retry`."""

    def __init__(self, cloud: Cloud, executions: Executions, preview: Callable[[str, str], str | None]) -> None:
        """`preview` returns the presigned URL of a source, or None if a browser should not show it."""
        self._states = cloud.client("stepfunctions")
        self._executions = executions
        self._preview = preview
        self._pool = ThreadPoolExecutor(_PARALLEL, thread_name_prefix="failures")

    def groups(self, seconds: float) -> dict[str, Any]:
        """Failures of the last `seconds`, grouped by error, the largest group first.

        `more`: there are others. `listed`: False if the workflow has no list (EXPRESS).
        """
        if not self._executions.keeps_history():
            return {"groups": [], "more": False, "listed": False}
        start = datetime.now(UTC) - timedelta(seconds=min(seconds, _DAYS * 86400))
        newest = list(itertools.islice(failures(self._states, self._executions.machine, start), MAX_FAILURES + 1))
        found: dict[str, list[Failure]] = {}
        for failure in newest[:MAX_FAILURES]:
            found.setdefault(failure.error, []).append(failure)
        ordered = sorted(found.items(), key=lambda group: -len(group[1]))
        groups = [self._group(error, members) for error, members in ordered]
        return {"groups": groups, "more": len(newest) > MAX_FAILURES, "listed": True}

    def retry(self, names: object) -> dict[str, str]:
        """Retry these executions; returns the names of the new executions by those of the failed ones."""
        if not isinstance(names, list) or not 1 <= len(names) <= MAX_FAILURES:
            raise InvalidRequest.expected("names", f"a list of 1 to {MAX_FAILURES} names of executions", names)
        return {name: self._retry(name) for name in map(check_name, names)}

    def _retry(self, name: str) -> str:
        execution = self._executions.describe(name)
        if execution["status"] not in FAILED_STATUSES:
            raise InvalidRequest.expected("names", "executions that failed", name)
        arn = start_retry(self._states, self._executions.machine, Failure.from_execution(execution))
        return arn.rpartition(":")[2]

    def _group(self, error: str, members: list[Failure]) -> dict[str, Any]:
        return {"error": error, "advice": advised(error), "items": list(self._pool.map(self._item, members))}

    def _item(self, failure: Failure) -> dict[str, Any]:
        shown = failure.error not in _NOT_SHOWN
        return {
            "name": failure.arn.rpartition(":")[2],
            "key": failure.subject,
            "message": failure.message,
            "started": milliseconds(failure.at),
            "thumbnail": self._preview(failure.bucket, failure.subject) if shown else None,
        }
