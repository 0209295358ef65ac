"""Deletes and listings of the store client, with an emulator of S3 behind a proxy that injects faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e import faults
from tinypics.errors import AccessDenied, DestinationNotFound, StoreUnavailable
from tinypics.local.emulator import REGION, Emulator
from tinypics.stack.clients import Cloud
from tinypics.store import download
from tinypics.store.objects import Conflict
from tinypics.store.s3 import s3_bucket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.faults import Proxy
    from tinypics.store.bucket import Bucket

pytestmark = pytest.mark.e2e

KEY = "a b/ü+%41.jpg"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with (
        Emulator.start(tmp_path_factory.mktemp("store"), 0) as emulator,
        faults.proxied(emulator.endpoint) as proxy,
    ):
        Cloud.local(emulator.endpoint, REGION).client("s3").create_bucket(Bucket="pics")
        yield proxy


@pytest.fixture
def proxy(running: Proxy) -> Iterator[Proxy]:
    yield running
    running.clear()


@pytest.fixture
def bucket(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    bucket = s3_bucket("pics", endpoint=proxy.endpoint, region=REGION)
    bucket.delete(KEY)
    proxy.clear()
    return bucket


def test_an_object_that_was_emptied_is_read_although_it_has_no_range(bucket: Bucket) -> None:
    """S3 answers 416. The event has told the size of the version before."""
    bucket.put(KEY, b"", attributes={}, replaces=None)
    opened = bucket.open(KEY, max_bytes=10**9, size=download.SPLIT)
    assert (opened.size, opened.read_all()) == (0, b"")


def test_s3_itself_refuses_to_delete_another_version(bucket: Bucket, proxy: Proxy) -> None:
    first = bucket.put(KEY, b"1", attributes={}, replaces=None)
    second = bucket.put(KEY, b"2", attributes={}, replaces=first)
    with pytest.raises(Conflict, match="in bucket pics"):
        bucket.delete(KEY, etag=first)
    assert bucket.open(KEY, max_bytes=1).read_all() == b"2"
    bucket.delete(KEY, etag=second)
    assert bucket.head(KEY) is None
    bucket.delete(KEY, etag=second)
    assert [call.status for call in proxy.seen("DELETE", KEY.replace("+", r"\+"))] == [412, 204, 404]


def test_a_bucket_that_is_not_there_has_a_name(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, bucket: Bucket) -> None:
    with pytest.raises(DestinationNotFound, match="bucket nix to remove from"):
        s3_bucket("nix", endpoint=proxy.endpoint, region=REGION).delete(KEY)


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (faults.PRECONDITION_FAILED, Conflict),
        (faults.REQUEST_CONFLICT, Conflict),
        (faults.ACCESS_DENIED, AccessDenied),
        (faults.SLOW_DOWN, StoreUnavailable),
        (faults.INTERNAL_ERROR, StoreUnavailable),
        (faults.TOO_MANY_REQUESTS, StoreUnavailable),
        (faults.EXPIRED_TOKEN, StoreUnavailable),
        (faults.WRONG_REGION, StoreUnavailable),
        (faults.reset, StoreUnavailable),
        (faults.lose_answer, StoreUnavailable),
    ],
)
def test_a_delete_is_sent_once_whatever_the_answer(
    bucket: Bucket, proxy: Proxy, action: faults.Action, expected: type[Exception], conditional: bool
) -> None:
    etag = bucket.put(KEY, b"1", attributes={}, replaces=None)
    proxy.clear()
    proxy.faults.append(faults.Fault(action, "DELETE|POST", times=None))
    with pytest.raises(expected, match="pics"):
        bucket.delete(KEY, etag=etag if conditional else None)
    assert [call.method for call in proxy.seen()] == ["DELETE"]


def test_a_listing_begins_at_its_key(bucket: Bucket, proxy: Proxy) -> None:
    names = ["f/a.jpf", "f/a.jpg", "f/a.jpg !", "f/a.jpg.webp", "f/a.jpg/1 ü.png", "f/a.jpg/b/2.png", "f/ü", "z"]
    etags = {name: bucket.put(name, name.encode(), attributes={}, replaces=None) for name in names}
    proxy.clear()
    for start, rest in (("f/a.jpg", names[1:7]), ("f/a.jp", names[:7]), ("f/ü", names[6:7]), ("g", names[7:])):
        found = bucket.from_key(start)
        assert [(each.key, each.size, each.etag) for each in found] == [
            (name, len(name.encode()), etags[name]) for name in rest
        ]
    assert [call.method for call in proxy.seen()] == ["GET"] * 4
