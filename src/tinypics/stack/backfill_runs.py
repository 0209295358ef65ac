"""A client of a stack's backfills: the workflow has a run's status, the journal its outcomes."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from tinypics.aws.backfill.job import Job
from tinypics.backfill.estimate import resize_requests, run_cost
from tinypics.backfill.journal import Journal
from tinypics.backfill.outcome import DONE
from tinypics.backfill.report import COMPLETE, INCOMPLETE, STOPPED, BackfillReport
from tinypics.backfill.survey import Survey
from tinypics.errors import InvalidRequest
from tinypics.image.rendition import Rendition
from tinypics.stack.executions import RUNNING, arn_of, outcome

if TYPE_CHECKING:
    from tinypics.stack.clients import Cloud
    from tinypics.stack.deployed import Stack

FORGOTTEN: Final = "Step Functions no longer knows the run: the same command resumes it"
INCOMPLETE_OUTCOMES: Final = (
    "fewer objects have an outcome than were counted: some were listed twice, or their batches were lost"
)


class Run:
    """One run of a stack's backfill workflow; `identity` is the name of its execution.

    `refresh` updates `report`. The methods raise the errors of boto3 and `Bucket`.
    """

    def __init__(self, cloud: Cloud, stack: Stack, identity: str) -> None:
        self.identity = identity
        self._states = cloud.client("stepfunctions")
        self._arn = arn_of(str(stack.backfill), identity)
        self._journal = Journal(cloud.bucket(str(stack.backfill_bucket)), identity)
        self._plan: dict[str, Any] | None = None
        self._priced = cloud.endpoint is None  # the emulator is free
        self.report = BackfillReport(identity, "", "", (), datetime.now(UTC))

    @property
    def counted(self) -> bool:
        """Whether the workflow has finished counting, and so started to resize."""
        return self._plan is not None

    def refresh(self) -> bool:
        """Update the report; whether the run is still running."""
        execution = self._execution()  # before its journal, which is complete once the execution has ended
        self._plan = self._plan or self._journal.plan()
        self._fill_in(execution)
        for each in self._journal.read():
            self.report.add(each)
        if self._plan and self._priced:
            self.report.cost = self._cost(self._plan)
        if execution and execution["status"] == RUNNING:
            return True
        self._conclude(execution)
        return False

    def _cost(self, plan: dict[str, Any]) -> float:
        """The cost so far in US dollars, without the listings."""
        tally = self.report.tally
        made, invocations = tally.states[DONE], -(-tally.finished // plan["batch"])
        running = run_cost(tally.billed_ms, tally.gb_seconds, invocations=invocations, checked=tally.finished - made)
        return running + resize_requests(made, tuple(map(Rendition.parse, plan["renditions"])))

    def exists(self) -> bool:
        """Whether there is such a run, running or ended."""
        return self._execution() is not None or self._journal.plan() is not None

    def is_running(self) -> bool:
        """Whether the workflow is running, by one request and without reading the journal."""
        found = self._execution()
        return found is not None and found["status"] == RUNNING

    def seconds_working(self) -> float:
        """Seconds since the count, for the rate."""
        return time.time() - self._plan["counted_at"] if self._plan else 0.0

    def stop(self) -> None:
        """Tell the workers to start no more pictures. They see it within seconds, and finish those in progress."""
        self._journal.stop()

    def abort(self) -> None:
        """Stop the workflow, if it is still running."""
        if not self.is_running():
            return
        try:
            self._states.stop_execution(executionArn=self._arn, cause="tinypics backfill --stop")
        except ClientError:
            if self.is_running():
                raise  # otherwise it has ended meanwhile

    def _execution(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._states.describe_execution(executionArn=self._arn)
        except self._states.exceptions.ExecutionDoesNotExist:
            return None
        return found

    def _fill_in(self, execution: dict[str, Any] | None) -> None:
        report = self.report
        if self._plan:
            report.bucket, report.prefix = self._plan["bucket"], self._plan["prefix"]
            report.renditions = tuple(self._plan["renditions"])
            report.tally.total = Survey.from_dict(self._plan["survey"]).listed
            report.estimate = self._plan["estimate"] if self._priced else None
            report.started = datetime.fromtimestamp(self._plan["counted_at"], UTC)
        if execution:
            report.started = execution["startDate"]

    def _conclude(self, execution: dict[str, Any] | None) -> None:
        report, tally = self.report, self.report.tally
        report.ended = execution["stopDate"] if execution else None
        status = execution["status"] if execution else None
        if status == "SUCCEEDED" and self._plan and self._plan["source"] == "objects":
            tally.total = min(tally.total, self._items_of_map())
        tally.total = max(tally.total, tally.finished)  # includes objects that were added during the run
        report.state, report.reason = INCOMPLETE, ""
        if status == "SUCCEEDED" and not tally.left:
            report.state = COMPLETE
        elif status == "ABORTED" or self._journal.is_stopped():
            report.state = STOPPED
        elif execution is None:
            report.reason = FORGOTTEN
        elif status == "SUCCEEDED":
            report.reason = INCOMPLETE_OUTCOMES
        else:
            why = outcome(execution)
            report.reason = f"{why['error']}: {why['message']}"

    def _items_of_map(self) -> int:
        """The number of objects that the map has read from its list."""
        return sum(count["total"] for count in item_counts(self._states, self._arn))


def item_counts(states: Any, execution: str) -> list[dict[str, int]]:
    """Step Functions' counts of the items of each map of an execution. `states` is a client."""
    runs = states.list_map_runs(executionArn=execution)["mapRuns"]
    return [states.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"] for run in runs]


def start(cloud: Cloud, stack: Stack, job: Job) -> str:
    """Start the workflow, once; the id of the run."""
    identity = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{time.time_ns() % 16**4:04x}"
    cloud.client("stepfunctions").start_execution(
        stateMachineArn=stack.backfill, name=identity, input=json.dumps(job.to_dict())
    )
    return identity


def newest(cloud: Cloud, stack: Stack) -> str | None:
    """The id of the workflow's newest run."""
    found = cloud.client("stepfunctions").list_executions(stateMachineArn=stack.backfill, maxResults=1)["executions"]
    return str(found[0]["name"]) if found else None


def list_running(cloud: Cloud, stack: Stack) -> dict[str, Job | None]:
    """The running backfills by id, with their jobs; None for an invalid job, which will be refused."""
    states = cloud.client("stepfunctions")
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=stack.backfill, statusFilter=RUNNING)
    found = (item for page in pages for item in page["executions"])
    return {item["name"]: _job(states.describe_execution(executionArn=item["executionArn"])["input"]) for item in found}


def _job(text: str) -> Job | None:
    try:
        return Job.from_dict(json.loads(text))
    except InvalidRequest:
        return None
