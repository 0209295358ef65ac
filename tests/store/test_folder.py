"""A folder behaves like a bucket, as far as a file system can."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from tests.pictures import encoded, quadrants
from tinypics.delivery import reconcile
from tinypics.delivery.outputs import Handling
from tinypics.delivery.request import Request
from tinypics.delivery.result import Result
from tinypics.errors import AccessDenied, InvalidRequest, SourceNotFound, SourceTooLarge, StoreUnavailable
from tinypics.image.limits import Limits
from tinypics.image.pipeline import resize_all
from tinypics.image.rendition import Rendition
from tinypics.store.bucket import Bucket
from tinypics.store.folder import PRIVATE, FolderBucket
from tinypics.store.objects import Conflict

ABOUT = {"Content-Type": "image/jpeg", "tinypics-recipe": "r1"}


@pytest.fixture
def bucket(tmp_path: Path) -> FolderBucket:
    return FolderBucket(tmp_path)


def test_what_was_put_comes_back_with_its_metadata_and_is_a_plain_file(bucket: Bucket, tmp_path: Path) -> None:
    etag = bucket.put("a/b ü+%41.jpg", b"bytes", attributes=ABOUT, tags={"team": "a"}, replaces=None)
    found = bucket.open("a/b ü+%41.jpg", max_bytes=5)
    assert (found.read_all(), found.stat.etag, found.stat.size) == (b"bytes", etag, 5)
    assert found.stat.metadata == ABOUT
    assert bucket.head("a/b ü+%41.jpg") == found.stat
    assert (tmp_path / "a/b ü+%41.jpg").read_bytes() == b"bytes"


def test_what_is_not_there_is_said_to_be_missing(bucket: Bucket) -> None:
    bucket.put("file", b"x", attributes={}, replaces=None)
    for key in ("nix.jpg", "file/below.jpg", "x" * 300):
        with pytest.raises(SourceNotFound, match="there is no file"):
            bucket.open(key, max_bytes=1)
        assert bucket.head(key) is None
    bucket.delete("nix.jpg")
    bucket.delete("file/below.jpg")
    assert bucket.from_key("nix") == bucket.from_key("file/below") == []
    with pytest.raises(SourceTooLarge):
        bucket.open("file", max_bytes=0)


def test_a_write_replaces_what_was_looked_at_and_nothing_else(bucket: Bucket, tmp_path: Path) -> None:
    first = bucket.put("a.jpg", b"1", attributes=ABOUT, replaces=None)
    with pytest.raises(Conflict):
        bucket.put("a.jpg", b"2", attributes={}, replaces=None)
    second = bucket.put("a.jpg", b"22", attributes={"x": "y"}, replaces=first)
    with pytest.raises(Conflict):
        bucket.put("a.jpg", b"3", attributes={}, replaces=first)
    stat = bucket.head("a.jpg")
    assert stat is not None
    assert (stat.etag, stat.metadata) == (second, {"x": "y"})
    assert bucket.open("a.jpg", max_bytes=9).read_all() == b"22"
    bucket.delete("a.jpg")
    with pytest.raises(Conflict):
        bucket.put("a.jpg", b"3", attributes={}, replaces=second)
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert left == []


def test_a_delete_takes_the_version_that_was_seen_and_no_other(bucket: Bucket) -> None:
    first = bucket.put("a.jpg", b"1", attributes={}, replaces=None)
    second = bucket.put("a.jpg", b"22", attributes={}, replaces=first)
    with pytest.raises(Conflict, match=r'"a\.jpg"'):
        bucket.delete("a.jpg", etag=first)
    assert bucket.head("a.jpg") is not None
    bucket.delete("a.jpg", etag=second)
    assert bucket.head("a.jpg") is None
    bucket.delete("a.jpg", etag=second)


def test_a_listing_from_a_key_has_the_file_its_siblings_and_its_folder(bucket: Bucket) -> None:
    etags = {
        key: bucket.put(key, b"x" * size, attributes={}, replaces=None)
        for size, key in enumerate(("f/a", "f/a.jpg.png", "f/a.jpg/1.png", "f/a.jpg/sub/2.png", "f/a.jpgx", "f/b", "z"))
    }
    asked = ["f/a.jpg.png", "f/a.jpg/1.png", "f/a.jpg/sub/2.png"]
    listed = [(each.key, each.size, each.etag) for each in bucket.from_key("f/a.jpg")]
    assert listed == [(key, size, etags[key]) for size, key in enumerate(asked, start=1)]
    assert [each.key for each in bucket.from_key("z")] == ["z"]
    assert bucket.from_key("nix/a.jpg") == bucket.from_key("z/a.jpg") == []


@pytest.mark.parametrize("edited", [b"other", b"bytez"])
def test_metadata_count_only_for_the_file_that_they_were_written_for(
    bucket: Bucket, tmp_path: Path, edited: bytes
) -> None:
    bucket.put("a.jpg", b"bytes", attributes=ABOUT, replaces=None)
    (tmp_path / "copy").write_bytes(edited)
    (tmp_path / "copy").replace(tmp_path / "a.jpg")
    stat = bucket.head("a.jpg")
    assert stat is not None
    assert stat.metadata == {}


@pytest.mark.parametrize("damage", [b"", b"[]", b"{}", b'{"key": "a.jpg", "etag": 1}', b"\xff"])
def test_damaged_metadata_are_none(bucket: Bucket, tmp_path: Path, damage: bytes) -> None:
    bucket.put("a.jpg", b"bytes", attributes=ABOUT, replaces=None)
    (about,) = (tmp_path / PRIVATE / "about").rglob("*.json")
    assert json.loads(about.read_bytes())["attributes"] == ABOUT
    about.write_bytes(damage)
    stat = bucket.head("a.jpg")
    assert stat is not None
    assert stat.metadata == {}


def test_names_that_a_folder_cannot_have_are_refused_before_anything_is_written(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put("dir/a.jpg", b"1", attributes={}, replaces=None)
    for key, message in (
        ("dir", "no folder"),
        ("dir/a.jpg/64x64.jpg", r"a\.jpg is a file"),
        ("x" * 256, "names that the file system takes"),
    ):
        with pytest.raises(InvalidRequest, match=message):
            bucket.put(key, b"2", attributes={}, replaces=None)
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == ["dir"]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".json"] == ["a.jpg"]


def test_an_empty_folder_goes_with_its_last_file(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put("a.jpg/1.jpg", b"1", attributes={}, replaces=None)
    bucket.put("a.jpg/2.jpg", b"1", attributes={}, replaces=None)
    (tmp_path / "a.jpg" / "sub").mkdir()
    listed = [each.key for each in bucket.from_key("a.jpg")]
    assert listed == ["a.jpg/1.jpg", "a.jpg/2.jpg"]
    (tmp_path / "a.jpg" / "sub").rmdir()
    for key in listed:
        bucket.delete(key)
    assert not (tmp_path / "a.jpg").exists()


def test_a_write_that_fails_leaves_nothing(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tinypics.store.folder._move_into_place", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bucket.put("a.jpg", b"1", attributes=ABOUT, replaces=None)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_file_system_without_links_takes_files_all_the_same(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names as on memory cards."""

    def unsupported(*_: object) -> None:
        raise OSError(errno.EPERM, "not permitted")

    monkeypatch.setattr(Path, "hardlink_to", unsupported)
    bucket.put("a.jpg", b"1", attributes=ABOUT, replaces=None)
    with pytest.raises(Conflict):
        bucket.put("a.jpg", b"2", attributes=ABOUT, replaces=None)
    assert (tmp_path / "a.jpg").read_bytes() == b"1"


@pytest.mark.parametrize(
    ("raised", "expected"),
    [(errno.EACCES, AccessDenied), (errno.ENOSPC, StoreUnavailable), (errno.ENAMETOOLONG, InvalidRequest)],
)
def test_what_the_file_system_refuses_has_a_name(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: int, expected: type[Exception]
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(raised, os.strerror(raised))

    monkeypatch.setattr(Path, "hardlink_to", refused)
    with pytest.raises(expected):
        bucket.put("a.jpg", b"1", attributes=ABOUT, replaces=None)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("in_folder", [False, True])
def test_the_invocation_keeps_its_promises_in_folders(tmp_path: Path, in_folder: bool) -> None:
    """An output is made once, again after a change of the source or the recipe, and deleted with the source."""
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    places = {name: FolderBucket(tmp_path / name) for name in ("in", "out")}

    def run(*texts: str) -> str:
        renditions = tuple(map(Rendition.parse, texts))
        request = Request("in", "a.png", "out", renditions, in_folder=in_folder, follows=True)
        outcome = reconcile.run(request, places.__getitem__, Limits(), Handling(), resize_all)
        return "skipped" if isinstance(outcome, Result) and outcome.skipped else type(outcome).__name__

    (tmp_path / "in" / "a.png").write_bytes(encoded(quadrants(), "PNG"))
    assert [run("16x16"), run("16x16"), run("8x8-png"), run("8x8-png")] == ["Result", "skipped", "Result", "skipped"]
    (tmp_path / "in" / "a.png").write_bytes(encoded(quadrants().rotate(90), "PNG"))
    assert [run("8x8-png"), run("8x8-png")] == ["Result", "skipped"]
    if in_folder:
        listed = [each.key for each in places["out"].from_key("a.png")]
        assert listed == ["a.png/8x8-png.png", "a.png/manifest.json"]
    (tmp_path / "in" / "a.png").unlink()
    assert run("8x8-png") == "Gone"
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []
