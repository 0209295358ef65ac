"""Waiting for the result of an upload: which log line is its result, and the message if none arrives."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
import typer

from tinypics.cli.put import Upload, content_type, find, output_places
from tinypics.cli.results import results
from tinypics.cli.terminal import CommandFailed
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


def results_of(log: Log) -> list[tuple[str, str]]:
    found = results(log, {"a": "1", "b": "2"}, 1e9, 0)
    return [(key, answer.get("error", answer["status"])) for key, answer in found]


def success(key: str, etag: str) -> dict[str, Any]:
    return {"status": "SUCCESS", "source_key": key, "source": {"etag": etag}}


def failure(key: str) -> dict[str, Any]:
    return {"status": "FAILED", "source_key": key, "error": "CorruptImage"}


def test_a_result_is_of_the_upload_with_its_key_and_etag() -> None:
    log = Log([success("a", "0"), success("c", "1")], [], [success("b", "2")], [success("a", "1")])
    assert results_of(log) == [("b", "SUCCESS"), ("a", "SUCCESS")]


def test_a_result_without_etag_is_of_the_upload_with_its_key() -> None:
    assert results_of(Log([failure("b"), failure("c")], [success("a", "1")])) == [
        ("b", "CorruptImage"),
        ("a", "SUCCESS"),
    ]


def test_an_upload_has_one_result() -> None:
    assert results_of(Log([failure("a"), success("a", "1")], [failure("b")])) == [
        ("a", "CorruptImage"),
        ("b", "CorruptImage"),
    ]


def test_the_message_of_an_upload_without_a_result_in_time_says_where_to_look() -> None:
    log = Log([success("b", "2")])
    (_, b), (key, answer) = results(log, {"a": "1", "b": "2"}, 0, 0)
    assert b["status"] == "SUCCESS"
    assert (key, answer["status"], answer["error"]) == ("a", "FAILED", "NoAnswer")
    for command in ("tinypics why", "tinypics logs", "--timeout"):
        assert command in answer["message"]


def test_log_lines_of_another_kind_are_passed_over() -> None:
    lines = ["START", "[1]", {"level": "INFO"}, {"status": "RETRY", "source_key": "a"}, {"status": "FAILED"}]
    assert results_of(Log([*lines, failure("b")], [success("a", "1")])) == [("b", "CorruptImage"), ("a", "SUCCESS")]


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


JPEG = b"\xff\xd8\xff\xe0"


def test_a_folder_gives_its_pictures_with_their_place_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.jpg", "2019/b c.jpg", ".hidden.jpg", ".git/d.jpg", "notes.md", "2019/no.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"text" if name in ("notes.md", "2019/no.jpg") else JPEG)
    found = find([tmp_path], "in/")
    assert found == [
        Upload(tmp_path / "a.jpg", "in/a.jpg"),
        Upload(tmp_path / "2019" / "b c.jpg", "in/2019/b c.jpg"),
    ]
    assert capsys.readouterr().err == "2 files in folders are not pictures: left out.\n"


def test_a_folder_without_pictures_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="no pictures to upload"):
        find([tmp_path], "")


def test_a_pipe_is_no_picture(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(CommandFailed, match="no pictures"):
        find([tmp_path], "")
    with pytest.raises(typer.BadParameter, match="neither a file nor a folder"):
        find([tmp_path / "pipe.jpg"], "")


def test_a_name_that_no_key_can_have_is_refused_before_anything_is_uploaded(tmp_path: Path) -> None:
    (tmp_path / "\udcff.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(typer.BadParameter, match="in UTF-8"):
        find([tmp_path], "")


def test_a_file_is_uploaded_whatever_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("text")
    assert find([tmp_path / "notes.md"], "") == [Upload(tmp_path / "notes.md", "notes.md")]


def test_the_places_of_outputs() -> None:
    one = {"dest_bucket": "out", "dest_key": "a.heic.jpg"}
    several = {"dest_bucket": "out", "renditions": [{"dest_key": "a/800x.jpg"}], "manifest": "a/manifest.json"}
    assert list(output_places(one)) == ["s3://out/a.heic.jpg"]
    assert list(output_places(several)) == ["s3://out/a/800x.jpg", "s3://out/a/manifest.json"]
    assert list(output_places({"status": "FAILED"})) == []
