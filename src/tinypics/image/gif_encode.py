"""Images to a GIF (GIF89a): one palette for all frames, and of each frame only the rectangle that changed.

Pillow compresses the pixels only. Its own writer gives each frame a palette and a dither pattern, so that every pixel
differs from frame to frame.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageChops

from tinypics.image import palette, timing
from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_OPAQUE_FROM: Final = 128
_SAMPLES: Final = 16  # frames to choose the palette of an animation from
_SAMPLED: Final = 65_536  # pixels of all of these together
_INVISIBLE: Final = 16.0  # mean squared error (36 dB) up to which dithering would only add noise
_SAME: Final = 6  # difference of a pixel, summed over red, green and blue, that is invisible in motion
_SHORTEST: Final = 2  # hundredths of a second: browsers show a shorter frame for a tenth of a second
_LONGEST: Final = 0xFFFF
_KEPT, _CLEARED = 1, 2  # disposal (section 23): the canvas of the next frame


@value
class _Colours:
    """The colours of all frames."""

    table: bytes
    clear: int | None
    """The index of transparent and unchanged pixels."""
    drawn: Callable[[Image.Image], Image.Image]
    """From an RGB image to the indices of its colours."""
    tolerance: int
    """A pixel that differs by at most this much is not drawn again."""

    @property
    def bits(self) -> int:
        """Bits of an index. The size of the table is a power of two."""
        last = len(self.table) // 3 - 1 if self.clear is None else self.clear
        return max(1, last.bit_length())


def encode(frames: Sequence[Image.Image], durations: Sequence[float], loop_count: int) -> bytes:
    """A still, or an animation that plays `loop_count` times, 0 for endlessly."""
    transparent = any("A" in frame.mode for frame in frames)
    colours = _colours(frames, transparent=transparent)
    width, height = frames[0].size
    table = colours.table.ljust(3 << colours.bits, b"\0")
    parts = [b"GIF89a", struct.pack("<HHBBB", width, height, 0x80 | colours.bits - 1, 0, 0), table]
    if len(frames) > 1 and loop_count != 1:  # the file has the number of repeats, and plays once without it
        repeats = min(loop_count - 1, 0xFFFF) if loop_count else 0
        parts.append(b"!\xff\x0bNETSCAPE2.0\3\1" + struct.pack("<HB", repeats, 0))
    times = timing.to_whole_units(durations, 10, _SHORTEST, _LONGEST) if len(frames) > 1 else [0]
    for (image, at, disposal), hundredths in zip(_changes(frames, colours), times, strict=True):
        packed = disposal << 2 | (colours.clear is not None)
        if colours.clear is not None or len(frames) > 1:
            parts.append(b"!\xf9\4" + struct.pack("<BHBB", packed, hundredths, colours.clear or 0, 0))
        codes = max(2, colours.bits)
        parts.append(b"," + struct.pack("<HHHHBB", *at, *image.size, 0, codes))
        parts.append(image.tobytes("gif", "P", codes, 0) + b"\0")
    return b"".join([*parts, b";"])


def _changes(frames: Sequence[Image.Image], colours: _Colours) -> Iterator[tuple[Image.Image, tuple[int, int], int]]:
    """The part to draw for each frame, its place, and its disposal.

    A pixel can become transparent only by clearing a rectangle of the frame before.
    """
    size = frames[0].size
    shown = Image.new("RGB", size)  # the colours of the canvas
    covered = Image.new("L", size)  # where the canvas is not transparent
    opaque = _opaque(frames[0])
    for number, frame in enumerate(frames):
        image = frame.convert("RGB")
        following = _opaque(frames[number + 1]) if number + 1 < len(frames) else opaque
        differs = ImageChops.difference(image, shown).convert("L", (1, 1, 1, 0))  # the sum of the channels
        changed = ImageChops.lighter(differs.point(_threshold(colours.tolerance)), ImageChops.invert(covered))
        changed = ImageChops.darker(changed, opaque)
        lost = ImageChops.subtract(opaque, following).getbbox()
        box = (0, 0, *size) if not number else _union(changed.getbbox(), lost)
        part = colours.drawn(image).crop(box)
        if colours.clear is not None:
            part.paste(colours.clear, mask=ImageChops.invert(changed.crop(box)))
        yield part, box[:2], _CLEARED if lost else _KEPT
        shown.paste(image, mask=changed)
        covered = ImageChops.lighter(covered, changed)
        if lost:
            covered.paste(0, box)
        opaque = following


def _opaque(frame: Image.Image) -> Image.Image:
    """Where the frame is opaque, as 0 or 255."""
    if "A" not in frame.mode:
        return Image.new("L", frame.size, 255)
    return frame.getchannel("A").point(_threshold(_OPAQUE_FROM - 1))


def _threshold(most: int) -> list[int]:
    return [0] * (most + 1) + [255] * (255 - most)


def _union(*boxes: tuple[int, int, int, int] | None) -> tuple[int, int, int, int]:
    """The rectangle around the boxes; at least one pixel, as a frame must have."""
    found = list(zip(*filter(None, boxes), strict=True)) or [(0,), (0,), (1,), (1,)]
    return min(found[0]), min(found[1]), max(found[2]), max(found[3])


def _colours(frames: Sequence[Image.Image], *, transparent: bool) -> _Colours:
    several = len(frames) > 1
    few = _few(frames, 255 if transparent else 256)
    if few is not None:
        numbers = {colour: number for number, colour in enumerate(sorted(few))}
        clear = len(few) if transparent or (several and len(few) < 256) else None
        return _Colours(palette.to_bytes(numbers), clear, lambda image: palette.index_colours(image, numbers), 0)
    sample = _sample(frames)
    most = 255 if transparent or several else 256
    # k-means, until less than a tenth of the pixels change, gains 2 dB and takes as long as the rest.
    chosen = sample.quantize(most, kmeans=sample.width * sample.height // 10)
    table = bytes(chosen.getpalette() or ())
    near = sample.quantize(palette=chosen, dither=Image.Dither.NONE).convert("RGB")
    plain = palette.mean_squared_error(sample, near) <= _INVISIBLE
    dither = Image.Dither.NONE if plain else Image.Dither.FLOYDSTEINBERG
    clear = len(table) // 3 if transparent or several else None
    return _Colours(table, clear, lambda image: image.quantize(palette=chosen, dither=dither), _SAME)


def _few(frames: Sequence[Image.Image], most: int) -> set[tuple[int, ...]] | None:
    """The colours of all frames; None if there are more than `most`."""
    colours: set[tuple[int, ...]] = set()
    for frame in frames:
        colours |= (found := palette.find_colours(frame.convert("RGB"), most)) or set()
        if found is None or len(colours) > most:
            return None
    return colours


def _sample(frames: Sequence[Image.Image]) -> Image.Image:
    """The still itself, or reduced copies of some frames."""
    if len(frames) == 1:
        return frames[0].convert("RGB")
    some = [frames[number * (len(frames) - 1) // (_SAMPLES - 1)] for number in range(_SAMPLES)]
    width, height = frames[0].size
    shrink = max(1.0, (width * height * _SAMPLES / _SAMPLED) ** 0.5)
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    sheet = Image.new("RGB", (size[0], size[1] * _SAMPLES))
    for number, frame in enumerate(some):
        sheet.paste(frame.convert("RGB").resize(size, Image.Resampling.NEAREST), (0, number * size[1]))
    return sheet
