"""The calls to obstore for other vendors' stores, because none of these runs on a laptop."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import obstore
import pytest
from obstore.store import MemoryStore

from tinypics.store.vendors import AzureBucket, GoogleBucket


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The options of every write; each answers with generation 7."""
    options: list[dict[str, Any]] = []

    def put(*_: object, **given: Any) -> dict[str, str]:
        options.append(given)
        return {"e_tag": '"e"', "version": "7"}

    monkeypatch.setattr(obstore, "put", put)
    return options


def stored(monkeypatch: pytest.MonkeyPatch, **attributes: str) -> None:
    meta = {"e_tag": '"e"', "version": "7", "size": 3}
    monkeypatch.setattr(obstore, "get", lambda *_, **__: SimpleNamespace(meta=meta, attributes=attributes))


def test_google_compares_generations(asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = GoogleBucket("pics", MemoryStore())
    assert bucket.put("a.jpg", b"", attributes={}, replaces=None) == "7"
    bucket.put("a.jpg", b"", attributes={}, replaces="6")
    assert [given["mode"] for given in asked] == ["create", {"version": "6"}]
    stored(monkeypatch)
    stat = bucket.head("a.jpg")
    assert stat is not None
    assert stat.etag == "7"


def test_azure_gets_names_that_it_takes_and_gives_back_ours(
    asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = AzureBucket("box", MemoryStore())
    ours = {"Content-Type": "image/jpeg", "tinypics-source-etag": "a-b"}
    assert bucket.put("a.jpg", b"", attributes=ours, replaces="e0") == "e"
    assert asked[0]["attributes"] == {"Content-Type": "image/jpeg", "tinypics_source_etag": "a-b"}
    assert asked[0]["mode"] == {"e_tag": '"e0"'}
    stored(monkeypatch, **asked[0]["attributes"])
    stat = bucket.head("a.jpg")
    assert stat is not None
    assert stat.metadata == ours


def test_google_listings_tell_no_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    meta = {"path": "a.jpg", "size": 3, "e_tag": '"e"', "version": None, "last_modified": None}
    monkeypatch.setattr(obstore, "list", lambda *_, **__: iter([[meta]]))
    assert [each.etag for each in GoogleBucket("pics", MemoryStore()).from_key("a.jpg")] == [""]
    assert [each.etag for each in AzureBucket("box", MemoryStore()).from_key("a.jpg")] == ["e"]
