"""What comes out of the image core: pictures and facts."""

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
    `dropped` names what of the source is not in it though one might look for it: `frames` and `pages` (the first is
    there), `alpha` (laid on the background), `gain-map` and `hdr` (shown as standard range), `depth`, `bit-depth`
    (8 bits are left), `profile` (a broken one: colours are taken for sRGB), `missing-data` (the source was cut short),
    `metadata` and `location` (asked to be kept).
    """

    rendition: Rendition
    data: bytes
    format: str
    width: int
    height: int
    dropped: tuple[str, ...] = ()
    colour: str | None = None
    """The picture's dominant colour as `#rrggbb`: of `placeholder.PLACEHOLDER` alone."""

    @property
    def content_type(self) -> str:
        return FORMATS[self.format].content_type

    @property
    def extension(self) -> str:
        """Without the dot."""
        return FORMATS[self.format].extension


@value
class Source:
    """What the source is: its whole size after EXIF orientation, whatever was decoded of it."""

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
