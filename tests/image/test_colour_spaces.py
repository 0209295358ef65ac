"""Every way in which a file gives its colour space, and the precedence among them."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.pictures import box, encoded, near, opened, photo, png, srgb_profile
from tinypics import resize
from tinypics.image import h273, icc
from tinypics.image.headers.reader import read
from tinypics.image.limits import DEFAULT
from tinypics.image.stream import BytesStream

P3, BT2020 = 12, 9
AS_SRGB, PQ, HLG = 13, 16, 18
BT2020_COLOURANTS = ((0.67348, 0.27904, -0.00193), (0.16566, 0.67534, 0.02997), (0.12505, 0.0456, 0.7969))


def curve(value: Any) -> bytes:
    """A gamma, or a table of light, as `curv`."""
    if isinstance(value, float):
        return b"curv" + struct.pack(">IIH", 0, 1, round(value * 256)) + b"\0\0"
    return (
        b"curv"
        + struct.pack(">II", 0, len(value))
        + struct.pack(f">{len(value)}H", *(round(float(v) * 65535) for v in value))
    )


def para(kind: int, *numbers: float) -> bytes:
    return b"para" + struct.pack(f">IHH{len(numbers)}i", 0, kind, 0, *(round(n * 65536) for n in numbers))


def profile(trc: bytes, colourants: Any = icc.SRGB, name: str = "", **more: bytes) -> bytes:
    """A profile of three equal curves, or (no colourants) of grey."""
    tags = {b"desc": b"desc" + bytes(4) + struct.pack(">I", len(name) + 1) + name.encode() + bytes(79)}
    tags |= {key.encode(): content for key, content in more.items()}
    if not colourants:
        return icc.assemble(tags | {b"wtpt": xyz(icc.D50), b"kTRC": trc}, b"mntr", b"GRAY", b"XYZ ")
    places = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(xyz, colourants), strict=True))
    curves = {b"rTRC": trc, b"gTRC": trc, b"bTRC": trc}
    return icc.assemble(tags | places | curves | {b"wtpt": xyz(icc.D50)}, b"mntr", b"RGB ", b"XYZ ")


def xyz(colour: Any) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">iii", *(round(part * 65536) for part in colour))


def iccp(content: bytes) -> tuple[bytes, bytes]:
    return b"iCCP", b"p\0\0" + zlib.compress(content)


GAMMA_1 = (b"gAMA", struct.pack(">I", 100_000))
GAMMA_2_2 = (b"gAMA", struct.pack(">I", 45_455))
CHRM_P3 = (b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000))
CHRM_SRGB = (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000))
SRGB = (b"sRGB", b"\0")
LINEAR = iccp(profile(curve(1.0)))


def flat(*chunks: tuple[bytes, bytes], colour: tuple[int, ...] = (128, 64, 200)) -> bytes:
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[len(colour)]
    return png((16, 16), kind, 8, [bytes(colour) * 16] * 16, chunks)


def shown(data: bytes, text: str = "16x16-png") -> tuple[int, ...]:
    return opened(resize(data, text).data).convert("RGBA").getpixel((8, 8))[:3]  # type: ignore[index]


# PNG


@pytest.mark.parametrize(
    ("chunks", "wanted"),
    [
        ([GAMMA_1], (188, 137, 229)),
        ([(b"gAMA", struct.pack(">I", 55_100))], (146, 81, 210)),
        ([GAMMA_2_2], (128, 64, 200)),
        ([(b"gAMA", struct.pack(">I", 45_000))], (128, 64, 200)),
        ([(b"gAMA", bytes(4))], (128, 64, 200)),
        ([CHRM_SRGB, GAMMA_2_2], (128, 64, 200)),
        ([CHRM_P3, GAMMA_2_2], (139, 57, 208)),
        ([CHRM_P3], (139, 58, 207)),
        ([CHRM_SRGB, GAMMA_1], (188, 137, 229)),
        ([(b"cHRM", bytes(32))], (128, 64, 200)),
        ([(b"cHRM", struct.pack(">8I", *(31270, 32900) * 4))], (128, 64, 200)),
        ([SRGB, GAMMA_1, CHRM_P3], (128, 64, 200)),
        ([LINEAR, SRGB], (188, 137, 229)),
        ([iccp(srgb_profile()), GAMMA_1], (128, 64, 200)),
        ([LINEAR, (b"cICP", bytes([1, AS_SRGB, 0, 1]))], (128, 64, 200)),
        ([SRGB, (b"cICP", bytes([1, 8, 0, 1]))], (188, 137, 229)),
        ([LINEAR, (b"cICP", bytes([2, 2, 0, 1]))], (188, 137, 229)),  # unspecified
        ([LINEAR, (b"cICP", bytes([1, AS_SRGB, 1, 1]))], (188, 137, 229)),  # a matrix, which a PNG cannot have
        ([LINEAR, (b"cICP", b"\1")], (188, 137, 229)),
        ([(b"cICP", bytes([P3, AS_SRGB, 0, 1]))], (139, 58, 207)),
        ([(b"cICP", bytes([1, 1, 0, 1]))], (128, 64, 200)),  # BT.709 is shown as sRGB
        ([(b"cICP", bytes([1, 4, 0, 1]))], (128, 61, 200)),  # gamma 2.2
        ([(b"cICP", bytes([1, 5, 0, 1]))], (106, 40, 189)),  # gamma 2.8
        ([(b"cICP", bytes([1, AS_SRGB, 0, 0]))], (130, 56, 214)),  # 16 to 235
    ],
)
def test_the_chunk_of_a_png_that_counts(chunks: list[tuple[bytes, bytes]], wanted: tuple[int, ...]) -> None:
    assert near(shown(flat(*chunks)), wanted, 2)


def test_chunks_behind_the_pixels_do_not_count() -> None:
    data = flat()
    late = flat(GAMMA_1)
    chunk = late[33 : 33 + 16]
    at = data.index(b"IEND") - 4
    assert shown(data[:at] + chunk + data[at:]) == (128, 64, 200)


def test_swapped_primaries_are_swapped_back() -> None:
    swapped = struct.pack(">8I", 31270, 32900, 30000, 60000, 64000, 33000, 15000, 6000)
    assert near(shown(flat((b"cHRM", swapped), GAMMA_2_2, colour=(64, 128, 200))), (128, 64, 200), 3)


@pytest.mark.parametrize("colour", [(102,), (102, 200)])
def test_grey_with_a_gamma_stays_grey(colour: tuple[int, ...]) -> None:
    data = flat((b"gAMA", struct.pack(">I", 62_500)), CHRM_P3, colour=colour)
    image = opened(resize(data, "16x16-png").data)
    assert image.mode == "LA"[: len(colour)]
    light = (102 / 255) ** 1.6
    assert near(image.convert("RGB").getpixel((8, 8)), [255 * (1.055 * light ** (1 / 2.4) - 0.055)] * 3, 1)  # type: ignore[arg-type]


def test_a_palette_with_a_gamma() -> None:
    data = png((16, 16), 3, 8, [bytes(16)] * 16, [GAMMA_1, (b"PLTE", bytes((128, 64, 200)))])
    assert near(shown(data), (188, 137, 229), 1)


def test_what_is_kept_of_a_gamma_is_a_profile() -> None:
    image = opened(resize(flat(GAMMA_1), "16x16-png-keepicc").data)
    assert image.getpixel((8, 8)) == (128, 64, 200)
    assert near(shown(encoded(image, "PNG", icc_profile=image.info["icc_profile"])), (188, 137, 229), 1)


# ICC

SRGB_FORMULA = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
STEPS = [step / 1023 for step in range(1024)]


def srgb_light(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("name", ["", "GIMP built-in Linear sRGB", "sRGB IEC61966-2.1 (Linear RGB Profile)"])
@pytest.mark.parametrize(
    ("trc", "wanted"),
    [
        (curve(1.0), 128),
        (b"curv" + bytes(8), 128),
        (curve([0.0, 1.0]), 128),
        (para(0, 1.0), 128),
        (curve([srgb_light(step) for step in STEPS]), 55),
        (para(3, *SRGB_FORMULA), 55),
        (para(4, *SRGB_FORMULA, 0.0, 0.0), 55),
        (para(0, 2.2), 52),
        (curve(1.8), 72),
    ],
)
def test_a_profile_is_known_by_its_curves(trc: bytes, wanted: int, name: str) -> None:
    data = encoded(Image.new("RGB", (16, 16), (55, 55, 55)), "PNG", icc_profile=profile(trc, name=name))
    assert near(shown(data), (wanted,) * 3, 1)


@pytest.mark.parametrize(
    ("trc", "same"),
    [
        (curve([srgb_light(step) for step in STEPS]), True),
        (curve([srgb_light(step / 63) for step in range(64)]), True),
        (para(3, *SRGB_FORMULA), True),
        (curve(2.2), False),
        (curve(1.0), False),
        (para(9, 1.0), False),
        (b"curv\0\0\0\0\0\0\1\0", False),
    ],
)
@pytest.mark.parametrize("grey", [False, True])
def test_whether_a_profile_is_that_of_srgb(trc: bytes, same: bool, grey: bool) -> None:
    content = profile(trc, None if grey else icc.SRGB, "sRGB")
    assert h273.display_profile(content) == ((None if same else content), False)


@pytest.mark.parametrize("kind", range(5))
def test_formulas_of_curves_are_those_of_littlecms(kind: int) -> None:
    numbers = [(2.0,), (2.0, 1.2, -0.2), (2.0, 1.1, -0.1, 0.0), SRGB_FORMULA, (2.0, 0.9, 0.1, 0.4, 0.2, 0.0, 0.0)][kind]
    content = profile(para(kind, *numbers), None)
    shaper = icc.shaper(content)
    assert shaper is not None
    for value in (0, 30, 90, 200, 255):
        light = shaper.curves[0](value / 255)
        wanted = 255 * (1.055 * light ** (1 / 2.4) - 0.055) if light > 0.0031308 else 255 * 12.92 * light
        found = shown(encoded(Image.new("L", (16, 16), value), "PNG", icc_profile=content))
        assert near(found, (min(wanted, 255),) * 3, 2), value


def pq_signal(nits: float) -> float:
    power = (nits / 10_000) ** 0.1593017578125
    return float(((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375)


HDR_CURVES = {
    "pq": curve([h273._pq_light(step) for step in STEPS]),
    "pq 4096": curve([h273._pq_light(step / 4095) for step in range(4096)]),
    "hlg": curve([h273._hlg_light(step) for step in STEPS]),
    "hlg of a display": curve([h273._hlg_light(step) ** 1.2 for step in STEPS]),
}


@pytest.mark.table
@pytest.mark.parametrize("trc", HDR_CURVES.values(), ids=HDR_CURVES)
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("text", ["16x16-png", "16x16-png-linear"])
def test_a_profile_of_high_dynamic_range_is_shown_as_standard(trc: bytes, format: str, text: str) -> None:
    options = {} if format in ("PNG", "TIFF") else {"quality": 100}
    content = profile(trc, BT2020_COLOURANTS)
    white = round(255 * pq_signal(203)) if trc in (HDR_CURVES["pq"], HDR_CURVES["pq 4096"]) else 191
    output = resize(encoded(Image.new("RGB", (16, 16), (white,) * 3), format, icc_profile=content, **options), text)
    assert output.dropped == ("hdr",)
    assert 225 < opened(output.data).convert("RGB").getpixel((8, 8))[1] < 250  # type: ignore[index]


@pytest.mark.parametrize("colourants", [BT2020_COLOURANTS, icc.SRGB, None])
def test_middle_grey_of_a_pq_profile_is_middle_grey(colourants: Any) -> None:
    grey = round(255 * pq_signal(203 * srgb_light(0.5)))
    image = Image.new("RGB" if colourants else "L", (16, 16), (grey,) * 3 if colourants else grey)
    output = resize(encoded(image, "PNG", icc_profile=profile(HDR_CURVES["pq"], colourants)), "16x16-png")
    assert output.dropped == ("hdr",)
    assert near(opened(output.data).convert("RGB").getpixel((8, 8)), (128, 128, 128), 8)  # type: ignore[arg-type]


def test_the_cicp_tag_of_a_profile_counts() -> None:
    content = profile(curve(2.2), name="Rec. 2100", cicp=b"cicp" + bytes(4) + bytes([BT2020, PQ, 0, 1]))
    white = round(255 * pq_signal(203))
    output = resize(encoded(Image.new("RGB", (16, 16), (white,) * 3), "PNG", icc_profile=content), "16x16-png")
    assert output.dropped == ("hdr",)
    assert 225 < opened(output.data).getpixel((8, 8))[1] < 250  # type: ignore[index]


def test_a_kept_profile_of_high_dynamic_range_loses_nothing() -> None:
    content = profile(HDR_CURVES["pq"], BT2020_COLOURANTS)
    output = resize(encoded(Image.new("RGB", (16, 16), (148,) * 3), "PNG", icc_profile=content), "16x16-png-keepicc")
    assert output.dropped == ()
    assert opened(output.data).info["icc_profile"] == content


def test_reading_a_profile_survives_anything() -> None:
    whole = profile(para(3, *SRGB_FORMULA), name="sRGB", cicp=b"cicp" + bytes(4) + bytes([9, 16, 0, 1]))
    random = np.random.default_rng(5)
    for _ in range(300):
        broken = bytearray(whole[: int(random.integers(0, len(whole)))] if random.random() < 0.3 else whole)
        for at in random.integers(0, max(1, len(broken)), 4):
            broken[at : at + 1] = bytes([int(random.integers(0, 256))])
        found, hdr = h273.display_profile(bytes(broken))
        assert found is None or isinstance(found, bytes)
        assert hdr in (True, False)


@pytest.mark.parametrize("name", ["png", "jpeg-q95", "webp-lossless"])
def test_a_background_is_in_the_space_of_the_profile_that_is_kept(name: str) -> None:
    content = profile(curve(1.0), name="linear")
    data = encoded(Image.new("RGB", (32, 16), (55, 55, 55)), "PNG", icc_profile=content)
    image = opened(resize(data, f"32x32-contain-{name}-bg808080-keepicc").data)
    assert image.info["icc_profile"] == content
    for at in ((16, 16), (16, 2)):  # the picture, and the padding: the same grey
        assert near(image.convert("RGB").getpixel(at), (55, 55, 55), 3)  # type: ignore[arg-type]


def test_grey_is_shown_as_srgb_where_padding_makes_it_colour() -> None:
    data = encoded(Image.new("L", (32, 16), 55), "PNG", icc_profile=profile(curve(1.0), None))
    image = opened(resize(data, "32x32-contain-png-bgff0000-keepicc").data)
    assert "icc_profile" not in image.info
    assert near(image.getpixel((16, 16)), (128, 128, 128), 2)  # type: ignore[arg-type]
    assert image.getpixel((16, 2)) == (255, 0, 0)


# Boxes


@pytest.mark.parametrize("method", [1, 2, 3])
def test_the_profile_in_a_jpeg_2000(method: int) -> None:
    data = encoded(Image.new("RGB", (32, 32), (128, 64, 200)), "JPEG2000")
    at = data.index(b"jp2h") - 4
    end = at + int.from_bytes(data[at : at + 4])
    old = data.index(b"colr") - 4
    content = bytes((method, 0, 0)) + (struct.pack(">I", 16) if method == 1 else profile(curve(1.0)))
    inside = data[at + 8 : old] + box(b"colr", content) + data[old + int.from_bytes(data[old : old + 4]) : end]
    wanted = (128, 64, 200) if method == 1 else (188, 137, 229)
    assert near(shown(data[:at] + box(b"jp2h", inside) + data[end:]), wanted, 2)


def test_an_avif_of_constant_luminance_is_shown() -> None:
    """Matrix 10 of BT.2020, which libavif has no conversion for, nearly as matrix 9."""
    data = encoded(Image.new("RGB", (32, 32), (128, 64, 200)), "AVIF", quality=100)
    at = data.index(b"nclx") + 8
    nine, ten = (data[:at] + struct.pack(">H", matrix) + data[at + 2 :] for matrix in (9, 10))
    assert resize(ten, "16x16-png").data == resize(nine, "16x16-png").data


@pytest.mark.parametrize("ours", [1, 2])
@pytest.mark.parametrize("wide", [0, 1])
@pytest.mark.parametrize("version", [0, 1])
def test_colours_and_aperture_of_an_avif_are_those_of_its_primary_item(version: int, wide: int, ours: int) -> None:
    """Two items with a space and an aperture each: the other is a gain map or a thumbnail, which may come first."""
    spaces = [box(b"colr", b"nclx" + struct.pack(">HHHB", 1, transfer, 0, 0x80)) for transfer in (PQ, AS_SRGB)]
    apertures = [box(b"clap", struct.pack(">8I", side, 1, side, 1, 0, 1, 0, 1)) for side in (16, 24)]
    item, number = ">I" if version else ">H", ">H" if wide else ">B"
    entries = b"".join(
        struct.pack(item, each) + b"\2" + struct.pack(number, each) + struct.pack(number, each + 2) for each in (2, 1)
    )
    ipma = box(b"ipma", bytes((version, 0, 0, wide)), struct.pack(">I", 2), entries)
    pitm = box(b"pitm", bytes(4), struct.pack(">H", ours))
    ispe = box(b"ispe", bytes(4), struct.pack(">II", 64, 48))
    meta = box(b"meta", bytes(4), pitm, box(b"iprp", box(b"ipco", *spaces, *apertures, ispe), ipma))
    data = box(b"ftyp", b"avif", bytes(4), b"avifmif1") + meta
    header = read(BytesStream(data), DEFAULT)
    assert header.nclx == (1, (PQ, AS_SRGB)[ours - 1])
    assert header.crop == ((16, 16, 0, 0), (24, 24, 0, 0))[ours - 1]


# Inks

INKS = {  # cyan, blue and green by libvips' own profile of a press; the others by Coated FOGRA39 in a picture editor
    (255, 0, 0, 0): (0, 153, 227),
    (255, 255, 0, 0): (32, 6, 117),
    (255, 0, 255, 0): (0, 141, 45),
    (0, 0, 0, 0): (255, 255, 255),
    (0, 0, 0, 255): (29, 29, 27),
    (0, 255, 0, 0): (230, 0, 126),
    (0, 0, 255, 0): (255, 237, 0),
}


@pytest.mark.parametrize(("inks", "wanted"), INKS.items())
@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_inks_without_a_profile_are_printed_ones(inks: tuple[int, ...], wanted: tuple[int, ...], format: str) -> None:
    options: dict[str, Any] = {"quality": 95} if format == "JPEG" else {}
    output = resize(encoded(Image.new("CMYK", (32, 32), inks), format, **options), "16x16-png")
    assert output.dropped == ()
    assert near(opened(output.data).getpixel((8, 8)), wanted, 35)  # type: ignore[arg-type]


@pytest.mark.parametrize("ink", range(4))
def test_more_ink_is_darker_and_steps_are_small(ink: int) -> None:
    image = Image.new("CMYK", (256, 8))
    for level in range(256):
        image.paste(tuple(level if number == ink else 40 for number in range(4)), (level, 0, level + 1, 8))
    row = np.asarray(opened(resize(encoded(image, "TIFF"), "256x8-png").data).convert("L")).astype(int)[4]
    assert (np.diff(row) <= 1).all()
    assert np.abs(np.diff(row)).max() <= 4


def test_grey_of_inks_is_grey() -> None:
    image = Image.new("CMYK", (256, 8))
    for level in range(256):
        image.paste((0, 0, 0, level), (level, 0, level + 1, 8))
    row = np.asarray(opened(resize(encoded(image, "TIFF"), "256x8-png").data).convert("RGB")).astype(int)[4]
    assert (row.max(axis=1) - row.min(axis=1)).max() <= 3
    assert row[0].tolist() == [255, 255, 255]


def test_inks_with_a_broken_profile_are_printed_ones() -> None:
    image = Image.new("CMYK", (32, 32), (255, 0, 0, 0))
    output = resize(encoded(image, "TIFF", icc_profile=b"not a profile"), "16x16-png")
    assert output.dropped == ("profile",)
    assert near(opened(output.data).getpixel((8, 8)), (0, 153, 227), 35)  # type: ignore[arg-type]


def test_a_photo_without_any_of_it_loads_no_colour_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in ("tinypics.image.colour", "PIL.ImageCms", "PIL._imagingcms"):
        monkeypatch.setitem(sys.modules, name, None)  # importing it fails
    for chunks in ([], [SRGB, GAMMA_2_2, CHRM_SRGB], [GAMMA_2_2, CHRM_SRGB]):
        assert shown(flat(*chunks)) == (128, 64, 200)
    assert resize(encoded(photo((40, 30)), "JPEG"), "20x15").dropped == ()
