"""Opaque frames to an animated, lossy WebP: of each frame, the blocks that changed.

libwebp encodes the blocks only. Its own encoder of animations compares each frame with the one before, so that it never
draws a slow fade, of which no single step is visible; and it encodes an alpha channel even if all of a frame changed.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageChops

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MAX_DURATION: Final = 0xFFFFFF
"""Milliseconds of a frame. RFC 9649, section 2.7.1.2."""

_SAME: Final = 12  # difference of a pixel, summed over red, green and blue, that the loss of the encoding hides
_BLOCK: Final = 8  # pixels along a side; even, as offsets have to be
_MOST: Final = 0.5  # from this share of changed blocks on, the alpha channel takes more than the other blocks would
# For a frame of which most blocks changed, method 2 takes half of the time of 4, and 4 % more bytes. The first frame is
# also what a viewer shows that does not play.
_METHOD, _FAST_METHOD = 4, 2
_ANIMATION: Final = 0x02
_FLAGS: Final = {b"ALPH": 0x10, b"ICCP": 0x20, b"EXIF": 0x08, b"XMP ": 0x04}
_BLENDED, _OPAQUE = 0, 2


def encode(
    frames: Sequence[Image.Image],
    milliseconds: Sequence[int],
    loop_count: int,
    still: Callable[[Image.Image, int], bytes],
    described: bytes,
) -> bytes:
    """RFC 9649, section 2.7.

    :param still: encodes an image without metadata, with a method of libwebp.
    :param described: any still with the metadata of the animation.
    """
    metadata = {kind: body for kind, body in _chunks(described) if kind in _FLAGS}
    before = {kind: metadata.pop(kind) for kind in (b"ICCP",) if kind in metadata}
    flags = {*metadata, *before}
    drawn: list[tuple[bytes, bytes]] = []
    for image, at, duration in _changes(frames, milliseconds):
        whole = image.mode == "RGB"
        found = _chunks(still(image, _FAST_METHOD if whole and drawn else _METHOD))
        pixels = {kind: body for kind, body in found if kind in (b"ALPH", b"VP8 ")}
        place = (at[0] // 2, at[1] // 2, image.width - 1, image.height - 1, duration)
        facts = b"".join(map(_bits24, place)) + bytes((_OPAQUE if whole else _BLENDED,))
        drawn.append((b"ANMF", facts + b"".join(map(_chunk, pixels, pixels.values()))))
        flags |= _FLAGS.keys() & pixels.keys()
    width, height = frames[0].size
    extended = struct.pack("<I", _ANIMATION | sum(map(_FLAGS.__getitem__, flags)))
    file = [
        (b"VP8X", extended + _bits24(width - 1) + _bits24(height - 1)),
        *before.items(),
        (b"ANIM", struct.pack("<IH", 0, loop_count)),
        *drawn,
        *metadata.items(),
    ]
    return _chunk(b"RIFF", b"WEBP" + b"".join(_chunk(kind, body) for kind, body in file))


def _changes(
    frames: Sequence[Image.Image], milliseconds: Sequence[int]
) -> Iterator[tuple[Image.Image, tuple[int, int], int]]:
    """The parts to draw: each with its place, and the time until the next. A part has alpha if blocks of it stay."""
    shown = frames[0].convert("RGB")  # the canvas of a viewer
    part, at, duration = shown.copy(), (0, 0), milliseconds[0]
    for frame, time in zip(frames[1:], milliseconds[1:], strict=True):
        image = frame.convert("RGB")
        changed = _changed_blocks(image, shown)
        box = changed.getbbox()
        if box is None and duration + time <= MAX_DURATION:
            duration += time
            continue
        yield part, at, duration
        box = box or (0, 0, 1, 1)
        part, mask = image.crop(box), changed.crop(box)
        if mask.histogram()[255] < _MOST * mask.width * mask.height:
            part.putalpha(mask)
            shown.paste(image, mask=changed)
        else:
            shown.paste(part, box)
        at, duration = box[:2], time
    yield part, at, duration


def _changed_blocks(image: Image.Image, shown: Image.Image) -> Image.Image:
    """255 in all of a block of which any pixel changed, elsewhere 0."""
    differs = ImageChops.difference(image, shown).convert("L", (1, 1, 1, 0))  # the sum of the channels
    pixels = differs.point([0] * (_SAME + 1) + [255] * (255 - _SAME))
    blocks = pixels.reduce(_BLOCK).point([0] + [255] * 255)  # the mean of one pixel of 255 and 63 of 0 is 4
    grown = blocks.resize((blocks.width * _BLOCK, blocks.height * _BLOCK), Image.Resampling.NEAREST)
    return grown.crop((0, 0, *image.size))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += 8 + length + (length & 1)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) & 1)


def _bits24(number: int) -> bytes:
    return number.to_bytes(3, "little")
