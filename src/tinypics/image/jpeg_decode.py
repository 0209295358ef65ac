"""A JPEG at a half, a quarter or an eighth of its size by the native reader, fed while the file arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PIL import Image

from tinypics.image import native

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinypics.image.headers.header import Header

_SCALES: Final = (2, 4, 8)
_PIECE: Final = 64 * 1024  # bytes of a download that are decoded at a time
_DONE: Final = 1


def takes(header: Header, scale: int) -> bool:
    """Whether the native reader decodes the picture to 1/scale of its size, unless its data are damaged."""
    kernels = native.kernels()
    if kernels is None or scale not in _SCALES or header.channels == 4 or (header.buffered and not header.dc_end):
        return False
    with native.calls():
        return bool(kernels.jpeg_takes(header.data, header.size, header.channels, scale))


def read(header: Header, scale: int) -> Image.Image | None:
    """The picture at 1/scale of its size; None if its data are damaged: Pillow then says how, or makes the best of it.

    A progressive picture, which it takes only at an eighth, is read up to its first DC scan.
    """
    size = (-(-header.size[0] // scale), -(-header.size[1] // scale))
    image = Image.new("L" if header.channels == 1 else "RGB", size, None)
    try:
        _, pixels = image.__arrow_c_array__()
    except ValueError:  # too large for one block of Pillow's memory
        return None
    kernels = native.kernels()
    with native.calls():
        reader = kernels.jpeg_new(pixels, header.size, header.channels, scale)
        for piece in _pieces(header):
            if state := kernels.jpeg_feed(reader, piece):
                return image if state == _DONE else None
    return None


def _pieces(header: Header) -> Iterator[bytes]:
    """The file, as it arrives. Of a large progressive one, its beginning has arrived."""
    if header.stream is None or header.buffered:
        yield header.data
        return
    header.stream.seek(0)
    while piece := header.stream.read(_PIECE):
        yield piece
