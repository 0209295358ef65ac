"""Waiting for what becomes of an upload: which answer is whose, and what if none comes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tinypics.cli import put
from tinypics.cli.put import Executions, LogLines, Upload, content_type

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Watch:
    """Tells one batch of answers at each call."""

    def __init__(self, *batches: list[tuple[str, str | None, dict[str, Any]]]) -> None:
        self.batches = iter(batches)

    def answers(self) -> Iterator[tuple[str, str | None, dict[str, Any]]]:
        yield from next(self.batches, [])


class Target:
    pause = 0.0


def outcomes(monkeypatch: pytest.MonkeyPatch, watch: Watch, deadline: float = 1e18) -> list[tuple[str, str]]:
    monkeypatch.setattr(put, "_watch", lambda target, since: watch)
    uploads = [Upload("a", "1", NOW), Upload("b", "2", NOW)]
    found = put._outcomes(Target(), uploads, deadline)  # type: ignore[arg-type]
    return [(upload.key, answer.get("error", answer["status"])) for upload, answer in found]


GOOD = {"status": "SUCCESS"}


def test_an_answer_belongs_to_the_upload_of_its_key_and_etag(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch([("a", "0", {"status": "other"}), ("c", None, GOOD)], [], [("b", "2", GOOD)], [("a", None, GOOD)])
    assert outcomes(monkeypatch, watch) == [("b", "SUCCESS"), ("a", "SUCCESS")]


def test_what_is_not_answered_in_time_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert outcomes(monkeypatch, Watch([("b", "2", GOOD)]), deadline=0) == [("b", "SUCCESS"), ("a", "NoAnswer")]


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
    assert list(watch.answers()) == [("a b", "1", failed)]
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
    found = list(LogLines(Target(), 0).answers())  # type: ignore[arg-type]
    assert [(key, etag, answer["status"]) for key, etag, answer in found] == [
        ("b", None, "FAILED"),
        ("a", "1", "SUCCESS"),
    ]


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
