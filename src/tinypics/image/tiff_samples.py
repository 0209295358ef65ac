"""TIFF pictures whose samples Pillow has no mode for, or misreads.

These are separate planes, signed and floating-point samples, those of 10, 12, 14 or 32 bits, and alpha beside inks or
16-bit grey.
Pillow still decompresses each of them, as grey: a page of separate planes (TIFF 6.0, PlanarConfiguration) is read plane
by plane, and one of interleaved samples as rows of bytes. Pillow's raw decoder takes planes of 16 bits for 8 bits,
its table of modes has no CMYK and no grey of 16 bits with alpha.
"""

from __future__ import annotations

import io
import struct
from functools import cache
from math import gcd
from typing import TYPE_CHECKING, Any, Final

from PIL import Image, ImageMath

from tinypics.errors import UnsupportedFormat
from tinypics.image.geometry import ORIENTATIONS, UPRIGHT
from tinypics.image.headers import tiff_layout, tiff_pages
from tinypics.image.wide_samples import eight_bits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tinypics.image.geometry import Orientation
    from tinypics.image.headers.tiff_layout import Samples
    from tinypics.image.headers.tiff_pages import Page
    from tinypics.image.limits import Limits

_BLACK_IS_ZERO: Final = 1  # PhotometricInterpretation


class SampleReader:
    """Reads the page in `data` with `decoder`, Pillow's class for TIFF, when `decode` is called."""

    def __init__(self, data: bytes, samples: Samples, decoder: Callable[[Any], Any], info: dict[str, Any]) -> None:
        self._data, self._samples, self._decoder, self.info = data, samples, decoder, info
        self.size = samples.page.size

    def decode(self, *, deep: bool) -> tuple[Image.Image, Sequence[Image.Image]]:
        """The picture in 8 bits, and its channels in 16 bits if these are wanted (`deep`) and the file has more."""
        samples = self._samples
        if samples.stretched:
            return self._stretched(), ()
        # No output has room for samples behind the alpha channel, nor for an alpha channel beside inks.
        wanted = samples.colours + bool(samples.alpha and samples.colours != tiff_layout.INKS)
        channels = list(self._channels(wanted))
        if samples.page.number(tiff_pages.PHOTOMETRIC) == tiff_layout.WHITE_IS_ZERO:
            channels[0] = _inverted(channels[0])
        letter = (
            {tiff_layout.ASSOCIATED: "a", tiff_layout.UNASSOCIATED: "A"}.get(samples.alpha, "")
            if wanted > samples.colours
            else ""
        )
        mode = {1: "L", 3: "RGB", 4: "CMYK"}[samples.colours] + letter
        eight = [_eight_bits(channel) for channel in channels]
        image = Image.merge(mode, eight) if len(eight) > 1 else eight[0]
        straight = channels[0].mode == "I;16" and letter != "a"
        return image, channels if deep and straight else ()

    def _stretched(self) -> Image.Image:
        """Grey whose darkest number becomes black and whose brightest becomes white."""
        samples = self._samples
        kind = f"{samples.bits}{'' if samples.page.order == '<' else 'B'}"
        kind += "F" if samples.floating else "S" if samples.signed else ""
        image = Image.frombytes("F", self.size, self._rows(0), "raw", f"F;{kind}")
        low, high = image.getextrema()
        scale = 255 / (high - low) if high > low else 0.0  # type: ignore[operator]
        grey = image.point(lambda value: value * scale - low * scale).convert("L")  # type: ignore[operator]
        return _inverted(grey) if samples.page.number(tiff_pages.PHOTOMETRIC) == tiff_layout.WHITE_IS_ZERO else grey

    def _channels(self, wanted: int) -> Iterator[Image.Image]:
        """Images of mode L or I;16, of the full range."""
        samples = self._samples
        rows = self._rows(0) if samples.as_bytes and not samples.planes else b""
        for number in range(wanted):
            if not samples.as_bytes:
                channel = self._decoded(self._plane(number) if samples.planes else {})
                yield _signed(channel) if samples.signed else _native(channel)
            elif samples.planes:
                yield self._channel(self._rows(number), 0, 1)
            else:
                yield self._channel(rows, number, samples.count)

    def _plane(self, number: int) -> dict[int, tuple[int, ...] | None]:
        page, count = self._samples.page, self._samples.count
        changes: dict[int, tuple[int, ...] | None] = {tiff_pages.BITS: (self._samples.bits,)}
        for tag in (tiff_pages.STRIPS, tiff_pages.STRIP_BYTES, tiff_pages.TILES, tiff_pages.TILE_BYTES):
            if values := page.numbers(tag):
                each = len(values) // count
                changes[tag] = values[each * number : each * (number + 1)]
        return changes

    def _rows(self, plane: int) -> bytes | bytearray:
        """Each row as bytes: decoded as a row of grey pixels."""
        samples = self._samples
        bits = samples.bits * (1 if samples.planes else samples.count)
        changes = self._plane(plane) if samples.planes else {}
        width = length = -(-self.size[0] * bits // 8)
        if tile := samples.page.number(tiff_pages.TILE_WIDTH):
            if tile * bits % 8:
                raise UnsupportedFormat(f"{tiff_layout.describe(samples.page)} in tiles is not supported")
            length = tile * bits // 8
            changes[tiff_pages.TILE_WIDTH] = (length,)
            width = -(-width // length) * length  # a tile at the edge is whole
        changes |= {tiff_pages.BITS: (8,), tiff_pages.WIDTH: (width,), tiff_pages.PREDICTOR: None}
        rows: bytes | bytearray = self._decoded(changes).tobytes()
        if samples.predictor != 1:
            rows = self._without_predictor(rows, length)
        wanted = -(-self.size[0] * bits // 8)
        if width == wanted:
            return rows
        return b"".join(rows[start : start + wanted] for start in range(0, len(rows), width))

    def _without_predictor(self, rows: bytes | bytearray, length: int) -> bytearray:
        """`rows` consists of runs of `length` bytes, in which differences are summed."""
        from tinypics.image import tiff_predictor

        samples, view, made = self._samples, memoryview(rows), bytearray(len(rows))
        count = 1 if samples.planes else samples.count
        for start in range(0, len(rows), length):
            run = bytes(view[start : start + length])
            made[start : start + length] = tiff_predictor.undo(
                run, samples.predictor, count, samples.bits // 8, samples.page.order
            )
        return made

    def _channel(self, rows: bytes | bytearray, number: int, count: int) -> Image.Image:
        """One of the interleaved samples."""
        samples = self._samples
        if samples.bits % 8:
            rows, bits = _unpacked(rows, self.size, count, samples.bits), 16
        else:
            bits = samples.bits
        step, little = bits // 8, samples.page.order == "<" and not samples.bits % 8
        used = min(step, 2) if not samples.floating else step  # the two high bytes of a sample of 32 bits
        first = step - used if little else 0
        plane = bytearray(used * self.size[0] * self.size[1])
        for byte in range(used):
            plane[byte::used] = rows[number * step + first + byte :: count * step]
        if samples.floating and used == 2:
            return _from_halves(_native(Image.frombytes("I;16" if little else "I;16B", self.size, bytes(plane))))
        if samples.floating:
            light = Image.frombytes("F", self.size, bytes(plane), "raw", "F;32F" if little else "F;32BF")
            bounded: Image.Image = ImageMath.lambda_eval(
                lambda of: of["max"](of["min"](of["light"], 1.0), 0.0), light=light
            )
            return bounded.point(lambda value: value * 65535 + 0.5).convert("I").convert("I;16")
        if used == 1:
            level = Image.frombytes("L", self.size, bytes(plane))
            return _signed(level) if samples.signed else level
        if samples.signed:
            plane[little::2] = plane[little::2].translate(_FLIPPED)
        return _scaled(_native(Image.frombytes("I;16" if little else "I;16B", self.size, bytes(plane))), samples.bits)

    def _decoded(self, changes: dict[int, tuple[int, ...] | None]) -> Image.Image:
        grey: dict[int, tuple[int, ...] | None] = {
            tiff_pages.SAMPLES: (1,),
            tiff_pages.PHOTOMETRIC: (_BLACK_IS_ZERO,),
            tiff_pages.PLANES: (1,),
            tiff_pages.FORMAT: None,
            tiff_pages.EXTRA: None,
            tiff_pages.ORIENTATION: None,
        }
        image = self._decoder(io.BytesIO(tiff_pages.with_page(self._data, self._samples.page, grey | changes)))
        image.load()
        return image  # type: ignore[no-any-return]


_FLIPPED: Final = bytes(value ^ 0x80 for value in range(256))  # the sign of a high byte


def _signed(image: Image.Image) -> Image.Image:
    return image.point(list(_FLIPPED))


def _from_halves(image: Image.Image) -> Image.Image:
    """Floating-point numbers of 16 bits (IEEE 754), of which `image` has the bits, from 0..1 to 0..65535."""
    bits = image.convert("I")
    low, high = (bits.point(table, "L") for table in _half_tables())
    return Image.frombytes("I;16", image.size, Image.merge("LA", (low, high)).tobytes())


@cache
def _half_tables() -> tuple[bytes, bytes]:
    """The low and the high byte of each number's level, by the bits of the number."""
    numbers = struct.unpack("<65536e", struct.pack("<65536H", *range(65536)))
    levels = [round(min(max(number, 0.0), 1.0) * 65535) if number == number else 0 for number in numbers]
    return bytes(level & 255 for level in levels), bytes(level >> 8 for level in levels)


def _native(image: Image.Image) -> Image.Image:
    """An image of mode L or I;16 in any byte order, as L or I;16."""
    return image if image.mode in ("L", "I;16") else image.convert("I").convert("I;16")


def _inverted(image: Image.Image) -> Image.Image:
    return image.point(range(255, -1, -1)) if image.mode == "L" else image.point(lambda value: value * -1 + 65535)


def _scaled(image: Image.Image, bits: int) -> Image.Image:
    """Samples of `bits` bits, with zeros behind them, to the full range of 16 bits."""
    if bits >= 16:
        return image
    scale = 65535 / (65535 >> 16 - bits << 16 - bits)
    return image.point(lambda value: value * scale + 0.5)


def _unpacked(rows: bytes | bytearray, size: tuple[int, int], count: int, bits: int) -> bytes:
    """Samples of 9 to 15 bits as two bytes each, high bits first. A row begins with a new byte (TIFF 6.0, p. 29)."""
    samples, stride = size[0] * count, len(rows) // size[1]
    group, step = 8 // gcd(bits, 8), bits // gcd(bits, 8)  # samples that fill whole bytes, and those bytes
    last = bytes(value >> 16 - bits << 16 - bits for value in range(256))
    unpacked = bytearray(2 * samples * size[1])
    for row in range(size[1]):
        data = rows[row * stride : (row + 1) * stride] + bytes(step + 2)
        for first in range(group):
            number = len(range(first, samples, group))
            at, shift = divmod(first * bits, 8)
            one, two, three = (data[at + byte :: step][:number] for byte in range(3))
            start = 2 * (row * samples + first)
            end = 2 * (row + 1) * samples
            unpacked[start : end : 2 * group] = _joined(one, two, shift)
            unpacked[start + 1 : end : 2 * group] = _joined(two, three, shift).translate(last)
    return bytes(unpacked)


def _joined(left: bytes | bytearray, right: bytes | bytearray, shift: int) -> bytes | bytearray:
    """The eight bits from bit `shift` of each pair of bytes on."""
    if not shift:
        return left
    high = left.translate(bytes(value << shift & 255 for value in range(256)))
    low = right.translate(bytes(value >> 8 - shift for value in range(256)))
    return (int.from_bytes(high) | int.from_bytes(low)).to_bytes(len(left))


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode == "L":
        return image
    return image.convert("I").point(eight_bits(65535), "L")


def open_image(data: bytes, decoder: Callable[[Any], Any], limits: Limits) -> tuple[Any, Orientation]:
    """The lazy image of the first page, and the orientation that makes it upright.

    :raises UnsupportedFormat: see `_open_usual`.
    """
    page = tiff_pages.read_page(data)
    samples = tiff_layout.unusual_samples(page)
    if samples is None:
        return _open_usual(data, page, decoder), UPRIGHT  # Pillow turns it upright by itself
    # One byte more than is allowed shows that a profile is too large.
    info = {"icc_profile": page.packed(tiff_pages.ICC, limits.icc_bytes + 1)} if tiff_pages.ICC in page.tags else {}
    if samples.floating and samples.colours != tiff_layout.INKS and not samples.stretched:
        info.setdefault("icc_profile", _linear_profile(samples))
    orientation = ORIENTATIONS.get(page.number(tiff_pages.ORIENTATION, 1), UPRIGHT)
    return SampleReader(data, samples, decoder, info), orientation


def _linear_profile(samples: Samples) -> bytes:
    """Floating-point samples without a profile are light, with sRGB's colourants, as in scRGB (IEC 61966-2-2)."""
    from tinypics.image import h273, icc

    return icc.build_profile(h273.power(1.0), None if samples.colours == 1 else icc.SRGB)


def _open_usual(data: bytes, page: Page, decoder: Callable[[Any], Any]) -> Any:
    """Pillow's lazy image.

    :raises UnsupportedFormat: Pillow has no mode for its samples. The directory is sound: it has been read before.
    """
    planes = page.number(tiff_pages.PLANES, 1) == 2 and page.number(tiff_pages.SAMPLES, 1) > 1
    if planes and tiff_layout.has_odd_planes(page):
        raise UnsupportedFormat(f"{tiff_layout.describe(page)} in planes is not supported")
    try:
        image = decoder(io.BytesIO(data))
    except (SyntaxError, KeyError) as error:
        raise UnsupportedFormat(f"{tiff_layout.describe(page)} is not supported") from error
    colours = page.numbers(tiff_pages.COLOUR_MAP)
    if image.mode == "P" and colours and max(colours) < 256:  # written in 8 bits, as libtiff recognises it, too
        from PIL import ImagePalette

        image.palette = ImagePalette.raw("RGB;L", bytes(colours))
    return image
