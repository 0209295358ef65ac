"""GIF: the canvas as in browsers, and animations that store only changes."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.pictures import BLUE, GREEN, RED, encoded, opened, photo
from tinypics import Limits, resize, resize_all
from tinypics.errors import CorruptImage, ImageTooLarge
from tinypics.image import gif_decode, gif_encode

Pixel = tuple[int, ...]
R, B = (255, 0, 0, 255), (0, 0, 255, 255)
TABLE = b"\xff\0\0\0\0\xff\0\xff\0" + bytes(3)  # red, blue, green


def gif(*frames: bytes, size: tuple[int, int] = (8, 8), table: bytes = TABLE, background: int = 0) -> bytes:
    flags = 0x80 | (len(table) // 6).bit_length() - 1 if table else 0
    return b"GIF89a" + struct.pack("<HHBBB", *size, flags, background, 0) + table + b"".join(frames) + b";"


def frame(
    at: tuple[int, int],
    size: tuple[int, int],
    index: int,
    *,
    disposal: int = 1,
    hundredths: int = 10,
    clear: int | None = None,
    table: bytes = b"",
    ends: bool = True,
) -> bytes:
    """A frame of one colour; each pixel is a code of its own after a code that empties the decoder's dictionary."""
    codes = [code for _ in range(size[0] * size[1]) for code in (4, index)] + [5] * ends
    bits = sum(code << 3 * n for n, code in enumerate(codes))
    data = bits.to_bytes(-(-3 * len(codes) // 8), "little")
    blocks = b"".join(bytes((len(data[n : n + 255]),)) + data[n : n + 255] for n in range(0, len(data), 255))
    control = b"!\xf9\4" + struct.pack("<BHBB", disposal << 2 | (clear is not None), hundredths, clear or 0, 0)
    return control + b"," + struct.pack("<HHHHB", *at, *size, 0x81 if table else 0) + table + b"\2" + blocks + b"\0"


FULL = frame((0, 0), (8, 8), 1)


def shown(data: bytes, at: tuple[int, int]) -> list[Pixel]:
    """This pixel in each frame, as Pillow reads it."""
    image: Any = Image.open(io.BytesIO(data))
    pixels = []
    for number in range(image.n_frames):
        image.seek(number)
        pixels.append(image.convert("RGBA").getpixel(at))
    return pixels


def times(data: bytes) -> list[int]:
    image: Any = Image.open(io.BytesIO(data))
    found = []
    for number in range(image.n_frames):
        image.seek(number)
        image.load()
        found.append(image.info["duration"])
    return found


# The canvas


@pytest.mark.parametrize("target", ["png", "gif", "webp-lossless", "avif"])
@pytest.mark.parametrize("background", [0, 1])
@pytest.mark.parametrize("clear", [None, 0, 2])
def test_what_no_frame_covers_is_transparent(target: str, background: int, clear: int | None) -> None:
    data = gif(frame((2, 0), (4, 8), 1, clear=clear), background=background)
    image = opened(resize(data, f"8x8-{target}").data).convert("RGBA")
    assert image.getpixel((4, 4))[3] >= 253  # type: ignore[index]
    assert max(image.getpixel(at)[3] for at in ((0, 0), (7, 7))) <= 2  # type: ignore[index]


def test_what_no_frame_covers_gets_the_background_where_there_is_no_alpha() -> None:
    output = resize(gif(frame((0, 0), (4, 8), 1)), "8x8-jpeg-bg00ff00")
    assert output.dropped == ("alpha",)
    red, green, _ = opened(output.data).getpixel((7, 7))  # type: ignore[misc]
    assert green > 200 > red


@pytest.mark.parametrize("target", ["gif", "webp-lossless"])
@pytest.mark.parametrize("clear", [None, 2])
def test_what_is_restored_to_background_is_transparent(target: str, clear: int | None) -> None:
    frames = [FULL, frame((0, 0), (4, 4), 0, disposal=2, clear=clear), frame((6, 6), (2, 2), 0)]
    data = resize(gif(*frames), f"8x8-{target}").data
    assert [p[3] for p in shown(data, (1, 1))] == [255, 255, 0]
    assert shown(data, (5, 1)) == [B, B, B]
    assert shown(data, (7, 7)) == [B, B, R]


def test_what_is_restored_to_before_is_as_before() -> None:
    for disposal in (3, 4):  # some encoders write 4
        frames = [FULL, frame((0, 0), (4, 4), 0, disposal=disposal), frame((6, 6), (2, 2), 2)]
        data = resize(gif(*frames), "8x8-gif").data
        assert shown(data, (1, 1)) == [B, R, B]


def test_a_first_frame_that_is_restored_leaves_nothing() -> None:
    data = resize(gif(frame((0, 0), (8, 8), 1, disposal=3), frame((0, 0), (4, 4), 0)), "8x8-gif").data
    assert [p[3] for p in shown(data, (7, 7))] == [255, 0]
    assert shown(data, (1, 1)) == [B, R]


def test_each_frame_may_have_colours_of_its_own() -> None:
    own = b"\xff\xff\0\0\xff\xff" + bytes(6)
    data = resize(gif(FULL, frame((0, 0), (4, 4), 1, table=own), frame((4, 4), (4, 4), 2)), "8x8-gif").data
    assert shown(data, (1, 1)) == [B, (0, 255, 255, 255), (0, 255, 255, 255)]
    assert shown(data, (6, 6)) == [B, B, (0, 255, 0, 255)]


def test_without_any_colours_numbers_are_levels_of_grey() -> None:
    assert opened(resize(gif(FULL, table=b""), "8x8-png").data).convert("RGB").getpixel((1, 1)) == (1, 1, 1)


def test_a_first_frame_that_is_larger_than_the_canvas_makes_it_larger_and_a_later_one_does_not() -> None:
    resized = resize_all(gif(frame((0, 0), (12, 10), 1), frame((10, 8), (9, 9), 0)), ["40x-png", "40x-gif"])
    assert (resized.source.width, resized.source.height) == (12, 10)
    assert shown(resized.outputs[1].data, (11, 9)) == [B, R]
    with pytest.raises(ImageTooLarge, match="19 x 17 pixels"):  # as much has to be decoded
        resize(gif(frame((0, 0), (12, 10), 1), frame((10, 8), (9, 9), 0)), "40x-gif", Limits(pixels=300))


@pytest.mark.parametrize("size", [(0, 0), (0, 5), (3, 0)])
def test_a_frame_without_pixels_keeps_its_time(size: tuple[int, int]) -> None:
    nothing = frame((1, 1), size, 0, hundredths=7)
    resized = resize_all(gif(FULL, nothing, nothing, frame((0, 0), (4, 4), 0), nothing), ["8x8-gif", "8x8-webp"])
    for output in resized.outputs:
        assert times(output.data) == [240, 170]
        assert output.dropped == ()
    assert times(resize(gif(nothing, FULL, frame((0, 0), (4, 4), 0)), "8x8-gif").data) == [170, 100]
    assert resize(gif(FULL, nothing), "8x8-jpeg").dropped == ()  # there is one frame only


def test_only_frames_without_pixels_are_no_picture() -> None:
    with pytest.raises(CorruptImage):
        resize(gif(frame((1, 1), (0, 0), 0)), "8x8-png")


def test_a_delay_of_nothing_is_shown_for_a_tenth_of_a_second() -> None:
    frames = [frame((0, 0), (8, 8), n % 2, hundredths=hundredths) for n, hundredths in enumerate((0, 5, 0))]
    assert times(resize(gif(*frames), "8x8-gif").data) == [100, 50, 100]


def test_pixels_that_end_early_in_a_complete_file_are_the_encoders() -> None:
    """Browsers show the part that is there."""
    short = frame((0, 0), (8, 4), 1, ends=False).replace(
        struct.pack("<HHHH", 0, 0, 8, 4), struct.pack("<HHHH", 0, 0, 8, 8)
    )
    assert shown(resize(gif(short), "8x8-png").data, (4, 1)) == [B]
    data = gif(FULL)
    with pytest.raises(CorruptImage):
        resize(data[: len(data) * 2 // 3], "8x8-png")
    assert resize(data[: len(data) * 2 // 3], "8x8-png", Limits(lenient=True)).dropped == ("missing-data",)


# Writing


def cartoon(count: int = 20, size: tuple[int, int] = (400, 300)) -> list[Image.Image]:
    frames = []
    for number in range(count):
        image = Image.new("RGB", size, "#78c8f0")
        draw = ImageDraw.Draw(image)
        draw.rectangle((0, size[1] * 3 // 4, *size), fill="#5aaa46")
        x = 20 + number * (size[0] - 100) // count
        draw.ellipse((x, size[1] // 2, x + 70, size[1] // 2 + 70), fill="#e63c32")
        draw.text((size[0] // 3, size[1] // 3), "HELLO WORLD", fill="#141414")
        frames.append(image)
    return frames


def moving(frames: list[Image.Image], format: str, **options: Any) -> bytes:
    return encoded(frames[0], format, save_all=True, append_images=frames[1:], duration=50, **options)


@pytest.mark.table
@pytest.mark.parametrize("colours", [4, 8, 32, 256])
def test_a_cartoon_of_half_the_width_has_no_more_than_one_and_a_half_times_the_bytes(colours: int) -> None:
    frames = [image.quantize(colours, dither=Image.Dither.NONE) for image in cartoon()]
    source = moving(frames, "GIF", optimize=True)
    assert len(resize(source, "200x").data) <= 1.5 * len(source)
    assert len(resize(source, "400x").data) <= len(source)


def test_few_colours_come_out_exactly() -> None:
    frames = cartoon(5)
    output = resize(moving(frames, "PNG"), "400x-gif")
    image: Any = Image.open(io.BytesIO(output.data))
    for number, expected in enumerate(frames):
        image.seek(number)
        assert np.array_equal(np.asarray(image.convert("RGB")), np.asarray(expected))


@pytest.mark.parametrize("count", [2, 3, 255, 256])
@pytest.mark.parametrize("moves", [False, True])
def test_any_number_of_colours_up_to_256_comes_out_exactly(count: int, moves: bool) -> None:
    wide = Image.new("RGB", (count, 4))
    for x in range(count):
        wide.paste((x, 255 - x, 100 + x % 3), (x, 0, x + 1, 4))
    frames = [wide, wide.transpose(Image.Transpose.FLIP_LEFT_RIGHT)] if moves else [wide]
    image: Any = Image.open(io.BytesIO(gif_encode.encode(frames, [100] * len(frames), 0)))
    for number, expected in enumerate(frames):
        image.seek(number)
        assert np.array_equal(np.asarray(image.convert("RGB")), np.asarray(expected))


def test_a_photo_that_moves_looks_like_itself() -> None:
    wide = photo((240, 150))
    frames = [wide.crop((n * 4, 0, n * 4 + 200, 150)) for n in range(10)]
    image: Any = Image.open(io.BytesIO(gif_encode.encode(frames, [50] * 10, 0)))
    for number, expected in enumerate(frames):
        image.seek(number)
        off = np.asarray(image.convert("RGB")).astype(float) - np.asarray(expected)
        assert 10 * np.log10(255**2 / (off**2).mean()) > 28


def test_unchanged_areas_are_not_written_again() -> None:
    still = photo((200, 150))
    one = len(gif_encode.encode([still], [50], 0))
    spot = still.copy()
    spot.paste(GREEN, (20, 20, 30, 30))
    assert len(gif_encode.encode([still, still, spot, spot, still], [50] * 5, 0)) < one * 1.1
    assert len(times(gif_encode.encode([still] * 5, [50] * 5, 0))) == 5


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_frames_with_any_transparency_are_read_as_they_were_written(mode: str) -> None:
    """Pillow's reader and ours, over frames of random holes."""
    random = np.random.default_rng(5)
    frames = []
    for _ in range(12):
        frame = Image.new(mode, (16, 12), (60, 255) if mode == "LA" else (60, 60, 60, 255))
        for _ in range(3):
            x, y = (int(v) for v in random.integers(0, 10, 2))
            level, alpha = int(random.integers(0, 4)) * 80, int(random.integers(0, 2)) * 255
            frame.paste((level, alpha) if mode == "LA" else (level, level, 0, alpha), (x, y, x + 5, y + 5))
        frames.append(frame)
    data = gif_encode.encode(frames, [100] * 12, 0)
    theirs: Any = Image.open(io.BytesIO(data))
    for number, (ours, wanted) in enumerate(zip(gif_decode.frames(data, lenient=False), frames, strict=True)):
        theirs.seek(number)
        for image in (ours.image, theirs):
            found, expected = (np.asarray(each.convert("RGBA")).astype(int) for each in (image, wanted))
            opaque = expected[..., 3] == 255
            assert np.array_equal(found[..., 3] == 255, opaque)
            assert np.array_equal(found[opaque], expected[opaque])


def test_a_still_gif_has_one_frame_and_no_time() -> None:
    data = gif_encode.encode([Image.new("RGB", (9, 9), RED)], [0], 1)
    image: Any = Image.open(io.BytesIO(data))
    assert (image.n_frames, image.info.get("duration"), image.info.get("loop")) == (1, None, None)
    assert image.convert("RGB").getpixel((4, 4)) == RED


def test_a_grey_gif_of_256_levels_stays_exact() -> None:
    image = opened(resize(encoded(Image.linear_gradient("L"), "PNG"), "256x-gif").data)
    assert np.array_equal(np.asarray(image.convert("L")), np.asarray(Image.linear_gradient("L")))


def test_blue_differences_of_one_level_count() -> None:
    first, second = (Image.new("RGB", (20, 20), (*BLUE[:2], blue)) for blue in (100, 101))
    assert [p[2] for p in shown(gif_encode.encode([first, second], [50, 50], 0), (5, 5))] == [100, 101]
