"""TIFFs whose samples Pillow misreads or has no mode for, and files whose first page is not the picture."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from tests.image.test_colour_spaces import curve, profile, srgb_light
from tests.pictures import near, opened
from tinypics import resize
from tinypics.errors import UnsupportedFormat
from tinypics.image import icc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GREY, RGB, PALETTE, CMYK = 1, 2, 3, 5
SIDE = 16
Tags = dict[int, "Sequence[int]"]


def blocks(samples: np.ndarray[Any, Any], order: str, rows: int, tile: int) -> list[bytes]:
    """Strips of `rows` rows, or square tiles, of pixels (height, width, samples)."""
    samples = samples.astype(samples.dtype.newbyteorder(order))
    if not tile:
        return [samples[at : at + rows].tobytes() for at in range(0, len(samples), rows)]
    cells = [(y, x) for y in range(0, SIDE, tile) for x in range(0, SIDE, tile)]
    return [samples[y : y + tile, x : x + tile].tobytes() for y, x in cells]


def differences(samples: np.ndarray[Any, Any], order: str, predictor: int) -> bytes:
    """Pixels (height, width, samples) by TIFF 6.0, section 14 (2), or Adobe's Technical Note 3 (floating point, 3)."""
    if predictor == 2:
        whole = samples.view(f"u{samples.itemsize}")
        changes = np.concatenate([whole[:, :1], whole[:, 1:] - whole[:, :-1]], axis=1)
        return changes.astype(f"{order}u{samples.itemsize}").tobytes()
    height, width, count = samples.shape
    planes = np.frombuffer(samples.astype(samples.dtype.newbyteorder(">")).tobytes(), "u1")
    planes = planes.reshape(height, width * count, -1).transpose(0, 2, 1).reshape(height, -1, count)
    return np.concatenate([planes[:, :1], planes[:, 1:] - planes[:, :-1]], axis=1).tobytes()


def tiff(
    samples: np.ndarray[Any, Any],
    photometric: int,
    extra: Mapping[int, Sequence[int]] | None = None,
    *,
    planar: bool = False,
    order: str = "<",
    deflate: bool = False,
    rows: int = SIDE,
    tile: int = 0,
) -> bytes:
    """A file of one page, uncompressed or deflated, of interleaved samples or of planes."""
    count = samples.shape[2]
    planes = [samples[:, :, n : n + 1] for n in range(count)] if planar else [samples]
    parts = [part for plane in planes for part in blocks(plane, order, rows, tile)]
    parts = [zlib.compress(part) for part in parts] if deflate else parts
    bits = [samples.dtype.itemsize * 8] * count
    tags: Tags = {258: bits, 259: [8 if deflate else 1], 262: [photometric], 277: [count], 284: [2 if planar else 1]}
    return pages([(tags | dict(extra or {}), (SIDE, SIDE), parts, rows, tile)], order)


Page = tuple["Tags", tuple[int, int], "list[bytes]", int, int]


def pages(content: Sequence[Page], order: str = "<", chained: bool = True) -> bytes:
    """Directories one after the other; each after the first is the next page, or a SubIFD of the first."""
    out = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    places: list[int] = []
    for number, (extra, size, parts, rows, tile) in enumerate(content):
        places.append(len(out))
        lengths = [len(part) for part in parts]
        tags: dict[int, Sequence[int]] = {256: [size[0]], 257: [size[1]], **extra}
        tags |= (
            {322: [tile], 323: [tile], 324: lengths, 325: lengths}
            if tile
            else {273: lengths, 278: [rows], 279: lengths}
        )
        subs = number == 0 and not chained and len(content) > 1
        if subs:
            tags[330] = [0]
        at = len(out) + 2 + 12 * len(tags) + 4
        values = b""
        body = at + sum(4 * len(numbers) for numbers in tags.values() if len(numbers) > 1)
        entries = b""
        for tag, numbers in sorted(tags.items()):
            if tag in (273, 324):
                numbers = [body + sum(lengths[:n]) for n in range(len(lengths))]
            if tag == 330:
                numbers = [body + sum(lengths)]
            packed = struct.pack(f"{order}{len(numbers)}I", *numbers)
            entries += struct.pack(order + "HHI", tag, 4, len(numbers))
            entries += packed if len(numbers) == 1 else struct.pack(order + "I", at + len(values))
            values += packed if len(numbers) > 1 else b""
        following = body + sum(lengths) if chained and number + 1 < len(content) else 0
        out += (
            struct.pack(order + "H", len(tags))
            + entries
            + struct.pack(order + "I", following)
            + values
            + b"".join(parts)
        )
    return out


def gradient(levels: Sequence[int], dtype: str) -> np.ndarray[Any, Any]:
    """Each sample has its level at the left; at the right, and at the bottom, half of it."""
    samples = np.empty((SIDE, SIDE, len(levels)), dtype)
    samples[:] = levels
    samples[:, SIDE // 2 :] = samples[:, SIDE // 2 :] // 2
    samples[SIDE // 2 :] = samples[SIDE // 2 :] // 2
    return samples


def colours(data: bytes) -> tuple[list[Any], tuple[str, ...]]:
    """Three pixels: at the upper left, the upper right and the lower right."""
    output = resize(data, "16x16-png")
    image = opened(output.data).convert("RGBA")
    return [image.getpixel(at) for at in ((2, 2), (13, 2), (13, 13))], output.dropped


WAYS = [
    {"order": "<"},
    {"order": ">"},
    {"deflate": True},
    {"order": ">", "deflate": True},
    {"rows": 4},
    {"rows": 4, "deflate": True},
    {"tile": 16},
]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize(("dtype", "one"), [("u1", 1), ("u2", 257)])
def test_planes_are_as_interleaved_samples(way: dict[str, Any], dtype: str, one: int) -> None:
    data = tiff(gradient([200 * one, 100 * one, 60 * one], dtype), RGB, planar=True, **way)
    found, _ = colours(data)
    assert all(
        near(got, want, 1)
        for got, want in zip(found, [(200, 100, 60, 255), (100, 50, 30, 255), (50, 25, 15, 255)], strict=True)
    )


@pytest.mark.table
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("dtype", "one"), [("u1", 1), ("u2", 257)])
@pytest.mark.parametrize(
    ("photometric", "levels", "meaning", "wanted"),
    [
        (GREY, [128, 255], 2, (128, 128, 128, 255)),
        (GREY, [128, 64], 2, (128, 128, 128, 64)),
        (GREY, [64, 128], 1, (128, 128, 128, 128)),
        (GREY, [128, 64], 0, (128, 128, 128, 255)),
        (RGB, [200, 100, 60, 128], 2, (200, 100, 60, 128)),
        (RGB, [100, 50, 30, 128], 1, (200, 100, 60, 128)),
        (RGB, [200, 100, 60, 128], 0, (200, 100, 60, 255)),
    ],
)
def test_alpha_is_read_as_it_was_stored(
    photometric: int,
    levels: list[int],
    meaning: int,
    wanted: tuple[int, ...],
    dtype: str,
    one: int,
    order: str,
    planar: bool,
) -> None:
    samples = np.empty((SIDE, SIDE, len(levels)), dtype)
    samples[:] = [level * one for level in levels]
    found, _ = colours(tiff(samples, photometric, {338: [meaning]}, planar=planar, order=order))
    assert near(found[0], wanted, 2)
    assert near(found[2], wanted, 2)


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize(("dtype", "one"), [("u1", 1), ("u2", 257)])
@pytest.mark.parametrize("meaning", [0, 1, 2])
def test_inks_with_alpha_are_inks(dtype: str, one: int, meaning: int, planar: bool) -> None:
    levels = [0, 200, 220, 10]
    samples = np.empty((SIDE, SIDE, 5), dtype)
    samples[:] = [level * one for level in (*levels, 255)]
    found, dropped = colours(tiff(samples, CMYK, {338: [meaning]}, planar=planar))
    plain, _ = colours(tiff(samples[:, :, :4].copy(), CMYK))
    assert near(found[0], plain[0], 1)
    assert ("alpha" in dropped) == (meaning > 0)


@pytest.mark.parametrize("photometric", [0, GREY])
def test_signed_samples_do_not_wrap_at_zero(photometric: int) -> None:
    samples = np.linspace(-128, 127, SIDE).astype("i1")[None, :, None].repeat(SIDE, 0)
    output = opened(resize(tiff(samples, photometric, {339: [2]}), "16x16-png").data).convert("L")
    row = np.asarray(output)[8].astype(int)
    row = row if photometric else row[::-1]
    assert (row[0], row[-1]) == (0, 255)
    assert (np.diff(row) > 0).all()


@pytest.mark.parametrize("level", [0, 1024, 3072, 4095])
def test_grey_of_twelve_bits_uses_all_of_them(level: int) -> None:
    row = bytes((level >> 4, (level & 15) << 4 | level >> 8, level & 255)) * (SIDE // 2)
    tags: Tags = {258: [12], 259: [1], 262: [GREY], 277: [1]}
    found, _ = colours(pages([(tags, (SIDE, SIDE), [row * SIDE], SIDE, 0)]))
    assert near(found[0], (*[round(level * 255 / 4095)] * 3, 255), 1)


def packed(samples: np.ndarray[Any, Any], bits: int) -> bytes:
    """Rows (height, width, samples) of samples that are not whole bytes."""
    rows = ("".join(f"{value:0{bits}b}" for value in row.ravel()) for row in samples)
    return b"".join(int(row + "0" * (-len(row) % 8), 2).to_bytes(-(-len(row) // 8)) for row in rows)


@pytest.mark.table
@pytest.mark.parametrize("width", [16, 13])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("bits", "count"), [(10, 1), (14, 1), (10, 3), (12, 3), (14, 3), (12, 4), (12, 2)])
def test_samples_that_are_not_whole_bytes(bits: int, count: int, order: str, planar: bool, width: int) -> None:
    most = (1 << bits) - 1
    samples = np.random.default_rng(bits).integers(0, most + 1, (SIDE, width, count))
    samples[0], samples[1] = 0, most
    planes = [samples[:, :, n : n + 1] for n in range(count)] if planar else [samples]
    tags: Tags = {258: [bits] * count, 259: [1], 262: [RGB if count > 2 else GREY], 277: [count]}
    tags |= {284: [2 if planar else 1]} | ({338: [2]} if count in (2, 4) else {})
    data = pages([(tags, (width, SIDE), [packed(plane, bits) for plane in planes], SIDE, 0)], order)
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[count]
    shown = np.asarray(opened(resize(data, f"{width}x16-png").data).convert(mode)).reshape(samples.shape)
    assert np.abs(shown - samples * 255 / most).max() <= 1


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("planar", [False, True])
def test_samples_of_32_bits_have_the_full_range(way: dict[str, Any], planar: bool) -> None:
    found, _ = colours(tiff(gradient([200 << 24, 100 << 24, 60 << 24], "u4"), RGB, planar=planar, **way))
    assert all(
        near(got, want, 1)
        for got, want in zip(found, [(200, 100, 60, 255), (100, 50, 30, 255), (50, 25, 15, 255)], strict=True)
    )


@pytest.mark.table
@pytest.mark.parametrize("way", [WAYS[0], WAYS[3], WAYS[6]], ids=str)
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("count", [2, 3, 4])
def test_floating_point_samples_are_light(way: dict[str, Any], planar: bool, count: int) -> None:
    levels = np.array([0.5, 0.25, 0.125, 0.5][-count:] if count > 2 else [0.5, 0.5])
    extra = {339: [3] * count} | ({338: [2]} if count in (2, 4) else {})
    samples = np.broadcast_to(levels.astype("f4"), (SIDE, SIDE, count)).copy()
    samples[:4] = np.array([np.nan, np.inf, -np.inf, -1.0])[:, None, None]
    found, _ = colours(tiff(samples, RGB if count > 2 else GREY, extra, planar=planar, **way))
    light = {0.5: 188, 0.25: 137, 0.125: 99}
    wanted = [light[float(level)] for level in (levels[:3] if count > 2 else [0.5] * 3)]
    assert near(found[2], (*wanted, 255 if count == 3 else 128), 1)


def test_floating_point_samples_beyond_white_are_white() -> None:
    samples = np.full((SIDE, SIDE, 3), [1.0, 5.0, 1e30], "f4")
    assert near(colours(tiff(samples, RGB, {339: [3] * 3}))[0][0], (255, 255, 255, 255), 0)


@pytest.mark.table
@pytest.mark.parametrize("tile", [0, 16])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("kind", "count", "predictor"),
    [
        ("f4", 1, 3), ("f4", 3, 3), ("f4", 2, 2), ("f2", 3, 3), ("f2", 4, 2), ("f2", 1, 2),
        ("i2", 3, 2), ("i4", 3, 2), ("u2", 2, 2), ("u4", 4, 2), ("i1", 3, 2), ("u2", 1, 2),
    ],
)  # fmt: skip
def test_differences_of_samples_are_summed(
    kind: str, count: int, predictor: int, order: str, planar: bool, tile: int
) -> None:
    """Each row is a ramp of its own, 13 pixels wide, so that a tile has columns that are not shown."""
    levels = (np.add.outer(np.arange(SIDE) * 3, np.arange(13) * 5)[..., None] + np.arange(count) * 50).astype(float)
    levels[0], levels[1] = 0, 255
    share = levels / 255
    if kind[0] == "f":
        samples = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4).astype(kind)
        samples = share.astype(kind) if (kind, count) == ("f4", 1) else samples
    else:
        size = 256 ** int(kind[1])
        samples = (share * (size - 1)).round().astype(int) - (size // 2 if kind[0] == "i" else 0)
        samples = samples.astype(kind)
    planes = [samples[:, :, n : n + 1] for n in range(count)] if planar else [samples]
    padded = [np.pad(plane, ((0, 0), (0, tile - 13 if tile else 0), (0, 0))) for plane in planes]
    parts = [zlib.compress(differences(np.ascontiguousarray(plane), order, predictor)) for plane in padded]
    tags: Tags = {258: [samples.itemsize * 8] * count, 259: [8], 262: [RGB if count > 2 else GREY], 277: [count]}
    tags |= {284: [2 if planar else 1], 317: [predictor], 339: [{"u": 1, "i": 2, "f": 3}[kind[0]]] * count}
    tags |= {338: [2]} if count in (2, 4) else {}
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[count]
    shown = opened(resize(pages([(tags, (13, SIDE), parts, SIDE, tile)], order), "13x16-png").data).convert(mode)
    wanted = levels.copy()
    if kind[0] == "f" and count in (2, 4):  # alpha is no light
        wanted[..., -1] = np.asarray(samples[..., -1], float) * 255
    assert np.abs(np.asarray(shown).reshape(levels.shape) - wanted).max() <= 1.5


@pytest.mark.parametrize("photometric", [0, GREY])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["u4", "i4", "i2", "f4"])
def test_grey_without_a_defined_white_goes_from_its_darkest_to_its_brightest(
    kind: str, order: str, photometric: int
) -> None:
    low, high = {"u4": (0, 2**32 - 1), "i4": (-(2**31), 2**31 - 1), "i2": (-1000, 3000), "f4": (-5, 5)}[kind]
    samples = np.linspace(low, high, SIDE).astype(kind)[None, :, None].repeat(SIDE, 0)
    extra: Tags = {339: [{"u": 1, "i": 2, "f": 3}[kind[0]]]}
    data = tiff(samples, photometric, extra, order=order, deflate=True)
    row = np.asarray(opened(resize(data, "16x16-png").data).convert("L"))[8].astype(int)
    assert np.abs((row if photometric else row[::-1]) - np.arange(0, 256, 17)).max() <= 1


def test_inks_in_floating_point_numbers_are_shares() -> None:
    samples = np.full((SIDE, SIDE, 4), [0.0, 200 / 255, 220 / 255, 10 / 255])
    found, _ = colours(tiff(samples.astype("f4"), CMYK, {339: [3] * 4}))
    plain, _ = colours(tiff((samples * 255).round().astype("u1"), CMYK))
    assert near(found[0], plain[0], 1)


@pytest.mark.table
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("dtype", "planar"), [("u2", True), ("u4", False), ("u4", True), ("f4", False), ("f4", True)])
def test_a_linear_ramp_in_unusual_samples_has_no_bands(dtype: str, planar: bool, order: str) -> None:
    """16 bits in planes, 32 bits and floating-point ones, with a profile."""
    light = np.array([srgb_light(value) for value in np.linspace(0, 1, 256)]).reshape(SIDE, SIDE, 1)
    full = {"u2": 65535, "u4": 2**32 - 1, "f4": 1}[dtype]
    samples = (light * full).round(0 if full > 1 else 9).astype(dtype).repeat(3, 2)
    extra: Tags = {339: [3] * 3} if dtype == "f4" else {}
    content = profile(curve(1.0), icc.SRGB)
    extra |= {34675: struct.unpack(f"{order}{-(-len(content) // 4)}I", content + bytes(-len(content) % 4))}
    shown = np.asarray(opened(resize(tiff(samples, RGB, extra, planar=planar, order=order), "16x16-png").data))
    assert np.abs(shown[..., :3].reshape(256, 3).astype(int) - np.arange(256)[:, None]).max() <= 1


@pytest.mark.parametrize(("one", "wanted"), [(1, 255), (256, 255), (257, 255)])
@pytest.mark.parametrize("bits", [8, 4])
def test_a_palette_may_be_written_in_eight_bits(bits: int, one: int, wanted: int) -> None:
    table = [0] * (3 << bits)
    table[1] = min(65535, 255 * one)  # index 1 is red
    row = b"\1" * SIDE if bits == 8 else b"\x11" * (SIDE // 2)
    tags: Tags = {258: [bits], 259: [1], 262: [PALETTE], 277: [1], 320: table}
    found, _ = colours(pages([(tags, (SIDE, SIDE), [row * SIDE], SIDE, 0)]))
    assert near(found[0], (wanted, 0, 0, 255), 1)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_planes_are_turned_upright(orientation: int) -> None:
    samples = gradient([200 * 257, 100 * 257, 60 * 257], "u2")
    found = opened(resize(tiff(samples, RGB, {274: [orientation]}, planar=True), "16x16-png").data)
    plain = opened(resize(tiff(samples, RGB), "16x16-png").data)
    turned = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_270, 8: Image.Transpose.ROTATE_90}
    wanted = plain if orientation == 1 else plain.transpose(turned[orientation])  # type: ignore[arg-type]
    assert np.abs(np.asarray(found).astype(int) - np.asarray(wanted)).max() <= 1


# Named where it is not supported


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({259: [50002]}, "contains JPEG XL"),
        ({259: [34712]}, "contains JPEG 2000"),
        ({259: [34887]}, "contains LERC"),
        ({259: [50001]}, "contains WebP"),
        ({259: [777]}, "unknown compression, number 777"),
        ({258: [14], 339: [2]}, "grey with 1 signed samples of 14 bits"),
        ({258: [64], 339: [3]}, "floating-point samples of 64 bits"),
        ({262: [RGB], 277: [3], 258: [32] * 3, 317: [3], 259: [8]}, "RGB with 3 samples of 32 bits"),
        ({262: [RGB], 277: [3], 258: [12] * 3, 317: [2], 259: [8]}, "RGB with 3 samples of 12 bits"),
        ({262: [RGB], 277: [3], 258: [24] * 3, 339: [3] * 3}, "RGB with 3 floating-point samples of 24 bits"),
        ({262: [RGB], 277: [3], 258: [12] * 3, 322: [15], 323: [16]}, "RGB with 3 samples of 12 bits a pixel in tiles"),
        ({262: [9]}, "unknown colours"),
        ({258: [4] * 2, 277: [2], 284: [2]}, "grey with 2 samples of 4 bits a pixel in planes"),
        ({258: [64] * 2, 277: [2], 284: [2], 339: [2] * 2}, "grey with 2 signed samples of 64 bits a pixel in planes"),
        ({258: [8] * 2, 277: [2], 284: [2], 262: [PALETTE]}, "a palette with 2 samples of 8 bits a pixel in planes"),
        ({258: [8] * 3, 277: [3], 284: [2], 262: [6]}, "YCbCr with 3 samples of 8 bits a pixel in planes"),
    ],
)
def test_a_whole_file_of_another_kind_is_named(change: Tags, says: str) -> None:
    tags: Tags = {258: [8], 259: [1], 262: [GREY], 277: [1]}
    with pytest.raises(UnsupportedFormat, match=f"a TIFF .*{says}.* is not supported"):
        resize(pages([(tags | change, (SIDE, SIDE), [bytes(SIDE * SIDE * 16)], SIDE, 0)]), "8x8")


# The page that is shown


def page(colour: tuple[int, int, int], size: tuple[int, int], **tags: int) -> Page:
    extra: Tags = {258: [8, 8, 8], 259: [1], 262: [RGB], 277: [3]}
    extra |= {
        {"subfile": 254, "old": 255, "photometric": 262, "orientation": 274}[name]: [n] for name, n in tags.items()
    }
    return extra, size, [bytes(colour) * size[0] * size[1]], size[1], 0


SMALL, BIG = (200, 0, 0), (0, 0, 200)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("chained", [True, False])
@pytest.mark.parametrize("tag", [{"subfile": 1}, {"old": 2}, {"subfile": 5}])
def test_a_reduced_first_page_is_passed_over(order: str, chained: bool, tag: dict[str, int]) -> None:
    output = resize(pages([page(SMALL, (40, 30), **tag), page(BIG, (160, 120))], order, chained), "80x")
    assert (output.width, output.height, output.dropped) == (80, 60, ())
    assert near(opened(output.data).getpixel((4, 4)), BIG)  # type: ignore[arg-type]


def test_a_first_page_that_is_whole_is_shown() -> None:
    output = resize(pages([page(BIG, (40, 30)), page(SMALL, (160, 120))]), "40x")
    assert output.dropped == ("pages",)
    assert near(opened(output.data).getpixel((4, 4)), BIG)  # type: ignore[arg-type]


def test_of_reduced_pages_alone_the_largest_is_shown() -> None:
    output = resize(pages([page(SMALL, (40, 30), subfile=1), page(BIG, (80, 60), subfile=1)]), "80x")
    assert near(opened(output.data).getpixel((4, 4)), BIG)  # type: ignore[arg-type]


@pytest.mark.parametrize("photometric", [32803, 34892])
def test_of_a_raw_file_the_largest_preview_is_shown(photometric: int) -> None:
    raw = page((9, 9, 9), (320, 240), photometric=photometric)
    preview = page(BIG, (160, 120), subfile=1)
    output = resize(pages([page(SMALL, (40, 30), subfile=1), raw, preview]), "80x")
    assert output.dropped == ("pages",)
    assert near(opened(output.data).getpixel((4, 4)), BIG)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedFormat, match="a raw photo without a preview"):
        resize(pages([raw]), "80x")


def test_the_orientation_of_the_first_page_holds_for_its_subpages() -> None:
    content = [page(SMALL, (40, 30), subfile=1, orientation=6), page(BIG, (160, 120))]
    output = resize(pages(content, chained=False), "60x")
    assert (output.width, output.height) == (60, 80)
