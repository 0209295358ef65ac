"""Waiting for what becomes of an upload: which answer is whose, and what if none comes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tinypics.cli import put
from tinypics.cli.put import Answer, Executions, LogLines, Upload, content_type

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOOD = {"status": "SUCCESS"}


class Watch:
    """Tells one batch of answers at each call."""

    def __init__(self, *batches: list[Answer]) -> None:
        self.batches = iter(batches)

    def answers(self) -> Iterator[Answer]:
        yield from next(self.batches, [])


class Target:
    pause = 0.0


def outcomes(monkeypatch: pytest.MonkeyPatch, *watches: Watch, deadline: float = 1e18) -> list[tuple[str, str]]:
    monkeypatch.setattr(put, "_watches", lambda target, since: watches)
    found = put._outcomes(Target(), [Upload("a", "1", 10), Upload("b", "2", 10)], deadline)  # type: ignore[arg-type]
    return [(upload.key, answer.get("error", answer["status"])) for upload, answer in found]


def test_an_answer_belongs_to_the_upload_of_its_key_and_etag(monkeypatch: pytest.MonkeyPatch) -> None:
    other = {"status": "other"}
    log = Watch([Answer("a", "0", 11, other), Answer("c", None, 11, other)], [], [Answer("b", "2", 10, GOOD)])
    executions = Watch([Answer("a", "1", 9, other)], [Answer("a", "1", 11, GOOD)], [Answer("a", "1", 11, other)])
    assert outcomes(monkeypatch, log, executions) == [("a", "SUCCESS"), ("b", "SUCCESS")]


def test_an_answer_without_etag_belongs_to_what_was_there_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = {"status": "FAILED", "error": "CorruptImage"}
    log = Watch([Answer("a", None, 9, failed), Answer("b", None, 10.5, failed)], [Answer("a", "1", 11, GOOD)])
    assert outcomes(monkeypatch, log) == [("b", "CorruptImage"), ("a", "SUCCESS")]


def test_what_is_not_answered_in_time_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch([Answer("b", "2", 11, GOOD)])
    assert outcomes(monkeypatch, watch, deadline=0) == [("b", "SUCCESS"), ("a", "NoAnswer")]


class States:
    """Executions, newest first, some older than what is asked for."""

    stack = type("stack", (), {"state_machine": "arn"})
    inputs = {  # noqa: RUF012
        "running": ("RUNNING", 9, "{}"),
        "upload": ("FAILED", 8, '{"detail-type": "Object Created", "detail": {"object": {"key": "a b", "etag": "1"}}}'),
        "direct": ("SUCCEEDED", 7, '{"key": "a"}'),
        "old": ("SUCCEEDED", 1, "not even asked for"),
    }

    def client(self, _: str) -> States:
        return self

    def get_paginator(self, _: str) -> States:
        return self

    def paginate(self, *, stateMachineArn: str) -> list[dict[str, Any]]:  # noqa: N803
        assert stateMachineArn == "arn"
        listed = [
            {"executionArn": name, "status": status, "startDate": datetime.fromtimestamp(at, UTC)}
            for name, (status, at, _) in self.inputs.items()
        ]
        return [{"executions": listed}]

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        status, _, text = self.inputs[executionArn]
        return {"status": status, "input": text, "error": "CorruptImage", "cause": "cut short", "output": "{}"}


def test_executions_of_uploads_are_told_once() -> None:
    watch = Executions(States(), since=5)  # type: ignore[arg-type]
    failed = {"status": "FAILED", "error": "CorruptImage", "message": "cut short"}
    assert list(watch.answers()) == [Answer("a b", "1", 8, failed)]
    assert list(watch.answers()) == []


def test_log_lines_of_another_kind_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [
        "START",
        "[1]",
        '{"level": "INFO"}',
        '{"status": "RETRY", "source_key": "a"}',
        '{"status": "FAILED", "error": "InvalidRequest"}',
        '{"status": "FAILED", "source_key": "b"}',
        '{"status": "SUCCESS", "source_key": "a", "source": {"etag": "1"}}',
    ]
    monkeypatch.setattr(put, "Tail", lambda target, since: type("T", (), {"lines": lambda _: enumerate(texts)})())
    found = [(answer.key, answer.etag, answer.document["status"]) for answer in LogLines(Target(), 0).answers()]  # type: ignore[arg-type]
    assert found == [("b", None, "FAILED"), ("a", "1", "SUCCESS")]


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("photo.png", b"\xff\xd8\xff\xe0", "image/jpeg"),  # what it is, not what it is called
        ("photo.svg", b"<svg/>", "image/svg+xml"),
        ("data", b"", "application/octet-stream"),
    ],
)
def test_the_content_type_of_an_upload(tmp_path: Path, name: str, data: bytes, kind: str) -> None:
    (tmp_path / name).write_bytes(data)
    assert content_type(tmp_path / name) == kind
