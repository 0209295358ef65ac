"""The results of the image core: pictures and facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinypics.image.formats import FORMATS
from tinypics.values import value

if TYPE_CHECKING:
    from tinypics.image.rendition import Rendition


@value
class Output:
    """One rendition of a picture.

    `width` and `height` are the true pixels of `data`, which is a file in `format` (a name of `formats.FORMATS`).
    `dropped` names parts of the source that the output lacks: `frames` and `pages` (only the first is kept), `alpha`
    (laid on the background), `gain-map` and `hdr` (mapped to standard range), `depth`, `bit-depth` (8 bits are kept),
    `profile` (broken, so sRGB is assumed), `missing-data` (the source was cut short), `metadata` and `location`
    (although the rendition asks to keep metadata).
    """

    rendition: Rendition
    data: bytes
    format: str
    width: int
    height: int
    dropped: tuple[str, ...] = ()
    colour: str | None = None
    """The picture's dominant colour as `#rrggbb`; only `placeholder.PLACEHOLDER` has one."""

    @property
    def content_type(self) -> str:
        return FORMATS[self.format].content_type

    @property
    def extension(self) -> str:
        """Without the dot."""
        return FORMATS[self.format].extension


@value
class Source:
    """The facts of the source. The size is the full one after EXIF orientation, even if less was decoded."""

    format: str
    width: int
    height: int
    bytes: int
    frames: int


@value
class Resized:
    """All outputs in the order of the renditions; `timings_ms` has decode, transform and encode."""

    outputs: tuple[Output, ...]
    source: Source
    timings_ms: dict[str, float]
