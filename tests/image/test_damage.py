"""Messages about files that cannot be decoded describe the file, not the decoder."""

from __future__ import annotations

import re
from typing import Any

import pytest
from PIL import Image

from tests.pictures import encoded, photo
from tinypics import Limits, resize
from tinypics.errors import CorruptImage, ImageTooLarge

SIZE = (600, 400)
SENTENCE = (
    r"the [\w/ ]+ cannot be decoded: (its data are damaged|it ends after ([\d,]+)( of about ([\d,]+))? (kB|bytes).*)"
)
KINDS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 90},
    "PNG": {},
    "WEBP": {"quality": 95},
    "BMP": {},
    "TIFF": {"compression": "tiff_lzw"},
    "GIF": {},
    "AVIF": {"quality": 95},
    "JPEG2000": {},
}


def message(data: bytes) -> str:
    with pytest.raises(CorruptImage) as caught:
        resize(data, "600x-png")
    return str(caught.value)


def source(format: str) -> bytes:
    return encoded(photo(SIZE), format, **KINDS[format])


@pytest.mark.table
@pytest.mark.parametrize("part", [0.5, 0.8])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP", "AVIF"])
def test_a_file_that_ends_early_says_where_and_how_long_it_was(format: str, part: float) -> None:
    data = source(format)
    found = re.fullmatch(SENTENCE, message(data[: int(len(data) * part)]))
    assert found is not None
    scale = 1000 if found[5] == "kB" else 1
    ends, whole = (int(found[n].replace(",", "")) * scale for n in (2, 4))
    assert abs(ends - part * len(data)) <= scale
    assert abs(whole - len(data)) <= 0.25 * len(data)


@pytest.mark.table
@pytest.mark.parametrize("format", KINDS)
def test_no_message_is_a_decoder_s(format: str) -> None:
    data = source(format)
    texts = []
    for part in (0.3, 0.6, 0.95):
        try:
            resize(data[: int(len(data) * part)], "600x-png")
        except CorruptImage as error:
            texts.append(str(error))
    assert texts
    for text in texts:
        assert re.fullmatch(SENTENCE, text) or "cut short" in text, text


def test_a_progressive_jpeg_that_ends_early_has_no_rows_to_tell_by() -> None:
    data = encoded(photo(SIZE), "JPEG", progressive=True, quality=90)
    assert re.search(r"it ends after \d+ kB, in the middle of its picture$", message(data[: len(data) // 2]))


def test_a_small_file_is_measured_in_bytes() -> None:
    data = encoded(Image.new("RGB", (20, 20), "red"), "BMP")
    assert message(data[:700]).endswith(f"it ends after 700 of about {len(data):,} bytes")


def test_a_file_that_is_whole_but_damaged() -> None:
    data = bytearray(source("PNG"))
    at = data.index(b"IDAT") + 4
    data[at + 100 : at + 300] = bytes(200)
    assert message(bytes(data)) == "the PNG cannot be decoded: its data are damaged"


# Outputs that a format cannot hold


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("16384x2-enlarge-fill-webp", "an output of 16384 x 2 pixels; a WebP has a side of at most 16,383"),
        ("2x16384-enlarge-fill-webp", "a WebP has a side of at most 16,383"),
        ("x2-enlarge-jpeg", "an output of 80000 x 2 pixels; a JPEG has a side of at most 65,500"),
        ("x2-enlarge-gif", "an output of 80000 x 2 pixels; a GIF has a side of at most 65,535"),
    ],
)
def test_an_output_that_its_format_cannot_hold(text: str, says: str) -> None:
    with pytest.raises(ImageTooLarge, match=says):
        resize(encoded(Image.new("RGB", (40_000, 1)), "PNG"), text, Limits(output_side=100_000))


def test_the_longest_output_of_a_format_is_made() -> None:
    picture = encoded(Image.new("RGB", (2, 2)), "PNG")
    assert resize(picture, "16383x1-enlarge-fill-webp").width == 16_383
    with pytest.raises(ImageTooLarge, match="a WebP has"):
        resize(encoded(Image.new("RGBA", (2, 2)), "PNG"), "16384x1-enlarge-fill-auto")
