"""Draws each frame of a GIF on the canvas. Pillow only decompresses the pixels.

Pillow's own canvas begins with the transparent colour or the first one, and it clears frames to the background colour.
GIF89a (sections 18 and 23) leaves both to the viewer, and all browsers use transparency instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PIL import Image

from tinypics.image.headers.gif import Blocks
from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinypics.image.headers.gif import Frame

_GREY: Final = bytes(level for level in range(256) for _ in "rgb")  # for a file without a colour table
_CLEAR, _RESTORE = (2,), (3, 4)  # some encoders write 4 for 3


@value
class Drawn:
    """The canvas after a frame: RGB while it is opaque, else RGBA. The next frame changes it in place."""

    image: Image.Image
    duration: int
    truncated: bool


def frames(data: bytes, *, lenient: bool) -> Iterator[Drawn]:
    """Yields every frame that has pixels.

    :raises ValueError: its pixels are cut short or broken, and not `lenient`.
    """
    blocks = Blocks(data)
    canvas: Image.Image | None = None
    for frame in blocks.frames():
        drawn, truncated = _pixels(data, frame, lenient=lenient)
        (left, top), (width, height) = frame.at, frame.size
        box = (left, top, left + width, top + height)
        before = None
        if canvas is None:
            opaque = drawn.mode == "RGB" and box == (0, 0, *blocks.size)
            canvas = Image.new("RGB" if opaque else "RGBA", blocks.size)
        elif frame.disposal in _RESTORE:
            before = canvas.crop(box)
        canvas.paste(drawn, box, drawn if drawn.mode == "RGBA" else None)
        yield Drawn(canvas, frame.duration, truncated)
        if before is not None:
            canvas.paste(before, box)
        elif frame.disposal in (*_CLEAR, *_RESTORE):  # before the first frame there was nothing
            canvas = canvas if canvas.mode == "RGBA" else canvas.convert("RGBA")
            canvas.paste((0, 0, 0, 0), box)
    if canvas is None:
        raise ValueError("no frame has a pixel")


def _pixels(data: bytes, frame: Frame, *, lenient: bool) -> tuple[Image.Image, bool]:
    """The frame alone, and whether the file has only a part of it."""
    image = Image.new("P", frame.size, frame.clear or 0)
    image.putpalette(frame.table or _GREY)
    bits, codes = data[frame.start], data[frame.start + 1 : frame.end]
    truncated = False
    try:
        image.frombytes(codes, "gif", bits, frame.interlaced, -1)
    except ValueError:
        # The decoded part is in place already. Data that end too early in a complete frame are the encoder's.
        truncated = not frame.whole
        if truncated and not lenient:
            raise
    if frame.clear is None:
        return image.convert("RGB"), truncated
    image.info["transparency"] = frame.clear
    return image.convert("RGBA"), truncated
