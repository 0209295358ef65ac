"""Samples of more than 8 bits keep their steps until their colours are those of sRGB."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from tests.image.test_colour_spaces import BT2020_COLOURANTS, HDR_CURVES, curve, iccp, profile, srgb_light
from tests.pictures import encoded, opened, packed_rows, png, tiff
from tinypics import resize
from tinypics.image import icc

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


def ramp(values: NDArray[np.float64], colour: int, trc: bytes, colourants: Any, *, interlaced: bool = False) -> bytes:
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    samples = values.round().astype(np.uint16)[None, :, None].repeat(channels, 2).repeat(8, 0)
    if colour in (4, 6):
        samples[..., -1] = 65535
        samples[6:, :, -1] = 40_000  # so that alpha is not dropped
    rows = packed_rows(samples, 16, interlaced=interlaced)
    content = profile(trc, colourants if colour in (2, 6) else None)
    return png((1024, 8), colour, 16, rows, [iccp(content)], interlaced=interlaced)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("colour", [0, 2, 4, 6])
def test_a_ramp_of_linear_light_has_no_bands(colour: int, interlaced: bool) -> None:
    shown = row(ramp(LINEAR_RAMP, colour, curve(1.0), icc.SRGB, interlaced=interlaced))
    assert np.abs(shown - (LIGHT * 255)[:, None]).max() <= 1
    assert np.diff(shown[:, 1]).max() <= 1
    assert len(set(shown[:, 1])) == 256


@pytest.mark.parametrize("text", ["700x-png", "700x-png-linear", "512x4-png", "1024x-png-linear"])
@pytest.mark.parametrize("colour", [0, 2, 4, 6])
def test_not_after_resampling_either(colour: int, text: str) -> None:
    shown = row(ramp(LINEAR_RAMP, colour, curve(1.0), icc.SRGB), text)
    assert np.diff(shown[8:-8, 1]).max() <= 2
    assert len(set(shown[:, 1])) > 240


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


def striped(period: float) -> bytes:
    y, x = np.mgrid[0:1080, 0:1920]
    phase = (x * np.cos(0.2) + y * np.sin(0.2)) / period + 3 * np.sin(y / 260) + 2 * np.sin(x / 310)
    stripes = (127 + 90 * np.sin(2 * np.pi * phase)).clip(0, 255).astype(np.uint8)
    return encoded(Image.merge("RGB", [Image.fromarray(stripes)] * 3), "JPEG", quality=92)


@pytest.mark.parametrize("period", [4.3, 4.7, 5.3])
def test_fine_stripes_make_no_moire(period: float) -> None:
    data = striped(period)
    for text in ("240x135", "200x", "160x", "240x135-png", "160x-png", "130x-webp"):
        assert np.asarray(opened(resize(data, text).data).convert("L")).std() < 3, text
