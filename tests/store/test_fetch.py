from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import obstore
import pytest
from hypothesis import given
from hypothesis import strategies as st
from obstore import exceptions as foreign
from obstore.store import MemoryStore

from tinypics.errors import SourceChanged, SourceTooLarge, StoreUnavailable
from tinypics.store import download
from tinypics.store.bucket import Bucket

if TYPE_CHECKING:
    from collections.abc import Callable

LARGE = bytes(range(256)) * 20


class Spy:
    """`obstore.get`, which notes the range of each request and whether it has a condition."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._get = obstore.get
        self.asked: list[tuple[Any, bool]] = []
        self.before: Callable[[Any], object] = lambda asked: None
        self.after: Callable[[Any], object] = lambda asked: None
        monkeypatch.setattr(obstore, "get", self)

    def __call__(self, store: Any, key: str, *, options: Any = None) -> Any:
        asked = (options or {}).get("range")
        self.asked.append((asked, "if_match" in (options or {})))
        self.before(asked)
        found = self._get(store, key, options=options)
        self.after(asked)
        return found


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Spy:
    monkeypatch.setattr(download, "SPLIT", 1000)
    monkeypatch.setattr(download, "PART", 3000)
    return Spy(monkeypatch)


def stored(data: bytes) -> Bucket:
    bucket = Bucket("pics", MemoryStore())
    bucket.put("a.jpg", data, attributes={}, replaces=None)
    return bucket


@pytest.mark.parametrize(
    ("size", "ranges"),
    [
        (2000, [(0, 1000), (1000, 2000)]),
        (2999, [(0, 1500), (1500, 2999)]),
        (5120, [(0, 1707), (1707, 3414), (3414, 5120)]),
    ],
)
def test_a_large_object_of_known_size_comes_as_several_ranges_at_once(
    spy: Spy, size: int, ranges: list[tuple[int, int]]
) -> None:
    bucket, all_of_them = stored(LARGE[:size]), threading.Barrier(len(ranges))
    spy.before = lambda asked: all_of_them.wait(60)  # none waits for another's answer
    opened = bucket.open("a.jpg", max_bytes=10**6, size=size)
    assert opened.read_all() == LARGE[:size]
    assert sorted(spy.asked) == [(each, False) for each in ranges]


def test_more_ranges_follow_in_a_larger_one(spy: Spy) -> None:
    data = LARGE * 2
    opened = stored(data).open("a.jpg", max_bytes=10**6, size=len(data))
    assert opened.read_all() == data
    at_once = [((0, 3000), False), ((3000, 6000), False), ((6000, 9000), False)]
    assert sorted(spy.asked) == [*at_once, ((9000, 10240), True)]


@pytest.mark.parametrize("size", [None, 0, -(10**9), 1999, 10**6 + 1, 10**30])
def test_without_a_size_to_go_by_one_request_asks_for_the_whole(spy: Spy, size: int | None) -> None:
    data = LARGE[:2000]
    assert stored(data).open("a.jpg", max_bytes=10**6, size=size).read_all() == data
    assert spy.asked == [(None, False)]


@given(expected=st.integers(1000, 20_000), data=st.binary(min_size=0, max_size=12_000))
def test_the_object_is_read_as_it_is_whatever_size_was_expected(expected: int, data: bytes) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(download, "SPLIT", 1000)
        monkeypatch.setattr(download, "PART", 3000)
        opened = stored(data).open("a.jpg", max_bytes=10**6, size=expected)
        assert (opened.size, opened.read_all()) == (len(data), data)


@pytest.mark.parametrize("last", [(0, 1707), (1707, 3414), (3414, 5120)])
def test_all_ranges_are_of_one_version(spy: Spy, last: tuple[int, int]) -> None:
    """The object is overwritten before the last answer."""
    bucket, others_answered = stored(LARGE), threading.Semaphore(0)

    def overwrite(asked: Any) -> None:
        if asked == last and len(spy.asked) <= 3:
            assert all(others_answered.acquire(timeout=60) for _ in range(2))
            bucket.put("a.jpg", LARGE[::-1], attributes={}, replaces=etag)

    there = bucket.head("a.jpg")
    assert there
    etag = there.etag
    spy.before, spy.after = overwrite, lambda asked: others_answered.release()
    spy.asked.clear()
    opened = bucket.open("a.jpg", max_bytes=10**6, size=len(LARGE))
    if last[0] == 0:
        assert opened.read_all() == LARGE[::-1]
    else:
        with pytest.raises(SourceChanged):
            opened.read_all()
    again = [(1707, 3414), (3414, 5120)] if last[0] == 0 else [last]
    assert sorted(spy.asked[3:]) == [(each, True) for each in again]


def test_a_second_range_that_fails_is_asked_for_again(spy: Spy) -> None:
    second = (1707, 3414)

    def fail(asked: Any) -> None:
        if asked == second and len(spy.asked) <= 3:
            raise foreign.GenericError("503")

    bucket = stored(LARGE)
    spy.before = fail
    assert bucket.open("a.jpg", max_bytes=10**6, size=len(LARGE)).read_all() == LARGE
    assert (second, True) in spy.asked


def test_a_store_that_does_not_answer_is_asked_once_for_each_range(spy: Spy) -> None:
    """The client has repeated each request as often as it may."""

    def fail(asked: Any) -> None:
        raise foreign.GenericError("503")

    bucket = stored(LARGE)
    spy.before = fail
    with pytest.raises(StoreUnavailable, match="503"):
        bucket.open("a.jpg", max_bytes=10**6, size=len(LARGE))
    assert [asked for asked, _ in spy.asked].count((0, 1707)) == 1
    assert (None, False) not in spy.asked


def test_an_object_that_grew_is_still_refused_by_its_size(spy: Spy) -> None:
    with pytest.raises(SourceTooLarge):
        stored(LARGE).open("a.jpg", max_bytes=3000, size=2000)
