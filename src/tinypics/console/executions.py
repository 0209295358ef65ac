"""The workflow's executions: list, summaries, details and start."""

from __future__ import annotations

import json
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tinypics.aws import events
from tinypics.console.history import answers, visits
from tinypics.errors import REFUSED, InvalidRequest, SourceNotFound
from tinypics.stack.executions import FAILED_STATUSES, RUNNING, arn_of, history, keeps_history, outcome
from tinypics.stack.troubleshooting import advice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tinypics.stack.clients import Cloud
    from tinypics.stack.deployed import Stack

PAGE = 100
STATUSES = (RUNNING, "SUCCEEDED", *FAILED_STATUSES)
_MAX_CACHED = 20_000  # ended executions in the cache, which cannot change any more
_PARALLEL = 8
_SIZES = ("width", "height", "format", "bytes")
_MAX_RENDITIONS = 8  # renditions in a row of the list
_MAX_EVENTS = 2_000  # events to read of one execution
_ABOUT_THE_FILE = {each.__name__ for each in (*REFUSED, SourceNotFound)}
# Names that Step Functions allows (API reference, StartExecution, name).
_NAME = re.compile(r"""[^\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}""")


class NotFound(Exception):
    """There is no such execution."""


class Executions:
    """Executions from Step Functions. `sign` returns a presigned URL of an object."""

    def __init__(self, cloud: Cloud, stack: Stack, sign: Callable[[str, str], str]) -> None:
        self.machine = stack.state_machine
        self._states = cloud.client("stepfunctions")
        self._sign = sign
        self._cache: dict[str, dict[str, Any]] = {}
        self._pool = ThreadPoolExecutor(_PARALLEL, thread_name_prefix="describe")

    def workflow(self) -> dict[str, Any]:
        """The name and type of the deployed workflow, and its `states`: those that may follow each of them."""
        found = self._states.describe_state_machine(stateMachineArn=self.machine)
        states = json.loads(found["definition"])["States"]
        return {
            "name": found["name"],
            "type": found["type"],
            "states": {name: successors(state) for name, state in states.items()},
        }

    def page(self, status: str | None, after: str | None) -> dict[str, Any]:
        """Up to `PAGE` executions, newest first, and the pagination token `next`.

        Step Functions sorts pages by end time; within a page, executions are sorted by start time.
        """
        if status and status not in STATUSES:
            raise InvalidRequest.expected("status", ", ".join(STATUSES), status)
        given = {"statusFilter": status, "nextToken": after}
        found = self._states.list_executions(
            stateMachineArn=self.machine,
            maxResults=PAGE,
            **{name: value for name, value in given.items() if value},
        )
        newest = sorted(found["executions"], key=lambda item: item["startDate"], reverse=True)
        return {"items": [_listed(item) for item in newest], "next": found.get("nextToken")}

    def keeps_history(self) -> bool:
        return keeps_history(self._states, self.machine)

    def running(self) -> int | None:
        """The number of running executions, at most `PAGE`; None if the workflow keeps no list."""
        return len(self.page(RUNNING, None)["items"]) if self.keeps_history() else None

    def summaries(self, names: Iterable[object]) -> dict[str, dict[str, Any]]:
        """By the execution's name: its picture, its result, and the URL of a thumbnail."""
        asked = [check_name(name) for name in names][:PAGE]
        return {name: facts for name, facts in zip(asked, self._pool.map(self._summary, asked), strict=True) if facts}

    def details(self, name: str) -> dict[str, Any]:
        """One execution: input, output, visited states, and advice if it failed."""
        found = self.describe(name)
        facts = _facts(found)
        document = {
            **_listed(found),
            **{key: value for key, value in facts.items() if key != "thumbnail"},
            "arn": found["executionArn"],
            "input": json.loads(found["input"]),
            "output": json.loads(found["output"]) if "output" in found else None,
            "visits": [asdict(visit) | {"retries": visit.retries} for visit in visits(self._history(name))],
        }
        if found["status"] in FAILED_STATUSES:
            document["advice"] = advised(facts["error"])
        return document

    def run(self, event: object) -> str:
        """Start the workflow with `event`; the name of the execution."""
        if not isinstance(event, dict):
            raise InvalidRequest.expected("event", "a JSON object", event)
        name = f"console-{uuid.uuid4()}"
        self._states.start_execution(stateMachineArn=self.machine, name=name, input=json.dumps(event))
        return name

    def run_again(self, name: str) -> str:
        """Start the workflow with the input of an earlier execution; the name of the new one."""
        return self.run(json.loads(self.describe(name)["input"]))

    def describe(self, name: str) -> dict[str, Any]:
        """The response of DescribeExecution. Raises NotFound."""
        try:
            found: dict[str, Any] = self._states.describe_execution(executionArn=arn_of(self.machine, check_name(name)))
        except self._states.exceptions.ExecutionDoesNotExist:
            raise NotFound(name) from None
        return found

    def answers(self, name: str) -> list[dict[str, Any]]:
        """The function's answers in this execution, one per picture; on AWS with the invocation's id."""
        return [answer for event in self._history(name) for answer in answers(event)]

    def _history(self, name: str) -> list[dict[str, Any]]:
        return history(self._states, arn_of(self.machine, check_name(name)), _MAX_EVENTS)

    def _summary(self, name: str) -> dict[str, Any] | None:
        facts = self._cache.get(name)
        if facts is None:
            try:
                execution = self.describe(name)
            except NotFound:
                return None
            facts = _facts(execution)
            if execution["status"] != RUNNING:
                self._cache[name] = facts
                while len(self._cache) > _MAX_CACHED:
                    self._cache.pop(next(iter(self._cache)), None)
        thumbnail = facts["thumbnail"]
        return facts | {"thumbnail": thumbnail and self._sign(*thumbnail)}


def advised(error: str) -> dict[str, Any]:
    """The advice for an error, and its `remedy`: replace (the file), retry, or change (the event or the stack)."""
    found = advice(error)
    about_file = error in _ABOUT_THE_FILE
    return found._asdict() | {"remedy": "replace" if about_file else "retry" if found.retry else "change"}


def check_name(name: object) -> str:
    """`name` itself. Raises InvalidRequest if no execution can have it."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidRequest.expected("name", "the name of an execution", name)
    return name


def successors(state: Mapping[str, Any]) -> list[str]:
    """The names of the states that may follow `state` of a workflow's definition."""
    rules = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return sorted({rule[name] for rule in rules for name in ("Next", "Default") if name in rule})


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _listed(item: dict[str, Any]) -> dict[str, Any]:
    ended = item.get("stopDate")
    return {
        "name": item.get("name") or item["executionArn"].rpartition(":")[2],
        "status": item["status"],
        "started": milliseconds(item["startDate"]),
        "ended": ended and milliseconds(ended),
        "now": milliseconds(datetime.now(UTC)),
    }


def _facts(execution: dict[str, Any]) -> dict[str, Any]:
    """The picture, its result (made, skipped, removed), and the key of its smallest output."""
    event = json.loads(execution["input"])
    subject = events.subject(event)
    facts: dict[str, Any] = {
        "bucket": subject.get("source_bucket", ""),
        "key": subject.get("source_key", ""),
        "status": execution["status"],
        "error": None,
        "message": None,
        "result": None,
        "thumbnail": None,
        "source": None,
        "made": [],
    }
    if execution["status"] == RUNNING:
        return facts
    answer = outcome(execution)
    if not isinstance(answer, dict):  # the output of another workflow, deployed in place of ours
        return facts
    if execution["status"] in FAILED_STATUSES:
        return facts | {"error": answer["error"], "message": answer["message"]}
    return facts | result_of(answer)


def result_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The summary of a success: `result` (made, skipped, removed), `source`, `made`, and the smallest output."""
    if "removed" in answer:
        return {"result": "removed"}
    stored = answer.get("renditions") or ([answer] if "dest_key" in answer else [])
    found = {
        "result": "skipped" if answer.get("skipped") else "made",
        "source": answer.get("source"),
        "made": [{name: item.get(name) for name in _SIZES} for item in stored[:_MAX_RENDITIONS]],
    }
    if stored and "dest_bucket" in answer:
        smallest = min(stored, key=lambda item: int(item.get("bytes", 0)))
        found["thumbnail"] = (answer["dest_bucket"], smallest["dest_key"])
    return found
