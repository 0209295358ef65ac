"""The facts of a file that are known before anything is decoded, as the reader of each format gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinypics.errors import ImageTooLarge
from tinypics.values import value

if TYPE_CHECKING:
    from tinypics.image.formats import Codec
    from tinypics.image.geometry import Size
    from tinypics.image.limits import Limits
    from tinypics.image.stream import Stream


@value
class Header:
    """Sizes are as stored, before EXIF orientation."""

    codec: Codec
    size: Size
    data: bytes
    """What the decoder is to be given: the file, or the part of it that holds the picture."""
    decoder: Codec
    """Whose decoder reads `data`: not `codec` where one format is wrapped in another."""
    frames: int = 1
    plays: int = 1
    """How often an animation is shown; 0 is for ever."""
    channels: int = 3
    bits: int = 8
    buffered: bool = False
    """The decoder keeps the coefficients of the whole picture: a JPEG in several scans."""
    scans: int = 1
    strips: int = 1
    block: int = 0
    """Pixels of the largest strip or tile of a TIFF, which is decoded at once."""
    dc_end: int | None = None
    """Where the DC scans of a whole progressive JPEG end: up to here it holds a picture of an eighth of the size."""
    icc: bytes | None = None
    """The colour profile, where it is read here and not by the decoder (PNG)."""
    exif: bytes | None = None
    nclx: tuple[int, int] | None = None
    """Colour primaries and transfer function by number (ITU-T H.273)."""
    crop: tuple[float, float, float, float] | None = None
    """Clean aperture of an AVIF: width, height, and how far its centre lies from the picture's."""
    stream: Stream | None = None
    """Where the decoder reads instead of `data`, which is only the head then: it goes through the file just once."""
    extras: tuple[str, ...] = ()
    """What is in the file beside the picture and will not be in any output: gain-map, depth, pages."""


def check_frames(frames: int, limits: Limits) -> None:
    """:raises ImageTooLarge: more than `limits.frames`."""
    if frames > limits.frames:
        raise ImageTooLarge(f"the animation has more than {limits.frames} frames")
