"""Limits of the resources for one picture. Each has a default, a name, and a message that states it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tinypics.errors import ImageTooLarge, InvalidRequest, SourceTooLarge
from tinypics.values import value

if TYPE_CHECKING:
    from tinypics.image.geometry import Plan, Size

MIB: Final = 1024 * 1024


@value
class Limits:
    """Limits that are checked against the file's header, before decoding, and against the planned outputs.

    A limit on pixels alone does not bound memory: a progressive JPEG, an interlaced PNG or 16-bit samples need several
    times more per pixel. So `memory` is compared with a cost model (`memory.py`).

    :raises InvalidRequest: a limit that is not a whole number of at least 1, or `lenient` that is not a bool.
    """

    bytes: int = 128 * MIB
    """Size of the source file."""
    pixels: int = 100_000_000
    """Width x height of one picture (of one frame), as decoded."""
    jpeg_pixels: int = 250_000_000
    """Width x height of a JPEG, which is decoded at down to an eighth of its size; `pixels` are the decoded ones."""
    frame_pixels: int = 200_000_000
    """Width x height x frames of an animation."""
    frames: int = 5_000
    """Frames of an animation: each costs time, even if it is small."""
    side: int = 65_535
    """Width or height of the source."""
    scans: int = 100
    """Scans of a JPEG: a decoder goes over the whole picture for each."""
    strips: int = 65_536
    """Strips or tiles of a TIFF."""
    icc_bytes: int = 4 * MIB
    """Bytes of a colour profile; a larger one is not used, and reported as dropped."""
    output_side: int = 16_384
    """Width or height of an output."""
    output_pixels: int = 100_000_000
    """Width x height (x frames) of an output."""
    memory: int = 1024 * MIB
    """Bytes that this process may use for one picture, the source's bytes included."""
    cpu_seconds: int = 30
    """CPU seconds for one picture. Enforced only where decoding is sandboxed."""
    lenient: bool = False
    """Accept a source that is cut short: its decodable part is used, and `missing-data` is reported as dropped."""

    def __post_init__(self) -> None:
        for name, limit in vars(self).items():
            if name == "lenient":
                if not isinstance(limit, bool):
                    raise InvalidRequest.expected(name, "true or false", limit)
            elif not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
                raise InvalidRequest.expected(name, "a whole number of at least 1", limit)


DEFAULT: Final = Limits()
"""The default limits."""


def check_bytes(count: int, limits: Limits) -> None:
    """:raises SourceTooLarge: the file is larger than `limits.bytes`."""
    if count > limits.bytes:
        raise SourceTooLarge(f"the file has {count:,} bytes; at most {limits.bytes:,} are allowed")


def check_size(size: Size, frames: int, limits: Limits, *, scalable: bool = False) -> None:
    """Check the size that a header claims; `scalable` tells whether the decoder can decode the picture smaller.

    :raises ImageTooLarge: a side, the pixels, the frames that are decoded, or the pixels of all exceed `limits`.
    """
    width, height = size
    if frames > limits.frames:
        raise ImageTooLarge(f"the animation has more than {limits.frames} frames")
    if max(size) > limits.side:
        raise ImageTooLarge(f"{width} x {height} pixels; a side of at most {limits.side:,} is allowed")
    most = max(limits.pixels, limits.jpeg_pixels) if scalable else limits.pixels
    if width * height > most:
        raise ImageTooLarge(f"{width} x {height} pixels; at most {most:,} are allowed")
    if frames > 1 and width * height * frames > limits.frame_pixels:
        raise ImageTooLarge(
            f"{frames} frames of {width} x {height} pixels; at most {limits.frame_pixels:,} are allowed"
        )


def check_decoded_size(size: Size, scale: int, limits: Limits) -> None:
    """:raises ImageTooLarge: more pixels than `limits.pixels`, even at 1/`scale` of the size."""
    if -(-size[0] // scale) * -(-size[1] // scale) > limits.pixels:
        of = f" at 1/{scale} of the size" if scale > 1 else ""
        raise ImageTooLarge(f"{size[0]} x {size[1]} pixels{of}; at most {limits.pixels:,} are allowed")


def check_plan(plan: Plan, frames: int, limits: Limits) -> None:
    """:raises ImageTooLarge: a planned output is beyond `limits.output_side` or `limits.output_pixels`."""
    for width, height in (plan.size, plan.canvas):
        if max(width, height) > limits.output_side:
            raise ImageTooLarge(
                f"an output of {width} x {height} pixels; a side of at most {limits.output_side:,} is allowed"
            )
        if width * height * frames > limits.output_pixels:
            of = f"{frames} frames of " if frames > 1 else ""
            raise ImageTooLarge(
                f"an output of {of}{width} x {height} pixels; at most {limits.output_pixels:,} are allowed"
            )


def check_format_size(size: Size, label: str, most: int) -> None:
    """:raises ImageTooLarge: a side of an output is longer than its format can say."""
    if max(size) > most:
        raise ImageTooLarge(f"an output of {size[0]} x {size[1]} pixels; a {label} has a side of at most {most:,}")
