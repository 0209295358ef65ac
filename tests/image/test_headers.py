"""The headers of each format, compared with the written pictures."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.pictures import (
    adam7,
    animation,
    avif_header,
    box,
    encoded,
    gif_of_frames,
    photo,
    png,
    png_chunk,
    quadrants,
    srgb_profile,
    tiff,
    with_orientation,
)
from tinypics.image.headers import isobmff, jpeg, jpeg_segments
from tinypics.image.headers.exif import read_orientation
from tinypics.image.headers.header import Header
from tinypics.image.headers.reader import read
from tinypics.image.limits import DEFAULT
from tinypics.image.stream import BytesStream
from tinypics.values import replace

PHOTO = photo((70, 50))


def header(data: bytes) -> Header:
    return read(BytesStream(data), DEFAULT)


@pytest.mark.parametrize(
    ("format", "options", "mode", "facts"),
    [
        ("JPEG", {}, "RGB", {"channels": 3, "buffered": False, "scans": 1}),
        ("JPEG", {"progressive": True}, "RGB", {"channels": 3, "buffered": True, "scans": 10}),
        ("JPEG", {}, "L", {"channels": 1, "buffered": False}),
        ("JPEG", {"progressive": True}, "L", {"channels": 1, "buffered": True}),
        ("JPEG", {}, "CMYK", {"channels": 4}),
        ("JPEG", {"restart_marker_blocks": 1}, "RGB", {"scans": 1}),
        ("JPEG", {"restart_marker_blocks": 1, "progressive": True}, "RGB", {"scans": 10}),
        ("PNG", {}, "RGB", {"channels": 3, "bits": 8}),
        ("PNG", {}, "RGBA", {"channels": 4}),
        ("PNG", {}, "LA", {"channels": 2}),
        ("PNG", {}, "P", {"channels": 4}),
        ("PNG", {}, "1", {"channels": 1, "bits": 1}),
        ("PNG", {}, "I;16", {"channels": 1, "bits": 16}),
        ("GIF", {}, "P", {"frames": 1, "loop_count": 1}),
        ("WEBP", {}, "RGB", {"frames": 1}),
        ("WEBP", {"lossless": True}, "RGB", {"frames": 1}),
        ("WEBP", {"icc_profile": srgb_profile()}, "RGB", {"frames": 1}),
        ("AVIF", {}, "RGB", {"channels": 3, "bits": 8}),
        ("AVIF", {}, "RGBa", {"channels": 4}),
        ("TIFF", {}, "RGB", {"channels": 3, "bits": 8, "strips": 1, "block": 3500}),
        ("TIFF", {}, "1", {"channels": 1, "bits": 1}),
        ("TIFF", {"compression": "tiff_lzw", "strip_size": 2100}, "RGB", {"strips": 5, "block": 700}),
        ("TIFF", {"big_tiff": True}, "RGB", {"strips": 1, "block": 3500}),
        ("BMP", {}, "RGB", {}),
        ("JPEG2000", {}, "RGB", {"channels": 3, "bits": 8}),
        ("JPEG2000", {"no_jp2": True}, "RGBA", {"channels": 4}),
        ("ICO", {"sizes": [(16, 16), (48, 48)]}, "RGB", {"size": (48, 34)}),
    ],
)
def test_facts(format: str, options: dict[str, Any], mode: str, facts: dict[str, object]) -> None:
    if mode == "I;16":
        image = PHOTO.convert("L").convert(mode)
    elif mode == "RGBa":  # half transparent: an opaque alpha channel is not written
        image = PHOTO.convert("RGBA")
        image.putalpha(128)
    else:
        image = PHOTO.convert(mode)
    found = header(encoded(image, format, **options))
    assert {name: getattr(found, name) for name in facts} == facts
    assert found.size == facts.get("size", (70, 50))


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "AVIF"])
@pytest.mark.parametrize("loop", [0, 1, 5])
def test_animations(format: str, loop: int) -> None:
    frames = animation(6)
    found = header(encoded(frames[0], format, save_all=True, append_images=frames[1:], duration=50, loop=loop))
    assert (found.frames, found.size) == (6, (40, 30))
    if format != "AVIF":  # the header does not say
        assert found.loop_count == (loop + 1 if format == "GIF" and loop else loop)


def test_a_gif_may_have_colour_tables_and_blocks_of_any_kind() -> None:
    data = gif_of_frames(1)[:-1] + b"!\xfe\5hello\0!\xf9\4\0\0\0\0\0" + b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0x81)
    data += bytes(12) + b"\x02\x02\x44\x01\0" + b"!\xff\x0bNETSCAPE2.0\3\1\2\0\0;"
    found = header(data)
    assert (found.frames, found.loop_count) == (2, 3)


# JPEG


def test_scans_of_a_progressive_jpeg_are_walked_to_the_end() -> None:
    data = encoded(PHOTO, "JPEG", progressive=True)
    found = header(data)
    assert found.dc_end is not None
    # So far there is one scan, of coefficient 0 of all three components.
    head = data[: found.dc_end]
    assert head.count(b"\xff\xda") == 1
    assert data[found.dc_end] == 0xFF
    assert read(BytesStream(head + b"\xff\xd9"), DEFAULT).scans == 1


def test_dc_scans_of_single_components_all_count() -> None:
    """Script: one DC scan for each component, then one of AC. All components are complete only after the third."""
    data = encoded(PHOTO, "JPEG", progressive=True)
    frame = jpeg_segments.read_frame_header(data)

    def scan(component: int, first: int, last: int, high: int = 0) -> bytes:
        return b"\xff\xda\0\x08\1" + bytes([component, 0, first, last, high << 4 | 1]) + b"\x12\xff\0\x34"

    one, two, three = frame.components
    scans = [
        scan(one, 0, 0),
        scan(two, 0, 0),
        scan(one, 1, 5),
        scan(three, 0, 0),
        scan(one, 0, 0, high=1),
        scan(two, 1, 63),
    ]
    whole = data[: frame.scan] + b"".join(scans) + b"\xff\xd9"
    found = jpeg.find_scans(whole, frame, 100)
    assert found == jpeg.Scans(6, len(data[: frame.scan] + b"".join(scans[:4])))
    without = data[: frame.scan] + b"".join(scans[:3] + scans[4:]) + b"\xff\xd9"
    assert jpeg.find_scans(without, frame, 100) == jpeg.Scans(5, None)
    assert not jpeg.find_scans(whole[:-1], frame, 100).complete


def test_rubbish_between_segments_is_skipped() -> None:
    data = encoded(PHOTO, "JPEG", progressive=True)
    at = jpeg_segments.read_frame_header(data).scan
    padded = data[:2] + b"\xff\xff\xff" + data[2:at] + b"\0\0\xff\xff" + data[at:]
    assert header(padded).scans == 10
    assert jpeg_segments.read_frame_header(b"\xff\xd8junk" + data[2:]).size == (70, 50)


@pytest.mark.parametrize("arithmetic", [0xC9, 0xCA])
def test_arithmetic_coding_is_a_frame_like_any(arithmetic: int) -> None:
    progressive = arithmetic == 0xCA
    data = encoded(PHOTO, "JPEG", progressive=progressive)
    data = data.replace(b"\xff\xc2\0\x11" if progressive else b"\xff\xc0\0\x11", bytes([0xFF, arithmetic, 0, 0x11]))
    assert (header(data).size, header(data).buffered) == ((70, 50), progressive)


def test_rubbish_between_scans_is_skipped() -> None:
    data = encoded(PHOTO, "JPEG", progressive=True)
    second = data.index(b"\xff\xda", jpeg_segments.read_frame_header(data).scan + 2)
    assert header(data[:second] + b"\0\0\xff\x01\xff\xff" + data[second:]) == replace(
        header(data), data=data[:second] + b"\0\0\xff\x01\xff\xff" + data[second:]
    )


# PNG


def test_what_a_png_decoder_has_no_use_for_is_cut_out() -> None:
    chunks = [(b"tEXt", b"a\0b"), (b"gAMA", bytes(4)), (b"cICP", bytes([12, 13, 0, 1])), (b"iCCP", b"x\0\0no zlib")]
    rows = [bytes(27)] * 9
    found = header(png((9, 9), 2, 8, rows, chunks))
    assert found.data == png((9, 9), 2, 8, rows)
    assert (found.icc, found.nclx) == (None, (12, 13))  # cICP counts before iCCP (PNG 3rd edition, 4.3)


def test_what_stands_behind_the_pixels_is_found_too() -> None:
    data = png((9, 9), 2, 8, [bytes(27)] * 9)
    exif = with_orientation(6)[6:]
    late = data[:-12] + png_chunk(b"zTXt", b"a") + png_chunk(b"eXIf", exif) + data[-12:] + b"rubbish"
    assert header(late).exif == exif
    assert header(late).data == data + b"rubbish"


def test_an_interlaced_png_is_as_large_as_it_says() -> None:
    pixels = np.asarray(photo((33, 17)))
    data = png((33, 17), 2, 8, adam7(pixels), interlaced=True)
    assert header(data).size == (33, 17)
    assert header(data).data is data


# Boxes


def test_boxes_tell_colours_bits_and_what_else_is_inside() -> None:
    data = avif_header(
        (640, 480),
        box(b"ispe", bytes(4), struct.pack(">II", 64, 48)),
        box(b"pixi", bytes(4), b"\3\x0a\x0a\x0a"),
        box(b"colr", b"nclx", struct.pack(">HHHB", 9, 16, 9, 128)),
        box(b"colr", b"nclx", struct.pack(">HHHB", 1, 1, 1, 0)),
        box(b"auxC", bytes(4), b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"),
        box(b"auxC", bytes(4), b"urn:com:apple:photo:2020:aux:hdrgainmap\0"),
        box(b"auxC", bytes(4), b"urn:mpeg:hevc:2015:auxid:2\0"),
        box(b"auxC", bytes(4), b"urn:something:else\0"),
        box(b"clap", struct.pack(">IIIIiIiI", 320, 1, 481, 2, -1, 1, 0, 1)),
    )
    found = header(data)
    assert (found.size, found.bits, found.channels, found.nclx) == ((640, 480), 10, 4, (9, 16))
    assert found.extras == ("gain-map", "depth")
    assert found.crop == (320, 240.5, -1, 0)


def test_a_picture_derived_with_a_gain_map_has_one() -> None:
    inside = box(b"meta", bytes(4), box(b"iinf", b"....tmap...."))
    assert header(avif_header((8, 8)) + inside).extras == ("gain-map",)


def test_boxes_may_be_large_or_run_to_the_end() -> None:
    ispe = box(b"ispe", bytes(4), struct.pack(">II", 30, 20))
    meta = bytes(4) + box(b"iprp", box(b"ipco", ispe))
    large = struct.pack(">I4sQ", 1, b"meta", 16 + len(meta)) + meta
    to_the_end = struct.pack(">I4s", 0, b"meta") + meta
    assert isobmff.read_boxes(large).size == (30, 20)
    assert isobmff.read_boxes(to_the_end).size == (30, 20)


def test_a_clean_aperture_over_zero_is_none() -> None:
    assert header(avif_header((8, 8), box(b"clap", bytes(32)))).crop is None


# TIFF, which EXIF also uses


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation: int) -> None:
    exif = with_orientation(orientation)
    assert read_orientation(exif) == read_orientation(exif.removeprefix(b"Exif\0\0")) == orientation


@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"Exif\0\0",
        b"II*\0\xff\xff\xff\xff",
        b"MM\0*" + bytes(3),
        with_orientation(9),
        with_orientation(0),
        b"II*\0\x08\0\0\0\xff\xff" + bytes(99),
        b"II+\0\x08\0\0\0" + b"\xff" * 8,
    ],
)
def test_orientation_that_makes_no_sense_is_upright(exif: bytes) -> None:
    assert read_orientation(exif) == 1


def test_tiles() -> None:
    found = header(
        tiff((600, 400), {322: (256,), 323: (128,), 324: (8, 9, 10, 11), 277: (4,), 258: (16, 16, 16, 16), 262: (2,)})
    )
    assert (found.strips, found.block, found.channels, found.bits) == (4, 256 * 128, 4, 16)


def test_a_strip_is_no_higher_than_the_picture() -> None:
    assert header(tiff((60, 40), {273: (8,), 278: (2**32 - 1,)})).block == 60 * 40


def test_a_wrapped_picture_is_given_to_its_own_decoder() -> None:
    found = header(encoded(quadrants(), "ICO", sizes=[(64, 48)]))
    assert (found.codec.name, found.decoder.name) == ("ico", "png")
    assert found.data.startswith(b"\x89PNG")


def test_a_bitmap_may_have_the_oldest_header() -> None:
    assert header(b"BM" + bytes(12) + struct.pack("<IHHHH", 12, 30, 20, 1, 24)).size == (30, 20)


def test_the_data_is_not_copied() -> None:
    data = encoded(Image.new("RGB", (9, 9)), "PNG")
    assert header(data).data is data
