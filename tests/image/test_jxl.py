"""JPEG XL: its header, and its decoding by a stand-in for Pillow's plugin, or by the plugin where it is installed."""

from __future__ import annotations

import io
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from tests.pictures import QUADRANTS, box, corners, encoded, near, opened, quadrants
from tinypics import resize, resize_all
from tinypics.errors import CorruptImage, ImageTooLarge, UnsupportedFormat
from tinypics.image.headers import reader
from tinypics.image.headers.header import Header
from tinypics.image.limits import DEFAULT, Limits
from tinypics.image.stream import BytesStream

SIGNATURE = b"\xff\x0a"
WRAPPER = b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl ", bytes(4), b"jxl ")


def codestream(*fields: tuple[int, int]) -> bytes:
    """Fields of (value, number of bits), the lowest bit first, and a few bytes behind them."""
    bits = "".join(f"{value:0{count}b}"[::-1] if count else "" for value, count in fields)
    return SIGNATURE + int(bits[::-1], 2).to_bytes(-(-len(bits) // 8), "little") + bytes(8)


def side(pixels: int) -> list[tuple[int, int]]:
    choice, count = next((n, count) for n, count in enumerate((9, 13, 18, 30)) if pixels - 1 < 1 << count)
    return [(choice, 2), (pixels - 1, count)]


def sized(width: int, height: int, *more: tuple[int, int]) -> bytes:
    return codestream((0, 1), *side(height), (0, 3), *side(width), *(more or [(1, 1)]))


def header(data: bytes) -> Header:
    return reader.read(BytesStream(data), DEFAULT)


@pytest.mark.parametrize("size", [(1, 1), (512, 513), (8192, 8193), (65_000, 3), (3, 1 << 30)])
def test_a_size_of_any_length(size: tuple[int, int]) -> None:
    found = header(sized(*size))
    assert (found.size, found.channels, found.bits, found.extras) == (size, 3, 8, ())


@pytest.mark.parametrize(("ratio", "width"), [(1, 240), (2, 288), (3, 320), (4, 360), (5, 426), (6, 300), (7, 480)])
def test_a_width_by_its_ratio(ratio: int, width: int) -> None:
    assert header(codestream((0, 1), *side(240), (ratio, 3), (1, 1))).size == (width, 240)
    assert header(codestream((1, 1), (29, 5), (ratio, 3), (1, 1))).size == (width, 240)
    assert header(codestream((1, 1), (29, 5), (0, 3), (4, 5), (1, 1))).size == (40, 240)


PLAIN = [(0, 1), (0, 1)]  # not all default, no extra fields


@pytest.mark.parametrize(
    ("more", "bits", "channels"),
    [
        ([*PLAIN, (0, 1), (0, 2), (1, 1), (0, 2)], 8, 3),
        ([*PLAIN, (0, 1), (1, 2), (1, 1), (1, 2)], 10, 4),
        ([*PLAIN, (0, 1), (3, 2), (15, 6), (0, 1), (2, 2), (0, 4)], 16, 4),
        ([*PLAIN, (1, 1), (1, 2), (4, 4), (0, 1), (0, 2)], 16, 3),
        ([*PLAIN, (1, 1), (0, 2), (7, 4), (0, 1), (3, 2), (9, 12)], 32, 4),
    ],
)
def test_bits_and_alpha(more: list[tuple[int, int]], bits: int, channels: int) -> None:
    found = header(sized(64, 48, *more))
    assert (found.bits, found.channels) == (bits, channels)


@pytest.mark.parametrize("shown", [[(0, 1)], [(1, 1), (1, 1), (3, 5), (1, 3)]])
@pytest.mark.parametrize(
    "preview",
    [[(0, 1)], [(1, 1), (1, 1), (3, 2), (5, 9), (1, 3)], [(1, 1), (0, 1), (0, 2), (5, 6), (0, 3), (0, 2), (5, 6)]],
)
def test_an_animation_is_said(shown: list[tuple[int, int]], preview: list[tuple[int, int]]) -> None:
    ticks = [(1, 1), (2, 2), (23, 10), (0, 2), (1, 2), (5, 3), (1, 1)]
    before = [(0, 1), (1, 1), (5, 3), *shown, *preview]
    found = header(sized(64, 48, *before, *ticks, (0, 1), (1, 2), (0, 1), (1, 2)))
    assert (found.size, found.bits, found.channels, found.extras) == ((64, 48), 10, 4, ("frames",))
    found = header(sized(64, 48, *before, (0, 1), (0, 1), (1, 2), (0, 1), (1, 2)))
    assert (found.bits, found.channels, found.extras) == (10, 4, ())


def test_a_codestream_in_boxes() -> None:
    data = sized(640, 480)
    assert header(WRAPPER + box(b"Exif", bytes(40)) + box(b"jxlc", data)).size == (640, 480)
    parts = [box(b"jxlp", n.to_bytes(4), part) for n, part in enumerate((data[:3], data[3:5], data[5:]))]
    assert header(WRAPPER + b"".join(parts)).size == (640, 480)


@pytest.mark.parametrize(
    "data", [SIGNATURE, sized(640, 480)[:5], WRAPPER, WRAPPER + box(b"jxlc", b"other"), WRAPPER + box(b"jxlp", b"")]
)
def test_a_broken_header_is_corrupt(data: bytes) -> None:
    with pytest.raises(CorruptImage, match="JPEG XL"):
        header(data)


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Pillow's plugin with another decoder: its pixels are those of a PNG behind the header."""
    chosen = SimpleNamespace(jpeg=False)

    def decoder(file: io.BytesIO) -> Image.Image:
        data = file.read()
        image: Any = opened(data[data.index(b"\x89PNG") :])
        image.jpeg = chosen.jpeg
        return image  # type: ignore[no-any-return]

    module: Any = ModuleType("pillow_jxl.JpegXLImagePlugin")
    module.JXLImageFile, module.DECODE_THREADS = decoder, -1
    monkeypatch.setitem(sys.modules, "pillow_jxl", ModuleType("pillow_jxl"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    chosen.module = module
    return chosen


def stand_in(image: Image.Image, *more: tuple[int, int], **options: Any) -> bytes:
    return sized(*image.size, *more) + encoded(image, "PNG", **options)


def test_a_picture_becomes_a_jpeg(plugin: SimpleNamespace) -> None:
    data = stand_in(quadrants())
    for whole in (data, WRAPPER + box(b"jxlc", data)):
        resized = resize_all(whole, ["32x24", "32x24-png"])
        assert (resized.source.format, resized.source.width, resized.source.height) == ("jxl", 64, 48)
        assert resized.outputs[0].format == "jpeg"
        shown = corners(opened(resized.outputs[1].data))
        assert all(near(one, other, 2) for one, other in zip(shown, QUADRANTS, strict=True))
    assert plugin.module.DECODE_THREADS == 0


@pytest.mark.parametrize("repacked", [False, True])
def test_exif_turns_only_what_the_decoder_does_not(plugin: SimpleNamespace, repacked: bool) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    plugin.jpeg = repacked
    output = resize(stand_in(quadrants(), exif=exif.tobytes()), "64x")
    assert (output.width, output.height) == ((48, 64) if repacked else (64, 48))


def test_limits_apply_before_the_decoder_sees_it(plugin: SimpleNamespace) -> None:
    plugin.module.JXLImageFile = lambda _: pytest.fail("decoded")
    with pytest.raises(ImageTooLarge, match="20000 x 20000 pixels"):
        resize(sized(20_000, 20_000), "32x24")
    with pytest.raises(ImageTooLarge, match="3000 x 3000 pixels"):
        resize(sized(3000, 3000), "32x24", Limits(pixels=1_000_000))


def test_an_error_of_the_decoder_is_a_corrupt_picture(plugin: SimpleNamespace) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("internal")

    plugin.module.JXLImageFile = fail
    with pytest.raises(CorruptImage, match="the JPEG XL header cannot be decoded: it"):
        resize(stand_in(quadrants()), "32x24")


def test_without_the_plugin_the_message_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    with pytest.raises(UnsupportedFormat, match=r"JPEG XL needs the package pillow-jxl-plugin.*GPL-3"):
        resize(sized(64, 48), "32x24")


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_the_plugin_itself_if_it_is_installed(mode: str, wrapped: bool) -> None:
    pytest.importorskip("pillow_jxl")
    image = quadrants().convert(mode)
    output = resize(encoded(image, "JXL", lossless=True, use_container=wrapped), "32x24-png")
    pairs = zip(corners(opened(output.data).convert("RGB")), corners(image.convert("RGB")), strict=True)
    assert all(near(one, other, 2) for one, other in pairs)
