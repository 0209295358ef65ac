from __future__ import annotations

import re
from pathlib import Path

import pytest
from obstore import get, put
from obstore.store import MemoryStore

from tinypics.delivery import keys
from tinypics.errors import InvalidRequest
from tinypics.image.formats import FORMATS
from tinypics.image.rendition import Rendition

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


def rendition(text: str) -> Rendition:
    return Rendition.parse(text)


# By the name's kind and the rendition: the fixed format, and the keys of one output and of a listed one.
RULE = [
    # Browsers show the format that the name tells: its content decides, and the key stays.
    ("a.jpg", "8x", None, "a.jpg", "a.jpg/8x.jpg"),
    ("d.e/a.JPEG", "8x", None, "d.e/a.JPEG", "d.e/a.JPEG/8x.jpg"),
    ("a.png", "8x", None, "a.png", "a.png/8x.png"),
    ("a.gif", "8x", None, "a.gif", "a.gif/8x.gif"),
    ("a.webp", "8x", None, "a.webp", "a.webp/8x.webp"),
    ("a.avif", "8x", None, "a.avif", "a.avif/8x.avif"),
    # They do not: a JPEG.
    ("IMG_1.HEIC", "8x", "jpeg", "IMG_1.HEIC.jpg", "IMG_1.HEIC/8x.jpg"),
    ("a.tiff", "8x", "jpeg", "a.tiff.jpg", "a.tiff/8x.jpg"),
    ("a.bmp", "8x", "jpeg", "a.bmp.jpg", "a.bmp/8x.jpg"),
    ("a.ico", "8x", "jpeg", "a.ico.jpg", "a.ico/8x.jpg"),
    ("a.jp2", "8x", "jpeg", "a.jp2.jpg", "a.jp2/8x.jpg"),
    ("a.jxl", "8x", "jpeg", "a.jxl.jpg", "a.jxl/8x.jpg"),
    # The name tells no format.
    ("a", "8x", None, "a", "a/8x.jpg"),
    ("jpg", "8x", None, "jpg", "jpg/8x.jpg"),
    ("a.v2", "hero=8x", None, "a.v2", "a.v2/hero.jpg"),
    # A format is asked for.
    ("a.jpg", "8x-jpeg", "jpeg", "a.jpg", "a.jpg/8x-jpeg.jpg"),
    ("a.jpg", "8x-webp", "webp", "a.jpg.webp", "a.jpg/8x-webp.webp"),
    ("a.heic", "8x-jpeg", "jpeg", "a.heic.jpg", "a.heic/8x-jpeg.jpg"),
    ("a.heic", "hero=8x-png", "png", "a.heic.png", "a.heic/hero.png"),
    ("a", "8x-avif", "avif", "a.avif", "a/8x-avif.avif"),
    ("a.jpg", "8x-auto", "auto", "a.jpg.auto", "a.jpg/8x-auto.auto"),
    ("a.heic", "8x-auto-lossless", "auto", "a.heic.auto", "a.heic/8x-auto-lossless.auto"),
    # Losslessness is asked for.
    ("a.png", "8x-lossless", None, "a.png", "a.png/8x-lossless.png"),
    ("a.webp", "8x-lossless", None, "a.webp", "a.webp/8x-lossless.webp"),
    ("a.jpg", "8x-lossless", "png", "a.jpg.png", "a.jpg/8x-lossless.png"),
    ("a.avif", "8x-lossless", "webp", "a.avif.webp", "a.avif/8x-lossless.webp"),
    ("a.heic", "8x-lossless", "png", "a.heic.png", "a.heic/8x-lossless.png"),
    ("a.gif", "8x-lossless", "webp", "a.gif.webp", "a.gif/8x-lossless.webp"),
    ("a", "8x-lossless", None, "a", "a/8x-lossless.png"),
]


@pytest.mark.parametrize(("source", "text", "fixed", "single", "listed"), RULE)
def test_name_and_rendition_alone_fix_the_format_and_the_keys(
    source: str, text: str, fixed: str | None, single: str, listed: str
) -> None:
    assert keys.fixed_format(source, rendition(text)) == fixed
    assert keys.single_output(source, rendition(text)) == single
    assert keys.listed_output(source, rendition(text)) == listed


def test_the_rule_has_a_row_for_every_format() -> None:
    named = {keys.format_by_name(source) for source, text, *_ in RULE if text == "8x"}
    assert named == {*FORMATS, None}


def test_the_page_on_delivery_has_the_same_keys() -> None:
    page = (Path(__file__).parents[2] / "docs" / "delivery.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [^|]*`([^`]+)`[^|]* \| `([^`]+)` \| `([^`]+)` \| `([^`]+)` \|", page, re.MULTILINE)
    assert len(rows) == 10
    for source, text, single, listed in rows:
        assert keys.single_output(source, rendition(text)) == single
        assert keys.listed_output(source, rendition(text)) == listed


def test_an_output_key_that_would_be_too_long_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="dest_key: expected at most 1024 bytes"):
        keys.single_output("k" * 1017 + ".heic", rendition("8x"))


@pytest.mark.parametrize(
    ("source", "text"),
    [("a.jpg", "8x"), ("a.heic", "8x-jpeg"), ("a", "8x-auto"), ("a.gif", "8x-lossless"), ("a.jpg", "hero.1=8x-avif")],
)
def test_every_key_that_an_output_can_have_is_looked_at(source: str, text: str) -> None:
    outputs = [keys.single_output(source, rendition(text)), keys.listed_output(source, rendition(text))]
    assert all(keys.may_be_output(source, key) for key in (*outputs, keys.manifest(source)))


@pytest.mark.parametrize("key", ["a.jpg.txt", "a.jpg2", "a.jp", "a.jpg/b/8x.jpg", "a.jpg/b", "a.jpg-8x.jpg", "a.jpg/"])
def test_keys_of_others_are_not_looked_at(key: str) -> None:
    assert not keys.may_be_output("a.jpg", key)


def test_fingerprints_tell_sources_apart() -> None:
    assert len({keys.fingerprint("b", "k"), keys.fingerprint("b", "l"), keys.fingerprint("c", "k")}) == 3
    assert keys.fingerprint("b", "日本.jpg").isascii()


@pytest.mark.parametrize("source", ["a.jpg", "scan", "d.e/IMG_1.HEIC", "a/b"])
@pytest.mark.parametrize("text", ["8x", "x600-q80-webp", "8x-auto"])
def test_every_output_leads_back_to_its_source(source: str, text: str) -> None:
    asked = rendition(text)
    single = [keys.single_output(source, asked), *keys.possible_single_outputs(source)]
    made = [*single, keys.listed_output(source, asked), keys.manifest(source)]
    assert all(source in keys.possible_sources(output) for output in made)


def test_no_output_leads_back_to_an_empty_key() -> None:
    assert keys.possible_sources(".jpg") == [".jpg"]
