"""Animations: frames, times and repetitions, from each format into each."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import Base

from tests.pictures import (
    BLUE,
    GREEN,
    RED,
    animation,
    encoded,
    gif_of_frames,
    near,
    opened,
    photo,
    png,
    png_chunk,
)
from tests.reference import psnr
from tinypics import Limits, resize, resize_all
from tinypics.errors import ImageTooLarge
from tinypics.image.headers.reader import read
from tinypics.image.limits import DEFAULT
from tinypics.image.stream import BytesStream
from tinypics.image.timing import to_whole_units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinypics.image.headers.header import Header

SOURCES = ["GIF", "WEBP", "PNG", "AVIF"]
TARGETS = ["gif", "webp", "avif"]


def moving(format: str, count: int = 4, size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    frames = animation(count, size)
    return encoded(frames[0], format, save_all=True, append_images=frames[1:], **options)


def frames_of(data: bytes) -> list[tuple[Image.Image, int]]:
    """Each frame as Pillow reads it, with its time."""
    image: Any = Image.open(io.BytesIO(data))
    found = []
    for number in range(image.n_frames):
        image.seek(number)
        image.load()
        found.append((image.convert("RGBA"), image.info.get("duration") or 0))
    return found


def closeness(image: Image.Image, expected: Image.Image) -> float:
    """Decibels of the colours."""
    return psnr(np.asarray(image.convert("RGB"), float), np.asarray(expected.convert("RGB"), float))


def times(data: bytes) -> list[int]:
    return [duration for _, duration in frames_of(data)]


def header(data: bytes) -> Header:
    return read(BytesStream(data), DEFAULT)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("target", TARGETS)
def test_an_animation_stays_one(source: str, target: str) -> None:
    output = resize(moving(source, duration=[100, 50, 200, 70], loop=0), f"20x15-{target}")
    assert (output.format, output.dropped) == (target, ())
    frames = frames_of(output.data)
    assert [duration for _, duration in frames] == [100, 50, 200, 70]
    for number, (image, _) in enumerate(frames):
        x = number * 5 + 2
        assert image.size == (20, 15)
        assert near(image.convert("RGB").getpixel((x, 7)), RED, 40)  # type: ignore[arg-type]
        assert near(image.convert("RGB").getpixel(((x + 10) % 20, 7)), BLUE, 40)  # type: ignore[arg-type]


@pytest.mark.parametrize("source", ["GIF", "WEBP", "PNG"])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("plays", [0, 1, 3])
def test_an_animation_is_shown_as_often_as_before(source: str, target: str, plays: int) -> None:
    def loop(name: str) -> dict[str, int]:
        """A GIF counts repetitions after the first time, and leaves the number out for none."""
        return ({} if plays == 1 else {"loop": max(plays - 1, 0)}) if name == "GIF" else {"loop": plays}

    output = resize(moving(source, 4, (40, 30), duration=50, **loop(source)), f"20x15-{target}")
    if target != "avif":  # Pillow does not read how often that plays
        image = opened(output.data)
        assert {key: image.info[key] for key in ("loop",) if key in image.info} == loop(target.upper())
    back = opened(resize(output.data, "20x15-gif").data)
    assert {key: back.info[key] for key in ("loop",) if key in back.info} == loop("GIF")


def test_an_avif_that_does_not_say_how_often_it_plays_plays_endlessly() -> None:
    data = moving("AVIF", duration=50)
    assert header(data).loop_count == 0
    assert header(data.replace(b"edts", b"free")).loop_count == 0
    edit = data.index(b"elst")
    assert header(data[: edit + 7] + b"\0" + data[edit + 8 :]).loop_count == 1  # the flag that repeats the edit


@pytest.mark.parametrize("plays", [2, 65_535, 65_536, 100_000, 0x7FFFFFFF])
@pytest.mark.parametrize("target", TARGETS)
def test_a_number_of_plays_that_a_format_cannot_say_becomes_its_largest(plays: int, target: str) -> None:
    output = resize(moving("PNG", duration=50, loop=plays), f"20x15-{target}")
    most = {"gif": 65_536, "webp": 65_535}.get(target, plays)
    assert header(output.data).loop_count == min(plays, most)
    assert len(frames_of(output.data)) == 4


@pytest.mark.parametrize("target", TARGETS)
def test_a_gif_that_repeats_as_often_as_it_can_is_written(target: str) -> None:
    output = resize(moving("GIF", duration=50, loop=65_535), f"20x15-{target}")
    assert header(output.data).loop_count == (65_535 if target == "webp" else 65_536)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("duration", [18_000_000, 65_535_000])
def test_a_delay_that_a_format_cannot_say_becomes_its_longest(duration: int, target: str) -> None:
    found = times(resize(moving("PNG", duration=duration), f"20x15-{target}").data)
    longest = {"gif": 655_350, "webp": 0xFFFFFF}.get(target, duration)
    assert found == [min(duration, longest)] * 4


def test_a_sum_of_delays_that_webp_cannot_say_is_shared_out() -> None:
    found = times(resize(moving("PNG", 40, (400, 3), duration=[65_535_000] * 39 + [5]), "400x-webp").data)
    assert found == [0xFFFFFF] * 39 + [5]
    found = times(resize(moving("PNG", 200, (400, 3), duration=65_535_000), "400x-webp").data)
    assert found == [0x7FFFFFFF // 200] * 200


@pytest.mark.table
@pytest.mark.parametrize("source", ["WEBP", "PNG", "AVIF"])
@pytest.mark.parametrize("duration", [8, 16, 17, 19, 20, 25, 33, 47, 105])
def test_a_fast_animation_is_as_fast_as_a_gif_can_be(source: str, duration: int) -> None:
    found = times(resize(moving(source, 20, duration=duration), "20x15-gif").data)
    assert min(found) >= 20
    assert abs(sum(found) - 20 * max(duration, 20)) < 10
    assert max(found) - min(found) <= 10


def test_fractions_of_a_millisecond_are_not_lost() -> None:
    """An APNG has a fraction of a second: 30 frames of 1/60 s take half a second."""
    data = moving("PNG", 30, duration=50)
    for delay in (struct.pack(">HH", 50, 1000), struct.pack(">HH", 1, 20)):
        data = data.replace(delay, struct.pack(">HH", 1, 60))
    chunks, at = [data[:8]], 8
    while at < len(data):  # with correct checksums
        length, kind = struct.unpack_from(">I4s", data, at)
        chunks.append(png_chunk(kind, data[at + 8 : at + 8 + length]))
        at += 12 + length
    data = b"".join(chunks)
    assert sum(times(resize(data, "20x15-webp").data)) == 500
    assert sum(times(resize(data, "20x15-avif").data)) == 500
    assert set(times(resize(data, "20x15-gif").data)) == {20}


@pytest.mark.parametrize(
    ("durations", "unit", "least", "most", "written"),
    [
        ([16, 16, 16], 10, 2, 65_535, [2, 2, 2]),
        ([25, 25, 25, 25], 10, 2, 65_535, [2, 3, 2, 3]),
        ([8, 40, 8, 40], 10, 2, 65_535, [2, 3, 2, 3]),  # the long ones give what the short ones take
        ([10] * 20 + [1000], 10, 2, 65_535, [2] * 20 + [80]),
        ([10] * 100 + [1000], 10, 2, 65_535, [2] * 100 + [50]),  # never more than half
        ([16.6667] * 3, 1, 0, 1000, [17, 16, 17]),
        ([5000, 5], 1, 0, 1000, [1000, 5]),
        ([0, 0], 1, 0, 1000, [0, 0]),
        ([], 1, 0, 1000, []),
    ],
)
def test_times_in_whole_units(
    durations: Sequence[float], unit: int, least: int, most: int, written: Sequence[int]
) -> None:
    assert to_whole_units(durations, unit, least, most) == written


@pytest.mark.parametrize("source", SOURCES)
def test_frames_may_take_no_time(source: str) -> None:
    for target in TARGETS:
        assert len(frames_of(resize(moving(source, duration=0), f"20x15-{target}").data)) == 4


@pytest.mark.parametrize("source", ["PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("target", TARGETS)
def test_transparent_frames_do_not_shine_through(source: str, target: str) -> None:
    frames = []
    for x in (0, 20, 10):
        frame = Image.new("RGBA", (40, 20), (0, 0, 0, 0))
        frame.paste((*RED, 255), (x, 0, x + 20, 20))
        frames.append(frame)
    data = encoded(frames[0], source, save_all=True, append_images=frames[1:], duration=50)
    shown = [image for image, _ in frames_of(resize(data, f"20x10-{target}").data)]
    alphas = [[image.getpixel((x, 5))[3] for x in (2, 7, 12, 17)] for image in shown]  # type: ignore[index]
    assert [[alpha > 128 for alpha in row] for row in alphas] == [
        [True, True, False, False],
        [False, False, True, True],
        [False, True, True, False],
    ]


def test_frames_with_and_without_transparency_or_colour_make_one_animation() -> None:
    """The first frame is opaque and grey."""
    frames = [Image.new("RGBA", (40, 20), (90, 90, 90, 255)), Image.new("RGBA", (40, 20), (*RED, 0))]
    data = encoded(frames[0], "PNG", save_all=True, append_images=[frames[1], frames[0]], duration=50)
    for target in TARGETS:
        shown = [image.getpixel((10, 5)) for image, _ in frames_of(resize(data, f"20x10-{target}").data)]
        assert [alpha for *_, alpha in shown] == [255, 0, 255]  # type: ignore[misc]


@pytest.mark.parametrize("lossless", ["", "-lossless"])
def test_equal_frames_on_a_bare_canvas_make_a_webp_that_can_be_read(lossless: str) -> None:
    """The encoder makes one frame of them, without the header of an animation."""
    shown = opened(resize(gif_of_frames(3, (12, 9)), f"12x-webp{lossless}").data).convert("RGBA")
    assert shown.getpixel((0, 0))[3] == 255  # type: ignore[index]
    assert shown.getpixel((11, 8))[3] == 0  # type: ignore[index]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("target", ["jpeg", "png"])
def test_a_still_format_gets_the_first_frame_and_says_so(source: str, target: str) -> None:
    resized = resize_all(moving(source, duration=50), [f"20x15-{target}", "20x15-webp"])
    assert resized.source.frames == 4
    still, animated = resized.outputs
    assert still.dropped == ("frames",)
    assert animated.dropped == ()
    assert near(opened(still.data).convert("RGB").getpixel((2, 7)), RED, 40)  # type: ignore[arg-type]
    assert len(frames_of(animated.data)) == 4


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("limits", [Limits(frame_pixels=4000), Limits(frames=3)])
def test_a_still_of_a_long_animation_costs_one_frame(source: str, limits: Limits) -> None:
    data = moving(source, duration=50)
    assert resize(data, "20x15-jpeg", limits).dropped == ("frames",)
    for target in TARGETS:
        with pytest.raises(ImageTooLarge, match=r"4 frames of 40 x 30 pixels|more than 3 frames"):
            resize(data, f"20x15-{target}", limits)


def test_a_still_of_a_heic_sequence_is_not_counted_by_frames() -> None:
    """Its boxes are those of an AVIF."""
    assert header(moving("AVIF", 30, duration=50).replace(b"avis", b"hevc", 1).replace(b"avif", b"heic")).frames == 30


def test_an_apng_may_start_with_a_picture_that_is_not_in_it() -> None:
    frames = animation(3)
    data = encoded(
        Image.new("RGB", frames[0].size, GREEN), "PNG", save_all=True, append_images=frames, default_image=True
    )
    still, animated = resize_all(data, ["20x15", "20x15-webp"]).outputs
    assert near(opened(still.data).convert("RGB").getpixel((2, 7)), RED, 40)  # type: ignore[arg-type]
    assert len(frames_of(animated.data)) == 3
    assert near(frames_of(animated.data)[0][0].convert("RGB").getpixel((2, 7)), RED, 40)  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [0, 4, 7])
def test_an_animation_chunk_that_is_too_short_is_left_out(length: int) -> None:
    data = png((9, 9), 2, 8, [bytes(27)] * 9, [(b"acTL", b"\xff" * length)])
    for target in ("png", "webp", "jpeg"):
        output = resize(data, f"9x9-{target}")
        assert (output.width, output.dropped) == (9, ())


def test_a_gif_without_loss_becomes_an_animated_webp() -> None:
    output = resize(moving("GIF", duration=50), "20x15-lossless")
    assert (output.format, output.dropped, len(frames_of(output.data))) == ("webp", (), 4)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_an_animated_webp_shows_a_fade_whose_steps_are_invisible(mode: str) -> None:
    first, last = (photo((64, 48), seed).convert(mode) for seed in (1, 2))
    if mode == "RGBA":
        first.putpixel((0, 0), (0, 0, 0, 0))
    frames = [Image.blend(first, last, number / 40) for number in range(20)]
    data = encoded(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=50)
    shown = [image for image, time in frames_of(resize(data, "64x48-webp").data) for _ in range(time // 50)]
    assert min(closeness(*pair) for pair in zip(shown, frames, strict=True)) > 27


def test_an_animated_webp_has_only_the_changes_of_an_opaque_picture() -> None:
    still, exif = photo((160, 120)), Image.Exif()
    exif[Base.Copyright] = "Ann"
    frames = [still.copy() for _ in range(8)]
    for number, frame in enumerate(frames[:6]):  # two corners
        frame.paste(RED, (10 * number, 0, 10 * number + 10, 10))
        frame.paste(BLUE, (150 - 10 * number, 110, 160 - 10 * number, 120))
    frames[7] = still.point([level ^ 1 for level in range(256)] * 3)  # nothing that shows
    data = encoded(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=50, exif=exif)
    output = resize(data, "160x120-webp-keepall").data
    shown = frames_of(output)
    assert [time for _, time in shown] == [50] * 6 + [100]
    assert min(closeness(image, frame) for (image, _), frame in zip(shown, frames[:7], strict=True)) > 28
    assert len(output) < 3 * len(encoded(frames[0], "WEBP", quality=80))  # of eight frames
    assert opened(output).getexif()[Base.Copyright] == "Ann"


def test_frames_of_all_outputs_count() -> None:
    data = moving("GIF", duration=50)
    with pytest.raises(ImageTooLarge, match="an output of 4 frames of 20 x 15 pixels; at most 1,000"):
        resize(data, "20x15", Limits(output_pixels=1000))
    assert resize(data, "20x15-png", Limits(output_pixels=1000)).width == 20
