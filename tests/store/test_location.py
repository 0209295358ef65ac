"""Locations as users write them, and outputs that would be sources again."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from tinypics.errors import DestinationNotFound, InvalidRequest, LoopRefused
from tinypics.store.folder import FolderBucket
from tinypics.store.location import Location, outputs_within
from tinypics.store.s3 import S3Bucket
from tinypics.store.vendors import AzureBucket, GoogleBucket


@pytest.mark.parametrize(
    ("text", "scheme", "name", "prefix", "shown"),
    [
        ("s3://pics", "s3", "pics", "", "s3://pics/"),
        ("s3://pics/2024/summer?#1/", "s3", "pics", "2024/summer?#1/", "s3://pics/2024/summer?#1/"),
        ("gs://pics/a", "gs", "pics", "a/", "gs://pics/a/"),
        ("az://box", "az", "box", "", "az://box/"),
        ("file:///photos/x/../y", "file", "/photos/y", "", "/photos/y"),
        ("/photos", "file", "/photos", "", "/photos"),
    ],
)
def test_urls_and_folders_are_read(text: str, scheme: str, name: str, prefix: str, shown: str) -> None:
    location = Location.parse(text, endpoint="http://127.0.0.1:1")
    assert (location.scheme, location.name, location.prefix, str(location)) == (scheme, name, prefix, shown)
    assert (location.endpoint is None) == (scheme != "s3")
    assert pickle.loads(pickle.dumps(location)) == location  # noqa: S301 - our own


@pytest.mark.parametrize("text", ["ftp://x/y", "s3://", "://x", "", "http://x"])
def test_other_places_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="a folder or one of s3://"):
        Location.parse(text)


def test_each_kind_has_its_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    monkeypatch.setenv("AZURE_STORAGE_USE_EMULATOR", "true")
    kinds = {
        "s3://pics/x": S3Bucket,
        "gs://pics": GoogleBucket,
        "az://box": AzureBucket,
        str(tmp_path): FolderBucket,
    }
    for text, kind in kinds.items():
        bucket = Location.parse(text).bucket()
        assert type(bucket) is kind
        assert bucket.name == Location.parse(text).bucket_name
        assert Location.parse(text).bucket() is bucket


def test_a_folder_is_made_when_it_is_for_outputs(tmp_path: Path) -> None:
    location = Location.parse(str(tmp_path / "a" / "b"))
    with pytest.raises(DestinationNotFound, match="there is no folder"):
        location.bucket()
    location.make()
    assert location.bucket().name == (tmp_path / "a" / "b").as_uri()
    (tmp_path / "file").write_text("")
    for name in ("file", "file/below"):
        with pytest.raises(InvalidRequest, match="expected a folder"):
            Location.parse(str(tmp_path / name)).make()
    Location.parse("s3://pics").make()


@pytest.mark.parametrize(
    ("source", "output", "expected"),
    [
        ("s3://a", "s3://b", None),
        ("s3://a", "gs://a", None),
        ("s3://a", "s3://a/small", "small/"),
        ("s3://a/in", "s3://a/small", None),
        ("s3://a/in", "s3://a/in/small", "in/small/"),
        ("/p", "/q", None),
        ("/p", "/p2", None),
        ("/p", "/p/small", "small/"),
        ("/p/in", "/p/small", None),
    ],
)
def test_outputs_among_the_sources_are_known(source: str, output: str, expected: str | None) -> None:
    assert outputs_within(Location.parse(source), Location.parse(output)) == expected


@pytest.mark.parametrize(
    ("source", "output"), [("s3://a", "s3://a"), ("s3://a/in", "s3://a"), ("/p", "/p"), ("/p/in", "/p"), ("/p", "/p/")]
)
def test_outputs_that_would_all_be_sources_are_refused(source: str, output: str) -> None:
    with pytest.raises(LoopRefused, match="does not hold the sources"):
        outputs_within(Location.parse(source), Location.parse(output))
