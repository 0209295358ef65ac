"""A picture on its way from the decoder to the encoder: the opened file, and its frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinypics.values import value

if TYPE_CHECKING:
    from PIL import Image

    from tinypics.image.deep import Deep
    from tinypics.image.geometry import Orientation, Point, Size
    from tinypics.image.headers.header import Header


@value
class OpenPicture:
    """A file whose header a decoder has read."""

    header: Header
    image: Any
    """Pillow's lazy image, or a reader of ours for HEIF and some TIFFs."""
    size: Size
    """As stored."""
    orientation: Orientation
    """The orientation that makes it upright."""
    icc: bytes | None
    """Empty if there is a profile that cannot be used."""
    exif: bytes | None
    deep: bool = False
    """Decode all bits of its samples; see `deep`."""
    boxes: bool = False
    """A reader of ours decodes it, to means of boxes of pixels: all outputs are resampled from such pixels."""
    fits_pillow: bool = True
    """There is memory for Pillow to decode it, if a native reader finds it damaged."""

    @property
    def has_depth(self) -> bool:
        """Whether samples of more than 8 bits have colours in which the loss of the others would show."""
        return self.header.keeps_depth and bool(self.icc or self.header.nclx)


@value
class Frame:
    """One decoded picture, or one frame of an animation, as stored (not upright).

    `image` has mode L, La, RGB, RGBa (alpha premultiplied) or CMYK, 8 bits. It shows a picture of `size` pixels in its
    upper left `extent` pixels, which is fractional where the decoder scaled down.
    """

    image: Image.Image
    size: Size
    extent: Point
    duration: float
    """Milliseconds."""
    truncated: bool = False
    straight: Image.Image | None = None
    """The same with alpha that is not premultiplied (LA, RGBA): transparent pixels have their colours still."""
    deep: Deep | None = None
    """The samples of more than 8 bits, if these do not suffice."""
