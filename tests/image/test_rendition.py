"""The text form and the object form; no invalid rendition can exist."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinypics.errors import InvalidRequest
from tinypics.image.formats import OUTPUTS
from tinypics.image.options import COMPASS, FITS, KEEPS, KERNELS, MAX_SIDE, OPTIONS, SMART
from tinypics.image.rendition import FIELDS, LOSSLESS, Rendition

_fraction = st.integers(0, 10_000).map(lambda n: f"{n / 10_000:g}")
_side = st.none() | st.integers(1, MAX_SIDE)


@st.composite
def renditions(draw: st.DrawFn) -> Rendition:
    dpr = draw(st.integers(10, 1000)) / 100
    most = int(MAX_SIDE / dpr)
    width = draw(st.none() | st.integers(1, min(most, MAX_SIDE)))
    lossless = draw(st.booleans())
    return Rendition(
        name=draw(st.none() | st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,62}\Z")),
        width=width,
        height=draw(st.integers(1, min(most, MAX_SIDE)) if width is None else _side.filter(lambda n: (n or 0) <= most)),
        fit=draw(st.sampled_from(FITS)),
        gravity=draw(st.sampled_from((*COMPASS, *SMART)) | st.builds("{},{}".format, _fraction, _fraction)),
        enlarge=draw(st.none() | st.booleans()),
        format=draw(st.sampled_from((None, "auto", *(LOSSLESS if lossless else OUTPUTS)))),
        quality=draw(st.none() | st.integers(1, 100)),
        lossless=lossless,
        subsampling=draw(st.sampled_from((None, "4:4:4", "4:2:0"))),
        background=draw(st.none() | st.from_regex(r"\A[0-9a-fA-F]{6}([0-9a-fA-F]{2})?\Z")),
        trim=draw(st.none() | st.integers(0, 255)),
        rotate=draw(st.sampled_from((0, 90, 180, 270))),
        flip=draw(st.booleans()),
        flop=draw(st.booleans()),
        dpr=dpr,
        linear=draw(st.booleans()),
        kernel=draw(st.sampled_from(KERNELS)),
        keep=draw(st.sampled_from(KEEPS)),
    )


@given(renditions())
def test_the_text_form_says_everything(rendition: Rendition) -> None:
    assert Rendition.parse(str(rendition)) == rendition


@given(renditions())
def test_the_text_form_is_safe_in_a_key_and_a_url_path(rendition: Rendition) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.=-]+", str(rendition))


@given(renditions())
def test_the_object_form_says_everything(rendition: Rendition) -> None:
    assert Rendition.from_fields({field: getattr(rendition, field) for field in FIELDS}) == rendition


@given(st.text(alphabet="0123456789xq-=atbgdpr.auflin ", max_size=30))
def test_any_text_is_a_rendition_or_refused_by_name(text: str) -> None:
    try:
        rendition = Rendition.parse(text)
    except InvalidRequest:
        return
    assert Rendition.parse(str(rendition)) == rendition


@pytest.mark.parametrize(
    ("text", "rendition"),
    [
        ("128x128", Rendition(width=128, height=128)),
        ("800x", Rendition(width=800)),
        ("x600-inside-webp-q80", Rendition(height=600, fit="inside", format="webp", quality=80)),
        ("thumb=128x128", Rendition(name="thumb", width=128, height=128)),
        ("my-thumb.v2=9x9", Rendition(name="my-thumb.v2", width=9, height=9)),
        ("64x64-at0.3x0.7", Rendition(width=64, height=64, gravity="0.3,0.7")),
        ("64x64-contain-bgff0000", Rendition(width=64, height=64, fit="contain", background="ff0000")),
        ("64x64-southwest", Rendition(width=64, height=64, gravity="southwest")),
        ("64x-noenlarge-dpr1.5", Rendition(width=64, enlarge=False, dpr=1.5)),
        ("256x-enlarge-nearest", Rendition(width=256, enlarge=True, kernel="nearest")),
        ("64x-rotate90-flip-flop", Rendition(width=64, rotate=90, flip=True, flop=True)),
        ("64x-keepall-trim10-lossless-png", Rendition(width=64, keep="all", trim=10, lossless=True, format="png")),
    ],
)
def test_texts(text: str, rendition: Rendition) -> None:
    assert Rendition.parse(text) == rendition


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        ("64x64-center-jpg", "64x64-jpeg"),
        ("64x64-cover-centre-keepnone", "64x64"),
        ("064x064", "64x64"),
        ("64x64-q80-webp", "64x64-webp-q80"),
        ("64x64-bgFF0000ff", "64x64-bgff0000"),
        ("64x64-at.5x1", "64x64-at0.5x1"),
        ("64x64-dpr1.0", "64x64"),
    ],
)
def test_other_spellings_become_the_canonical_one(spelling: str, canonical: str) -> None:
    assert str(Rendition.parse(spelling)) == canonical


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", 'rendition: expected a size and .*, got ""'),
        ("x", "width: expected a width or a height, got nothing"),
        ("0x9", "width: expected a whole number from 1 to 16384, got 0"),
        ("9x16385", "height: expected a whole number from 1 to 16384, got 16385"),
        ("9x9-", 'rendition: expected a word of docs/formats.md; the nearest are .*, got ""'),
        ("9x9-wepb", 'rendition: expected .* the nearest are webp, \\w+, \\w+, got "wepb"'),
        ("800", 'rendition: expected an x in the size: 800x is a width, x800 a height, got "800"'),
        ("t=800-webp", 'rendition: expected an x in the size: 800x is a width, .* got "t=800-webp"'),
        ("9x9-WEBP", 'got "WEBP"'),
        ("9x9-q80-q90", "expected quality once"),
        ("9x9-png-webp", "expected format once"),
        ("9x9-q0", "quality: expected a whole number from 1 to 100, got 0"),
        ("9x9-at0.3x1.1", "gravity: expected .*focal point"),
        ("=9x9", "name: expected"),
        ("../x=9x9", "name: expected"),
        ("a=b=9x9", "name: expected"),
        ("9x9-dpr11", "dpr: expected a number from 0.1 to 10, got 11"),
        ("9000x-dpr2", "dpr: expected sides of at most 16384"),
        ("9x9-jpeg-lossless", 'format: expected png, webp or auto with lossless, got "jpeg"'),
        ("9x9-bgabc", "background: expected a colour"),
        ("٩x٩", "rendition: expected"),
    ],
)
def test_a_wrong_text_is_refused_by_name(text: str, says: str) -> None:
    with pytest.raises(InvalidRequest, match=says):
        Rendition.parse(text)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"width": "128"}, 'width: expected a whole number from 1 to 16384, got "128"'),
        ({"width": True}, "width: .*got true"),
        ({"width": 128.0}, "width: .*got 128.0"),
        ({}, "width: expected a width or a height, got nothing"),
        ({"width": 9, "colour": 1}, 'rendition: expected fields name, .*, got "colour"'),
        ({"width": 9, "fit": None}, "fit: expected cover, .*, got nothing"),
        ({"width": 9, "fit": ["cover"]}, "fit: expected"),
        ({"width": 9, "gravity": 5}, "gravity: expected"),
        ({"width": 9, "rotate": False}, "rotate: expected 0, 90, 180, 270, got false"),
        ({"width": 9, "rotate": 45}, "rotate: .*got 45"),
        ({"width": 9, "flip": 1}, "flip: expected true or false, got 1"),
        ({"width": 9, "enlarge": "no"}, "enlarge: expected true or false"),
        ({"width": 9, "dpr": True}, "dpr: expected"),
        ({"width": 9, "dpr": float("nan")}, "dpr: expected"),
        ({"width": 9, "keep": "gps"}, "keep: expected none, icc, copyright, all"),
        ({"width": 9, "format": "heif"}, "format: expected jpeg, png, webp, gif, avif, auto"),
        ({"width": 9, "background": 0}, "background: expected"),
        ({"width": 9, "name": ""}, "name: expected"),
        ({"width": 9, "name": "x" * 64}, "name: expected"),
    ],
)
def test_wrong_fields_are_refused_by_name(fields: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidRequest, match=says):
        Rendition.from_fields(fields)


def test_every_field_is_an_option_in_its_place() -> None:
    assert tuple(option.field for option in OPTIONS) == FIELDS


def test_a_text_that_is_not_one_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"rendition: expected .* got 128"):
        Rendition.parse(128)  # type: ignore[arg-type]


def test_the_label_is_the_name_or_else_the_text() -> None:
    assert Rendition.parse("thumb=128x128-webp").label == "thumb"
    assert Rendition.parse("128x128-webp").label == "128x128-webp"


def test_the_box_is_in_pixels() -> None:
    assert Rendition.parse("100x33-dpr1.5").box == (150, 50)
    assert Rendition.parse("1x-dpr0.1").box == (1, None)


def test_a_whole_number_is_a_device_pixel_ratio() -> None:
    assert Rendition.from_fields({"width": 9, "dpr": 2}) == Rendition(width=9, dpr=2.0)
