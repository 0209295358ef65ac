"""The progress of the newest backfills, by Step Functions' counts of their distributed maps."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from tinypics.console.executions import milliseconds
from tinypics.stack.backfill_runs import Run, item_counts

if TYPE_CHECKING:
    from tinypics.stack.clients import Cloud
    from tinypics.stack.deployed import Stack

NEWEST = 3
MAX_JOURNAL = 20_000
_FAILED_ITEMS = ("failed", "timedOut", "aborted")


class Backfills:
    """The runs of a stack's backfill workflow, if it has one."""

    def __init__(self, cloud: Cloud, stack: Stack) -> None:
        self._machine = stack.backfill
        self._cloud = cloud
        self._stack = stack
        self._states = cloud.client("stepfunctions")
        self._runs: dict[str, Run] = {}
        self._lock = threading.Lock()  # a run's report is read step by step

    def newest(self) -> list[dict[str, Any]]:
        """Up to `NEWEST`, newest first: status, times, and counts of the items of their maps.

        `done` items have an outcome of any kind; the batch of `lost` items failed. `states` counts the outcomes by
        state; None for runs of more than `MAX_JOURNAL` objects, whose journal is too long to read here.
        """
        if self._machine is None:
            return []
        found = self._states.list_executions(stateMachineArn=self._machine, maxResults=NEWEST)["executions"]
        with self._lock:
            known, self._runs = self._runs, {}
            for item in found:
                self._runs[item["name"]] = known.get(item["name"]) or Run(self._cloud, self._stack, item["name"])
            return [self._run(item) for item in found]

    def _run(self, item: dict[str, Any]) -> dict[str, Any]:
        counts = item_counts(self._states, item["executionArn"])
        ended = item.get("stopDate")
        total = sum(count["total"] for count in counts)
        return {
            "name": item["executionArn"].rpartition(":")[2],
            "status": item["status"],
            "started": milliseconds(item["startDate"]),
            "ended": ended and milliseconds(ended),
            "total": total,
            "states": self._states_of(item["name"]) if total <= MAX_JOURNAL else None,
            "done": sum(count["succeeded"] for count in counts),
            "lost": sum(count[name] for count in counts for name in _FAILED_ITEMS),
        }

    def _states_of(self, name: str) -> dict[str, int] | None:
        """The counts of outcomes by state. Of a run that is read before, only the new ones are read."""
        if not self._stack.backfill_bucket:
            return None
        run = self._runs[name]
        run.refresh()
        return dict(run.report.tally.states)
