"""The pixels of an AVIF, averaged a few rows at a time: colours at full size take a third of the time of decoding one.

Pillow needs three copies of the whole picture for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PIL import Image

from tinypics.image import libavif

if TYPE_CHECKING:
    from tinypics.image.picture import OpenPicture

_ROWS: Final = 64  # about as many are converted at a time: they stay in a processor's cache
_AROUND: Final = 2  # further rows on each side, from whose colours libavif interpolates those of 4:2:0


def takes(picture: OpenPicture) -> bool:
    """Whether `read` decodes the picture, unless libavif refuses it."""
    header = picture.header
    still = header.decoder.name == "avif" and header.frames == 1 and header.crop is None
    return still and picture.image.mode == "RGB" and libavif.library() is not None


def read(picture: OpenPicture, box: int) -> Image.Image | None:
    """The picture at 1/box of its size, before rotation boxes are applied; None: Pillow decodes it."""
    width, height = picture.size
    step = 2 * box * max(1, _ROWS // (2 * box))  # even, as 4:2:0 has one row of colours for two of pixels
    samples = bytearray(4 * width * min(height, step + 2 * _AROUND))
    made = Image.new("RGB", (-(-width // box), -(-height // box)))
    with libavif.decoded(picture.header.data) as image:
        for top in range(0, height if image else 0, step):
            first, end = max(0, top - _AROUND), min(height, top + step + _AROUND)
            size = (width, end - first)
            with libavif.empty() as rows:
                if not libavif.view(rows, image, first, size) or not libavif.convert(rows, size, 8, 4, samples):
                    return None
            strip = Image.frombuffer("RGBX", size, samples, "raw", "RGBX", 0, 1)
            means = strip.reduce(box, (0, top - first, width, min(height, top + step) - first))
            made.paste(means.convert("RGB"), (0, top // box))
        return made if image else None
