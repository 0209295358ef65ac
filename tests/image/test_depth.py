"""Samples of more than 8 bits keep their steps until their colours are those of sRGB."""

from __future__ import annotations

import struct
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from tests import avif
from tests.heic import heic
from tests.image.test_colour_spaces import BT2020_COLOURANTS, HDR_CURVES, curve, iccp, profile, srgb_light
from tests.pictures import box, encoded, opened, packed_rows, png, tiff
from tinypics import resize
from tinypics.errors import ImageTooLarge
from tinypics.image import icc, libavif
from tinypics.image.limits import MIB, Limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

PROPHOTO = ((0.79767, 0.28804, 0.0), (0.13519, 0.71188, 0.0), (0.03134, 0.00009, 0.82491))
LIGHT = np.linspace(0, 1, 1024)
LINEAR_RAMP = np.array([srgb_light(value) for value in LIGHT]) * 65535


def row(data: bytes, text: str = "1024x-png") -> NDArray[np.int64]:
    output = resize(data, text)
    assert "bit-depth" in output.dropped
    shown: NDArray[np.int64] = np.asarray(opened(output.data).convert("RGB")).astype(np.int64)[2]
    return shown


def ramp(
    values: NDArray[np.float64], colour: int, trc: bytes, colourants: Any = None, *, interlaced: bool = False
) -> bytes:
    """A PNG of 16 bits with a profile: `trc` is its curve, or without colourants all of it."""
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    samples = values.round().astype(np.uint16)[None, :, None].repeat(channels, 2).repeat(8, 0)
    if colour in (4, 6):
        samples[..., -1] = 65535
        samples[6:, :, -1] = 40_000  # so that alpha is not dropped
    rows = packed_rows(samples, 16, interlaced=interlaced)
    content = trc if trc[36:40] == b"acsp" else profile(trc, colourants if colour in (2, 6) else None)
    return png((1024, 8), colour, 16, rows, [iccp(content)], interlaced=interlaced)


@pytest.mark.table
@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("colour", [0, 2, 4, 6])
def test_a_ramp_of_linear_light_has_no_bands(colour: int, interlaced: bool) -> None:
    shown = row(ramp(LINEAR_RAMP, colour, curve(1.0), icc.SRGB, interlaced=interlaced))
    assert np.abs(shown - (LIGHT * 255)[:, None]).max() <= 1
    assert np.diff(shown[:, 1]).max() <= 1
    assert len(set(shown[:, 1])) == 256


@pytest.mark.table
@pytest.mark.parametrize("text", ["700x-png", "700x-png-linear", "512x4-png", "1024x-png-linear"])
@pytest.mark.parametrize("colour", [0, 2, 4, 6])
def test_not_after_resampling_either(colour: int, text: str) -> None:
    shown = row(ramp(LINEAR_RAMP, colour, curve(1.0), icc.SRGB), text)
    assert np.diff(shown[8:-8, 1]).max() <= 2
    assert len(set(shown[:, 1])) > 240


@pytest.mark.table
@pytest.mark.parametrize(
    ("trc", "colourants", "levels"),
    [(curve(1.8), PROPHOTO, 240), (HDR_CURVES["pq"], BT2020_COLOURANTS, 240), (HDR_CURVES["hlg"], icc.SRGB, 200)],
    ids=["prophoto", "pq", "hlg"],
)
@pytest.mark.parametrize("colour", [0, 2])
def test_ramps_of_other_curves(trc: bytes, colourants: Any, levels: int, colour: int) -> None:
    shown = row(ramp(LIGHT * 65535, colour, trc, colourants))
    assert np.diff(shown[:, 1]).min() >= 0
    assert np.diff(shown[:, 1]).max() <= 2
    assert len(set(shown[:, 1])) > levels


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_tiff_of_linear_light(order: str, channels: int) -> None:
    samples = LINEAR_RAMP.round().astype("<u2")[None, :, None].repeat(channels, 2).repeat(8, 0)
    content = profile(curve(1.0), icc.SRGB if channels == 3 else None)
    tags = {258: (16,) * channels, 259: (1,), 262: (2 if channels == 3 else 1,), 277: (channels,), 278: (8,)}
    tags |= {279: (samples.nbytes,), 273: (0,)}
    at = len(tiff((1024, 8), tags))
    data = tiff((1024, 8), tags | {273: (at,)}, samples.tobytes())
    image = opened(data)
    if channels == 1:
        whole = encoded(image, "TIFF", icc_profile=content, compression=None if order == "<" else "tiff_lzw")
    else:
        entries = struct.unpack_from("<H", data, 8)[0]
        head = bytearray(data[: 8 + 2 + 12 * entries + 4])
        moved = 12
        for entry in range(10, 10 + 12 * entries, 12):
            tag, _, count, value = struct.unpack_from("<HHII", head, entry)
            if count > 1 or tag == 273:
                struct.pack_into("<I", head, entry + 8, value + moved)
        struct.pack_into("<H", head, 8, entries + 1)
        entry_icc = struct.pack("<HHII", 34675, 7, len(content), len(data) + moved)
        whole = bytes(head[:-4]) + entry_icc + bytes(4) + data[len(head) :] + content
    shown = row(whole)
    assert np.abs(shown - (LIGHT * 255)[:, None]).max() <= 1
    assert np.diff(shown[:, 1]).max() <= 1


def tables(space: bytes, gamma: float) -> bytes:
    """A profile whose only tag of colours is a table (ICC.1:2022, 10.10), as scanners and cameras have."""
    count = {b"GRAY": 1, b"RGB ": 3, b"CMYK": 4}[space]
    even = [round(65535 * (step / 255) ** (gamma / 3)) for step in range(256)]  # lightness, so that the table is fine
    points = np.linspace(0, 1, 9) ** 3
    content = (
        b"mft2"
        + bytes(4)
        + bytes((count, 3, len(points), 0))
        + struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).ravel())
    )
    content += struct.pack(">HH", 256, 2) + struct.pack(">256H", *even) * count
    for light in product(points, repeat=count):
        shares = {1: light * 3, 3: light, 4: tuple((1 - ink) * (1 - light[-1]) for ink in light[:3])}[count]
        middle = np.cbrt(np.array(icc.SRGB).T @ shares / icc.D50)
        a, b = 500 * (middle[0] - middle[1]), 200 * (middle[1] - middle[2])
        numbers = ((116 * middle[1] - 16) * 652.8, (a + 128) * 256, (b + 128) * 256)
        content += struct.pack(">3H", *(min(max(round(float(number)), 0), 65535) for number in numbers))
    content += struct.pack(">2H", 0, 65535) * 3
    white = b"XYZ " + bytes(4) + struct.pack(">iii", *(round(part * 65536) for part in icc.D50))
    return icc.assemble({b"wtpt": white, b"A2B0": content}, b"scnr", space, b"Lab ")


@pytest.mark.table
@pytest.mark.parametrize("text", ["1024x-png", "700x-png", "1024x-png-linear"])
@pytest.mark.parametrize("colour", [0, 2, 4, 6])
def test_a_profile_of_tables_makes_no_bands_either(colour: int, text: str) -> None:
    content = tables(b"RGB " if colour in (2, 6) else b"GRAY", 1.0)
    shown = row(ramp(LINEAR_RAMP, colour, content), text)
    assert np.diff(shown[8:-8, 1]).max() <= 2
    assert np.diff(shown[8:-8, 1]).min() >= 0
    assert len(set(shown[:, 1])) > 240


def test_colours_of_16_bits_through_tables_are_those_of_8() -> None:
    samples = np.random.default_rng(4).integers(0, 256, (16, 16, 3))
    eight, sixteen = (
        np.asarray(opened(resize(png((16, 16), 2, bits, packed_rows(values, bits), [content]), "16x16-png").data))
        for content in [iccp(tables(b"RGB ", 1.8))]
        for bits, values in ((8, samples), (16, samples * 257))
    )
    assert np.abs(eight.astype(int) - sixteen).max() <= 1


def test_inks_of_16_bits_through_tables() -> None:
    samples = np.zeros((8, 1024, 4), "<u2")
    samples[..., 3] = 65535 - LINEAR_RAMP.round()
    content = tables(b"CMYK", 1.0)
    image = Image.fromarray(np.asarray(samples >> 8, np.uint8), "CMYK")
    data = encoded(image, "TIFF", icc_profile=content)
    wide = data.replace(struct.pack("<4H", 8, 8, 8, 8), struct.pack("<4H", 16, 16, 16, 16))
    start = struct.unpack_from("<I", wide, wide.index(struct.pack("<HHI", 273, 4, 1)) + 8)[0]
    strips = bytearray(wide[:start] + samples.tobytes())
    struct.pack_into("<I", strips, wide.index(struct.pack("<HHI", 279, 4, 1)) + 8, samples.nbytes)
    shown = row(bytes(strips))
    assert np.diff(shown[8:-8, 1]).max() <= 2
    assert len(set(shown[:, 1])) > 240


def test_grey_of_16_bits_with_a_profile_for_colours() -> None:
    shown = row(ramp(LINEAR_RAMP, 0, profile(curve(1.0), icc.SRGB)))
    assert np.abs(shown - (LIGHT * 255)[:, None]).max() <= 1


@pytest.mark.parametrize("text", ["1024x-png", "700x-png"])
def test_a_grey_jpeg_2000_of_16_bits(text: str) -> None:
    values = LINEAR_RAMP.round().astype("<u2")[None].repeat(8, 0)
    data = encoded(Image.frombytes("I;16", (1024, 8), values.tobytes()), "JPEG2000")
    end = data.index(b"colr") - 4 + struct.unpack_from(">I", data, data.index(b"colr") - 4)[0]
    start = data.index(b"jp2h") - 4
    boxes = data[start + 8 : data.index(b"colr") - 4] + box(b"colr", b"\2\0\0", profile(curve(1.0), None))
    shown = row(data[:start] + box(b"jp2h", boxes) + data[end:], text)
    assert np.diff(shown[:, 1]).max() <= 2
    assert len(set(shown[:, 1])) > 240


@pytest.mark.table
@pytest.mark.parametrize("text", ["1024x-png", "700x-png"])
@pytest.mark.parametrize(("bits", "transfer"), [(10, 16), (12, 16), (12, 8)])
def test_a_heic_of_more_than_8_bits(bits: int, transfer: int, text: str) -> None:
    values = ((LINEAR_RAMP / 65535 if transfer == 8 else LIGHT) * ((1 << bits) - 1)).round().astype("<u2")
    image = Image.frombytes("I;16", (1024, 32), values[None].repeat(32, 0).tobytes())
    shown = row(heic(image, bits, transfer=transfer), text)[8:-8, 1]
    assert np.diff(shown).min() >= 0
    assert np.diff(shown).max() <= 2
    assert len(set(shown)) > 235


@pytest.mark.parametrize("text", ["1024x-png", "700x-png"])
@pytest.mark.parametrize("transfer", [16, 18])
@pytest.mark.parametrize("bits", [10, 12])
def test_an_avif_of_more_than_8_bits(bits: int, transfer: int, text: str) -> None:
    shown = row(avif.ramp(bits, transfer=transfer), text)[8:-8, 1]
    assert np.diff(shown).min() >= 0
    assert np.diff(shown).max() <= 2
    assert len(set(shown)) > (235 if transfer == 16 else 200)


def test_an_avif_whose_samples_cannot_be_read_has_8_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Distributions build Pillow in other ways, and libavif may change its structures with a new major version."""
    data = avif.ramp(12, transfer=16)
    best = row(data)
    monkeypatch.setattr(libavif, "library", lambda: None)
    shown = row(data)
    assert np.abs(shown - best).max() <= 4
    assert np.diff(shown[:, 1]).max() > np.diff(best[:, 1]).max()


def test_without_memory_for_16_bits_8_have_to_do() -> None:
    rows = packed_rows(np.full((800, 1024, 3), 32768), 16)
    data = png((1024, 800), 2, 16, rows, [iccp(profile(curve(1.0), icc.SRGB))])
    for mib in (60, 100):
        shown = opened(resize(data, "1024x-png", Limits(memory=mib * MIB)).data)
        assert shown.getpixel((9, 9)) == (188, 188, 188)
    with pytest.raises(ImageTooLarge, match="MiB of memory"):
        resize(data, "1024x-png", Limits(memory=50 * MIB))


def test_wide_colours_of_16_bits_are_those_of_8() -> None:
    samples = np.random.default_rng(4).integers(0, 256, (16, 16, 3))
    content = profile(curve(2.2), BT2020_COLOURANTS)
    shown = [
        np.asarray(opened(resize(png((16, 16), 2, bits, packed_rows(values, bits), [iccp(content)]), "16x16-png").data))
        for bits, values in ((8, samples), (16, samples * 257))
    ]
    assert np.abs(shown[0].astype(int) - shown[1]).max() <= 2


def test_a_turned_and_cropped_picture_of_16_bits() -> None:
    data = ramp(LINEAR_RAMP, 2, curve(1.0), icc.SRGB)
    shown = np.asarray(opened(resize(data, "8x1024-rotate90-png").data).convert("RGB")).astype(int)[:, 2, 1]
    assert np.abs(shown - LIGHT * 255).max() <= 1


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize("interlaced", [False, True])
def test_the_transparent_level_of_a_grey_png_of_few_bits(bits: int, interlaced: bool) -> None:
    most = 2**bits - 1
    for clear in range(most + 1):
        samples = np.full((8, 16, 1), (clear + 1) % (most + 1))
        samples[:, :8] = clear
        data = png(
            (16, 8), 0, bits, packed_rows(samples, bits, interlaced=interlaced), [(b"tRNS", struct.pack(">H", clear))],
            interlaced=interlaced,
        )  # fmt: skip
        shown = opened(resize(data, "16x8-png").data).convert("RGBA")
        assert shown.getpixel((2, 2))[3] == 0  # type: ignore[index]
        assert shown.getpixel((13, 2))[3] == 255  # type: ignore[index]


@pytest.mark.parametrize("chunks", [[], [iccp(profile(curve(1.0), icc.SRGB))]], ids=["srgb", "linear"])
@pytest.mark.parametrize(("colour", "clear"), [(0, (65535,)), (2, (65535, 65535, 65535)), (2, (257, 2, 3))])
def test_a_transparent_colour_of_16_bits_counts_with_all_of_them(
    colour: int, clear: tuple[int, ...], chunks: list[tuple[bytes, bytes]]
) -> None:
    samples = np.tile(np.array(clear), (8, 16, 1))
    samples[:, 8:, -1] -= 1
    if colour == 0 and chunks:
        chunks = [iccp(profile(curve(1.0), None))]
    key = (b"tRNS", struct.pack(f">{len(clear)}H", *clear))
    shown = opened(resize(png((16, 8), colour, 16, packed_rows(samples, 16), [*chunks, key]), "16x8-png").data)
    assert [shown.convert("RGBA").getpixel((x, 2))[3] for x in (2, 13)] == [0, 255]  # type: ignore[index]


def test_a_ramp_with_a_transparent_colour_has_no_bands_either() -> None:
    samples = np.tile(LINEAR_RAMP.round().astype(np.uint16)[None, :, None], (8, 1, 3))
    chunks = [iccp(profile(curve(1.0), icc.SRGB)), (b"tRNS", struct.pack(">3H", 1, 2, 3))]
    shown = row(png((1024, 8), 2, 16, packed_rows(samples, 16), chunks))
    assert np.abs(shown - (LIGHT * 255)[:, None]).max() <= 1


def striped(period: float) -> bytes:
    y, x = np.mgrid[0:1080, 0:1920]
    phase = (x * np.cos(0.2) + y * np.sin(0.2)) / period + 3 * np.sin(y / 260) + 2 * np.sin(x / 310)
    stripes = (127 + 90 * np.sin(2 * np.pi * phase)).clip(0, 255).astype(np.uint8)
    return encoded(Image.merge("RGB", [Image.fromarray(stripes)] * 3), "JPEG", quality=92)


@pytest.mark.table
@pytest.mark.parametrize("period", [4.3, 4.7, 5.3])
def test_fine_stripes_make_no_moire(period: float) -> None:
    data = striped(period)
    for text in ("240x135", "200x", "160x", "240x135-png", "160x-png", "130x-webp"):
        assert np.asarray(opened(resize(data, text).data).convert("L")).std() < 3, text
