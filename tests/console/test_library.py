"""The pictures of the output bucket, from a running emulator."""

from __future__ import annotations

import urllib.request
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.console.conftest import JPEG
from tinypics.console import library as module
from tinypics.console.library import Library
from tinypics.console.pictures import Pictures
from tinypics.console.stored import grouped
from tinypics.stack.clients import Cloud
from tinypics.store.objects import Listed

if TYPE_CHECKING:
    from tests.console.conftest import Page

NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["a.jpg", "b/c.png"], {"a.jpg": ["a.jpg"], "b/c.png": ["b/c.png"]}),
        # Renditions and their manifest; renditions made on demand have none.
        (["a.jpg/128x128.jpg", "a.jpg/manifest.json"], {"a.jpg": ["a.jpg/128x128.jpg", "a.jpg/manifest.json"]}),
        (["a.jpg", "a.jpg/800x.auto"], {"a.jpg": ["a.jpg", "a.jpg/800x.auto"]}),
        # A folder whose name tells no format is one of outputs only with a manifest.
        (["scan/1.jpg", "scan/2.jpg"], {"scan/1.jpg": ["scan/1.jpg"], "scan/2.jpg": ["scan/2.jpg"]}),
        (["scan/1.jpg", "scan/manifest.json"], {"scan": ["scan/1.jpg", "scan/manifest.json"]}),
        # A key that no output can have stands alone.
        (["a.jpg/deep/1.jpg", "a.jpg/notes.txt"], {"a.jpg/deep/1.jpg": ["a.jpg/deep/1.jpg"],
                                                   "a.jpg/notes.txt": ["a.jpg/notes.txt"]}),
    ],
)  # fmt: skip
def test_objects_are_grouped_into_pictures_by_their_keys(keys: list[str], expected: dict[str, list[str]]) -> None:
    found = grouped(Listed(key, 9, "e", NOW) for key in keys)
    assert {each.name: [listed.key for listed in each.objects] for each in found} == expected
    assert grouped([Listed("folder/", 0, "e", NOW)]) == []


def library_of(page: Page) -> Library:
    """A new one, without a listing in its cache."""
    cloud = Cloud.local(page.stack.facts.endpoint, page.stack.facts.region)
    return Library(cloud, page.stack.facts.stack, Pictures(cloud, page.stack.facts.stack))


def walked(library: Library) -> list[dict[str, Any]]:
    """Every page of every listing."""
    found, after = [], ""
    while True:
        page = library.page("", after, 0)
        found.append(page)
        if page["after"] is None:
            return found
        after = page["after"]


@pytest.mark.e2e
def test_a_large_bucket_is_read_in_parts_and_no_picture_is_cut(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        for name in ("a.jpg", "b.jpg", "manifest.json"):
            page.stack.s3.put_object(Bucket="tiny-pics", Key=f"parts/{number}.jpg/{name}", Body=JPEG)
    whole = {item["key"]: item["number"] for item in library_of(page).page("parts/", "", 0)["items"]}
    assert whole == dict.fromkeys((f"parts/{number}.jpg" for number in range(3)), 2)
    monkeypatch.setattr(module, "MAX_OBJECTS", 5)  # one and a half of these pictures
    library = library_of(page)
    parts = walked(library)
    assert len(parts) > 1
    assert not any(part["whole"] for part in parts)
    keys = [item["key"] for part in parts for item in part["items"]]
    assert len(keys) == len(set(keys))
    assert {item["key"]: item["number"] for part in parts for item in part["items"]}.items() >= whole.items()
    assert [item["key"] for item in library.page("parts/2", "", 0)["items"]] == ["parts/2.jpg"]  # by the keys' start
    assert library.page("arts/2", "", 0)["items"] == []


@pytest.mark.e2e
def test_pictures_are_sorted_by_time_and_come_in_pages(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sorted-b", "sorted-a", "sorted-c"):
        page.put(f"{name}.jpg")
        page.about(f"{name}.jpg")
    monkeypatch.setattr(module, "PAGE", 2)
    library = library_of(page)
    first, second = library.page("SORTED", "", 0), library.page("SORTED", "", 2)
    assert (first["total"], first["next"], second["next"]) == (3, 2, None)
    items = [*first["items"], *second["items"]]
    assert [item["at"] for item in items] == sorted((item["at"] for item in items), reverse=True)
    (newest, *_) = [item for item in items if item["key"] == "sorted-c.jpg"]
    assert newest["sizes"] == [{"width": 128, "height": 128}]
    assert newest["source"] == "sorted-c.jpg"
    with urllib.request.urlopen(newest["thumbnail"]) as answer:
        assert len(answer.read()) == newest["bytes"]


@pytest.mark.e2e
def test_a_picture_has_its_source_and_its_outputs(page: Page) -> None:
    page.put("holiday/IMG 1.TIF", JPEG)
    page.about("holiday/IMG 1.TIF")
    found = page.get("/api/picture?key=holiday/IMG%201.TIF.jpg")  # the source's key follows from the metadata
    original, (output,) = found["original"], found["renditions"]
    assert (original["key"], original["width"], original["there"]) == ("holiday/IMG 1.TIF", 320, True)
    etag = page.stack.s3.head_object(Bucket="original-pics", Key="holiday/IMG 1.TIF")["ETag"].strip('"')
    path = f"holiday/IMG%201.TIF.jpg?v={etag[:8]}"
    assert (output["width"], output["label"], output["path"]) == (128, "JPEG", path)
    with urllib.request.urlopen(output["download"]) as answer:
        assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''IMG%201.TIF.jpg"
    page.stack.s3.put_object(Bucket="tiny-pics", Key="foreign.jpg", Body=JPEG)
    foreign = page.get("/api/picture?key=foreign.jpg")
    assert foreign["original"] is None
    assert (foreign["renditions"][0]["bytes"], foreign["renditions"][0]["width"]) == (len(JPEG), None)


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/api/picture?key=no/such.jpg", 404, "PictureNotFound"),
        ("/api/picture", 400, "InvalidRequest"),
        ("/api/picture?key=a/../b", 400, "InvalidRequest"),
        ("/api/pictures?start=-1", 400, "InvalidRequest"),
        (f"/api/pictures?find={'x' * 1025}", 400, "InvalidRequest"),
        (f"/api/pictures?after={'x' * 1025}", 400, "InvalidRequest"),
    ],
)
def test_a_place_that_cannot_be_is_refused(page: Page, path: str, status: int, error: str) -> None:
    answer = page.ask("GET", path)
    assert (answer.status, answer.document["error"]) == (status, error)
