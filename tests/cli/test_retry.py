"""Which failed executions are retried, and the output."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import typer

from tinypics.cli.retry import retry
from tinypics.cli.terminal import CommandFailed
from tinypics.stack.executions import Failure

MACHINE = "arn:aws:states:eu-west-1:1:stateMachine:resize"
EXECUTIONS = "arn:aws:states:eu-west-1:1:execution:resize:"


class ExecutionDoesNotExist(Exception):
    pass


class ExecutionAlreadyExists(Exception):
    pass


class States:
    """A fake Step Functions. It lists executions like the service: the last to end first."""

    pause = 0.0
    stack = type("stack", (), {"state_machine": MACHINE})
    exceptions = type("exceptions", (), {"ExecutionDoesNotExist": ExecutionDoesNotExist})
    exceptions.ExecutionAlreadyExists = ExecutionAlreadyExists  # type: ignore[attr-defined]

    def __init__(self, kind: str = "STANDARD") -> None:
        self.kind = kind
        self.now = datetime.now(UTC)  # collection may be longer ago than the period of a retry
        self.executions: dict[str, dict[str, Any]] = {}
        self.ends: list[dict[str, Any]] = []
        self.elsewhere: set[str] = set()

    def failed(self, name: str, age: float, key: str, took: float = 0, **facts: str) -> None:
        """`age` and `took` in minutes."""
        self.executions[EXECUTIONS + name] = {
            "executionArn": EXECUTIONS + name,
            "status": "FAILED",
            "startDate": self.now - timedelta(minutes=age),
            "stopDate": self.now - timedelta(minutes=age - took),
            "input": json.dumps({"bucket": "b", "key": key}),
            **facts,
        }

    def client(self, service: str) -> States:
        assert service == "stepfunctions"
        return self

    def describe_state_machine(self, *, stateMachineArn: str) -> dict[str, str]:  # noqa: N803
        assert stateMachineArn == MACHINE
        return {"type": self.kind}

    def get_paginator(self, operation: str) -> States:
        assert operation == "list_executions"
        return self

    def paginate(self, *, stateMachineArn: str, statusFilter: str) -> list[dict[str, Any]]:  # noqa: N803
        assert stateMachineArn == MACHINE
        chosen = [each for each in self.executions.values() if each["status"] == statusFilter]
        listed = sorted(chosen, key=lambda each: each["stopDate"], reverse=True)
        return [{"executions": listed[:1]}, {"executions": listed[1:]}]

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        if executionArn not in self.executions:
            raise ExecutionDoesNotExist
        execution = self.executions[executionArn]
        if execution["status"] == "RUNNING" and self.ends:
            execution |= self.ends.pop(0)
        return execution

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, str]:  # noqa: N803
        assert stateMachineArn == MACHINE
        arn = EXECUTIONS + name
        self.executions[arn] = {"executionArn": arn, "status": "RUNNING", "startDate": self.now, "input": input}
        if json.loads(input)["key"] in self.elsewhere:
            raise ExecutionAlreadyExists
        return {"executionArn": arn}


def again(states: States, *, dry_run: bool = False, error: str | None = None, limit: int = 9) -> int:
    return retry(states, 3600, error, limit, dry_run=dry_run, yes=True)  # type: ignore[arg-type]


def printed(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    """The mark, key, error and message of each line about an execution; other lines unchanged."""
    lines = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    return [[line[0][0], *line[1:]] if len(line) > 1 else line for line in lines]


def test_one_that_began_before_and_ended_lately_hides_none_behind_it(capsys: pytest.CaptureFixture[str]) -> None:
    states = States()
    states.failed("old", 90, "old.jpg", took=80, error="StoreUnavailable")
    states.failed("new", 50, "new.jpg", error="StoreUnavailable")
    assert again(states, dry_run=True) == 0
    assert [line[1] for line in printed(capsys)] == ["new.jpg"]


def test_every_way_to_fail_is_listed_newest_first(capsys: pytest.CaptureFixture[str]) -> None:
    states = States()
    states.failed("1", 30, "a.jpg", error="StoreUnavailable", cause="503\x1b[2J" + "x" * 200)
    states.failed("2", 20, "b.jpg", status="TIMED_OUT")
    states.failed("3", 10, "c.jpg", status="ABORTED", cause="by hand")
    states.failed("4", 5, "d.jpg", status="SUCCEEDED")
    states.failed("5", 61, "e.jpg", error="CorruptImage")
    assert again(states, dry_run=True) == 0
    assert printed(capsys) == [
        ["✗", "c.jpg", "ABORTED: by hand"],
        ["✗", "b.jpg", "TIMED_OUT: "],
        ["✗", "a.jpg", "StoreUnavailable: 503\\x1b[2J" + "x" * 112 + "…"],
    ]
    assert len(states.executions) == 5


def test_only_the_newest_failure_of_an_input_counts_and_none_with_a_retry(capsys: pytest.CaptureFixture[str]) -> None:
    states = States()
    for name, age, key in (("1", 1, "a"), ("2", 2, "b"), ("3", 3, "a"), ("4", 4, "c")):
        states.failed(name, age, key, error="StoreUnavailable", cause="503")
    tried = Failure(EXECUTIONS + "4", datetime.now(UTC), "", "", "").retry_name
    states.failed(tried, 0, "c", status="SUCCEEDED", output="{}")
    assert again(states, dry_run=True) == 0
    assert [line[1] for line in printed(capsys)] == ["a", "b"]
    assert len(tried) <= 80  # the characters that StartExecution allows


def test_a_limit_is_kept_and_reported(capsys: pytest.CaptureFixture[str]) -> None:
    states = States()
    for age in range(4):
        states.failed(str(age), age, f"{age}", error="StoreUnavailable")
    assert again(states, dry_run=True, limit=4) == 0
    assert "more" not in capsys.readouterr().err
    assert again(states, dry_run=True, limit=3) == 0
    told = capsys.readouterr()
    assert "There are more than 3" in told.err
    assert len(told.out.splitlines()) == 3


def test_results_are_printed_in_the_order_of_their_ends(capsys: pytest.CaptureFixture[str]) -> None:
    states = States()
    states.failed("1", 1, "a", error="StoreUnavailable", cause="503")
    states.failed("2", 2, "b", error="StoreUnavailable", cause="503")
    states.failed("3", 3, "c", error="CorruptImage", cause="cut")
    running = {"status": "RUNNING"}
    failed = {"status": "FAILED", "error": "AccessDenied", "cause": "no"}
    states.ends = [running, {"status": "SUCCEEDED", "output": "{}"}, failed]
    states.elsewhere = {"b"}  # another process started it at the same time: wait for it, too
    assert again(states, error="StoreUnavailable") == 1
    assert printed(capsys)[2:] == [["✓", "b"], ["✗", "a", "AccessDenied: no"], ["1 of 2 succeeded."]]


def test_when_all_succeed_the_exit_code_is_0(capsys: pytest.CaptureFixture[str]) -> None:
    states = States()
    states.failed("1", 1, "a", error="StoreUnavailable")
    states.ends = [{"status": "SUCCEEDED", "output": "{}"}]
    assert again(states) == 0
    assert printed(capsys)[-1] == ["1 of 1 succeeded."]


@pytest.mark.parametrize(("error", "said"), [(None, "failed."), ("CorruptImage", "failed with CorruptImage.")])
def test_an_empty_list_is_reported(capsys: pytest.CaptureFixture[str], error: str | None, said: str) -> None:
    states = States()
    states.failed("1", 70, "a", error="StoreUnavailable")
    assert again(states, error=error) == 0
    assert capsys.readouterr() == (f"Nothing to retry: no execution {said}\n", "")


def test_a_mistyped_error_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert again(States(), error="corruptimages") == 0
    assert capsys.readouterr().err == "Did you mean --error CorruptImage?\n"


def test_an_input_that_names_no_key_is_tried_again_too(capsys: pytest.CaptureFixture[str]) -> None:
    states = States()
    states.failed("1", 1, "a", error="StoreUnavailable", input="[1]")
    assert again(states, dry_run=True) == 0
    assert printed(capsys) == [["✗", "?", "StoreUnavailable: "]]


def test_nothing_starts_without_a_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    states = States()
    states.failed("1", 1, "a", error="StoreUnavailable")

    def confirm(text: str, *, abort: bool) -> None:
        assert (text, abort) == ("Retry 1?", True)
        raise typer.Abort

    monkeypatch.setattr(typer, "confirm", confirm)
    with pytest.raises(typer.Abort):
        retry(states, 3600, None, 9, dry_run=False, yes=False)  # type: ignore[arg-type]
    assert len(states.executions) == 1


def test_an_express_workflow_has_nothing_to_look_through() -> None:
    with pytest.raises(CommandFailed, match="EXPRESS workflow keeps no history"):
        again(States("EXPRESS"))


def test_errors_that_fail_again_are_left_out_unless_they_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    states = States()
    states.failed("one", 5, "cut.jpg", error="CorruptImage")
    states.failed("two", 4, "slow.jpg", error="StoreUnavailable")
    assert retry(states, 3600, None, 9, dry_run=True, yes=True) == 0  # type: ignore[arg-type]
    shown = capsys.readouterr()
    assert "slow.jpg" in shown.out
    assert "cut.jpg" not in shown.out
    assert shown.err.strip() == (
        "1 CorruptImage: these fail again, so they are left out. --error NAME retries them nevertheless."
    )
    assert retry(states, 3600, "CorruptImage", 9, dry_run=True, yes=True) == 0  # type: ignore[arg-type]
    assert "cut.jpg" in capsys.readouterr().out
