"""Addresses: the vectors that every implementation shares, parsing, and signatures."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinypics
from tinypics.delivery.keys import EXTENSIONS
from tinypics.errors import InvalidRequest
from tinypics.urls.address import AUTO_FORMATS, Address

VECTORS = json.loads((Path(__file__).parents[2] / "examples" / "addresses.json").read_text())
RING: dict[str, str] = VECTORS["secret"]
BASE: str = VECTORS["base"]
NOW = 1767200000


def names(item: Any) -> str:
    return str(item["address"]).removeprefix(BASE)


def split(url: str) -> tuple[str, str]:
    path, _, query = url.removeprefix(BASE.rstrip("/")).partition("?")
    return path, query


@pytest.mark.parametrize("item", VECTORS["addresses"], ids=names)
def test_an_address_is_that_of_its_vector(item: Any) -> None:
    secret = RING if item.get("signed") else None
    options = {"version": item.get("version"), "secret": secret, "expires": item.get("expires")}
    assert tinypics.url(item["key"], item["rendition"], base=BASE, **options) == item["address"]
    assert re.fullmatch(r"[A-Za-z0-9._~%/:-]+(\?[vse]=[A-Za-z0-9_-]+(&[vse]=[A-Za-z0-9_-]+)*)?", item["address"])


@pytest.mark.parametrize("item", VECTORS["addresses"], ids=names)
def test_a_parsed_address_has_the_fields_of_its_vector(item: Any) -> None:
    parsed = Address.parse(*split(item["address"]))
    assert (parsed.key, parsed.name) == (item["key"], item["name"])
    assert parsed.version == (item["version"].strip('"')[:8] if "version" in item else None)
    assert parsed.is_signed(RING, NOW) == bool(item.get("signed"))
    decoded = f"/{item['key']}/{item['name']}"
    assert Address.parse(decoded, split(item["address"])[1], encoded=False) == parsed


def test_a_bare_plus_is_a_plus() -> None:
    assert Address.parse("/a+b.png/128x128.png") == Address.parse("/a%2Bb.png/128x128.png")


def test_a_secret_may_be_the_document_and_the_time_a_datetime() -> None:
    signed = tinypics.url("cat.jpg", "64x64", base=BASE, secret=json.dumps(RING), expires=1796000000)
    until = datetime.fromtimestamp(1796000000, UTC)
    assert tinypics.url("cat.jpg", "64x64", base=BASE, secret=RING, expires=until) == signed


def test_both_keys_of_a_rotation_are_valid_and_a_removed_one_is_not() -> None:
    old = {"1": RING["1"]}
    parsed = Address.parse(*split(tinypics.url("cat.jpg", "64x64", base=BASE, secret=old)))
    assert parsed.is_signed(RING)
    assert not parsed.is_signed({"2": RING["2"]})
    assert not parsed.is_signed({"1": RING["2"]})


def test_a_signature_ends_with_its_last_second() -> None:
    parsed = Address.parse(*split(tinypics.url("cat.jpg", "64x64", base=BASE, secret=RING, expires=1)))
    assert parsed.expires == "86400"
    assert parsed.is_signed(RING, 86399.9)
    assert not parsed.is_signed(RING, 86400)


def test_a_signature_of_auto_is_valid_for_what_it_becomes_and_no_more() -> None:
    path, query = split(tinypics.url("cat.jpg", "800x.auto", base=BASE, secret=RING))
    valid = [
        extension
        for extension in ("auto", "webp", "avif", "jpg", "png", "gif")
        if Address.parse(path.replace(".auto", f".{extension}"), query).is_signed(RING)
    ]
    assert valid == ["auto", "webp", "avif"]
    path, query = split(tinypics.url("cat.jpg", "800x.webp", base=BASE, secret=RING))
    assert not Address.parse(path.replace(".webp", ".auto"), query).is_signed(RING)


@given(st.data())
def test_any_changed_bit_is_refused(data: st.DataObject) -> None:
    item = data.draw(st.sampled_from([each for each in VECTORS["addresses"] if each.get("signed")]))
    parsed = Address.parse(*split(item["address"]))
    fields = {name: text for name, text in vars(parsed).items() if name != "version" and text}
    name = data.draw(st.sampled_from(sorted(fields)))
    octets = bytearray(fields[name].encode())
    bit = data.draw(st.integers(0, len(octets) * 8 - 1))
    octets[bit // 8] ^= 1 << bit % 8
    changed = octets.decode(errors="replace")
    assert not Address(**{**vars(parsed), name: changed}).is_signed(RING, NOW)


@pytest.mark.parametrize(
    "path",
    [
        "/", "", "/cat.jpg", "/cat.jpg/", "/cat.jpg/128x128", "/cat.jpg/128x128.txt", "/cat.jpg/128x128.JPG",
        "/cat.jpg/128x128.jpeg", "/128x128.jpg", "/cat.jpg/.jpg", "/cat.jpg/a%20b.jpg", "/a//b/128x128.jpg",
        "/../b/128x128.jpg", "/%2e%2e/b/128x128.jpg", "/a%00b/128x128.jpg", "/%FF/128x128.jpg",
        "/cat.jpg/128x128-q80-webp.webp", "/cat.jpg/800x-cover.jpg", f"/{'a' * 1025}/128x128.jpg",
        f"/{'a' * 9000}/128x128.jpg", "/cat.jpg/manifest.json",
    ],
)  # fmt: skip
def test_a_path_of_another_form_is_refused(path: str) -> None:
    with pytest.raises(InvalidRequest):
        Address.parse(path)


def test_only_the_parameters_of_the_form_count() -> None:
    path = "/cat.jpg/128x128.jpg"
    assert Address.parse(path, "utm_source=x&v=zzzzzzzz&=&a").version is None
    assert Address.parse(path, "v=5d41402abc").version is None
    assert Address.parse(path, "v=5d41402a").version == "5d41402a"
    with pytest.raises(InvalidRequest, match="the parameter s once"):
        Address.parse(path, "s=1&s=2")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"base": ""}, "base: expected an address"),
        ({"base": "cdn.example.com"}, "base: expected an address"),
        ({"base": "https://h/?x="}, "base: expected an address"),
        ({"base": 'https://h/"onload='}, "base: expected an address"),
        ({"version": "newest"}, "version: expected the ETag"),
        ({"expires": 1796000000}, "expires: expected nothing without a secret"),
        ({"secret": "{}"}, "secret: expected a JSON document"),
        ({"secret": "key"}, "secret: expected a JSON document"),
        ({"secret": {"10": "x" * 32}}, "secret: expected a JSON document"),
        ({"secret": {"1": "short"}}, "secret: expected a JSON document"),
        ({"secret": RING, "expires": -1}, "expires: expected a time"),
        ({"rendition": "800"}, "rendition: expected"),
        ({"rendition": "a b.jpg"}, "rendition: expected"),
        ({"key": "/cat.jpg"}, "key: expected"),
        ({"key": "a" * 1020}, "dest_key: expected at most 1024 bytes"),
    ],
)
def test_an_invalid_argument_is_named(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"key": "cat.jpg", "rendition": "800x", "base": BASE} | change
    with pytest.raises(InvalidRequest, match=re.escape(message)) as caught:
        tinypics.url(arguments.pop("key"), arguments.pop("rendition"), **arguments)
    assert "short" not in str(caught.value)


def test_a_base_may_be_a_path_and_needs_no_slash() -> None:
    assert tinypics.url("cat.jpg", "800x", base="/pics") == "/pics/cat.jpg/800x.jpg"
    assert tinypics.url("cat.jpg", "800x", base="/") == "/cat.jpg/800x.jpg"


def test_an_address_needs_neither_pillow_nor_a_network() -> None:
    program = "import tinypics, sys; tinypics.url('a', '1x', base='/'); print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in ran.stdout.split()}
    assert not loaded & {"PIL", "obstore", "botocore", "socket", "ssl"}


def test_the_extensions_of_auto_are_those_of_outputs() -> None:
    assert set(AUTO_FORMATS) < EXTENSIONS
