"""`tinypics invoke` and `tinypics run`: send an event to the function, or to the workflow."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tinypics.cli.target import readable_errors
from tinypics.cli.terminal import err, plain, result
from tinypics.stack.executions import RUNNING, history, keeps_history, message_of, outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinypics.cli.target import Target


@readable_errors()
def invoke(target: Target, text: str) -> int:
    """Invoke the function with the JSON `text`; print its answer. 0 for SUCCESS, else 1."""
    response = target.client("lambda").invoke(FunctionName=target.stack.function, Payload=text)
    answer = json.loads(response["Payload"].read())
    result(answer)
    if "FunctionError" in response:
        raised = f"{plain(answer.get('errorType'))}: {plain(answer.get('errorMessage', ''))}"
        err.print(f"The function raised {raised}\nA workflow would retry it.", style="red")
        return 1
    return 0 if answer["status"] == "SUCCESS" else 1


@readable_errors()
def run(target: Target, text: str) -> int:
    """Execute the workflow with the JSON `text`; print its states, then its result. 0 if it succeeded, else 1."""
    machine = target.stack.state_machine
    states = target.client("stepfunctions")
    if keeps_history(states, machine):
        arn = states.start_execution(stateMachineArn=machine, input=text)["executionArn"]
        _show_states(states, arn, target.pause)
        execution = states.describe_execution(executionArn=arn)
    else:
        execution = states.start_sync_execution(stateMachineArn=machine, input=text)
    document = outcome(execution)
    result(document)
    if execution["status"] == "SUCCEEDED":
        return 0
    err.print(f"{execution['status']} {plain(document['error'])}: {plain(document['message'])}", style="red")
    return 1


def read_event(event: str) -> str:
    """The JSON text of a file, or of standard input for "-"."""
    try:
        text = sys.stdin.read() if event == "-" else Path(event).read_text(encoding="utf-8")
        json.loads(text)
    except OSError as error:
        raise typer.BadParameter(f"{plain(event)}: {error.strerror}") from None
    except ValueError as error:
        raise typer.BadParameter(f"{plain(event)} is not JSON: {error}") from None
    return text


def _show_states(states: Any, arn: str, pause: float) -> None:
    started = None
    for event in _follow_history(states, arn, pause):
        started = started or event["timestamp"]
        at = f"{(event['timestamp'] - started).total_seconds():6.2f} s  "
        if event["type"].endswith("StateEntered"):
            err.print(at + event["stateEnteredEventDetails"]["name"])
        elif event["type"] == "TaskFailed":
            details = event["taskFailedEventDetails"]
            err.print(
                f"{at}  {plain(details.get('error'))}: {plain(message_of(details.get('cause', '')))}", style="yellow"
            )


def _follow_history(states: Any, arn: str, pause: float) -> Iterator[dict[str, Any]]:
    """The events of an execution, as they are recorded, until it has ended."""
    seen = 0
    while True:
        # Read the status before the history, so that events in between are not lost.
        ended = states.describe_execution(executionArn=arn)["status"] != RUNNING
        events = history(states, arn)
        yield from events[seen:]
        seen = len(events)
        if ended:
            return
        time.sleep(pause)
