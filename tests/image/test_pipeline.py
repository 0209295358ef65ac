"""The public functions: pictures in, pictures and facts out, checked by their pixels."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tinypics
from tests.pictures import (
    BLUE,
    GREEN,
    QUADRANTS,
    RED,
    WHITE,
    animation,
    corners,
    encoded,
    near,
    opened,
    photo,
    quadrants,
    with_orientation,
)
from tests.reference import psnr
from tinypics import Limits, Output, Rendition, resize, resize_all
from tinypics.errors import CorruptImage, ImageTooLarge, InvalidRequest, SourceTooLarge, TinypicsError
from tinypics.image import encode
from tinypics.image.formats import FORMATS, OUTPUTS

JPEG = encoded(quadrants(), "JPEG", quality=95, subsampling=0)


def shows(output: Output, colours: tuple[tuple[int, ...], ...], most: float = 12) -> bool:
    return all(near(a, b, most) for a, b in zip(corners(opened(output.data)), colours, strict=True))


# Sources

PHOTO = quadrants((64, 48))
SOURCES: dict[str, tuple[str, bytes]] = {
    "jpeg": ("jpeg", JPEG),
    "jpeg progressive": ("jpeg", encoded(PHOTO, "JPEG", quality=95, progressive=True)),
    "jpeg 4:2:0": ("jpeg", encoded(PHOTO, "JPEG", quality=95, subsampling=2)),
    "jpeg 4:2:2": ("jpeg", encoded(PHOTO, "JPEG", quality=95, subsampling=1)),
    "jpeg rgb": ("jpeg", encoded(PHOTO, "JPEG", quality=95, keep_rgb=True)),
    "png": ("png", encoded(PHOTO, "PNG")),
    "png palette": ("png", encoded(PHOTO.quantize(4), "PNG")),
    "png alpha": ("png", encoded(PHOTO.convert("RGBA"), "PNG")),
    "gif": ("gif", encoded(PHOTO, "GIF")),
    "webp": ("webp", encoded(PHOTO, "WEBP", quality=95)),
    "webp lossless": ("webp", encoded(PHOTO, "WEBP", lossless=True)),
    "avif": ("avif", encoded(PHOTO, "AVIF", quality=95)),
    "tiff": ("jpeg", encoded(PHOTO, "TIFF")),
    "tiff lzw": ("jpeg", encoded(PHOTO, "TIFF", compression="tiff_lzw")),
    "tiff deflate": ("jpeg", encoded(PHOTO, "TIFF", compression="tiff_adobe_deflate")),
    "tiff jpeg": ("jpeg", encoded(PHOTO, "TIFF", compression="jpeg", quality=95)),
    "tiff packbits": ("jpeg", encoded(PHOTO, "TIFF", compression="packbits")),
    "bmp": ("jpeg", encoded(PHOTO, "BMP")),
    "bmp palette": ("jpeg", encoded(PHOTO.quantize(4), "BMP")),
    "ico": ("jpeg", encoded(PHOTO, "ICO", sizes=[(64, 48)])),
    "ico bitmap": ("jpeg", encoded(PHOTO, "ICO", sizes=[(64, 48)], bitmap_format="bmp")),
    "jpeg 2000": ("jpeg", encoded(PHOTO, "JPEG2000")),
    "jpeg 2000 codestream": ("jpeg", encoded(PHOTO, "JPEG2000", no_jp2=True)),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_every_format_is_read(kind: str) -> None:
    written, data = SOURCES[kind]
    resized = resize_all(data, ["32x24"])
    (output,) = resized.outputs
    assert (resized.source.width, resized.source.height, resized.source.frames) == (64, 48, 1)
    assert (output.format, output.width, output.height) == (written, 32, 24)
    assert opened(output.data).size == (32, 24)
    assert shows(output, QUADRANTS, most=25)
    assert not output.dropped


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_bytes_may_come_as_any_buffer(kind: str) -> None:
    data = SOURCES[kind][1]
    wanted = resize(data, "16x16").data
    assert resize(bytearray(data), "16x16").data == wanted
    assert resize(memoryview(data), "16x16").data == wanted


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_every_orientation_is_turned_upright(orientation: int, format: str) -> None:
    """Each camera orientation, made by turning an upright picture back."""
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose; 6 and 8 undo each other
    stored = PHOTO if orientation == 1 else PHOTO.transpose(Image.Transpose(undo[orientation]))
    options: dict[str, Any] = {"exif": with_orientation(orientation)}
    if format in ("JPEG", "WEBP", "AVIF"):
        options["quality"] = 95
    resized = resize_all(encoded(stored, format, **options), ["32x"])
    assert (resized.source.width, resized.source.height) == (64, 48)
    assert (resized.outputs[0].width, resized.outputs[0].height) == (32, 24)
    assert shows(resized.outputs[0], QUADRANTS, most=25)


@pytest.mark.parametrize(
    ("text", "colours"),
    [
        ("32x24-rotate90", (BLUE, RED, WHITE, GREEN)),
        ("32x24-rotate180", (WHITE, BLUE, GREEN, RED)),
        ("32x24-rotate270", (GREEN, WHITE, RED, BLUE)),
        ("32x24-flip", (BLUE, WHITE, RED, GREEN)),
        ("32x24-flop", (GREEN, RED, WHITE, BLUE)),
        ("32x24-fill", QUADRANTS),
        ("20x20-northwest-trim0", QUADRANTS),
    ],
)
def test_turning(text: str, colours: tuple[tuple[int, ...], ...]) -> None:
    assert shows(resize(JPEG, text), colours, most=25)


@pytest.mark.parametrize(
    ("gravity", "colour"),
    [("northwest", RED), ("northeast", GREEN), ("southwest", BLUE), ("southeast", WHITE),
     ("at0x0", RED), ("at1x0", GREEN), ("at0x1", BLUE), ("at1x1", WHITE)],
)  # fmt: skip
def test_gravity_says_which_part_is_kept(gravity: str, colour: tuple[int, ...]) -> None:
    wide = encoded(quadrants((200, 20)), "PNG")
    tall = encoded(quadrants((20, 200)), "PNG")
    x, y = (colour in (GREEN, WHITE)), (colour in (BLUE, WHITE))
    assert corners(opened(resize(wide, f"20x20-{gravity}").data))[0] == QUADRANTS[x]
    assert corners(opened(resize(tall, f"20x20-{gravity}").data))[0] == QUADRANTS[2 * y]


def test_gravity_refers_to_the_upright_picture() -> None:
    tall = quadrants((20, 200)).transpose(Image.Transpose.ROTATE_90)  # as a camera in portrait orientation stores it
    output = resize(encoded(tall, "PNG", exif=with_orientation(6)), "20x20-north")
    assert corners(opened(output.data))[:2] == [RED, GREEN]


# Outputs


@pytest.mark.parametrize("name", OUTPUTS)
def test_every_format_is_written(name: str) -> None:
    output = resize(JPEG, f"32x24-{name}")
    image = opened(output.data)
    assert (output.format, output.extension, output.content_type) == (
        name, FORMATS[name].extension, FORMATS[name].content_type,
    )  # fmt: skip
    assert image.format == name.upper()
    assert shows(output, QUADRANTS, most=25)


@pytest.mark.parametrize("name", OUTPUTS)
def test_transparency_stays_where_it_can(name: str) -> None:
    image = quadrants((64, 48)).convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 32, 24))
    output = resize(encoded(image, "PNG"), f"32x24-{name}")
    shown = opened(output.data).convert("RGBA")
    if FORMATS[name].alpha:
        assert shown.getpixel((4, 4))[3] <= 2  # type: ignore[index]
        assert not output.dropped
    else:
        assert near(shown.getpixel((4, 4)), (255, 255, 255, 255))  # type: ignore[arg-type]
        assert output.dropped == ("alpha",)
    assert near(shown.getpixel((28, 20)), (*WHITE, 255))  # type: ignore[arg-type]


def test_alpha_that_hides_nothing_is_not_missed() -> None:
    assert resize(encoded(PHOTO.convert("RGBA"), "PNG"), "32x24-jpeg").dropped == ()


def test_a_background_lies_under_transparency_and_around() -> None:
    image = Image.new("RGBA", (40, 20), (255, 0, 0, 0))
    for name in ("png", "jpeg"):
        shown = opened(resize(encoded(image, "PNG"), f"40x40-contain-bg0000ff-{name}").data).convert("RGB")
        assert near(shown.getpixel((20, 20)), (0, 0, 255))  # type: ignore[arg-type]
        assert near(shown.getpixel((20, 2)), (0, 0, 255))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "around"),
    [("40x40-contain-png", (255, 255, 255, 0)), ("40x40-contain-jpeg", (255, 255, 255, 255)),
     ("40x40-contain-bg00ff0080-png", (0, 255, 0, 128)), ("40x40-contain-bg00ff0080-jpeg", (0, 255, 0, 255)),
     ("40x40-contain-bg102030-webp-lossless", (16, 32, 48, 255))],
)  # fmt: skip
def test_padding(text: str, around: tuple[int, ...]) -> None:
    image = Image.new("RGB", (40, 20), RED)
    shown = opened(resize(encoded(image, "PNG"), text).data).convert("RGBA")
    assert shown.size == (40, 40)
    assert near(shown.getpixel((1, 1)), around, 3)  # type: ignore[arg-type]
    assert near(shown.getpixel((20, 20)), (*RED, 255), 8)  # type: ignore[arg-type]


def test_grey_stays_grey() -> None:
    data = encoded(Image.linear_gradient("L"), "JPEG")
    assert opened(resize(data, "64x64").data).mode == "L"
    assert opened(resize(data, "64x64-png").data).mode == "L"


def test_other_formats_become_jpeg_or_png_where_there_is_transparency() -> None:
    image = PHOTO.convert("RGBA")
    image.putpixel((0, 0), (0, 0, 0, 0))
    assert resize(encoded(image, "TIFF"), "32x").format == "png"
    assert resize(encoded(PHOTO.convert("RGBA"), "TIFF"), "32x").format == "jpeg"


@pytest.mark.parametrize(
    ("image", "options", "format"),
    [
        (photo((200, 150)), {}, "jpeg"),
        (photo((200, 150)).convert("RGBA"), {}, "jpeg"),
        (Image.new("RGB", (200, 150), RED), {}, "png"),
        (Image.merge("RGBA", (*photo((256, 256)).split(), Image.linear_gradient("L"))), {}, "webp"),
        (animation()[0], {"save_all": True, "append_images": animation()[1:]}, "webp"),
    ],
    ids=["photo", "opaque photo", "drawing", "photo with alpha", "animation"],
)
def test_auto_goes_by_content(image: Image.Image, options: dict[str, Any], format: str) -> None:
    assert resize(encoded(image, "PNG", **options), "100x75-auto").format == format


@pytest.mark.parametrize(("source", "format"), [("JPEG", "png"), ("PNG", "png"), ("WEBP", "webp"), ("AVIF", "png")])
def test_lossless_changes_no_pixel(source: str, format: str) -> None:
    data = encoded(photo((40, 30)), source)
    output = resize(data, "40x30-lossless")
    assert output.format == format
    assert np.array_equal(np.asarray(opened(output.data).convert("RGB")), np.asarray(opened(data).convert("RGB")))


def test_quality_is_obeyed() -> None:
    data = encoded(photo((300, 200)), "PNG")
    for name in ("jpeg", "webp", "avif"):
        assert len(resize(data, f"150x100-{name}-q30").data) < len(resize(data, f"150x100-{name}-q90").data)


@pytest.mark.parametrize("name", ["jpeg", "avif"])
@pytest.mark.parametrize("quality", [80, 89, 90, 95, 100])
def test_colour_is_as_fine_as_lightness_from_quality_90_on(name: str, quality: int) -> None:
    stripes = Image.new("RGB", (640, 300), (220, 0, 0))
    for x in range(0, 640, 2):
        stripes.paste((0, 0, 255), (x, 0, x + 1, 300))
    shown = np.asarray(opened(resize(encoded(stripes, "PNG"), f"640x-{name}-q{quality}").data)).astype(float)
    off = ((shown - np.asarray(stripes)) ** 2).mean() ** 0.5
    assert off < 12 if quality >= 90 else off > 40


@pytest.mark.parametrize(("text", "layout"), [("640x-444", (1, 1)), ("640x-q95-420", (2, 2)), ("640x-q89", (2, 2))])
def test_the_resolution_of_colour_can_be_asked_for(text: str, layout: tuple[int, int]) -> None:
    shown: Any = Image.open(io.BytesIO(resize(encoded(photo((640, 300)), "JPEG"), text).data))
    assert shown.layer[0][1:3] == layout


@pytest.mark.parametrize("name", ["jpeg", "webp", "avif"])
def test_grey_is_written_at_every_quality(name: str) -> None:
    grey = photo((640, 300)).convert("L")
    shown = np.asarray(opened(resize(encoded(grey, "PNG"), f"640x-{name}-q95").data).convert("L")).astype(float)
    assert np.abs(shown - np.asarray(grey)).mean() < 3


def test_an_avif_is_nearer_to_the_picture_than_by_the_default_tuning() -> None:
    source = photo((128, 96))
    ours = resize(encoded(source, "PNG"), "128x96-avif-q80").data
    default = encoded(source, "AVIF", quality=82, speed=6, subsampling="4:4:4")
    assert len(ours) <= len(default)
    shown, expected, other = (np.asarray(each, float) for each in (opened(ours), source, opened(default)))
    assert psnr(shown, expected) > psnr(other, expected) + 0.5


def test_an_avif_encoder_without_the_tuning_writes_by_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    source = encoded(photo((128, 96)), "PNG")
    tuned = resize(source, "128x96-avif-q60").data
    monkeypatch.setitem(encode._TUNING, "color:tune", "unknown")
    default = resize(source, "128x96-avif-q60").data
    assert opened(default).size == (128, 96)
    assert default != tuned


def test_a_jpeg_is_progressive_where_that_is_smaller() -> None:
    data = encoded(photo((800, 600)), "PNG")
    assert opened(resize(data, "600x450-jpeg").data).info.get("progressive")
    plain = encoded(Image.new("RGB", (16, 16), RED), "PNG")
    assert not opened(resize(plain, "16x16-jpeg").data).info.get("progressive")


# Several renditions


def test_several_renditions_come_in_the_order_asked_for() -> None:
    texts = ["16x16", "300x-png", "a=64x48-webp", "48x-png-rotate90", "100x100-contain-gif", "32x-png-linear"]
    resized = resize_all(JPEG, texts)
    assert [str(output.rendition) for output in resized.outputs] == texts
    assert [(o.width, o.height) for o in resized.outputs] == [
        (16, 16),
        (64, 48),
        (64, 48),
        (48, 64),
        (100, 100),
        (32, 24),
    ]
    assert [opened(o.data).size for o in resized.outputs] == [(o.width, o.height) for o in resized.outputs]
    assert shows(resized.outputs[3], (BLUE, RED, WHITE, GREEN))


def test_a_rendition_does_not_depend_on_the_other_renditions() -> None:
    """Cascading may change values slightly, but never the content."""
    data = encoded(photo((1200, 900)), "JPEG", quality=95)
    together = resize_all(data, ["600x", "100x100-northwest-png", "x200-png"]).outputs
    for output in together[1:]:
        alone = np.asarray(opened(resize(data, output.rendition).data)).astype(float)
        assert np.abs(alone - np.asarray(opened(output.data))).mean() < 1


def test_facts_and_timings() -> None:
    resized = resize_all(JPEG, [Rendition(width=16)])
    assert resized.source == tinypics.Source("jpeg", 64, 48, len(JPEG), 1)
    assert list(resized.timings_ms) == ["decode", "transform", "encode"]
    assert all(isinstance(value, float) and value >= 0 for value in resized.timings_ms.values())


def test_no_renditions_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="renditions: expected at least one"):
        resize_all(JPEG, [])


def test_a_text_that_is_no_rendition_is_refused_before_anything_is_read() -> None:
    with pytest.raises(InvalidRequest, match="quality"):
        resize(b"", "9x9-q0")


# Limits, and truncated files


@pytest.mark.parametrize(
    ("limits", "error", "says"),
    [
        (Limits(bytes=100), SourceTooLarge, r"the file has [\d,]+ bytes; at most 100 are allowed"),
        (Limits(pixels=1000), ImageTooLarge, "64 x 48 pixels; at most 1,000 are allowed"),
        (Limits(side=63), ImageTooLarge, "64 x 48 pixels; a side of at most 63"),
        (Limits(output_side=63), ImageTooLarge, "an output of 64 x 64 pixels; a side of at most 63"),
        (Limits(output_pixels=4095), ImageTooLarge, "an output of 64 x 64 pixels; at most 4,095"),
        (Limits(memory=1 << 20), ImageTooLarge, "this needs 24 MiB of memory; 1 MiB are allowed"),
    ],
)
def test_limits(limits: Limits, error: type[TinypicsError], says: str) -> None:
    with pytest.raises(error, match=says):
        resize(JPEG, "64x64", limits)


def test_a_one_sided_request_cannot_plan_an_endless_side() -> None:
    data = encoded(Image.new("L", (2, 20_000)), "PNG")
    with pytest.raises(ImageTooLarge, match="an output of 8000 x 80000000 pixels"):
        resize(data, "8000x-enlarge")


def test_what_trimming_leaves_is_held_against_the_limits_too() -> None:
    image = Image.new("L", (64, 300))
    image.paste(255, (30, 100, 31, 200))
    with pytest.raises(ImageTooLarge, match="an output of 1000 x 100000 pixels"):
        resize(encoded(image, "PNG"), "1000x-trim10-enlarge")


def test_what_trimming_leaves_is_held_against_memory_too() -> None:
    image = Image.new("L", (64, 300))
    image.paste(255, (30, 100, 32, 200))
    with pytest.raises(ImageTooLarge, match="this needs .* of memory"):
        resize(encoded(image, "PNG"), "300x-trim10-enlarge", Limits(memory=100 << 20))


@pytest.mark.parametrize("kind", ["jpeg", "jpeg progressive", "png", "gif", "webp", "avif", "tiff", "bmp", "jpeg 2000"])
def test_a_file_cut_short_is_corrupt(kind: str) -> None:
    data = SOURCES[kind][1]
    with pytest.raises(CorruptImage):
        resize(data[: len(data) * 3 // 4], "32x24")


def test_lenient_shows_all_of_a_progressive_jpeg_coarsely() -> None:
    data = encoded(photo((1200, 900)), "JPEG", progressive=True)
    for text in ("40x30-png", "600x450-png"):
        output = resize(data[: len(data) // 2], text, Limits(lenient=True))
        assert output.dropped == ("missing-data",)
        wanted = np.asarray(opened(resize(data, text).data)).astype(float)
        assert np.abs(wanted - np.asarray(opened(output.data))).mean() < 8


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "BMP"])
def test_lenient_uses_the_decodable_part_and_reports_it(kind: str) -> None:
    options = {"interlace": 0} if kind == "GIF" else {}
    data = encoded(photo((400, 300)).quantize(64) if kind == "GIF" else photo((400, 300)), kind, **options)
    output = resize(data[: len(data) * 2 // 3], "40x30-png", Limits(lenient=True))
    assert "missing-data" in output.dropped
    wanted = np.asarray(opened(resize(data, "40x30-png").data).convert("RGB")).astype(float)
    found = np.asarray(opened(output.data).convert("RGB")).astype(float)
    half = slice(12, None) if kind == "BMP" else slice(0, 12)  # a BMP is stored bottom-up
    assert np.abs(wanted[half] - found[half]).mean() < 4
    assert np.abs(wanted - found).mean() > 4


def test_lenient_says_nothing_of_a_whole_file() -> None:
    assert resize(JPEG, "32x24", Limits(lenient=True)).dropped == ()


def test_lenient_cannot_make_a_picture_of_nothing() -> None:
    with pytest.raises(CorruptImage):
        resize(SOURCES["webp"][1][:60], "32x24", Limits(lenient=True))


# Imports


def test_importing_is_cheap_and_each_format_costs_its_own_plugin_only() -> None:
    script = """
import sys, tinypics
from tinypics import Limits, Rendition, errors
from tinypics.delivery import keys
from tinypics.image import formats, geometry
assert not [name for name in sys.modules if name.startswith("PIL")], "Pillow"
tinypics.resize(bytes.fromhex(sys.argv[1]), "8x8")
print(sorted(name for name in sys.modules if name.endswith("Plugin") or "Cms" in name))
tinypics.resize(bytes.fromhex(sys.argv[1]), "8x8-webp")
print(sorted(name for name in sys.modules if name.endswith("Plugin") or "Cms" in name))
"""
    said = subprocess.run([sys.executable, "-c", script, JPEG.hex()], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["['PIL.JpegImagePlugin']", "['PIL.JpegImagePlugin', 'PIL.WebPImagePlugin']"]


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'rezise'"):
        _ = tinypics.rezise


@pytest.mark.parametrize("size", [(300, 200), (17, 13)])
@pytest.mark.parametrize("quality", [80, 94, 100])
def test_noise_becomes_a_jpeg_at_every_quality(size: tuple[int, int], quality: int) -> None:
    dots = Image.effect_noise((size[0] * 3, size[1]), 100).point([0] * 128 + [255] * 128)
    noise = Image.frombytes("RGB", size, dots.tobytes())
    output = resize(encoded(noise, "PNG"), f"{size[0]}x-jpeg-q{quality}")
    assert opened(output.data).size == size
