"""TIFF pictures whose samples Pillow has no mode for, or misreads: separate planes, signed samples, alpha beside inks.

Pillow still decompresses each of them, as grey: a page of separate planes (TIFF 6.0, PlanarConfiguration) is read plane
by plane, and one of interleaved samples as rows of bytes. Pillow's raw decoder takes planes of 16 bits for 8 bits,
its table of modes has no CMYK and no grey of 16 bits with alpha.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from tinypics.errors import UnsupportedFormat
from tinypics.image.geometry import ORIENTATIONS, UPRIGHT
from tinypics.image.headers import tiff_layout, tiff_pages

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinypics.image.geometry import Orientation
    from tinypics.image.headers.tiff_layout import Samples
    from tinypics.image.headers.tiff_pages import Page
    from tinypics.image.limits import Limits

_BLACK_IS_ZERO: Final = 1  # PhotometricInterpretation


class SampleReader:
    """Reads the page in `data` with `decoder`, Pillow's class for TIFF, when `to_pillow` is called."""

    def __init__(self, data: bytes, samples: Samples, decoder: Callable[[Any], Any], info: dict[str, Any]) -> None:
        self._data, self._samples, self._decoder, self.info = data, samples, decoder, info
        self.size = samples.page.size

    def to_pillow(self) -> Image.Image:
        samples = self._samples
        # No output has room for samples behind the alpha channel, nor for an alpha channel beside inks.
        wanted = samples.colours + bool(samples.alpha and samples.colours != tiff_layout.INKS)
        read = self._planes if samples.planes or samples.count == 1 else self._interleaved
        channels = read(wanted)
        if samples.signed:
            channels = [channel.point([value ^ 0x80 for value in range(256)]) for channel in channels]
        if samples.page.number(tiff_pages.PHOTOMETRIC) == tiff_layout.WHITE_IS_ZERO:
            channels[0] = channels[0].point(range(255, -1, -1))
        letter = (
            {tiff_layout.ASSOCIATED: "a", tiff_layout.UNASSOCIATED: "A"}.get(samples.alpha, "")
            if wanted > samples.colours
            else ""
        )
        mode = {1: "L", 3: "RGB", 4: "CMYK"}[samples.colours] + letter
        return Image.merge(mode, channels) if len(channels) > 1 else channels[0]

    def _planes(self, wanted: int) -> list[Image.Image]:
        return [_eight_bits(self._decoded(self._plane(number))) for number in range(wanted)]

    def _plane(self, number: int) -> dict[int, tuple[int, ...] | None]:
        page, count = self._samples.page, self._samples.count
        changes: dict[int, tuple[int, ...] | None] = {tiff_pages.BITS: (self._samples.bits,)}
        for tag in (tiff_pages.STRIPS, tiff_pages.STRIP_BYTES, tiff_pages.TILES, tiff_pages.TILE_BYTES):
            if values := page.numbers(tag):
                each = len(values) // count
                changes[tag] = values[each * number : each * (number + 1)]
        return changes

    def _interleaved(self, wanted: int) -> list[Image.Image]:
        """Each row of bytes as one of grey pixels."""
        samples = self._samples
        step = samples.bits // 8
        width = samples.count * step
        changes: dict[int, tuple[int, ...] | None] = {
            tiff_pages.BITS: (8,),
            tiff_pages.WIDTH: (self.size[0] * width,),
        }
        if tile := samples.page.number(tiff_pages.TILE_WIDTH):
            changes[tiff_pages.TILE_WIDTH] = (tile * width,)
        rows = self._decoded(changes).tobytes()
        mode = "L" if step == 1 else "I;16" if samples.page.order == "<" else "I;16B"
        channels = []
        for number in range(wanted):
            plane = bytearray(len(rows) // samples.count)
            for byte in range(step):
                plane[byte::step] = rows[number * step + byte :: width]
            channels.append(_eight_bits(Image.frombytes(mode, self.size, bytes(plane))))
        return channels

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


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode == "L":
        return image
    return image.convert("I").point([(value * 255 + 32767) // 65535 for value in range(65536)], "L")


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
    orientation = ORIENTATIONS.get(page.number(tiff_pages.ORIENTATION, 1), UPRIGHT)
    return SampleReader(data, samples, decoder, info), orientation


def _open_usual(data: bytes, page: Page, decoder: Callable[[Any], Any]) -> Any:
    """Pillow's lazy image.

    :raises UnsupportedFormat: Pillow has no mode for its samples. The directory is sound: it has been read before.
    """
    try:
        image = decoder(io.BytesIO(data))
    except (SyntaxError, KeyError) as error:
        raise UnsupportedFormat(f"{tiff_layout.describe(page)} is not supported") from error
    colours = page.numbers(tiff_pages.COLOUR_MAP)
    if image.mode == "P" and colours and max(colours) < 256:  # written in 8 bits, as libtiff recognises it, too
        from PIL import ImagePalette

        image.palette = ImagePalette.raw("RGB;L", bytes(colours))
    return image
