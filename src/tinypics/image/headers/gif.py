"""The blocks of a GIF (GIF89a specification, sections 15 to 27)."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from tinypics.values import replace, value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinypics.image.geometry import Size
    from tinypics.image.headers.header import Header
    from tinypics.image.limits import Limits

_DEFAULT_DELAY: Final = 100  # milliseconds for which all browsers show a frame with a delay of 0


@value
class Frame:
    """One image of the file, with the graphic control extension before it."""

    at: tuple[int, int]
    size: Size
    table: bytes
    """Its colours, three bytes each: its own, or else those of the whole file."""
    interlaced: bool
    clear: int | None
    """The index of transparent pixels."""
    disposal: int
    """Before the next frame, 2 clears its pixels, and 3 restores those that were there before."""
    duration: int
    """Milliseconds."""
    start: int
    """The offset of its data, which begin with the number of bits of a colour."""
    end: int
    """The offset after its data."""
    whole: bool
    """Whether the file has all of its data."""


class Blocks:
    """Reads the blocks of a file in order."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        width, height, self._flags = struct.unpack_from("<HHB", data, 6)
        self.size: Size = (width, height)
        """The canvas. `frames` enlarges it for a larger first frame, as browsers do; later frames are cropped."""
        self.loop_count = 1
        """How many times it plays, 0 for endlessly. `frames` sets it."""

    def frames(self) -> Iterator[Frame]:
        """Every frame with pixels. A frame without pixels adds its delay to the frame before it.

        :raises struct.error, IndexError: the file is cut short in a frame's header.
        """
        found: Frame | None = None
        waiting = 0
        for frame in self.images():
            if not min(frame.size):
                waiting += frame.duration
                continue
            if found is None:
                (left, top), (width, height) = frame.at, frame.size
                self.size = (max(self.size[0], left + width), max(self.size[1], top + height))
            else:
                yield replace(found, duration=found.duration + waiting)
                waiting = 0
            found = frame
        if found is not None:
            yield replace(found, duration=found.duration + waiting)

    def images(self) -> Iterator[Frame]:
        """Every frame, as it is in the file."""
        data, shared = self._data, self._table(13, self._flags)
        at, control = 13 + len(shared), bytes(4)
        while at < len(data) and data[at] in b"!,":
            if data[at] == 0x2C:
                left, top, width, height, flags = struct.unpack_from("<HHHHB", data, at + 1)
                own = self._table(at + 10, flags)
                start = at + 10 + len(own)
                end = self._skip_blocks(start + 1)
                packed, hundredths, clear = struct.unpack("<BHB", control)
                yield Frame(
                    (left, top),
                    (width, height),
                    own or shared,
                    bool(flags & 0x40),
                    clear if packed & 1 else None,
                    packed >> 2 & 7,
                    hundredths * 10 or _DEFAULT_DELAY,
                    start,
                    end,
                    end <= len(data),
                )
                control = bytes(4)
            else:
                if data[at + 1 : at + 3] == b"\xf9\4":
                    control = data[at + 3 : at + 7].ljust(4, b"\0")
                elif data[at + 1 : at + 14] == b"\xff\x0bNETSCAPE2.0":
                    repeats = int.from_bytes(data[at + 16 : at + 18], "little")
                    self.loop_count = repeats + 1 if repeats else 0
                end = self._skip_blocks(at + 2)
            at = end

    def _table(self, at: int, flags: int) -> bytes:
        return self._data[at : at + (3 << ((flags & 7) + 1))] if flags & 0x80 else b""

    def _skip_blocks(self, at: int) -> int:
        """The offset after a series of sub-blocks (section 15). It is beyond the end of a file that is cut short."""
        data = self._data
        with suppress(IndexError):
            while size := data[at]:
                at += 1 + size
        return at + 1


def read(header: Header, limits: Limits) -> Header:
    """The size is that of the canvas, or of a larger frame. Counting stops at one frame more than is allowed."""
    blocks = Blocks(header.data)
    (width, height), count = blocks.size, 0
    for number, frame in enumerate(blocks.images(), 1):
        if min(frame.size):
            count += 1
            width, height = max(width, frame.at[0] + frame.size[0]), max(height, frame.at[1] + frame.size[1])
        if number > limits.frames:
            count = number
            break
    return replace(
        header, size=(width, height), frames=max(1, count), loop_count=blocks.loop_count, channels=4, palette=True
    )
