from __future__ import annotations

import pytest
from obstore import get, put
from obstore.store import MemoryStore

from tinypics.delivery import keys
from tinypics.errors import InvalidRequest

READABLE = [
    "photo.jpg",
    "a b/ü+%41&=.jpg",
    "100%.png",
    "日本/写真.jpeg",
    "k" * 1024,
    "é" * 512,
    "a:b;c,d@e$f!g(h).jpg",
    "<img src=x onerror=alert(1)>.jpg",
    "back\\slash*and?#~^`|{}[].jpg",
    "\u202egnp.exe",
    "%2e%2e/x",
    "...",
    ".hidden",
    "a/..b/c.",
    "--flag",
]
UNREADABLE = [
    "/leading.jpg",
    "trailing/",
    "a//b.jpg",
    "a/../b.jpg",
    "a/./b.jpg",
    "..",
    ".",
    "../etc/passwd",
    "a/..",
    "line\nbreak.jpg",
    "nul\x00.jpg",
    "\x1b[31mred.jpg",
    "delete\x7f.jpg",
]


@pytest.mark.parametrize("key", READABLE)
def test_a_readable_key_reaches_the_store_as_it_is(key: str) -> None:
    store = MemoryStore()
    put(store, keys.check(key), b"x")
    assert get(store, key).meta["path"] == key


@pytest.mark.parametrize("key", UNREADABLE)
def test_a_key_that_the_store_client_would_change_or_refuse_is_refused_by_name(key: str) -> None:
    with pytest.raises(InvalidRequest, match="key: expected an object key without") as refused:
        keys.check(key)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", "key: expected an object key, got"),
        ("k" * 1025, "key: expected at most 1024 bytes of UTF-8, got .1025 bytes"),
        ("é" * 513, "1026 bytes"),
        ("\ud800.jpg", "valid Unicode"),
    ],
)
def test_empty_long_and_broken_keys(key: str, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        keys.check(key)


@pytest.mark.parametrize(
    ("key", "size", "marker"),
    [("x/", 0, True), ("x/", None, True), ("x/", 5, False), ("x", 0, False), ("x", None, False)],
)
def test_a_folder_marker_is_empty_and_ends_in_a_slash(key: str, size: int | None, marker: bool) -> None:
    assert keys.is_folder_marker(key, size) is marker


def test_outputs_never_collide_where_only_the_extension_differs() -> None:
    assert keys.single_output("IMG_1.HEIC", source="heif", output="jpeg") == "IMG_1.HEIC.jpg"
    assert keys.single_output("IMG_1.TIFF", source="tiff", output="jpeg") == "IMG_1.TIFF.jpg"
    assert keys.single_output("IMG_1.jpg", source="jpeg", output="jpeg") == "IMG_1.jpg"
    assert keys.listed_output("a/IMG_1.HEIC", "800x-webp", "webp") == "a/IMG_1.HEIC/800x-webp.webp"


def test_an_output_key_that_would_be_too_long_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="dest_key: expected at most 1024 bytes"):
        keys.single_output("k" * 1022, source="png", output="jpeg")


@pytest.mark.parametrize(
    ("key", "asked", "source", "output", "first"),
    [
        ("a.jpg", None, "jpeg", "jpeg", True),
        ("a.JPEG", None, "jpeg", "jpeg", True),
        ("a.heic", None, "heif", "jpeg", True),
        ("a.tif", None, "tiff", "jpeg", True),
        ("a.png", "webp", "png", "webp", True),
        ("a.webp", "webp", "webp", "webp", True),
        ("noextension", None, "jpeg", "jpeg", False),
        ("lies.png", None, "tiff", "jpeg", False),
        ("a.tif", None, "tiff", "png", False),
        ("a.jpg", "auto", "jpeg", "jpeg", True),
        ("a.png", "auto", "png", "webp", False),
        ("a.gif", "auto", "gif", "webp", False),
    ],
)
def test_the_key_of_the_output_is_among_those_looked_at_and_mostly_the_first(
    key: str, asked: str | None, source: str, output: str, first: bool
) -> None:
    actual = keys.single_output(key, source=source, output=output)
    candidates = keys.single_outputs(key, asked)
    assert actual in candidates
    assert (candidates[0] == actual) is first


def test_fingerprints_tell_sources_apart() -> None:
    assert len({keys.fingerprint("b", "k"), keys.fingerprint("b", "l"), keys.fingerprint("c", "k")}) == 3
    assert keys.fingerprint("b", "日本.jpg").isascii()


@pytest.mark.parametrize(("length", "count"), [(1020, 3), (1021, 1), (1024, 1)])
def test_an_output_is_not_looked_for_under_a_key_that_is_too_long(length: int, count: int) -> None:
    assert len(keys.single_outputs("k" * length, None)) == count


@pytest.mark.parametrize("source", ["a.jpg", "scan", "d.e/IMG_1.HEIC", "a/b"])
def test_every_output_leads_back_to_its_source(source: str) -> None:
    made = [*keys.single_outputs(source, None), keys.listed_output(source, "x600-q80", "webp"), keys.manifest(source)]
    assert all(source in keys.possible_sources(output) for output in made)


def test_no_output_leads_back_to_an_empty_key() -> None:
    assert keys.possible_sources(".jpg") == [".jpg"]
