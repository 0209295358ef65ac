"""The header of a TIFF: that of the page to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinypics.errors import CorruptImage, ImageTooLarge
from tinypics.image.headers import tiff_layout, tiff_pages
from tinypics.values import replace

if TYPE_CHECKING:
    from tinypics.image.headers.header import Header
    from tinypics.image.headers.tiff_pages import Page
    from tinypics.image.limits import Limits


def read(header: Header, limits: Limits) -> Header:
    """The facts of the page, and the file without the other pages if it is not the first.

    :raises CorruptImage: no strips and no tiles, or too many tags.
    :raises struct.error: cut short.
    """
    shown = tiff_pages.shown_page(header.data)
    data = header.data
    if shown is not None:
        orientation = tiff_pages.ORIENTATION
        turned = shown.numbers(orientation) or tiff_pages.read_page(data).numbers(orientation)
        data = tiff_pages.with_page(data, shown, {orientation: turned or None})
    page = tiff_pages.read_page(data)
    page.check_compression()
    strips = sum(page.tags[tag][1] for tag in (tiff_pages.STRIPS, tiff_pages.TILES) if tag in page.tags)
    if not strips:
        raise CorruptImage("the TIFF has no strips and no tiles")
    if strips > limits.strips:
        raise ImageTooLarge(f"the TIFF has more than {limits.strips} strips")
    samples, extras = tiff_layout.unusual_samples(page), []
    if samples and samples.colours == tiff_layout.INKS and samples.alpha:
        extras.append("alpha")
    if bool(page.following) if shown is None else shown.reduced or bool(shown.following):
        extras.append("pages")
    return replace(
        header,
        data=data,
        size=page.size,
        channels=page.number(tiff_pages.SAMPLES, 1),
        bits=page.number(tiff_pages.BITS, 1),
        strips=strips,
        block=_block(page) + (_whole_tiles(page) * (1 + samples.as_bytes) if samples else 0),
        copies=1 if samples or shown is not None else 0,
        extras=tuple(extras),
    )


def _block(page: Page) -> int:
    """Pixels in one strip or tile."""
    width, height = page.size
    if tiff_pages.TILES in page.tags:
        return page.number(tiff_pages.TILE_WIDTH) * page.number(tiff_pages.TILE_HEIGHT)
    return width * min(page.number(tiff_pages.ROWS, height), height)


def _whole_tiles(page: Page) -> int:
    """Pixels of the page if its last column of tiles is not cropped."""
    tile = page.number(tiff_pages.TILE_WIDTH) or 1
    return -(-page.size[0] // tile) * tile * page.size[1]
