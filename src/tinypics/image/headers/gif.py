"""The header of a GIF."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tinypics.image.headers.header import check_frames
from tinypics.values import replace

if TYPE_CHECKING:
    from tinypics.image.headers.header import Header
    from tinypics.image.limits import Limits


def read(header: Header, limits: Limits) -> Header:
    """GIF89a specification, sections 15 to 27. The size is that of the canvas, or of a larger frame."""
    data = header.data
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at, frames, loop_count = 13 + _colour_table(flags), 0, 1
    while at < len(data) and data[at] in b"!,":
        if data[at] == 0x2C:
            left, top, across, down, flags = struct.unpack_from("<HHHHB", data, at + 1)
            width, height = max(width, left + across), max(height, top + down)
            frames += 1
            check_frames(frames, limits)
            at += 11 + _colour_table(flags)
        else:
            if data[at + 1 : at + 14] == b"\xff\x0bNETSCAPE2.0":
                repeats = int.from_bytes(data[at + 16 : at + 18], "little")
                loop_count = repeats + 1 if repeats else 0
            at += 2
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    return replace(header, size=(width, height), frames=max(1, frames), loop_count=loop_count, channels=4)


def _colour_table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
