"""PNGs that are written by the native rows and ISA-L: the same pixels and the same chunks as by Pillow."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.pictures import full_exif, opened, photo, srgb_profile
from tinypics.image import native, png_encode
from tinypics.image.encode import EncoderInput, encode

pytestmark = pytest.mark.skipif(
    native.kernels() is None or not png_encode.pixels(Image.new("L", (1, 1))), reason="no native module, or no ISA-L"
)

MODES = {"L": 0, "LA": 4, "RGB": 2, "RGBA": 6}
"""With their colour types (PNG 3rd edition, 11.2.1)."""


def picture(mode: str, size: tuple[int, int] = (90, 71)) -> Image.Image:
    """Half a photo, half one colour, so that some bands have filters and some have none."""
    image = photo((90, 71))
    image.paste((200, 30, 40), (0, 0, 90, 36))
    image.putalpha(Image.linear_gradient("L").resize((90, 71)))
    return image.crop((0, 0, *size)).convert(mode)


def chunks(data: bytes) -> list[bytes]:
    """All but the pixels, with their checksums, which are right."""
    found, at = [], 8
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        assert zlib.crc32(data[at + 4 : end - 4]) == int.from_bytes(data[end - 4 : end], "big")
        if data[at + 4 : at + 8] != b"IDAT":
            found.append(data[at:end])
        at = end
    return found


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (5, 65), (90, 71)])
def test_the_pixels_are_kept(mode: str, size: tuple[int, int]) -> None:
    image = picture(mode, size)
    found = opened(encode(EncoderInput([image]), "png"))
    assert (found.mode, found.size, found.tobytes()) == (mode, size, image.tobytes())


def test_all_other_chunks_are_those_of_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    job = EncoderInput([picture("RGBA")], icc=srgb_profile(), exif=full_exif(), xmp=b"<x/>")
    fast = encode(job, "png")
    monkeypatch.setattr(png_encode, "_deflate", lambda: None)
    slow = encode(job, "png")
    assert fast != slow
    assert chunks(fast) == chunks(slow)
    assert len(fast) < 1.2 * len(slow)


def test_pillow_writes_what_the_kernel_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    assert png_encode.pixels(Image.new("P", (8, 8))) is None
    monkeypatch.setattr(native, "kernels", lambda: None)
    assert png_encode.pixels(picture("RGB")) is None
    assert opened(encode(EncoderInput([picture("RGB")]), "png")).tobytes() == picture("RGB").tobytes()


@pytest.mark.parametrize("mode", MODES)
def test_each_row_has_the_filter_that_leaves_the_least(mode: str) -> None:
    image = photo((64, 40)).convert(mode)
    samples = np.asarray(image, np.int16).reshape(40, 64, -1)
    step = samples.shape[2]
    plain, filtered = bytearray(40 * (1 + 64 * step)), bytearray(40 * (1 + 64 * step))
    source = image.__arrow_c_array__()[1]
    for first, count in ((0, 1), (1, 39)):
        band = slice(first * (1 + 64 * step), (first + count) * (1 + 64 * step))
        parts: Any = memoryview(plain)[band], memoryview(filtered)[band]
        assert native.kernels().png_rows(source, 1 if step == 1 else 4, (64, 40), step, first, count, *parts)
    table = np.frombuffer(filtered, np.int8).reshape(40, -1)
    left = np.pad(samples, ((0, 0), (1, 0), (0, 0)))[:, :-1]
    up = np.pad(samples, ((1, 0), (0, 0), (0, 0)))[:-1]
    corner = np.pad(up, ((0, 0), (1, 0), (0, 0)))[:, :-1]
    distances = [abs(left + up - corner - each) for each in (left, up, corner)]
    nearest = np.choose(np.argmin(distances, 0), [left, up, corner])
    residues = [samples - each for each in (0 * samples, left, up, (left + up) // 2, nearest)]  # section 9.2
    signed = np.stack(residues).reshape(5, 40, -1).astype(np.int8)
    weights = abs(signed.astype(int)).sum(2)
    assert (table[:, 0] == weights.argmin(0)).all()
    assert (table[:, 1:] == signed[table[:, 0], np.arange(40)]).all()
    assert bytes(plain) == np.pad(samples.reshape(40, -1), ((0, 0), (1, 0))).astype(np.uint8).tobytes()


@pytest.mark.parametrize(
    "changed",
    [{0: 1}, {1: (8, 9)}, {1: (0, 8)}, {2: 1}, {2: 5}, {3: -1}, {3: 7}, {4: 0}, {5: bytearray(49)}, {6: bytearray(51)}],
)
def test_the_kernel_checks_what_it_is_given(changed: dict[int, Any]) -> None:
    good = [4, (8, 8), 3, 4, 2, bytearray(50), bytearray(50)]
    source = Image.new("RGB", (8, 8)).__arrow_c_array__()[1]
    assert native.kernels().png_rows(source, *good)
    with pytest.raises(ValueError, match="expected"):
        native.kernels().png_rows(source, *(changed.get(number, each) for number, each in enumerate(good)))
