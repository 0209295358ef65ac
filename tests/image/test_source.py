"""A picture as bytes, a path or an open file, and the names that a prompt completes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest

import tinypics
from tests.pictures import encoded, quadrants
from tinypics.errors import InvalidRequest, SourceTooLarge
from tinypics.image.limits import Limits

if TYPE_CHECKING:
    from pathlib import Path


def test_every_kind_of_source_gives_the_same_output(tmp_path: Path) -> None:
    data = encoded(quadrants(), "JPEG")
    file = tmp_path / "a.jpg"
    file.write_bytes(data)
    expected = tinypics.resize(data, "16x16").data
    for source in (bytearray(data), memoryview(data), file, str(file), io.BytesIO(data)):
        assert tinypics.resize(source, "16x16").data == expected
    with file.open("rb") as opened:
        assert tinypics.resize_all(opened, ["16x16"]).outputs[0].data == expected
        assert not opened.closed


def test_no_more_is_read_than_the_limits_allow(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(bytes(101))
    file = io.BytesIO(bytes(200))
    for source in (tmp_path / "a.jpg", file):
        with pytest.raises(SourceTooLarge):
            tinypics.resize(source, "16x16", Limits(bytes=100))
    assert file.tell() == 101


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (io.TextIOWrapper(io.BytesIO(b"\xff\xd8"), "utf-8"), "data: expected a file opened in binary mode"),
        (None, "data: expected bytes, a path or an open file, got nothing"),
        (7, "data: expected bytes, a path or an open file, got 7"),
    ],
    ids=["text", "none", "number"],
)
def test_another_source_is_refused_by_name(source: Any, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        tinypics.resize(source, "16x16")


@pytest.mark.parametrize("rendition", [None, 128, (128, 128)])
def test_another_type_of_rendition_is_refused_by_name(rendition: Any) -> None:
    with pytest.raises(InvalidRequest, match="rendition: expected a size .*, got"):
        tinypics.resize(b"", rendition)


def test_a_file_that_is_not_there_is_the_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        tinypics.resize(tmp_path / "no.jpg", "16x16")


def test_dir_lists_the_public_names() -> None:
    assert set(tinypics.__all__) <= set(dir(tinypics))
