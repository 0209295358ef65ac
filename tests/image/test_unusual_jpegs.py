"""Intact JPEGs that a decoder alone would refuse or misread."""

from __future__ import annotations

import struct

import pytest
from PIL import Image

from tests.pictures import encoded, near, opened
from tinypics import Limits, resize
from tinypics.errors import ImageTooLarge, UnsupportedFormat
from tinypics.image import native
from tinypics.image.headers import jpeg, jpeg_segments, reader
from tinypics.image.limits import DEFAULT, MIB
from tinypics.image.stream import BytesStream

COLOUR = (200, 60, 30)


def with_segments(*segments: tuple[int, bytes], progressive: bool = False) -> bytes:
    """A JPEG of 40x20 with these application segments and no others."""
    data = encoded(Image.new("RGB", (40, 20), COLOUR), "JPEG", progressive=progressive)
    added = b"".join(bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body for marker, body in segments)
    return data[:2] + added + data[20:]  # without Pillow's JFIF segment


def lossless(size: int = 64, marker: int = 0xC3) -> bytes:
    """Grey of `size` squared (T.81 annex H): predictor 1, a difference of category k has the code k in 4 bits."""
    bits = ""
    for y in range(size):
        for x in range(size):
            before = (3 * (x - 1) + y) % 200 if x else y - 1 if y else 128
            off = (3 * x + y) % 200 - before
            kind = abs(off).bit_length()
            code = off if off > 0 else off + (1 << kind) - 1
            bits += format(kind, "04b") + (format(code, f"0{kind}b") if kind else "")
    bits += "1" * (-len(bits) % 8)
    scan = int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\0")
    table = b"\0" + bytes([0, 0, 0, 9, *[0] * 12]) + bytes(range(9))
    frame = struct.pack(">BHHB", 8, size, size, 1) + b"\1\x11\0"
    segments = ((marker, frame), (0xC4, table), (0xDA, b"\1\1\0\1\0\0"))
    head = b"".join(bytes([0xFF, kind]) + struct.pack(">H", len(body) + 2) + body for kind, body in segments)
    return b"\xff\xd8" + head + scan + b"\xff\xd9"


# Pixels


@pytest.mark.table
@pytest.mark.parametrize("size", [(12_000, 9_000), (11_648, 8_736), (16_320, 12_240)])
def test_a_jpeg_of_many_pixels_is_decoded_smaller(size: tuple[int, int]) -> None:
    data = encoded(Image.new("L", size, 128), "JPEG", quality=20)
    output = resize(data, "128x128-png", Limits(memory=64 * MIB))
    assert near(opened(output.data).convert("RGB").getpixel((64, 64)), (128, 128, 128), 2)  # type: ignore[arg-type]


def test_the_decoded_pixels_are_limited_too() -> None:
    data = encoded(Image.new("L", (400, 300), 128), "JPEG")
    limits = Limits(pixels=10_000)
    assert resize(data, "30x22", limits).width == 30  # decoded at a quarter: 100 x 75
    with pytest.raises(ImageTooLarge, match="400 x 300 pixels; at most 10,000 are allowed"):
        resize(data, "400x300", limits)
    with pytest.raises(ImageTooLarge, match="at 1/2 of the size; at most 10,000 are allowed"):
        resize(data, "150x", limits)
    with pytest.raises(ImageTooLarge, match="400 x 300 pixels; at most 100,000 are allowed"):
        resize(data, "40x30", Limits(pixels=10_000, jpeg_pixels=100_000))


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
def test_a_picture_that_is_decoded_whole_keeps_its_limit(format: str) -> None:
    with pytest.raises(ImageTooLarge, match="400 x 300 pixels; at most 10,000"):
        resize(encoded(Image.new("L", (400, 300), 128), format), "40x30", Limits(pixels=10_000))


# Coding


@pytest.mark.parametrize("side", [8, 16, 30, 64])
def test_a_lossless_jpeg_is_decoded_whole(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "kernels", lambda: None)  # Pillow's resampler, so that the pixels are known
    pixels = [(3 * x + y) % 200 for y in range(64) for x in range(64)]
    whole = Image.new("L", (64, 64))
    whole.putdata(pixels)
    got = opened(resize(lossless(), f"{side}x{side}-png").data).convert("L")
    wanted = whole.resize((side, side), Image.Resampling.LANCZOS)
    worst = max(abs(a - b) for a, b in zip(got.tobytes(), wanted.tobytes(), strict=True))
    assert worst <= 2


def test_a_lossless_jpeg_is_not_scaled_and_keeps_the_limit_of_what_is_decoded_whole() -> None:
    with pytest.raises(ImageTooLarge, match="64 x 64 pixels; at most 4,000"):
        resize(lossless(), "8x8", Limits(pixels=4_000))


@pytest.mark.parametrize(
    ("marker", "says"),
    [(0xC5, "hierarchical"), (0xC7, "hierarchical"), (0xCF, "hierarchical"), (0xCB, "arithmetic"), (0xF7, "JPEG-LS")],
)
def test_a_coding_without_a_decoder_is_named(marker: int, says: str) -> None:
    with pytest.raises(UnsupportedFormat, match=f"a JPEG with .*{says}"):
        resize(lossless(16, marker), "8x8")


@pytest.mark.parametrize("count", [2, 5])
def test_a_number_of_components_without_a_colour_space_is_named(count: int) -> None:
    data = lossless(16)
    at = data.index(b"\xff\xc3")
    frame = data[at + 4 : at + 9] + bytes([count]) + b"\1\x11\0" * count
    data = data[: at + 2] + struct.pack(">H", len(frame) + 2) + frame + data[at + 13 :]
    with pytest.raises(UnsupportedFormat, match=f"{count} components"):
        resize(data, "8x8")


# Application segments

RESOURCE = b"Photoshop 3.0\x008BIM\x03\xed\0\0\0\0\0\x10" + bytes(16)
SEGMENTS = {
    "JFIF": (0xE0, b"JFIF\0\1\1\1\0\x48\0\x48\0\0"),
    "JFXX": (0xE0, b"JFXX\0\x10"),
    "Adobe": (0xEE, b"Adobe\0\x64\0\0\0\0\1"),
    "ICC": (0xE2, b"ICC_PROFILE\0\1\1\0\0"),
    "MPF": (0xE2, b"MPF\0II*\0\x08\0\0\0"),
    "Photoshop": (0xED, RESOURCE),
    "EXIF": (0xE1, b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\x01\3\0\1\0\0\0\1\0\0\0"),
    "XMP": (0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"),
}


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("kind", SEGMENTS)
def test_a_segment_may_be_cut_anywhere(kind: str, progressive: bool) -> None:
    marker, body = SEGMENTS[kind]
    for count in range(len(body) + 1):
        output = resize(with_segments((marker, body[:count]), progressive=progressive), "20x20-inside-png")
        assert (output.width, output.height) == (20, 10), count
        if kind != "Adobe" or count < 12:  # whole, it says that the colours are YCbCr, as they are
            assert near(opened(output.data).convert("RGB").getpixel((10, 5)), COLOUR, 4), count  # type: ignore[arg-type]


def test_a_cut_segment_among_whole_ones_is_left_out_alone() -> None:
    icc, exif = (0xE2, b"ICC_PROFILE\0"), SEGMENTS["EXIF"]
    output = resize(with_segments(SEGMENTS["JFIF"], (0xEE, b"Adobe"), exif, icc), "20x20-inside-png")
    assert output.dropped == ("profile",)


def test_a_jpeg_with_a_cut_segment_is_read_whole() -> None:
    """Its decoder gets other bytes than the file's, so it cannot follow the download."""
    long = with_segments((0xE0, b"JFIF\0")) + bytes(100_000)
    assert not jpeg.is_single_pass(long, DEFAULT)
    header = reader.read(BytesStream(long), DEFAULT)
    assert (header.stream, b"JFIF" in header.data) == (None, False)
    assert jpeg.is_single_pass(with_segments(SEGMENTS["JFIF"]) + bytes(100_000), DEFAULT)


def test_no_whole_segment_is_left_out() -> None:
    assert not jpeg_segments.read_frame_header(with_segments(*SEGMENTS.values())).cut
