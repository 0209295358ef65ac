"""The memory model is never below the memory that separate processes really use."""

from __future__ import annotations

import functools
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from tests.heic import heic
from tests.image.test_colour_spaces import curve, iccp, profile
from tests.image.test_unusual_tiffs import Tags, pages
from tests.pictures import adam7, encoded, huge_png, packed_rows, photo, png
from tinypics import resize
from tinypics.errors import CorruptImage, ImageTooLarge
from tinypics.image import icc, memory, native
from tinypics.image.geometry import plan
from tinypics.image.headers.header import Header
from tinypics.image.headers.reader import read
from tinypics.image.limits import MIB, Limits
from tinypics.image.rendition import Rendition
from tinypics.image.stream import BytesStream

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import sys
from pathlib import Path
import tinypics
from tinypics.image import icc, memory
source, small, text = sys.argv[1:]
asked = []
check = memory.check_memory
memory.check_memory = lambda need, limits: asked.append(need)
tinypics.resize(Path(small).read_bytes(), text)
data = Path(source).read_bytes()
before = int(Path("/proc/self/statm").read_text().split()[1]) * 4096 - len(data)
Path("/proc/self/clear_refs").write_text("5")
tinypics.resize(data, text)
peak = next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
print(peak * 1024 - before, asked[-1])
"""


@pytest.mark.process
@pytest.mark.parametrize(
    ("format", "mode", "options", "text"),
    [
        ("JPEG", "RGB", {"progressive": True, "subsampling": 0}, "100x"),
        ("JPEG", "RGB", {"progressive": True, "subsampling": 0}, "900x"),
        ("JPEG", "CMYK", {"progressive": True}, "100x"),
        ("JPEG", "RGB", {}, "1500x-jpeg"),
        ("PNG", "RGBA", {"compress_level": 1}, "100x"),
        ("PNG", "RGBA", {"compress_level": 1}, "900x"),
        ("PNG", "RGBA", {"compress_level": 1}, "1500x-avif"),
        ("PNG", "RGBA", {"compress_level": 1}, "100x-linear"),
        ("PNG", "RGB", {"compress_level": 1}, "100x-trim10"),
        ("PNG", "P", {"compress_level": 1}, "100x"),
        ("WEBP", "RGB", {"method": 0}, "100x"),
        ("WEBP", "RGBA", {"method": 0, "lossless": True, "quality": 0}, "100x"),
        ("AVIF", "RGB", {"speed": 10}, "100x"),
        ("GIF", "P", {}, "100x"),
        ("TIFF", "RGB", {}, "100x"),
        ("BMP", "RGB", {}, "100x"),
        ("JPEG2000", "RGB", {"quality_layers": [100]}, "100x"),
    ],
)
def test_no_picture_needs_more_than_was_foreseen(
    format: str, mode: str, options: dict[str, Any], text: str, tmp_path: Path
) -> None:
    image = photo((250, 180))
    for name, size in (("source", (2000, 1440)), ("small", (200, 144))):
        (tmp_path / name).write_bytes(encoded(image.resize(size).convert(mode), format, **options))
    used, foreseen = measured(tmp_path, text)
    assert used <= foreseen


def measured(folder: Path, text: str) -> tuple[int, int]:
    command = [sys.executable, "-c", SCRIPT, str(folder / "source"), str(folder / "small"), text]
    used, foreseen = map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    return used, foreseen


@pytest.mark.process
@pytest.mark.parametrize(
    ("format", "mode", "options", "text"),
    [
        ("GIF", "P", {}, "100x"),
        ("GIF", "RGBA", {}, "600x-png"),
        ("AVIF", "RGB", {"speed": 10}, "100x"),
        ("AVIF", "RGBA", {"speed": 10}, "100x-gif"),
        ("WEBP", "RGB", {"method": 0}, "600x-gif"),
        ("WEBP", "RGBA", {"method": 0}, "600x-avif"),
        ("PNG", "RGB", {"compress_level": 1}, "600x-avif"),
    ],
)
def test_no_animation_needs_more_than_was_foreseen(
    format: str, mode: str, options: dict[str, Any], text: str, tmp_path: Path
) -> None:
    for name, size in (("source", (1200, 800)), ("small", (120, 80))):
        wide = photo((250, 180)).resize((size[0] + 60, size[1]))
        frames = [wide.crop((5 * n, 0, 5 * n + size[0], size[1])).convert(mode) for n in range(12)]
        for frame in frames if mode == "RGBA" else ():
            frame.putalpha(Image.linear_gradient("L").resize(size))
        moving = {"save_all": True, "append_images": frames[1:], "duration": 50}
        (tmp_path / name).write_bytes(encoded(frames[0], format, **options, **moving))
    used, foreseen = measured(tmp_path, text)
    assert used <= foreseen


@pytest.mark.process
@pytest.mark.parametrize("text", ["100x", "100x-linear", "1500x-png"])
@pytest.mark.parametrize("colour", [0, 2, 4, 6])
def test_nor_does_one_of_16_bits_with_a_profile(colour: int, text: str, tmp_path: Path) -> None:
    for name, size in (("source", (2000, 1440)), ("small", (200, 144))):
        (tmp_path / name).write_bytes(deep_png(colour, size))
    used, foreseen = measured(tmp_path, text)
    assert used <= foreseen


@functools.cache
def deep_png(colour: int, size: tuple[int, int]) -> bytes:
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    content = profile(curve(1.8), icc.SRGB if channels > 2 else None)
    samples = np.asarray(photo((250, 180)).convert("RGBA").resize(size)).astype(np.uint16)[..., -channels:] * 257
    samples[..., -1] = samples[..., 0] // 2
    return png(size, colour, 16, packed_rows(samples, 16), [iccp(content)])


@pytest.mark.process
@pytest.mark.parametrize("text", ["100x", "100x-linear", "1500x-png"])
@pytest.mark.parametrize("kind", ["f4", "u4", "12 bits"])
def test_nor_does_a_tiff_of_unusual_samples(kind: str, text: str, tmp_path: Path) -> None:
    for name, size in (("source", (2000, 1440)), ("small", (200, 144))):
        (tmp_path / name).write_bytes(unusual_tiff(kind, size))
    used, foreseen = measured(tmp_path, text)
    assert used <= foreseen


@functools.cache
def unusual_tiff(kind: str, size: tuple[int, int]) -> bytes:
    samples = np.asarray(photo((250, 180)).resize(size))
    if kind == "12 bits":  # any bits do
        strip, bits = samples.tobytes() + samples.tobytes()[: samples.size // 2], 12
    else:
        strip = (samples / 255 if kind == "f4" else samples.astype("u4") << 24).astype(f"<{kind}").tobytes()
        bits = 32
    tags: Tags = {258: [bits] * 3, 259: [1], 262: [2], 277: [3], 339: [3 if kind == "f4" else 1] * 3}
    return pages([(tags, size, [strip], size[1], 0)])


@pytest.mark.process
@pytest.mark.parametrize("text", ["100x", "100x-linear", "1500x-png"])
def test_nor_does_a_heic_of_10_bits(text: str, tmp_path: Path) -> None:
    for name, size in (("source", (1984, 1440)), ("small", (192, 160))):
        (tmp_path / name).write_bytes(deep_heic(size))
    used, foreseen = measured(tmp_path, text)
    assert used <= foreseen


@functools.cache
def deep_heic(size: tuple[int, int]) -> bytes:
    samples = np.asarray(photo((250, 180)).convert("L").resize(size)).astype("<u2") << 2
    return heic(Image.frombytes("I;16", size, samples.tobytes()), 10, transfer=16)


def needed(data: bytes, *texts: str, scale: int = 1, frames: int = 1) -> int:
    header: Header = read(BytesStream(data), Limits())
    made = [(r, plan(header.size, r), frames) for r in map(Rendition.parse, texts)]
    return memory.estimate(header, header.size, scale, made)


def test_what_makes_a_picture_dear() -> None:
    plain = needed(huge_png((4000, 3000)), "100x")
    assert needed(huge_png((4000, 3000), 0), "100x") < plain
    assert needed(huge_png((4000, 3000), 6), "100x") > plain
    assert needed(huge_png((4000, 3000), 2, 16), "100x") > plain
    assert needed(huge_png((4000, 3000)), "100x", "4000x") > plain + 4000 * 3000 * 20
    assert needed(huge_png((4000, 3000)), "1000x", frames=100) > plain + 1000 * 750 * 4 * 100
    assert needed(huge_png((4000, 3000)), "100x-linear") > plain
    assert needed(huge_png((4000, 3000)), "100x-trim1") > plain
    assert needed(huge_png((4000, 3000), interlaced=True), "100x") == plain


def test_a_jpeg_costs_what_is_decoded_of_it_and_all_its_coefficients() -> None:
    image = photo((800, 600))
    baseline, progressive = (encoded(image, "JPEG", progressive=way) for way in (False, True))
    assert needed(baseline, "10x", scale=8) < needed(baseline, "10x") - 800 * 600 * 3
    assert needed(progressive, "10x") - len(progressive) == needed(baseline, "10x") - len(baseline) + 2 * 3 * 800 * 600


@pytest.mark.skipif(native.kernels() is None, reason="the native module was not compiled")
@pytest.mark.parametrize(("format", "options"), [("PNG", {}), ("JPEG", {"progressive": True})])
def test_a_picture_that_is_read_by_rows_needs_memory_only_for_pillow(format: str, options: dict[str, Any]) -> None:
    """Rows of a PNG and the first scan of a progressive JPEG fit; all that Pillow would keep does not."""
    data = encoded(photo((1600, 1200)), format, **options)
    limits = Limits(memory=26 * MIB + len(data))
    assert resize(data, "40x30", limits) == resize(data, "40x30")
    start = data.index(b"IDAT" if format == "PNG" else b"\xff\xda") + 40
    damaged = data[:start] + b"\x55" * 60 + data[start + 60 :]
    with pytest.raises(ImageTooLarge, match="whole picture"):
        resize(damaged, "40x30", limits)
    if format == "PNG":
        with pytest.raises(CorruptImage):
            resize(damaged, "40x30")
    else:
        assert resize(damaged, "40x30").width == 40  # libjpeg passes over the fault
    with pytest.raises(ImageTooLarge, match="MiB of memory"):
        resize(data, "40x30-trim10", limits)


def test_an_interlaced_picture_is_decoded_right() -> None:
    from tests.pictures import opened

    pixels = np.asarray(photo((33, 17)))
    output = resize(png((33, 17), 2, 8, adam7(pixels), interlaced=True), "33x17")
    assert np.array_equal(np.asarray(opened(output.data)), pixels)


def test_the_message_says_both_numbers() -> None:
    with pytest.raises(ImageTooLarge, match="this needs 2 MiB of memory; 1 MiB are allowed"):
        memory.check_memory(2 * MIB, Limits(memory=MIB))
