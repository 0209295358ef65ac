"""Pixels are correct: colour, alpha, 16 bits, linear light, resampling, smart crops, metadata."""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests import reference
from tests.pictures import (
    RED,
    avif_header,
    box,
    encoded,
    full_exif,
    near,
    opened,
    packed_rows,
    photo,
    png,
    quadrants,
    srgb_profile,
    tiff,
)
from tinypics import resize, resize_all
from tinypics.errors import CorruptImage
from tinypics.image import colour, h273
from tinypics.image.decode import open_picture
from tinypics.image.draft import draft_scale
from tinypics.image.headers.reader import read
from tinypics.image.limits import DEFAULT, Limits
from tinypics.image.render import is_lossy
from tinypics.image.rendition import Rendition
from tinypics.image.stream import BytesStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

PRINTED_RED = (227, 20, 29)  # magenta and yellow on coated paper (ISO 12647-2: 47, 68, 48), which sRGB just holds
P3, BT2020, SRGB = 12, 9, 1
AS_SRGB, PQ, HLG = 13, 16, 18


def pixels(data: bytes, mode: str = "RGB") -> NDArray[np.float64]:
    return np.asarray(opened(data).convert(mode)).astype(np.float64)


def delta_e(one: Iterable[float], other: Iterable[float]) -> float:
    """CIE 1976 colour difference of two sRGB colours: below 2 only a trained eye sees it."""
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    image = Image.new("RGB", (2, 1))
    for x, values in enumerate((one, other)):
        image.putpixel((x, 0), tuple(round(value) for value in values))
    lab = np.asarray(to_lab.apply(image)).astype(float)[0]
    difference = (lab[0] - lab[1]) / (2.55, 1, 1)
    difference[1:] = (difference[1:] + 128) % 256 - 128
    return float(np.sqrt((difference**2).sum()))


# Colour

# The same colours in sRGB, by the definitions of the colour spaces (CSS Color 4, sample conversions).
P3_COLOURS = [((200, 100, 50), (213, 96, 34)), ((128, 128, 128), (128, 128, 128)), ((60, 140, 90), (15, 142, 87))]


@pytest.mark.parametrize(("stored", "shown"), P3_COLOURS)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_a_display_p3_profile_is_converted(stored: tuple[int, ...], shown: tuple[int, ...], format: str) -> None:
    profile = h273.build_profile((P3, AS_SRGB))
    options: dict[str, Any] = {} if format in ("PNG", "TIFF") else {"quality": 100}
    data = encoded(Image.new("RGB", (32, 32), stored), format, icc_profile=profile, **options)
    output = resize(data, "16x16-png")
    assert output.dropped == ()
    assert delta_e(pixels(output.data)[8, 8], shown) < (4 if format == "WEBP" else 2.5)  # WebP's 4:2:0 in 16..235
    assert "icc_profile" not in opened(output.data).info


def test_our_profiles_are_those_that_littlecms_makes() -> None:
    """sRGB by code points, converted like any other colour space, changes nothing."""
    hdr_free = h273.build_profile((P3, AS_SRGB))
    assert hdr_free is not None
    profile = ImageCms.ImageCmsProfile(io.BytesIO(hdr_free)).profile
    assert profile.xcolor_space.strip() == "RGB"
    assert profile.red_primary is not None
    assert profile.red_primary[1][:2] == pytest.approx((0.68, 0.32), abs=0.02)


@pytest.mark.parametrize(
    ("primaries", "stored", "shown"), [(P3, *P3_COLOURS[0]), (BT2020, (128, 128, 128), (128, 128, 128))]
)
def test_colours_given_by_number_are_converted(primaries: int, stored: tuple[int, ...], shown: tuple[int, ...]) -> None:
    image = Image.new("RGB", (16, 16), stored)
    data = png((16, 16), 2, 8, [image.tobytes()[:48]] * 16, [(b"cICP", bytes([primaries, AS_SRGB, 0, 1]))])
    assert delta_e(pixels(resize(data, "8x8").data)[4, 4], shown) < 2.5


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_high_dynamic_range_becomes_standard_and_is_reported(transfer: int) -> None:
    """Reference white becomes a little darker than white, black stays black, and the mapping is monotonic."""
    ramp = [bytes(channel for x in range(256) for channel in (x, x, x))] * 8
    output = resize(png((256, 8), 2, 8, ramp, [(b"cICP", bytes([BT2020, transfer, 0, 1]))]), "256x8-png")
    assert output.dropped == ("hdr",)
    shown = pixels(output.data)[4, :, 1]
    white = round(255 * (0.58 if transfer == PQ else 0.75))  # the signal of 203 cd/m2 (ITU-R BT.2408)
    assert 225 < shown[white] < 250
    assert shown[0] == 0
    assert (np.diff(shown) >= 0).all()


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_srgb_needs_no_colour_engine(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(colour, "to_srgb", lambda *_: pytest.fail("converted"))
    data = encoded(photo((40, 30)).convert(mode), "PNG", icc_profile=srgb_profile())
    assert resize(data, "40x30").dropped == ()


def test_a_profile_that_only_calls_itself_srgb_is_not_taken_for_it() -> None:
    profile = h273.build_profile((P3, AS_SRGB))
    assert profile is not None
    assert h273.display_profile(profile + b"sRGB") == (profile + b"sRGB", False)
    assert h273.display_profile(srgb_profile()) == (None, False)
    for broken in (srgb_profile()[:400], b"sRGB" * 20):
        assert h273.display_profile(broken) == (broken, False)


def grey_profile(gamma: float) -> bytes:
    """A grey profile with a gamma curve: the RGB profile of `colour`, reduced to its white point and one curve."""
    import struct

    curve = b"curv" + struct.pack(">IIH", 0, 1, round(gamma * 256)) + b"\0\0"
    white = b"XYZ \0\0\0\0" + struct.pack(">iii", 63190, 65536, 54061)
    table = struct.pack(">I4sII4sII", 2, b"wtpt", 156, 20, b"kTRC", 176, 16)
    head = struct.pack(">I4sI4s4s4s", 192, b"", 0x02100000, b"mntr", b"GRAY", b"XYZ ").ljust(36, b"\0") + b"acsp"
    return head.ljust(68, b"\0").ljust(128, b"\0") + table + white + curve


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_a_grey_profile_is_converted(mode: str) -> None:
    image = Image.new(mode, (16, 16), 128 if mode == "L" else (128, 200))
    output = resize(encoded(image, "PNG", icc_profile=grey_profile(1.0)), "16x16")
    shown = opened(output.data)
    assert (shown.mode, output.dropped) == (mode, ())
    value = shown.getpixel((8, 8))
    assert near(value if isinstance(value, tuple) else (value,), (188, 200)[: len(mode)], 2)  # type: ignore[arg-type]


def test_alpha_is_not_touched_by_a_profile() -> None:
    stored, shown = P3_COLOURS[0]
    data = encoded(Image.new("RGBA", (16, 16), (*stored, 128)), "PNG", icc_profile=h273.build_profile((P3, AS_SRGB)))
    found = opened(resize(data, "8x8").data).getpixel((4, 4))
    assert near(found, (*shown, 128), 5)  # type: ignore[arg-type]


def test_grey_with_a_colour_profile_is_converted_as_colour() -> None:
    profile = h273.build_profile((P3, AS_SRGB))
    output = resize(encoded(Image.new("L", (16, 16), 90), "PNG", icc_profile=profile), "16x16")
    assert output.dropped == ()
    assert near(pixels(output.data)[8, 8], (90, 90, 90), 2)


@pytest.mark.parametrize(
    "profile",
    [b"not a profile", srgb_profile()[:200], srgb_profile().replace(b"RGB ", b"CMYK"), bytes(3000), b"x" * (5 << 20)],
    ids=["text", "cut short", "wrong space", "zeros", "too large"],
)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_broken_profile_is_ignored_and_reported(profile: bytes, format: str) -> None:
    options: dict[str, Any] = {} if format == "PNG" else {"quality": 95}
    output = resize(encoded(quadrants(), format, icc_profile=profile, **options), "32x24-keepicc")
    assert output.dropped == ("profile",)
    assert near(pixels(output.data)[4, 4], RED)
    assert "icc_profile" not in opened(output.data).info


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_profile_that_is_too_large_is_not_used(format: str) -> None:
    data = encoded(quadrants(), format, icc_profile=h273.build_profile((P3, AS_SRGB)))
    assert resize(data, "32x24", Limits(icc_bytes=1000)).dropped == ("profile",)
    assert resize(data, "32x24").dropped == ()


@pytest.mark.parametrize(
    ("name", "kept"), [("jpeg", True), ("png", True), ("webp", True), ("avif", True), ("gif", False)]
)
def test_a_profile_is_kept_on_request(name: str, kept: bool) -> None:
    profile = h273.build_profile((P3, AS_SRGB))
    stored, shown = P3_COLOURS[0]
    data = encoded(Image.new("RGB", (32, 32), stored), "PNG", icc_profile=profile)
    image = opened(resize(data, f"16x16-{name}-q95-keepicc").data)
    assert image.info.get("icc_profile") == (profile if kept else None)
    assert near(image.convert("RGB").getpixel((8, 8)), stored if kept else shown, 5)  # type: ignore[arg-type]


def test_a_grey_profile_is_not_kept_where_grey_cannot_be_written() -> None:
    data = encoded(Image.new("L", (16, 16), 128), "PNG", icc_profile=grey_profile(1.0))
    kept, converted = (opened(o.data) for o in resize_all(data, ["16x16-keepicc", "16x16-webp-keepicc"]).outputs)
    assert kept.info["icc_profile"] == grey_profile(1.0)
    assert kept.getpixel((8, 8)) == 128
    assert "icc_profile" not in converted.info
    assert near(converted.convert("RGB").getpixel((8, 8)), (188, 188, 188), 2)  # type: ignore[arg-type]


def test_cmyk_is_turned_into_the_colours_that_it_means() -> None:
    inks = Image.new("CMYK", (32, 32), (0, 255, 255, 0))  # magenta and yellow: red
    for data in (
        encoded(inks, "JPEG", quality=95),
        encoded(inks, "TIFF"),
        encoded(inks, "JPEG", quality=95, progressive=True),
    ):
        output = resize(data, "16x16-png")
        assert near(pixels(output.data)[8, 8], PRINTED_RED, 6)


def test_cmyk_without_adobes_marker_is_not_inverted() -> None:
    data = encoded(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG", quality=95)
    at = data.index(b"\xff\xeeX\0\x0eAdobe".replace(b"X", b"")) if b"\xff\xee\0\x0eAdobe" in data else -1
    assert at > 0
    plain = data[:at] + data[at + 16 :]
    # The stored numbers are inverted inks, and now no marker says so.
    assert near(pixels(resize(plain, "16x16-png").data)[8, 8], (0, 17, 30), 6)  # cyan below black


# Alpha, bits, palettes


def test_what_is_transparent_does_not_bleed() -> None:
    """Transparent green beside opaque red: the green must not bleed into the red."""
    image = Image.new("RGBA", (64, 64), (0, 255, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 31, 64))
    for text in ("16x16-png", "16x16-png-linear"):
        shown = pixels(resize(encoded(image, "PNG"), text).data, "RGBA")
        seen = shown[shown[..., 3] > 8]
        assert seen[:, 1].max() <= 8
        assert seen[:, 0].min() >= 247
    flat = pixels(resize(encoded(image, "PNG"), "16x16-jpeg-q100").data)
    assert (flat[..., 0] > 230).all()  # red and white both have the maximum


def test_grey_of_16_bits_is_scaled_not_cut() -> None:
    ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (16, 1))
    for format in ("PNG", "TIFF"):
        output = resize(encoded(Image.fromarray(ramp), format), "256x16-png")
        assert output.dropped == ("bit-depth",)
        assert np.abs(pixels(output.data, "L")[8] - np.arange(256)).max() <= 1


def test_colours_of_16_bits() -> None:
    row = b"".join(bytes([x, 0, 255 - x, 255, 128, 7]) for x in range(256))
    shown = pixels(resize(png((256, 4), 2, 16, [row] * 4), "256x4").data)[2]
    assert np.abs(shown[:, 0] - np.arange(256)).max() <= 1
    assert np.abs(shown[:, 1] - (255 - np.arange(256))).max() <= 1


@pytest.mark.parametrize(
    ("photometric", "stored", "shown"),
    [
        (2, (255, 128, 0), (255, 128, 0)),
        (5, (0, 255, 255, 0), PRINTED_RED),
        (1, (200,), (200, 200, 200)),
        (0, (200,), (55, 55, 55)),
    ],
)
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("tiled", [False, True])
def test_kinds_of_tiff(
    photometric: int, stored: tuple[int, ...], shown: tuple[int, ...], bits: int, tiled: bool
) -> None:
    """Colour, inks, and grey of both polarities; 8 and 16 bits; in one strip and in one tile."""
    pixel = b"".join(bytes([value] * (bits // 8)) for value in stored)
    tags = {258: (bits,) * len(stored), 259: (1,), 262: (photometric,), 277: (len(stored),)}
    tags |= {322: (16,), 323: (16,), 324: (0,), 325: (0,)} if tiled else {273: (0,), 278: (16,), 279: (0,)}
    at = len(tiff((16, 16), tags))
    tags[324 if tiled else 273], tags[325 if tiled else 279] = (at,), (256 * len(pixel),)
    output = resize(tiff((16, 16), tags, pixel * 256), "8x8-png")
    assert near(pixels(output.data)[4, 4], shown, 1)
    assert output.dropped == (("bit-depth",) if bits == 16 else ())


def test_a_tiff_in_lab() -> None:
    data = encoded(Image.new("LAB", (16, 16), (136, 147, 107)), "TIFF")  # L 53, a 19, b -21
    assert delta_e(pixels(resize(data, "8x8-png").data)[4, 4], (146, 117, 165)) < 3


def test_grey_and_alpha_of_16_bits() -> None:
    row = b"".join(bytes([x, 0, 255, 255]) for x in range(256))
    image = opened(resize(png((256, 4), 4, 16, [row] * 4), "256x4").data)
    assert image.mode == "L"  # the alpha is opaque
    assert np.abs(np.asarray(image)[2].astype(int) - np.arange(256)).max() <= 1


DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
PNG_KINDS = [(colour_type, bits) for colour_type, depths in DEPTHS.items() for bits in depths]


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("colour_type", "bits"), PNG_KINDS)
def test_every_kind_of_png(colour_type: int, bits: int, interlaced: bool) -> None:
    """All fifteen variants of the standard, sequential and interlaced, with exact values."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour_type]
    most = 2**bits - 1
    samples = np.random.default_rng(bits).integers(0, most + 1, (13, 11, channels))
    if colour_type in (4, 6):
        samples[..., -1] = most
        samples[0, 0, -1] = 0  # so that alpha is not dropped
        samples[0, 0, :-1] = most
    palette = np.random.default_rng(1).integers(0, 256, (most + 1 if colour_type == 3 else 1, 3))
    chunks = [(b"PLTE", palette.astype(np.uint8).tobytes())] if colour_type == 3 else []
    data = png(
        (11, 13), colour_type, bits, packed_rows(samples, bits, interlaced=interlaced), chunks, interlaced=interlaced
    )
    shown = np.asarray(opened(resize(data, "11x13").data).convert("RGBA")).astype(float)
    if colour_type == 3:
        wanted = palette[samples[..., 0]]
    else:
        wanted = samples[..., :3] if channels >= 3 else samples[..., :1].repeat(3, axis=2)
        wanted = wanted * 255 / most
    visible = shown[..., 3:] > 0
    assert np.abs((shown[..., :3] - wanted) * visible).max() <= 1
    assert (shown[..., 3] == 0).sum() == (colour_type in (4, 6))


@pytest.mark.parametrize(
    ("colour_type", "bits", "row", "clear"),
    [
        (0, 8, bytes([10] * 8 + [200] * 8), (10).to_bytes(2)),
        (0, 16, b"\x12\x34" * 8 + b"\xf0\x00" * 8, b"\x12\x34"),
        (2, 8, bytes([1, 2, 3] * 8 + [200, 100, 50] * 8), bytes([0, 1, 0, 2, 0, 3])),
        (2, 16, bytes([1, 7, 2, 7, 3, 7] * 8 + [200, 0, 100, 0, 50, 0] * 8), bytes([1, 7, 2, 7, 3, 7])),
        (3, 8, bytes([0] * 8 + [1] * 8), bytes([0, 255])),
        (0, 1, b"\x00\xff", b"\0\0"),
    ],
    ids=["grey", "grey 16", "colour", "colour 16", "palette", "one bit"],
)
def test_a_colour_that_a_png_declares_transparent(colour_type: int, bits: int, row: bytes, clear: bytes) -> None:
    palette = [(b"PLTE", bytes([9, 9, 9, 200, 100, 50]))] if colour_type == 3 else []
    output = resize(png((16, 16), colour_type, bits, [row] * 16, [*palette, (b"tRNS", clear)]), "16x16")
    shown = opened(output.data).convert("RGBA")
    assert shown.getpixel((2, 8))[3] == 0  # type: ignore[index]
    assert shown.getpixel((13, 8))[3] == 255  # type: ignore[index]


def test_numbers_that_no_standard_scales_are_stretched() -> None:
    ramp = np.tile(np.linspace(-5.0, 5.0, 256).astype(np.float32), (8, 1))
    for image in (Image.fromarray(ramp), Image.fromarray((ramp * 1_000_000).astype(np.int32))):
        shown = pixels(resize(encoded(image, "TIFF"), "256x8-png").data, "L")[4]
        assert np.abs(shown - np.arange(256)).max() <= 1.5
    flat = Image.new("F", (8, 8), 3.0)
    assert (pixels(resize(encoded(flat, "TIFF"), "8x8-png").data, "L") == 0).all()


# Light


def test_a_checkerboard_in_linear_light_comes_out_as_bright_as_it_is() -> None:
    board = Image.fromarray(((np.indices((64, 64)).sum(axis=0) % 2) * 255).astype(np.uint8))
    for image in (board, board.convert("RGB"), Image.merge("LA", (board, Image.new("L", (64, 64), 255)))):
        plain, linear = resize_all(encoded(image, "PNG"), ["16x16", "16x16-linear"]).outputs
        assert abs(pixels(plain.data).mean() - 128) < 2
        assert abs(pixels(linear.data).mean() - 188) < 2


def test_linear_light_changes_nothing_where_nothing_is_mixed() -> None:
    image = photo((48, 32))
    shown = pixels(resize(encoded(image, "PNG"), "48x32-linear").data)
    assert np.abs(shown - np.asarray(image)).max() <= 1


def test_linear_light_of_other_colour_spaces() -> None:
    stored, shown = P3_COLOURS[0]
    data = encoded(Image.new("RGB", (32, 32), stored), "PNG", icc_profile=h273.build_profile((P3, AS_SRGB)))
    assert delta_e(pixels(resize(data, "16x16-linear-keepicc").data)[8, 8], shown) < 2.5
    inks = encoded(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "TIFF")
    assert near(pixels(resize(inks, "16x16-png-linear").data)[8, 8], PRINTED_RED, 3)


# Resampling, against an independent reference in floats


@pytest.fixture(scope="module")
def large() -> Image.Image:
    return photo((2016, 1512))


@pytest.fixture(scope="module")
def baseline(large: Image.Image) -> bytes:
    return encoded(large, "JPEG", quality=92)


@pytest.fixture(scope="module")
def full(baseline: bytes) -> NDArray[np.float32]:
    return np.asarray(opened(baseline)).astype(np.float32)


@pytest.fixture(scope="module")
def wanted(full: Any) -> Callable[[int, int], reference.Pixels]:
    """The whole picture at a size, by the reference, which takes a second for a large one."""
    return functools.cache(lambda wide, high: reference.lanczos(full, (wide, high)))


SIDES = [64, 160, 400, 800]  # the scales of 128 to 1600 for 12 MP, applied to 3 MP


@pytest.mark.table
@pytest.mark.parametrize("side", SIDES)
def test_a_draft_is_as_good_as_the_whole(baseline: bytes, wanted: Any, side: int) -> None:
    shown = pixels(resize(baseline, f"{side}x-png").data)
    assert reference.psnr(shown, wanted(shown.shape[1], shown.shape[0])) >= 50


@pytest.mark.table
@pytest.mark.parametrize("side", [32, 64, 100, 140, 310, 800, 1550])
def test_a_lossy_output_loses_next_to_nothing_by_a_smaller_draft(baseline: bytes, wanted: Any, side: int) -> None:
    output = resize(baseline, f"{side}x")
    exact = wanted(output.width, output.height)
    best = Image.fromarray(np.clip(exact + 0.5, 0, 255).astype(np.uint8))
    whole = opened(encoded(best, "JPEG", quality=80, optimize=True, progressive=True))
    assert reference.psnr(pixels(output.data), exact) >= reference.psnr(np.asarray(whole), exact) - 0.5


@pytest.mark.parametrize(
    ("text", "scale"), [("800x", 2), ("800x-q80", 2), ("800x-q81", 1), ("800x-png", 1), ("800x-auto", 1)]
)
def test_the_draft_is_smaller_where_the_encoder_loses_more(baseline: bytes, text: str, scale: int) -> None:
    header = read(BytesStream(baseline), DEFAULT)
    lossy = is_lossy(header, Rendition.parse(text))
    assert draft_scale(open_picture(header, DEFAULT), 2016 / 800, lossy=lossy) == scale


@pytest.mark.parametrize(("text", "start"), [("200x150", b"\xff\xc0"), ("400x300", b"\xff\xc2")])
def test_a_jpeg_is_written_in_scans_where_that_is_smaller(baseline: bytes, text: str, start: bytes) -> None:
    data = resize(baseline, text).data
    ways = [encoded(opened(data), "JPEG", optimize=True, progressive=way) for way in (False, True)]
    assert start in data
    assert start in min(ways, key=len)


def test_a_cascade_is_as_good_as_the_whole(baseline: bytes, wanted: Any) -> None:
    for output in resize_all(baseline, [f"{side}x-png" for side in SIDES]).outputs:
        assert reference.psnr(pixels(output.data), wanted(output.width, output.height)) >= 50


def test_a_crop_of_a_draft_is_where_it_should_be(baseline: bytes, full: Any) -> None:
    shown = pixels(resize(baseline, "100x300-at0.37x0.5-png").data)
    left = 0.37 * 2016 - 252
    assert reference.psnr(shown, reference.lanczos(full, (100, 300), (left, 0, left + 504, 1512))) >= 50


@pytest.mark.parametrize("side", [64, 160])
def test_the_dc_scans_of_a_progressive_jpeg_are_enough(large: Image.Image, side: int) -> None:
    data = encoded(large, "JPEG", quality=92, progressive=True)
    header = read(BytesStream(data), DEFAULT)
    assert header.dc_end is not None
    assert header.dc_end < len(data) / 3
    assert draft_scale(open_picture(header, DEFAULT), 2016 / side) == 8
    wanted = reference.lanczos(np.asarray(opened(data)).astype(np.float32), (side, round(side * 0.75)))
    ours = reference.psnr(pixels(resize(data, f"{side}x-png").data), wanted)
    assert ours >= 36
    guessing = Image.open(io.BytesIO(data[: header.dc_end] + b"\xff\xd9"))  # as libjpeg decodes it by default
    guessing.draft(None, (2016 // 8, 1512 // 8))
    theirs = guessing.resize((side, round(side * 0.75)), Image.Resampling.LANCZOS, (0, 0, 2016 / 8, 1512 / 8))
    assert ours > reference.psnr(np.asarray(theirs), wanted) + 0.5


def test_a_progressive_jpeg_cut_short_after_its_dc_scans_is_corrupt(large: Image.Image) -> None:
    data = encoded(large.crop((0, 0, 800, 600)), "JPEG", progressive=True)
    end = read(BytesStream(data), DEFAULT).dc_end
    assert end is not None
    for cut in (end, end + 50, len(data) - 2):
        assert read(BytesStream(data[:cut]), DEFAULT).dc_end is None
        with pytest.raises(CorruptImage):
            resize(data[:cut], "64x")


@pytest.mark.table
@pytest.mark.parametrize("text", ["300x-png", "640x480-png", "500x400-fill-png"])
def test_other_formats_are_resampled_as_well(text: str) -> None:
    image = photo((640, 480))
    output = resize(encoded(image, "PNG"), text)
    wanted = reference.lanczos(np.asarray(image).astype(np.float32), (output.width, output.height))
    assert reference.psnr(pixels(output.data), wanted) >= 50


def test_enlarging() -> None:
    image = photo((40, 30))
    wanted = reference.lanczos(np.asarray(image).astype(np.float32), (120, 90))
    assert reference.psnr(pixels(resize(encoded(image, "PNG"), "120x90").data), wanted) >= 50


# Smart crops


def test_trimming_cuts_the_border_off_to_the_pixel() -> None:
    image = Image.new("RGB", (200, 100), (250, 250, 250))
    image.paste(RED, (30, 20, 130, 70))
    for stored, extra in ((image, ""), (image.transpose(Image.Transpose.ROTATE_90), "-rotate90")):
        data = encoded(stored, "JPEG", quality=95, subsampling=0)
        output = resize(data, f"1000x-trim40{extra}-png")
        assert abs(output.width - 100) <= 1
        assert abs(output.height - 50) <= 1
        assert near(pixels(output.data)[25, 50], RED)


def test_trimming_by_tolerance() -> None:
    image = Image.new("L", (60, 60), 100)
    image.paste(110, (10, 10, 50, 50))
    image.paste(200, (20, 20, 40, 40))
    sizes = [resize(encoded(image, "PNG"), f"60x-trim{tolerance}").width for tolerance in (9, 10, 99, 100, 255)]
    assert sizes == [40, 20, 20, 60, 60]


def test_transparent_borders_are_trimmed() -> None:
    image = Image.new("RGBA", (60, 60), (255, 255, 255, 0))
    image.paste((*RED, 255), (10, 20, 30, 40))
    assert resize(encoded(image, "PNG"), "60x-trim1").width == 20


@pytest.mark.parametrize("gravity", ["entropy", "attention"])
@pytest.mark.parametrize("at", [0, 100, 200, 300])
@pytest.mark.parametrize("upright", [True, False])
def test_a_smart_crop_keeps_the_detail(gravity: str, at: int, upright: bool) -> None:
    """A patch of detail and skin on a plain wall, at both ends and between."""
    image = Image.new("RGB", (400, 100), (120, 122, 124))
    patch = photo((100, 100), seed=3)
    patch.paste((224, 172, 140), (30, 30, 70, 70))
    image.paste(patch, (at, 0))
    if not upright:
        image = image.transpose(Image.Transpose.ROTATE_90)
    shown = pixels(resize(encoded(image, "PNG"), f"100x100-{gravity}").data)
    wanted = np.asarray(patch if upright else patch.transpose(Image.Transpose.ROTATE_90)).astype(float)
    assert np.abs(shown - wanted).mean() < 40
    assert shown.std() > 25


@pytest.mark.parametrize("gravity", ["entropy", "attention"])
def test_a_smart_crop_of_nothing_to_see_is_the_middle(gravity: str) -> None:
    image = Image.new("RGB", (300, 100), (90, 90, 90))
    image.paste((91, 91, 91), (150, 0, 151, 100))
    shown = pixels(resize(encoded(Image.new("RGB", (300, 100), (90, 90, 90)), "PNG"), f"100x100-{gravity}").data)
    assert (shown == 90).all()


def test_nothing_is_looked_at_where_nothing_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    from tinypics.image import smartcrop

    monkeypatch.setattr(smartcrop, "find_focus", lambda *_: pytest.fail("looked"))
    assert resize(encoded(photo((80, 60)), "PNG"), "40x30-entropy").width == 40


# Metadata


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "avif", "gif"])
@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP"])
def test_metadata_goes_by_default(source: str, name: str) -> None:
    options: dict[str, Any] = (
        {"comment": b"a secret"} if source == "JPEG" else {"quality": 90} if source == "WEBP" else {}
    )
    data = encoded(quadrants(), source, exif=full_exif(), xmp=b"<x:xmpmeta>a secret</x:xmpmeta>", **options)
    output = resize(data, f"24x32-{name}")
    assert output.dropped == ()
    image = opened(output.data)
    assert not set(image.info) & {"exif", "xmp", "XML:com.adobe.xmp", "comment", "icc_profile", "photoshop"}
    assert not dict(image.getexif())
    for secret in (b"secret", b"Artist", b"Maker", b"xmp"):
        assert secret not in output.data


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "avif"])
def test_copyright_is_kept_on_request(name: str) -> None:
    data = encoded(quadrants(), "JPEG", exif=full_exif())
    output = resize(data, f"24x32-{name}-keepcopyright")
    assert dict(opened(output.data).getexif()) == {0x013B: "An Artist", 0x8298: "(c) An Artist"}
    assert output.dropped == ()


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "avif"])
def test_all_is_kept_on_request_but_never_the_location(name: str) -> None:
    data = encoded(quadrants(), "JPEG", exif=full_exif(), xmp=b"GPSLatitude")
    output = resize(data, f"24x32-{name}-keepall")
    exif = opened(output.data).getexif()
    assert exif[0x010F] == "Maker"
    assert exif[0x8298] == "(c) An Artist"
    assert dict(exif.get_ifd(0x8769)) == {0x829A: 0.01}
    assert 0x0112 not in exif  # the output is upright
    assert not exif.get_ifd(0x8825)
    assert b"GPSLatitude" not in output.data
    assert output.dropped == ("location",)


def test_broken_metadata_is_no_reason_to_refuse_a_picture() -> None:
    data = encoded(quadrants(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    assert resize(data, "32x24-keepall").dropped == ("metadata",)
    assert resize(data, "32x24").dropped == ()


def test_a_picture_without_metadata_has_none_to_keep() -> None:
    assert resize(encoded(quadrants(), "JPEG"), "32x24-keepall").dropped == ()


# Other content of the file


@pytest.mark.parametrize(
    "segment", [b"\xff\xe1\0\x20http://ns.adobe.com/hdrgm ", b"\xff\xe2\0\x1eurn:iso:std:iso:ts:21496:-1\0"]
)
def test_a_gain_map_is_reported_as_dropped(segment: bytes) -> None:
    data = encoded(quadrants(), "JPEG")
    length = int.from_bytes(segment[2:4]) + 2
    with_map = data[:2] + segment.ljust(length, b"\0")[:length] + data[2:] + encoded(quadrants((8, 8)), "JPEG")
    assert resize(with_map, "32x24").dropped == ("gain-map",)


def test_further_pages_are_reported_as_dropped() -> None:
    data = encoded(quadrants(), "TIFF", save_all=True, append_images=[photo((20, 20))])
    output = resize(data, "32x24")
    assert output.dropped == ("pages",)
    assert near(pixels(output.data)[4, 4], RED)


def test_an_avif_is_cropped_to_its_clean_aperture() -> None:
    """Half the width and height, around the centre of the lower right quarter."""
    import struct

    data = encoded(quadrants((64, 48)), "AVIF", quality=95)
    crop = box(b"clap", struct.pack(">IIIIiIiI", 32, 1, 24, 1, 16, 1, 12, 1))
    resized = resize_all(_with_property(data, crop), ["x24-png"])
    assert (resized.source.width, resized.source.height) == (32, 24)
    assert near(pixels(resized.outputs[0].data)[12, 16], (240, 240, 240), 25)


def _with_property(data: bytes, crop: bytes) -> bytes:
    """The AVIF with one more property of its only item: sizes of enclosing boxes and all later offsets change."""
    at = data.index(b"ipma") - 4
    first = data.index(b"ipco") + 4
    number, place = 1, first
    while place < at:
        number, place = number + 1, place + int.from_bytes(data[place : place + 4])
    count = at + 18  # behind the box's head, version, number of items, and the item's number
    end = count + 1 + data[count]
    result = bytearray(data[:at] + crop + data[at:count] + bytes([data[count] + 1]) + data[count + 1 : end])
    result += bytes([0x80 | number]) + data[end:]  # essential, as a transformation must be
    for kind, more in ((b"meta", len(crop) + 1), (b"iprp", len(crop) + 1), (b"ipco", len(crop)), (b"ipma", 1)):
        where = result.index(kind) - 4
        result[where : where + 4] = (int.from_bytes(result[where : where + 4]) + more).to_bytes(4)
    old = data.index(b"mdat") + 4
    for where in range(len(data) - 4):
        if int.from_bytes(data[where : where + 4]) == old and data.index(b"iloc") < where < data.index(b"iprp"):
            result[where : where + 4] = (old + len(crop) + 1).to_bytes(4)
    return bytes(result)


def test_an_avif_of_nothing_but_a_header_is_corrupt() -> None:
    with pytest.raises(CorruptImage, match="AVIF"):
        resize(avif_header((64, 64)), "8x8")
