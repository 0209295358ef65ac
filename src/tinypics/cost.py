"""What decoding a picture will cost, from its header alone, held against `Limits` before it is decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tinypics.errors import ImageTooLarge, SourceTooLarge
from tinypics.limits import MIB, Limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinypics.geometry import Plan, Size
    from tinypics.headers import Header


def check_bytes(count: int, limits: Limits) -> None:
    """:raises SourceTooLarge: the file is larger than `limits.bytes`."""
    if count > limits.bytes:
        raise SourceTooLarge(f"the file has {count:,} bytes; at most {limits.bytes:,} are allowed")


def check_size(size: Size, frames: int, limits: Limits) -> None:
    """:raises ImageTooLarge: a side, the pixels, or the pixels of all frames together."""
    wide, high = size
    if max(size) > limits.side:
        raise ImageTooLarge(f"{wide} x {high} pixels; a side of at most {limits.side:,} is allowed")
    if wide * high > limits.pixels:
        raise ImageTooLarge(f"{wide} x {high} pixels; at most {limits.pixels:,} are allowed")
    if wide * high * frames > limits.frame_pixels:
        raise ImageTooLarge(f"{frames} frames of {wide} x {high} pixels; at most {limits.frame_pixels:,} are allowed")


def check_plan(plan: Plan, frames: int, limits: Limits) -> None:
    """:raises ImageTooLarge: a planned output is beyond `limits.output_side` or `limits.output_pixels`."""
    for wide, high in (plan.size, plan.canvas):
        if max(wide, high) > limits.output_side:
            raise ImageTooLarge(
                f"an output of {wide} x {high} pixels; a side of at most {limits.output_side:,} is allowed"
            )
        if wide * high * frames > limits.output_pixels:
            of = f"{frames} frames of " if frames > 1 else ""
            raise ImageTooLarge(
                f"an output of {of}{wide} x {high} pixels; at most {limits.output_pixels:,} are allowed"
            )


# Bytes for each pixel while it is decoded and prepared, beside Pillow's image of it: measured as the peak of memory,
# see tests/test_cost.py. Pillow stores 4 bytes a pixel for anything but grey and palette.
_DECODER: Final = {
    "jpeg": 0,
    "png": 0,
    "gif": 6,
    "webp": 16,
    "avif": 10,
    "heif": 12,
    "tiff": 4,
    "bmp": 1,
    "ico": 8,
    "jp2": 0,
}
_FIXED: Final = 24 * MIB


def memory(header: Header, size: Size, scale: int, plans: Sequence[tuple[Plan, int]]) -> int:
    """Bytes that one resize will need at its peak, at most.

    :param size: as stored.
    :param scale: by how much a JPEG is decoded smaller.
    :param plans: what is to be made, and of how many frames.
    """
    pixels = size[0] * size[1]
    decoded = -(-size[0] // scale) * -(-size[1] // scale)
    each = (1 if header.channels == 1 else 4) + _DECODER[header.decoder.name]
    if header.bits > 8:
        each += 8
    if header.channels in (2, 4):
        each += 4  # a second image while alpha is multiplied in
    buffers = pixels * header.channels * max(2, header.bits // 8) if header.buffered else 0
    if header.decoder.name == "jp2":
        buffers = pixels * header.channels * 8  # OpenJPEG: 32 bits a sample, tile and picture
    strips = header.block * max(1, header.channels * header.bits // 8)
    outputs = sum(plan.canvas[0] * plan.canvas[1] * 4 * (frames + 2) for plan, frames in plans)
    return _FIXED + len(header.data) + decoded * each + buffers + strips + outputs


def check_memory(need: int, limits: Limits) -> None:
    """:raises ImageTooLarge: rather than be killed for it."""
    if need > limits.memory:
        raise ImageTooLarge(f"this needs {need // MIB:,} MiB of memory; {limits.memory // MIB:,} MiB are allowed")
