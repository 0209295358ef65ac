from __future__ import annotations

import obstore
import pytest
from obstore import exceptions as foreign
from obstore.store import MemoryStore

from tinypics.errors import AccessDenied, DestinationNotFound, SourceNotFound, SourceTooLarge, StoreUnavailable
from tinypics.store import Bucket


@pytest.fixture
def bucket() -> Bucket:
    return Bucket("pics", MemoryStore())


def test_what_was_put_comes_back_with_its_type_and_metadata(bucket: Bucket) -> None:
    etag = bucket.put("a.jpg", b"bytes", content_type="image/jpeg", metadata={"recipe": "r1"})
    found = bucket.get("a.jpg", max_bytes=5)
    assert (found.data, found.etag) == (b"bytes", etag)
    assert found.metadata == {"Content-Type": "image/jpeg", "recipe": "r1"}


def test_a_missing_object_is_named_with_its_bucket(bucket: Bucket) -> None:
    with pytest.raises(SourceNotFound, match='there is no object "nix.jpg" in bucket pics'):
        bucket.get("nix.jpg", max_bytes=1)


def test_an_object_over_the_limit_is_refused_with_both_sizes(bucket: Bucket) -> None:
    bucket.put("a.jpg", b"x" * 1001, content_type="image/jpeg", metadata={})
    with pytest.raises(SourceTooLarge, match="at most 1,000 bytes, got 1,001"):
        bucket.get("a.jpg", max_bytes=1000)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (foreign.NotFoundError("x"), DestinationNotFound),
        (FileNotFoundError("x"), DestinationNotFound),
        (foreign.PermissionDeniedError("x"), AccessDenied),
        (foreign.UnauthenticatedError("x"), AccessDenied),
        (foreign.GenericError("503 SlowDown\nand more"), StoreUnavailable),
        (foreign.JoinError(""), StoreUnavailable),
        (ConnectionResetError("reset by peer"), StoreUnavailable),
    ],
)
def test_foreign_errors_become_ours(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, raised: Exception, expected: type[Exception]
) -> None:
    def failing(*args: object, **options: object) -> object:
        raise raised

    monkeypatch.setattr(obstore, "put", failing)
    with pytest.raises(expected, match="bucket pics") as translated:
        bucket.put("a.jpg", b"", content_type="image/jpeg", metadata={})
    assert "\n" not in str(translated.value)
    assert translated.value.__cause__ is raised
