from __future__ import annotations

import base64
import io
import json
from html.parser import HTMLParser
from typing import Any

import pytest
from PIL import Image

import tinypics
from tinypics.delivery.manifest import Manifest, StoredOutput, markup, markup_notes, placeholder
from tinypics.image.pipeline import resize
from tinypics.image.placeholder import PLACEHOLDER

SOURCE = {"bucket": "in", "key": "a.jpg", "etag": "e1", "width": 4000, "height": 3000, "format": "jpeg", "bytes": 9}


def stored(key: str, width: int, height: int, format: str) -> StoredOutput:
    return StoredOutput(f"{width}x", key, width, height, format, 1000, "etag", "sha")


class Tags(HTMLParser):
    """Every tag with its attributes, parsed as by a browser."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


WHOLE = [
    stored("a/800.webp", 800, 600, "webp"),
    stored("a/400.webp", 400, 300, "webp"),
    stored("a/800.jpg", 800, 600, "jpeg"),
    stored("a/400.avif", 400, 300, "avif"),
]


def test_the_markup_offers_every_format_and_falls_back_to_the_one_that_all_read() -> None:
    srcset, picture = markup(WHOLE, SOURCE, "#102030", "")
    assert srcset == {
        "image/avif": "a/400.avif 400w",
        "image/webp": "a/400.webp 400w, a/800.webp 800w",
        "image/jpeg": "a/800.jpg 800w",
    }
    tags = Tags(picture).found
    assert [tag for tag, _ in tags] == ["picture", "source", "source", "img"]
    assert [attributes["type"] for tag, attributes in tags if tag == "source"] == ["image/avif", "image/webp"]
    image = tags[-1][1]
    assert (image["src"], image["width"], image["height"]) == ("a/800.jpg", "800", "600")
    assert image["style"] == "background:#102030"


def test_crops_of_another_shape_are_left_out_unless_there_is_nothing_else() -> None:
    square = [stored("a/128.jpg", 128, 128, "jpeg"), stored("a/64.jpg", 64, 64, "jpeg")]
    assert "128" not in markup([*WHOLE, *square], SOURCE, "#000000", "")[1]
    wide = stored("a/wide.jpg", 300, 100, "jpeg")
    assert markup([*square, wide], SOURCE, "#000000", "")[0] == {"image/jpeg": "a/64.jpg 64w, a/128.jpg 128w"}


def test_the_width_on_the_page_is_the_widest_outputs_unless_it_is_set() -> None:
    square = [stored("a/128.jpg", 128, 128, "jpeg"), stored("a/256.jpg", 256, 256, "jpeg")]
    default, given = (Tags(markup(square, SOURCE, "#000000", "", sizes)[1]).found[-1][1] for sizes in ("", '"50vw'))
    assert default["sizes"] == "(max-width: 256px) 100vw, 256px"
    assert (given["sizes"], given["alt"]) == ('"50vw', "")


def test_the_notes_say_what_the_markup_lacks() -> None:
    crop = stored("a/hero.jpg", 300, 100, "jpeg")
    alone = markup_notes(WHOLE, SOURCE, "https://cdn.example/", "50vw")
    assert alone == ["alt is empty: describe the picture in it."]
    webp = [item for item in WHOLE if item.format == "webp"]
    alt, left_out, fallback, assumed, relative = markup_notes([*webp, crop], SOURCE, "")
    assert left_out == "300x is left out: the others have another aspect ratio than its 300x100."
    assert "add a rendition like 800x-jpeg" in fallback
    assert assumed.startswith("sizes assumes 800px, the widest output: set the parameter Sizes")
    assert "UrlBase" in relative
    assert json.loads(Manifest(SOURCE, "r", (*webp, crop), {"data_uri": "", "colour": "#000000"}).to_json())[
        "notes"
    ] == [
        *(alt, left_out, fallback, assumed, relative),
    ]
    squares = [stored("a/64.webp", 64, 64, "webp"), stored("a/256.webp", 256, 256, "webp")]
    assert "add a rendition like 256x256-jpeg" in markup_notes(squares, SOURCE, "")[1]


def test_addresses_are_those_that_the_library_gives() -> None:
    output = stored("thumbs/a b.jpg/80x60-webp.webp", 80, 60, "webp")
    _, picture = markup([output], SOURCE, "#000000", "https://cdn.example/", prefix="thumbs/")
    assert Tags(picture).found[1][1]["src"] == tinypics.url("a b.jpg", "80x60-webp", base="https://cdn.example/")
    relative, _ = markup([output], SOURCE, "#000000", "", prefix="thumbs/")
    assert relative == {"image/webp": "thumbs/a%20b.jpg/80x60-webp.webp 80w"}


@pytest.mark.parametrize("key", ['"><script>alert(1)</script>.jpg', "a b,c/ü?#%41&'.jpg", "<img src=x onerror=y>.jpg"])
def test_a_hostile_key_is_an_address_and_nothing_else(key: str) -> None:
    _, picture = markup([stored(key, 800, 600, "jpeg")], SOURCE, "#000000", "https://cdn.example/")
    tags = Tags(picture).found
    assert [tag for tag, _ in tags] == ["picture", "img"]
    address, descriptor = (tags[1][1]["srcset"] or "").split(" ")
    assert descriptor == "800w"
    assert address == tags[1][1]["src"]
    assert not set(address.removeprefix("https://cdn.example/")) & set(" ,\"'<>?#&")


@pytest.mark.parametrize("colour", [(200, 30, 40), (10, 120, 220), (250, 250, 250)])
def test_the_placeholder_is_tiny_and_knows_the_colour_that_most_of_the_picture_has(
    colour: tuple[int, int, int],
) -> None:
    image = Image.new("RGB", (400, 300), colour)
    image.paste((0, 0, 0), (0, 0, 100, 300))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    made = placeholder(resize(buffer.getvalue(), PLACEHOLDER))
    head, _, data = made["data_uri"].partition(",")
    assert head == "data:image/webp;base64"
    assert len(made["data_uri"]) < 1000
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (16, 12)
    shown = tuple(bytes.fromhex(made["colour"].removeprefix("#")))
    assert all(abs(a - b) < 25 for a, b in zip(shown, colour, strict=True))


def test_a_manifest_comes_back_as_it_was() -> None:
    manifest = Manifest(SOURCE, "recipe", tuple(WHOLE), {"data_uri": "data:", "colour": "#000000"})
    assert Manifest.from_json(manifest.to_json("https://cdn.example/")) == manifest
    shown = {"data_uri": "data:", "colour": "#000000"}
    claim = Manifest(SOURCE, "recipe", placeholder=shown, claim="0123", keys=("a.jpg/8x.jpg",))
    assert Manifest.from_json(claim.to_json()) == claim


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"renditions": [{"key": "a"}]},
        {"renditions": [5]},
        {"renditions": 5},
        {"renditions": [vars(WHOLE[0]) | {"key": 5}]},
        {"renditions": [vars(WHOLE[0]) | {"format": "tiff"}]},
        {"renditions": [vars(WHOLE[0]) | {"dropped": 5}]},
        {"recipe": None},
        {"recipe": 5},
        {"source": []},
        {"source": {}},
        {"source": SOURCE | {"etag": None}},
        {"source": SOURCE | {"width": "4000"}},
        {"placeholder": {}},
        {"placeholder": 5},
        {"claim": []},
        {"keys": [5]},
        {"keys": 5},
    ],
)
def test_what_is_no_manifest_of_this_version_is_none(change: dict[str, Any]) -> None:
    document = json.loads(Manifest(SOURCE, "r", tuple(WHOLE), {"data_uri": "", "colour": "#000000"}).to_json())
    changed = {name: value for name, value in (document | change).items() if value is not None}
    assert Manifest.from_json(json.dumps(changed).encode()) is None
