"""The native reader of PNGs against Pillow: the same pixels, the same refusals."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from tests import reference
from tests.pictures import adam7, animation, encoded, opened, photo, png, png_chunk
from tinypics import resize, resize_all
from tinypics.errors import CorruptImage
from tinypics.image import decode, native, png_decode
from tinypics.image.headers import reader
from tinypics.image.limits import DEFAULT, Limits
from tinypics.image.stream import BytesStream

if TYPE_CHECKING:
    from tinypics.image.picture import OpenPicture

pytestmark = pytest.mark.skipif(native.kernels() is None, reason="the native module was not compiled")

SIZE = (61, 37)
DICE = np.random.default_rng(7)


def picture(data: bytes) -> OpenPicture:
    return decode.open_picture(reader.read(BytesStream(data), DEFAULT), DEFAULT)


def by_pillow(data: bytes) -> Image.Image:
    return next(decode.frames(picture(data), 1, animate=False, lenient=False)).image


def read(data: bytes, box: int = 1) -> Image.Image | None:
    found = picture(data)
    return png_decode.read(found, box) if png_decode.takes(found) else None


def rows_of(colour: int, bits: int) -> list[bytes]:
    samples = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    return [DICE.bytes((SIZE[0] * samples * bits + 7) // 8) for _ in range(SIZE[1])]


def kinds() -> dict[str, bytes]:
    colours, alpha = photo(SIZE), photo(SIZE)
    alpha.putalpha(Image.linear_gradient("L").resize(SIZE))
    made = {"RGB": colours, "RGBA": alpha, "L": colours.convert("L"), "LA": alpha.convert("LA")}
    found = {name: encoded(image, "PNG") for name, image in made.items()}
    found |= {f"palette of {count}": encoded(colours.quantize(count), "PNG") for count in (2, 4, 16, 200)}
    found["clear colour"] = encoded(colours.quantize(16), "PNG", transparency=3)
    found["clear colours"] = encoded(colours.quantize(16), "PNG", transparency=bytes(range(0, 160, 20)))
    for bits, kind in [(1, 0), (2, 0), (4, 0), (16, 0), (16, 2), (16, 4), (16, 6)]:
        found[f"{bits} bits, colour type {kind}"] = png(SIZE, kind, bits, rows_of(kind, bits))
    return found


@pytest.mark.parametrize("kind", kinds())
def test_the_pixels_are_those_of_pillow(kind: str) -> None:
    data = kinds()[kind]
    whole, boxed, wanted = read(data), read(data, 7), by_pillow(data)
    assert whole is not None
    assert boxed is not None
    assert (whole.mode, whole.size) == (wanted.mode, wanted.size)
    assert np.array_equal(np.asarray(whole), np.asarray(wanted))
    means = np.asarray(wanted.reduce(7)).astype(int)
    assert np.abs(np.asarray(boxed).astype(int) - means).max() <= 1


def filtered(colour: int, bits: int, filters: list[int]) -> bytes:
    """Random bytes behind any filters: every row is valid."""
    rows = zip(filters, rows_of(colour, bits), strict=True)
    header = struct.pack(">IIBBBBB", *SIZE, bits, colour, 0, 0, 0)
    pixels = zlib.compress(b"".join(bytes([kind]) + row for kind, row in rows), 1)
    parts = [png_chunk(b"IDAT", pixels[at : at + 1000]) for at in range(0, len(pixels), 1000)]
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + b"".join(parts) + png_chunk(b"IEND", b"")


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("colour", [0, 2, 4, 6])
def test_every_filter_is_undone_as_pillow_does_it(colour: int, bits: int) -> None:
    for filters in ([4] * SIZE[1], [number % 5 for number in range(SIZE[1])], [*DICE.integers(0, 5, SIZE[1])]):
        data = filtered(colour, bits, filters)
        found = read(data)
        assert found is not None
        assert np.array_equal(np.asarray(found), np.asarray(by_pillow(data)))


def test_boxes_are_as_good_as_the_whole() -> None:
    data = encoded(photo((1400, 900)), "PNG")
    exact = reference.lanczos(np.asarray(opened(data)).astype(np.float32), (70, 45))
    assert reference.psnr(np.asarray(opened(resize(data, "70x45").data)).astype(np.float64), exact) >= 50


def test_alpha_weighs_colours() -> None:
    image = Image.new("RGBA", (400, 300), (255, 0, 0, 255))
    for column in range(0, 400, 2):
        image.paste((0, 0, 255, 0), (column, 0, column + 1, 300))
    shown = opened(resize(encoded(image, "PNG"), "20x15").data)
    assert (shown.mode, shown.getpixel((9, 7))) == ("RGBA", (255, 0, 0, 128))


def with_pixels(change: Any) -> bytes:
    """A grey PNG whose inflated rows are changed."""
    rows = bytearray(b"".join(b"\0" + row for row in rows_of(0, 8)))
    pixels = zlib.compress(bytes(change(rows)), 9)
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", *SIZE, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")


def declined() -> dict[str, bytes]:
    data = encoded(photo(SIZE), "PNG")
    frames = animation(2)
    short = png(SIZE, 3, 4, [bytes([0x19]) * 31] * SIZE[1], [(b"PLTE", bytes(6))])
    return {
        "cut short": data[:-200],
        "no end": data[:-12],
        "a wrong checksum of zlib": with_pixels(lambda rows: rows)[:-20] + bytes(4) + with_pixels(bytes)[-16:],
        "no such filter": with_pixels(lambda rows: b"\x05" + rows[1:]),
        "a row less": with_pixels(lambda rows: rows[: -SIZE[0] - 1]),
        "a row more": with_pixels(lambda rows: rows + rows[: SIZE[0] + 1]),
        "no such colour": short,
        "interlaced": png(SIZE, 2, 8, adam7(np.asarray(photo(SIZE))), interlaced=True),
        "an animation": encoded(frames[0], "PNG", save_all=True, append_images=frames[1:]),
        "a clear colour": encoded(photo(SIZE), "PNG", transparency=(1, 2, 3)),
    }


def outcome(data: bytes, lenient: bool) -> Any:
    try:
        made = resize(data, "9x7", Limits(lenient=lenient))
    except CorruptImage as error:
        return error.name, error.message
    return made.data, made.dropped


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize("name", declined())
def test_what_is_declined_is_left_to_pillow(name: str, lenient: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    data = declined()[name]
    assert read(data) is None
    ours = outcome(data, lenient)
    monkeypatch.setattr(png_decode, "takes", lambda _: False)  # the resampler is the same
    assert outcome(data, lenient) == ours


@pytest.mark.parametrize(
    ("text", "used"),
    [
        *(("20x", True), ("20x-jpeg", True), ("30x20-north", True), ("20x-linear", False), ("20x-auto", False)),
        *(("20x-trim5", False), ("20x-nearest", False), ("61x37", False)),
    ],
)
def test_single_pixels_are_read_where_an_output_needs_them(
    text: str, used: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes: list[int] = []
    read = png_decode.read

    def reading(found: OpenPicture, box: int) -> Image.Image | None:
        boxes.append(box)
        return read(found, box)

    monkeypatch.setattr(png_decode, "read", reading)
    resize_all(encoded(photo(SIZE), "PNG"), [text, "10x"])
    assert bool(boxes) == used


def test_zlib_does_what_isal_does(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(photo(SIZE), "PNG")
    by_default = read(data)
    monkeypatch.setattr(png_decode, "_inflate", lambda: zlib)
    assert read(data) == by_default
    assert read(data[:-200]) is None


@pytest.mark.parametrize("length", [1, 2, 63, 1000])
def test_pieces_may_end_anywhere(length: int) -> None:
    rows = b"".join(bytes([at % 5]) + row for at, row in enumerate(rows_of(2, 8)))
    kernels, made = native.kernels(), []
    for step in (length, len(rows)):
        image = Image.new("RGB", (31, 19), None)
        feeder = kernels.png_new(image.__arrow_c_array__()[1], 4, SIZE, 3, 8, 2, b"")
        found = [kernels.png_feed(feeder, rows[at : at + step]) for at in range(0, len(rows), step)]
        assert found == sorted(found)
        assert found[-1] == SIZE[1]
        assert kernels.png_feed(feeder, b"\0") == -1
        made.append(image)
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("width", "size", "channels", "bits", "box", "palette"),
    [
        (4, (10, 11), 3, 8, 1, b""),
        (1, (10, 10), 3, 8, 1, b""),
        (4, (10, 10), 5, 8, 1, b""),
        (4, (10, 10), 3, 4, 1, b""),
        (4, (10, 10), 3, 8, 0, b""),
        (4, (2550, 10), 3, 8, 256, b""),
        (4, (0, 10), 3, 8, 1, b""),
        (4, (10, 10), 1, 4, 1, bytes(68)),
        (4, (10, 10), 1, -1, 1, bytes(8)),
        (4, (10, 10), 1, 4, 1, bytes(3)),
        (4, (10, 10), 3, 8, 1, bytes(4)),
    ],
)
def test_the_kernel_checks_what_it_is_given(
    width: int, size: tuple[int, int], channels: int, bits: int, box: int, palette: bytes
) -> None:
    pixels = Image.new("RGB", (10, 10)).__arrow_c_array__()[1]
    with pytest.raises(ValueError, match="expected"):
        native.kernels().png_new(pixels, width, size, channels, bits, box, palette)
