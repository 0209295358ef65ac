"""Waiting for the result of an upload: which log line is its result, and the message if none arrives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tinypics.cli import put
from tinypics.cli.put import content_type
from tinypics.stack.logs import Line, Tail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Log(Tail):
    """Yields one batch of lines at each call."""

    def __init__(self, *batches: list[object]) -> None:
        self.batches = iter(batches)
        self.numbers: Iterator[int] = iter(range(1000))

    def lines(self) -> list[Line]:
        texts = [each if isinstance(each, str) else json.dumps(each) for each in next(self.batches, [])]
        return [Line(0, text, next(self.numbers)) for text in texts]


def results(log: Log, deadline: float = 1e18) -> list[tuple[str, str]]:
    found = put._results(log, {"a": "1", "b": "2"}, deadline, 0)
    return [(key, answer.get("error", answer["status"])) for key, answer in found]


def success(key: str, etag: str) -> dict[str, Any]:
    return {"status": "SUCCESS", "source_key": key, "source": {"etag": etag}}


def failure(key: str) -> dict[str, Any]:
    return {"status": "FAILED", "source_key": key, "error": "CorruptImage"}


def test_a_result_is_of_the_upload_with_its_key_and_etag() -> None:
    log = Log([success("a", "0"), success("c", "1")], [], [success("b", "2")], [success("a", "1")])
    assert results(log) == [("b", "SUCCESS"), ("a", "SUCCESS")]


def test_a_result_without_etag_is_of_the_upload_with_its_key() -> None:
    assert results(Log([failure("b"), failure("c")], [success("a", "1")])) == [("b", "CorruptImage"), ("a", "SUCCESS")]


def test_an_upload_has_one_result() -> None:
    assert results(Log([failure("a"), success("a", "1")], [failure("b")])) == [
        ("a", "CorruptImage"),
        ("b", "CorruptImage"),
    ]


def test_the_message_of_an_upload_without_a_result_in_time_says_where_to_look() -> None:
    log = Log([success("b", "2")])
    (_, b), (key, answer) = put._results(log, {"a": "1", "b": "2"}, 0, 0)
    assert b["status"] == "SUCCESS"
    assert (key, answer["status"], answer["error"]) == ("a", "FAILED", "NoAnswer")
    for command in ("tinypics logs", "tinypics retry --dry-run", "--timeout"):
        assert command in answer["message"]


def test_log_lines_of_another_kind_are_passed_over() -> None:
    lines = ["START", "[1]", {"level": "INFO"}, {"status": "RETRY", "source_key": "a"}, {"status": "FAILED"}]
    assert results(Log([*lines, failure("b")], [success("a", "1")])) == [("b", "CorruptImage"), ("a", "SUCCESS")]


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("photo.png", b"\xff\xd8\xff\xe0", "image/jpeg"),  # by its bytes, not its name
        ("photo.svg", b"<svg/>", "image/svg+xml"),
        ("data", b"", "application/octet-stream"),
    ],
)
def test_the_content_type_of_an_upload(tmp_path: Path, name: str, data: bytes, kind: str) -> None:
    (tmp_path / name).write_bytes(data)
    assert content_type(tmp_path / name) == kind
