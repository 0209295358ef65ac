"""The progress of the newest backfills, by Step Functions' counts of their distributed maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinypics.console.executions import milliseconds
from tinypics.stack.backfill_runs import item_counts

if TYPE_CHECKING:
    from tinypics.stack.clients import Cloud
    from tinypics.stack.deployed import Stack

NEWEST = 3
_FAILED_ITEMS = ("failed", "timedOut", "aborted")


class Backfills:
    """The runs of a stack's backfill workflow, if it has one."""

    def __init__(self, cloud: Cloud, stack: Stack) -> None:
        self._machine = stack.backfill
        self._states = cloud.client("stepfunctions")

    def newest(self) -> list[dict[str, Any]]:
        """Up to `NEWEST`, newest first: status, times, and counts of the items of their maps.

        `done` items have an outcome of any kind; the batch of `lost` items failed.
        """
        if self._machine is None:
            return []
        found = self._states.list_executions(stateMachineArn=self._machine, maxResults=NEWEST)["executions"]
        return [self._run(item) for item in found]

    def _run(self, item: dict[str, Any]) -> dict[str, Any]:
        counts = item_counts(self._states, item["executionArn"])
        ended = item.get("stopDate")
        return {
            "name": item["executionArn"].rpartition(":")[2],
            "status": item["status"],
            "started": milliseconds(item["startDate"]),
            "ended": ended and milliseconds(ended),
            "total": sum(count["total"] for count in counts),
            "done": sum(count["succeeded"] for count in counts),
            "lost": sum(count[name] for count in counts for name in _FAILED_ITEMS),
        }
