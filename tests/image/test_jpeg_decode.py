"""The native reader of small JPEGs against Pillow: the same pixels, the same refusals."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from tests import reference
from tests.pictures import encoded, opened, photo
from tinypics import resize, resize_all
from tinypics.errors import CorruptImage
from tinypics.image import jpeg_decode, native
from tinypics.image.headers import jpeg, jpeg_segments, reader
from tinypics.image.limits import DEFAULT, Limits
from tinypics.image.stream import BytesStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tinypics.image.headers.header import Header

pytestmark = pytest.mark.skipif(native.kernels() is None, reason="the native module was not compiled")

SCALES = (2, 4, 8)
KINDS: dict[str, dict[str, Any]] = {
    "4:4:4": {"subsampling": 0},
    "4:2:2": {"subsampling": 1},
    "4:2:0": {"subsampling": 2},
    "optimized": {"subsampling": 0, "optimize": True, "quality": 97},
    "coarse": {"subsampling": 1, "quality": 3},
    "restarts": {"subsampling": 1, "restart_marker_blocks": 3},
    "rows": {"subsampling": 0, "restart_marker_rows": 1},
}


def header_of(data: bytes, limits: Limits = DEFAULT) -> Header:
    return reader.read(BytesStream(data), limits)


def read(data: bytes, scale: int) -> NDArray[np.float64] | None:
    header = header_of(data)
    image = jpeg_decode.read(header, scale) if jpeg_decode.takes(header, scale) else None
    return None if image is None else np.asarray(image).astype(np.float64)


def drafted(data: bytes, scale: int) -> NDArray[np.float64]:
    image = Image.open(io.BytesIO(data))
    image.draft(None, (image.width // scale, image.height // scale))
    return np.asarray(image).astype(np.float64)


def taken(data: bytes, scale: int) -> NDArray[np.float64]:
    found = read(data, scale)
    assert found is not None
    return found


@pytest.fixture
def pillow_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Decoding by Pillow; the native module resamples in any case."""
    with monkeypatch.context() as patched:
        patched.setattr(jpeg_decode, "takes", lambda *_: False)
        yield patched


@pytest.mark.parametrize("size", [(200, 152), (203, 149), (17, 9), (8, 8)])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "4:2:0"])
def test_an_eighth_is_that_of_libjpeg(kind: str, size: tuple[int, int]) -> None:
    for image in (photo(size), photo(size).convert("L")):
        data = encoded(image, "JPEG", **KINDS[kind])
        assert (taken(data, 8) == drafted(data, 8)).all()


@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_an_eighth_of_a_progressive_picture_is_made_of_its_first_scan(subsampling: int) -> None:
    data = encoded(photo((203, 149)), "JPEG", progressive=True, subsampling=subsampling)
    header = header_of(data)
    assert header.dc_end is not None
    cut = jpeg.cut_to_dc_scans(data, jpeg_segments.read_frame_header(data), header.dc_end)
    assert (taken(data, 8) == drafted(cut, 8)).all()
    assert read(data, 4) is None
    assert read(data, 2) is None


def test_the_colours_of_half_the_resolution_are_nearly_those_of_libjpeg() -> None:
    data = encoded(photo((203, 149)), "JPEG", subsampling=2, quality=90)
    ours, theirs = taken(data, 8), drafted(data, 8)
    luma = np.array([0.299, 0.587, 0.114])
    assert reference.psnr(ours @ luma, theirs @ luma) > 50
    assert reference.psnr(ours, theirs) > 40


@pytest.mark.parametrize(("scale", "loss"), [(4, 1.6), (2, 0)])
@pytest.mark.parametrize("kind", KINDS)
def test_others_are_as_good_as_those_of_libjpeg(kind: str, scale: int, loss: float) -> None:
    size, small = (804, 600), (400 // scale, 300 // scale)
    data = encoded(photo(size), "JPEG", **KINDS[kind])
    wanted = reference.lanczos(np.asarray(opened(data)).astype(np.float32), small)

    def shown(pixels: NDArray[np.float64]) -> float:
        made = Image.fromarray(pixels.astype(np.uint8)).resize(small, Image.Resampling.LANCZOS)
        return reference.psnr(np.asarray(made), wanted)

    assert shown(taken(data, scale)) > shown(drafted(data, scale)) - loss


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("size", [(203, 149), (5, 3)])
def test_they_have_every_pixel(size: tuple[int, int], scale: int) -> None:
    for colour in ("L", "RGB"):
        found = taken(encoded(Image.new(colour, size, 200 if colour == "L" else (200, 40, 90)), "JPEG"), scale)
        assert found.shape[:2] == (-(-size[1] // scale), -(-size[0] // scale))
        assert np.abs(found - ([200] if colour == "L" else [200, 40, 90])).max() <= 3


def frame_of(data: bytes) -> int:
    return data.index(b"\xff\xc0")


def with_sampling(data: bytes, luma: int) -> bytes:
    """The frame header with other sampling factors for the first component: the data then lack blocks."""
    at = frame_of(data) + 11
    return data[:at] + bytes([luma]) + data[at + 1 :]


def four_by_one(size: tuple[int, int]) -> bytes:
    """4:1:1: libjpeg writes it if all factors are given, which Pillow does not offer, so blocks are put together here.

    A grey 4:4:4 file has one block after another, and colours that are all zero need two bits for each block.
    """
    import struct

    grey = encoded(Image.new("L", size, 90), "JPEG", quality=75)
    start = frame_of(grey)
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, size[1], size[0], 3) + b"\x01\x41\0\x02\x11\0\x03\x11\0"
    scan = b"\xff\xda" + struct.pack(">HB", 12, 3) + b"\x01\0\x02\0\x03\0\0\x3f\0"
    # DC difference 0 is the code 00, end of block 1010 (T.81, tables K.3 and K.5): all blocks grey.
    blocks = -(-size[0] // 32) * -(-size[1] // 8) * 6
    bits = "001010" * blocks
    bits += "1" * (-len(bits) % 8)
    body = int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\0")
    tables = grey[grey.index(b"\xff\xc4", start) : grey.index(b"\xff\xda")]
    return grey[:start] + frame + tables + scan + body + b"\xff\xd9"


@pytest.mark.parametrize("scale", SCALES)
def test_four_columns_of_luma_for_one_of_colour(scale: int) -> None:
    found = taken(four_by_one((70, 20)), scale)
    assert (found == drafted(four_by_one((70, 20)), scale)).all()
    assert found.shape == (-(-20 // scale), -(-70 // scale), 3)


def damaged() -> dict[str, bytes]:
    data = encoded(photo((160, 120)), "JPEG", quality=90, subsampling=0)
    restarts = encoded(photo((160, 120)), "JPEG", restart_marker_blocks=4)
    scan = data.index(b"\xff\xda")
    dri = restarts.index(b"\xff\xdd")
    return {
        "cut short": data[:-1000],
        "no end marker": data[:-2],
        "another end marker": data[:-2] + b"\xff\xdc",
        "bytes behind the last block": data[:-2] + b"\0\0" + data[-2:],
        "a hole": data[: scan + 300] + data[scan + 340 :],
        "a marker inside": data[: scan + 300] + b"\xff\xd9" + data[scan + 302 :],
        "restarts in another order": restarts.replace(b"\xff\xd1", b"\xff\xd5", 1),
        "a restart that is missing": restarts.replace(b"\xff\xd1", b"", 1),
        "another interval": restarts[: dri + 5] + bytes([restarts[dri + 5] + 1]) + restarts[dri + 6 :],
        "more blocks than are there": with_sampling(data, 0x22),
    }


def unusual() -> dict[str, bytes]:
    data = encoded(photo((160, 120)), "JPEG", quality=90, subsampling=0)
    jfif = data.index(b"\xff\xe0")
    no_jfif = data[:jfif] + data[jfif + 18 :]
    at = frame_of(no_jfif)
    scan = no_jfif.index(b"\xff\xda")
    named = bytearray(no_jfif)
    for number, name in enumerate(b"RGB"):
        named[at + 10 + 3 * number] = named[scan + 5 + 2 * number] = name
    codes = data.index(b"\xff\xc4")
    return {
        "CMYK": encoded(photo((160, 120)).convert("CMYK"), "JPEG"),
        "RGB by Adobe's marker": no_jfif[:at] + b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0" + no_jfif[at:],
        "RGB by its components": bytes(named),
        "a factor of 3": with_sampling(data, 0x31),
        "more codes than bits": data[: codes + 5] + b"\x03" + data[codes + 6 :],
        "only ones as a code": data[: codes + 5] + b"\x02" + data[codes + 6 :],
        "no such table": data[: codes + 4] + b"\x05" + data[codes + 5 :],
    }


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", [*damaged(), *unusual()])
def test_what_is_damaged_or_unusual_is_left_to_pillow(name: str, scale: int) -> None:
    assert read((damaged() | unusual())[name], scale) is None


def outcome(data: bytes, lenient: bool) -> Any:
    try:
        made = resize(data, "16x12-png", Limits(lenient=lenient))
    except CorruptImage as error:
        return error.name, error.message
    return made.data, made.dropped


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize("name", [*damaged(), *unusual()])
def test_the_outcome_is_then_that_of_pillow_alone(name: str, lenient: bool, pillow_alone: pytest.MonkeyPatch) -> None:
    data = (damaged() | unusual())[name]
    without = outcome(data, lenient)
    pillow_alone.undo()
    assert outcome(data, lenient) == without


def fed(data: bytes, size: tuple[int, int], mode: str, scale: int, length: int) -> tuple[int, bytes]:
    """The last state, and all pixels, also those of a picture that is declined."""
    kernels = native.kernels()
    image = Image.new(mode, (-(-size[0] // scale), -(-size[1] // scale)))
    state, feeder = 0, kernels.jpeg_new(image.__arrow_c_array__()[1], size, len(mode), scale)
    for start in range(0, len(data), length):
        state = kernels.jpeg_feed(feeder, data[start : start + length])
    return state, image.tobytes()


@pytest.mark.parametrize("kind", ["4:2:2", "restarts"])
@pytest.mark.parametrize("scale", SCALES)
def test_pieces_may_end_anywhere(kind: str, scale: int) -> None:
    data = encoded(photo((90, 70)), "JPEG", **KINDS[kind])
    whole = Image.fromarray(taken(data, scale).astype(np.uint8)).tobytes()
    for length in (1, 2, 7, 100):
        assert fed(data, (90, 70), "RGB", scale, length) == (1, whole)


LARGE = (640, 424)


def noise(size: tuple[int, int] = LARGE, mode: str = "RGB") -> Image.Image:
    """Sharp and coarse parts, so that some blocks are long and others are not."""
    drawn = np.random.default_rng(5).integers(0, 256, (*size[::-1], 3)).astype(np.uint8)
    drawn[:, size[0] // 3 : size[0] // 2] = [250, 255, 254]
    return Image.blend(Image.fromarray(drawn), photo(size), 0.4).convert(mode)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("kind", [*KINDS, "finest"])
def test_several_parts_of_many_bytes_give_what_one_gives(kind: str, mode: str) -> None:
    """A piece of 1,000 bytes is too short for parts, so that its blocks are found one after another."""
    data = encoded(noise(mode=mode), "JPEG", **KINDS.get(kind, {"quality": 100, "subsampling": 0}))
    whole = fed(data, LARGE, mode, 8, len(data))
    assert whole == fed(data, LARGE, mode, 8, 1000)
    assert whole[0] == 1
    if mode == "L" or kind not in ("4:2:0", "finest"):
        assert whole[1] == Image.fromarray(drafted(data, 8).astype(np.uint8)).tobytes()


ENDS, ONE = 0x00, 0x01
LONGER = (0x21, 0x0A, 0xF0, 0x35)
AC_CODES = {ENDS: "00", ONE: "01", **{symbol: f"{0x4000 + at:015b}" for at, symbol in enumerate(LONGER)}}


def of_long_codes(size: tuple[int, int]) -> bytes:
    """A grey JPEG with codes that are longer than any look-up, and with blocks that need no end (T.81, F.1.2)."""
    grey = encoded(Image.new("L", size), "JPEG", quality=90)
    scan = grey.index(b"\xff\xda")
    dc = b"\0" + bytes([4 if length == 12 else 0 for length in range(1, 17)]) + bytes(range(4))
    ac = b"\x10" + bytes([{2: 2, 15: 4}.get(length, 0) for length in range(1, 17)]) + bytes(AC_CODES)
    tables = b"".join(b"\xff\xc4" + (2 + len(table)).to_bytes(2, "big") + table for table in (dc, ac))
    rng, level, bits = np.random.default_rng(7), 0, ""
    for _ in range(size[0] * size[1] // 64):
        category = int(rng.integers(0, 4))
        bits += f"{category:012b}"
        if category:  # back to the middle
            bits += ("1" if level < 0 else "0") * category
            level += (2**category - 1) * (1 if level < 0 else -1)
        full = rng.random() < 0.1
        symbols = [ONE] * 63 if full else [*rng.choice([ONE, *LONGER], int(rng.integers(0, 4))), ENDS]
        bits += "".join(AC_CODES[symbol] + "1" * (symbol % 16) for symbol in symbols)
    bits += "1" * (-len(bits) % 8)
    body = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    return grey[: grey.index(b"\xff\xc4")] + tables + grey[scan : scan + 10] + body + b"\xff\xd9"


def test_codes_that_are_longer_than_a_look_up_are_found_in_parts() -> None:
    data = of_long_codes((800, 640))
    whole = fed(data, (800, 640), "L", 8, len(data))
    assert whole == fed(data, (800, 640), "L", 8, 1000)
    assert whole == (1, Image.fromarray(drafted(data, 8).astype(np.uint8)).tobytes())


@pytest.mark.parametrize("subsampling", [0, 2])
def test_blocks_of_a_few_bits_are_found(subsampling: int) -> None:
    """Such as a scan of a page: its parts have more blocks than there is room for."""
    page = Image.new("RGB", (4000, 2000), (255, 255, 250))
    page.paste(noise(), (1700, 900))
    data = encoded(page, "JPEG", subsampling=subsampling)
    whole = fed(data, page.size, "RGB", 8, len(data))
    assert len(data) > 100_000
    assert whole == fed(data, page.size, "RGB", 8, 1000)
    assert whole[0] == 1


@pytest.mark.parametrize("kind", ["4:2:0", "optimized", "rows"])
def test_damage_between_parts_is_found(kind: str) -> None:
    """Also where a part begins to read, and where one has come to the next."""
    data = encoded(noise((400, 300)), "JPEG", **(KINDS[kind] | {"quality": 95}))
    scan, rng, states = data.index(b"\xff\xda"), np.random.default_rng(6), set()
    for _ in range(120):
        at, kept = (int(rng.integers(scan + 20, len(data) - 2)) for _ in range(2))
        broken = bytearray(data)
        if rng.random() < 0.5:
            broken[at] ^= 1 << int(rng.integers(0, 8))
        else:
            broken[at : at + 300] = data[kept : kept + int(rng.integers(200, 400))]
        whole, pieces = (fed(bytes(broken), (400, 300), "RGB", 8, length) for length in (len(data), 1000))
        assert whole[0] == pieces[0]
        assert whole[1] == pieces[1]
        states.add(whole[0])
    assert 2 in states


def test_a_download_is_read_in_pieces_as_it_arrives() -> None:
    class Arriving(BytesStream):
        ends: list[int]

        def head(self, count: int) -> bytes:
            return self.read_all()[:count]

        def read(self, count: int | None = -1, /) -> bytes:
            found = super().read(count)
            self.ends.append(self.tell())
            return found

    data = encoded(Image.effect_noise((900, 600), 90).convert("RGB"), "JPEG", quality=95)
    stream = Arriving(data)
    stream.ends = []
    resize_all(stream, ["64x"])
    assert len(data) > 3 * 65536
    assert [end for end in stream.ends if end > 65536 * 2][:2] == [65536 * 3, min(65536 * 4, len(data))]


def test_the_kernels_check_what_they_are_given() -> None:
    kernels = native.kernels()
    pixels = Image.new("RGB", (10, 10)).__arrow_c_array__()[1]
    for size, channels, scale in [
        ((88, 80), 3, 8),
        ((80, 80), 1, 8),
        ((80, 80), 3, 4),
        ((20, 20), 3, 1),
        ((80, 80), 2, 8),
        ((0, 8), 3, 8),
    ]:
        with pytest.raises(ValueError, match="expected"):
            kernels.jpeg_new(pixels, size, channels, scale)
    with pytest.raises(ValueError, match="PyCapsule"):
        kernels.jpeg_feed(pixels, b"")
    assert kernels.jpeg_feed(kernels.jpeg_new(pixels, (80, 80), 3, 8), b"GIF89a") == 2
