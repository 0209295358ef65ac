"""The `<picture>` element of a key and its renditions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.delivery.test_manifest import Tags
from tinypics import Rendition, picture_html, url
from tinypics.errors import InvalidRequest

BASE = "https://pics.example.com/"


def tags(key: str, renditions: list[Rendition | str], **options: Any) -> list[tuple[str, dict[str, str | None]]]:
    return Tags(picture_html(key, renditions, base=BASE, **options)).found


def test_every_format_is_offered_in_every_width() -> None:
    found = tags("a/cat.jpg", ["800x-webp", "400x-webp", "800x", "400x", "400x-avif"], sizes="50vw", alt='A "cat"')
    assert [(name, each.get("type")) for name, each in found] == [
        ("picture", None),
        ("source", "image/avif"),
        ("source", "image/webp"),
        ("img", None),
    ]
    webp, image = found[2][1], found[3][1]
    assert webp["srcset"] == f"{BASE}a/cat.jpg/400x-webp.webp 400w, {BASE}a/cat.jpg/800x-webp.webp 800w"
    assert image["src"] == f"{BASE}a/cat.jpg/800x.jpg"
    assert (image["sizes"], image["alt"], image["loading"]) == ("50vw", 'A "cat"', "lazy")
    assert "height" not in image  # of the whole picture: not known here


def test_addresses_with_auto_need_one_element() -> None:
    _, (name, image) = tags("cat.jpg", ["400x.auto", "800x.auto"])
    assert name == "img"
    assert image["srcset"] == f"{BASE}cat.jpg/400x.auto 400w, {BASE}cat.jpg/800x.auto 800w"
    assert image["sizes"] == "(max-width: 800px) 100vw, 800px"


def test_a_crop_has_its_size_so_that_the_page_does_not_jump() -> None:
    (_, image) = tags("cat.jpg", [Rendition(width=64, height=64), "128x128"])[-1]
    assert (image["width"], image["height"]) == ("128", "128")
    assert image["srcset"] == f"{BASE}cat.jpg/64x64.jpg 64w, {BASE}cat.jpg/128x128.jpg 128w"


def test_the_addresses_are_those_of_url() -> None:
    options: dict[str, Any] = {"version": "5d41402abc4b2a76", "secret": {"1": "k" * 32}, "expires": 1796000000}
    (_, image) = tags("ü +.jpg", ["hero=800x-jpeg"], **options)[-1]
    assert image["src"] == url("ü +.jpg", "hero=800x-jpeg", base=BASE, **options)


def test_own_attributes_are_added_and_replace_the_defaults() -> None:
    (_, image) = tags("cat.jpg", ["800x"], attributes={"class": 'a" onload="b', "loading": "eager"})[-1]
    assert (image["class"], image["loading"]) == ('a" onload="b', "eager")
    assert "onload" not in image


@pytest.mark.parametrize(
    ("renditions", "options", "reason"),
    [
        ([], {}, "renditions: expected a list of renditions"),
        ("800x", {}, "renditions: expected a list of renditions"),
        (["x600"], {}, 'renditions: expected a width in each, for srcset, got "x600"'),
        (["800x", "400x400"], {}, 'renditions: expected one aspect ratio, got "800x, 400x400"'),
        (["64x64", "800x600"], {}, "renditions: expected one aspect ratio"),
        (["800x"], {"attributes": {"onerror": "alert(1)"}}, "attributes: expected names of attributes"),
        (["800x"], {"attributes": {"a b": ""}}, "attributes: expected names of attributes"),
        (["hero.webp"], {}, "rendition: expected a size"),
    ],
)
def test_a_list_that_no_browser_can_choose_from_is_refused(renditions: Any, options: Any, reason: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        picture_html("cat.jpg", renditions, base=BASE, **options)
    assert refused.value.message.startswith(reason)
