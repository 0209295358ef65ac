"""The facts of a file that the parser of its format reads before decoding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinypics.values import value

if TYPE_CHECKING:
    from tinypics.image.formats import Codec
    from tinypics.image.geometry import Size
    from tinypics.image.stream import Stream


@value
class Header:
    """Sizes are as stored, before EXIF orientation."""

    codec: Codec
    size: Size
    data: bytes
    """The input of the decoder: the file, or the part of it with the picture."""
    decoder: Codec
    """The format whose decoder reads `data`; differs from `codec` if one format is wrapped in another."""
    frames: int = 1
    """One more than `Limits.frames` stands for any larger number."""
    loop_count: int = 1
    """How many times an animation plays; 0 is endless."""
    channels: int = 3
    palette: bool = False
    """The colours of the pixels are numbers in a table: a drawing, usually."""
    bits: int = 8
    scalable: bool = False
    """The decoder can decode it at a fraction of its size."""
    buffered: bool = False
    """The decoder keeps the coefficients of the whole picture: a JPEG in several scans."""
    scans: int = 1
    strips: int = 1
    block: int = 0
    """Pixels of the largest strip or tile of a TIFF, which is decoded at once."""
    copies: int = 0
    """Copies of `data` that are made to decode it."""
    dc_end: int | None = None
    """The end of the DC scans of a complete progressive JPEG, which suffice for a picture of an eighth of the size."""
    icc: bytes | None = None
    """The colour profile, if this parser reads it instead of the decoder (PNG); empty if it is broken."""
    exif: bytes | None = None
    xmp: bytes | None = None
    """Both likewise; of an iTXt chunk, which may be compressed, all behind its keyword."""
    nclx: tuple[int, int] | None = None
    """Colour primaries and transfer function by number (ITU-T H.273)."""
    narrow: bool = False
    """The values of a PNG go from 16 to 235 (of 255), as in video."""
    crop: tuple[float, float, float, float] | None = None
    """Clean aperture of an AVIF: width, height, and the offset of its centre from the picture's."""
    stream: Stream | None = None
    """The decoder's input instead of `data`, which is only the head then: the decoder reads the file once, in order."""
    extras: tuple[str, ...] = ()
    """Parts of the file that no output will have: gain-map, depth, pages."""

    @property
    def keeps_depth(self) -> bool:
        """Whether the decoder can give all bits of its samples; see `deep`."""
        name = self.decoder.name
        some = (name == "jp2" and self.channels == 1) or (name == "avif" and self.frames == 1)
        return self.bits > 8 and (some or name in ("png", "tiff", "heif"))
