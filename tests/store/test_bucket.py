from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

import obstore
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from obstore import exceptions as foreign
from obstore.store import MemoryStore

from tinypics.delivery import keys
from tinypics.errors import (
    AccessDenied,
    DestinationNotFound,
    InvalidRequest,
    SourceChanged,
    SourceNotFound,
    SourceTooLarge,
    StoreUnavailable,
)
from tinypics.store import download
from tinypics.store.bucket import Bucket
from tinypics.store.objects import Conflict, UnsupportedKey
from tinypics.store.threads import together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def bucket() -> Bucket:
    return Bucket("pics", MemoryStore())


class Alarm(Exception):
    pass


@pytest.fixture
def set_alarm() -> Iterator[Callable[[], object]]:
    """Sets a timer, as the deadline does, whose signal raises Alarm in the main thread once.

    It repeats until then: a signal that comes just before a wait sets Python's flag but ends the wait no more.
    """

    def alarm(*_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        raise Alarm

    before, limit = signal.signal(signal.SIGALRM, alarm), signal.getitimer(signal.ITIMER_REAL)
    yield lambda: signal.setitimer(signal.ITIMER_REAL, 0.001, 0.05)
    signal.setitimer(signal.ITIMER_REAL, *limit)  # of this test run
    signal.signal(signal.SIGALRM, before)


def test_what_was_put_comes_back_with_its_type_and_metadata(bucket: Bucket) -> None:
    etag = bucket.put("a.jpg", b"bytes", attributes={"Content-Type": "image/jpeg", "recipe": "r1"}, replaces=None)
    found = bucket.open("a.jpg", max_bytes=5)
    assert (found.read_all(), found.stat.etag, found.stat.size) == (b"bytes", etag, 5)
    assert found.stat.metadata == {"Content-Type": "image/jpeg", "recipe": "r1"}
    assert bucket.head("a.jpg") == found.stat


def test_a_missing_object_is_named_with_its_bucket(bucket: Bucket) -> None:
    with pytest.raises(SourceNotFound, match='there is no object "nix.jpg" in bucket pics'):
        bucket.open("nix.jpg", max_bytes=1)
    assert bucket.head("nix.jpg") is None
    bucket.delete("nix.jpg")


def test_an_object_over_the_limit_is_refused_with_both_sizes(bucket: Bucket) -> None:
    bucket.put("a.jpg", b"x" * 1001, attributes={}, replaces=None)
    with pytest.raises(SourceTooLarge, match="at most 1,000 bytes, got 1,001"):
        bucket.open("a.jpg", max_bytes=1000)


def test_a_write_replaces_what_was_looked_at_and_nothing_else(bucket: Bucket) -> None:
    first = bucket.put("a.jpg", b"1", attributes={}, replaces=None)
    with pytest.raises(Conflict):
        bucket.put("a.jpg", b"2", attributes={}, replaces=None)
    second = bucket.put("a.jpg", b"2", attributes={}, replaces=first)
    with pytest.raises(Conflict):
        bucket.put("a.jpg", b"3", attributes={}, replaces=first)
    bucket.delete("a.jpg")
    with pytest.raises(Conflict):
        bucket.put("a.jpg", b"3", attributes={}, replaces=second)


def test_the_objects_of_a_level_are_those_right_below(bucket: Bucket) -> None:
    for key in ("f/a.jpg/1.jpg", "f/a.jpg/2.jpg", "f/a.jpg/b/3.jpg", "f/a.jpg.png/4.jpg", "f/a.jpg"):
        bucket.put(key, b"", attributes={}, replaces=None)
    folders, objects = bucket.level("f/a.jpg")
    assert list(folders) == ["f/a.jpg/b"]
    assert sorted(item["path"] for item in objects) == ["f/a.jpg/1.jpg", "f/a.jpg/2.jpg"]


def test_a_delete_takes_the_version_that_was_seen_and_no_other(bucket: Bucket) -> None:
    first = bucket.put("a.jpg", b"1", attributes={}, replaces=None)
    second = bucket.put("a.jpg", b"2", attributes={}, replaces=first)
    with pytest.raises(Conflict, match='"a.jpg" in bucket pics'):
        bucket.delete("a.jpg", etag=first)
    assert bucket.open("a.jpg", max_bytes=1).read_all() == b"2"
    bucket.delete("a.jpg", etag=second)
    assert bucket.head("a.jpg") is None
    bucket.delete("a.jpg", etag=second)


_PART = st.text(st.sampled_from(" !./0a~\x80é\ud7ff\ue000\U0010fffe\U0010ffff"), min_size=1, max_size=3)
_KEY = st.lists(_PART, min_size=1, max_size=3).map("/".join).filter(lambda key: _is_valid(key))


def _is_valid(key: str) -> bool:
    try:
        return bool(keys.check(key))
    except InvalidRequest:
        return False


@given(st.sets(_KEY, max_size=12), _KEY)
@example({"a/ ", "a/\x80", "a/!"}, "a/ ")
@example({"a/. ", "a/-", "a/..a"}, "a/. ")
@example({"0", ".a", " "}, "0")
@example({"a/b/c", "a/b0", "a/b1"}, "a/b0")
def test_a_listing_from_a_key_begins_there(names: set[str], key: str) -> None:
    bucket = Bucket("pics", MemoryStore())
    etags = {name: bucket.put(name, name.encode(), attributes={}, replaces=None) for name in names | {key}}
    folder = f"{key.rpartition('/')[0]}/" if "/" in key else ""
    expected = sorted((name for name in etags if name.startswith(folder) and name >= key), key=str.encode)
    found = bucket.from_key(key)
    assert [(each.key, each.size, each.etag) for each in found] == [
        (name, len(name.encode()), etags[name]) for name in expected
    ]


def test_a_listing_from_a_key_is_one_page(bucket: Bucket) -> None:
    for number in range(1005):
        bucket.put(f"f/{number:04}.jpg", b"", attributes={}, replaces=None)
    found = [each.key for each in bucket.from_key("f/0003.jpg")]
    assert found == [f"f/{number:04}.jpg" for number in range(3, 1003)]
    assert bucket.from_key("f/1004.jpg.png") == []


def test_nothing_that_could_be_a_key_keeps_a_listing_from_its_first(bucket: Bucket) -> None:
    """A thousand keys right before it fill a page, if the listing begins any earlier."""
    high = "\U0010ffff"
    for number in range(1000):
        bucket.put(f"f/photo.jpf{high * 200}{number}", b"", attributes={}, replaces=None)
    etag = bucket.put("f/photo.jpg", b"1", attributes={}, replaces=None)
    (found,) = bucket.from_key("f/photo.jpg")
    assert (found.key, found.etag) == ("f/photo.jpg", etag)


def test_a_page_with_a_key_that_cannot_be_represented_says_so(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(*_: object, **__: object) -> object:
        raise foreign.InvalidPathError("f//x")

    monkeypatch.setattr(obstore, "list", odd)
    with pytest.raises(UnsupportedKey, match="f//x"):
        bucket.from_key("f/a.jpg")


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
        bucket.put("a.jpg", b"", attributes={}, replaces=None)
    assert "\n" not in str(translated.value)
    assert translated.value.__cause__ is raised


@pytest.mark.parametrize("raised", [foreign.PreconditionError("x"), foreign.AlreadyExistsError("x")])
def test_a_conflict_is_one_only_where_something_is_written(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, raised: Exception
) -> None:
    def failing(*args: object, **options: object) -> object:
        raise raised

    for name in ("put", "get"):
        monkeypatch.setattr(obstore, name, failing)
    with pytest.raises(Conflict):
        bucket.put("a.jpg", b"", attributes={}, replaces=None)
    for read in (bucket.head, lambda key: bucket.open(key, max_bytes=1)):
        with pytest.raises((StoreUnavailable, SourceChanged)):
            read("a.jpg")


def test_a_signal_interrupts_a_request_that_does_not_end(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, set_alarm: Callable[[], object]
) -> None:
    def endless(*args: object, **options: object) -> None:
        set_alarm()  # for the main thread; this thread continues to wait
        released.wait()

    released = threading.Event()
    monkeypatch.setattr(obstore, "get", endless)
    try:
        with pytest.raises(Alarm):
            bucket.head("a.jpg")
    finally:
        released.set()


def test_parts_are_of_the_version_that_was_opened(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PART", 1000)
    monkeypatch.setattr(download, "_PREFETCH_AFTER", 0)
    data = bytes(range(256)) * 20
    etag = bucket.put("a.jpg", data, attributes={}, replaces=None)
    get, overwritten = obstore.get, threading.Event()

    def later(*arguments: Any, **options: Any) -> Any:
        if "range" in (options["options"] or {}):
            assert overwritten.wait(60)
        return get(*arguments, **options)

    there = bucket.open("a.jpg", max_bytes=10**6)
    there.check()  # until it is complete
    monkeypatch.setattr(obstore, "get", later)
    opened = bucket.open("a.jpg", max_bytes=10**6)
    assert opened.head(1000) == data[:1000]
    bucket.put("a.jpg", data[::-1], attributes={}, replaces=etag)
    overwritten.set()
    for read in (opened.read_all, lambda: opened.tail(10)):
        with pytest.raises(SourceChanged, match='"a.jpg" in bucket pics was overwritten while it was read'):
            read()
    assert there.tail(10) == data[-10:]
    assert there.read_all() == data


def test_a_call_that_was_given_up_begins_no_other(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, set_alarm: Callable[[], object]
) -> None:
    """The first request of a delete is in progress when the deadline ends the wait: the second is never sent."""

    def slow(*arguments: Any, **options: Any) -> Any:
        set_alarm()
        released.wait()
        return get(*arguments, **options)

    etag = bucket.put("a.jpg", b"1", attributes={}, replaces=None)
    deleted: list[object] = []
    released, get = threading.Event(), obstore.get
    monkeypatch.setattr(obstore, "get", slow)
    monkeypatch.setattr(obstore, "delete", lambda *arguments: deleted.append(arguments))
    running = set(threading.enumerate())
    try:
        with pytest.raises(Alarm):
            together([lambda: together([lambda: bucket.delete("a.jpg", etag=etag)])])
        left = set(threading.enumerate()) - running
    finally:
        released.set()
    assert left
    for thread in left:
        thread.join()
    assert not deleted
    monkeypatch.setattr(obstore, "get", get)
    bucket.delete("a.jpg", etag=etag)
    assert len(deleted) == 1
