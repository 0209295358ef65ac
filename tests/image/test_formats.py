"""The table of formats, and the choice of the output format."""

from __future__ import annotations

from importlib import import_module

import pytest

from tests.pictures import box
from tinypics.image.formats import BY_EXTENSION, FORMATS, HEAD, OUTPUTS, output_format, sniff


@pytest.mark.parametrize("name", FORMATS)
def test_every_decoder_is_where_the_table_says(name: str) -> None:
    codec = FORMATS[name]
    if not codec.bundled:
        pytest.importorskip(codec.plugin)
    assert hasattr(import_module(codec.plugin), codec.decoder_class)
    assert codec.content_type.startswith("image/")


def test_what_is_written() -> None:
    assert set(OUTPUTS) == {"jpeg", "png", "webp", "avif", "gif"}
    assert [FORMATS[name].extension for name in ("jpeg", "tiff", "heif")] == ["jpg", "tif", "heic"]


def test_a_place_in_a_srcset_and_an_extension_belong_to_one_format() -> None:
    places = [codec.srcset_order for codec in FORMATS.values() if codec.encodes]
    assert len(set(places)) == len(places)
    assert all(places)
    assert len(BY_EXTENSION) == sum(1 + len(codec.other_extensions) for codec in FORMATS.values())


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\xff\xd8\xff\xe0", "jpeg"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"GIF87a", "gif"),
        (b"GIF89a", "gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
        (b"II*\0", "tiff"),
        (b"MM\0*", "tiff"),
        (b"II+\0", "tiff"),
        (b"BM", "bmp"),
        (b"\0\0\1\0\1\0", "ico"),
        (b"\xff\x4f\xff\x51", "jp2"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
        (b"\xff\x0a", "jxl"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
        (box(b"ftyp", b"avif", bytes(4), b"mif1miaf"), "avif"),
        (box(b"ftyp", b"mif1", bytes(4), b"mif1miafavif"), "avif"),
        (box(b"ftyp", b"avis", bytes(4), b"msf1"), "avif"),
        (box(b"ftyp", b"heic", bytes(4), b"mif1heic"), "heif"),
        (box(b"ftyp", b"mif1", bytes(4), b"mif1heic"), "heif"),
        (box(b"ftyp", b"heic", bytes(4)) + b"avif", "heif"),  # after the box
    ],
)
def test_formats_are_known_by_their_first_bytes(head: bytes, name: str) -> None:
    assert sniff(head.ljust(HEAD, b"\0")).name == name


@pytest.mark.parametrize(
    ("asked", "source", "content", "format"),
    [
        # the requested format
        ("webp", "jpeg", {}, "webp"),
        ("jpeg", "png", {"transparent"}, "jpeg"),
        # formats that can be written stay the same
        (None, "jpeg", {}, "jpeg"),
        (None, "png", {"few_colours"}, "png"),
        (None, "webp", {"transparent"}, "webp"),
        (None, "gif", {"animated"}, "gif"),
        (None, "avif", {}, "avif"),
        # other formats become JPEG, or PNG with transparency
        (None, "heif", {}, "jpeg"),
        (None, "tiff", {"few_colours"}, "jpeg"),
        (None, "ico", {"transparent"}, "png"),
        (None, "bmp", {}, "jpeg"),
        (None, "jp2", {}, "jpeg"),
        # lossless needs a format that supports it
        (None, "jpeg", {"lossless"}, "png"),
        (None, "webp", {"lossless"}, "webp"),
        (None, "avif", {"lossless"}, "png"),
        (None, "gif", {"lossless"}, "png"),
        (None, "gif", {"lossless", "animated"}, "webp"),
        # by content
        ("auto", "png", {}, "jpeg"),
        ("auto", "jpeg", {"few_colours"}, "png"),
        ("auto", "png", {"transparent"}, "webp"),
        ("auto", "gif", {"animated", "few_colours"}, "webp"),
        ("auto", "jpeg", {"lossless"}, "webp"),
        ("auto", "jpeg", {"lossless", "few_colours"}, "png"),
    ],
)
def test_the_rule(asked: str | None, source: str, content: set[str], format: str) -> None:
    facts = {name: name in content for name in ("transparent", "animated", "few_colours", "lossless")}
    assert output_format(asked, source, **facts) == format
