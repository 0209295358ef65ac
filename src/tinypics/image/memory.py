"""The memory that a picture will need, estimated from its header and compared with `Limits` before decoding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tinypics.errors import ImageTooLarge
from tinypics.image.limits import MIB, Limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinypics.image.geometry import Plan, Size
    from tinypics.image.headers.header import Header
    from tinypics.image.rendition import Rendition


_ALPHA, _TRIM, _LINEAR, _LINEAR_ALPHA = 4, 20, 12, 32  # further copies, if they are made
_DEEP, _DEEP_ALPHA, _DEEP_LINEAR = 16, 28, 24  # samples of 16 bits, until their colours are converted
_OUTPUT: Final = 28  # an output while it is finished and encoded; each frame of an animation keeps 4 more
# An AV1 codec keeps eight frames that later ones refer to, of colours and of alpha.
_REFERENCES_IN, _REFERENCES_OUT = 20, 40
_FIXED: Final = 24 * MIB


def estimate(
    header: Header,
    size: Size,
    scale: int,
    outputs: Sequence[tuple[Rendition, Plan, int]],
    *,
    deep: bool = False,
    by_rows: bool = False,
) -> int:
    """An upper bound of the peak memory of one resize, in bytes.

    :param size: as stored.
    :param scale: the factor by which the picture is decoded smaller.
    :param outputs: each with its rendition, its plan, and its number of frames.
    :param deep: samples of more than 8 bits are kept; see `deep`.
    :param by_rows: see `decode.reads_by_rows`; otherwise Pillow decodes the whole, or an AVIF's codec does.
    """
    if header.decoder.name in ("png", "avif") and not by_rows:
        scale = 1
    each = (1 if header.channels == 1 else 4) + header.decoder.decoder_bytes
    if header.bits > 8:
        each += header.decoder.deep_bytes
    alpha = header.channels in (2, 4)
    each += _ALPHA * alpha
    each += (_LINEAR_ALPHA if alpha else _LINEAR) * any(rendition.linear for rendition, _, _ in outputs)
    if deep:
        each += (_DEEP_ALPHA if alpha else _DEEP) + _DEEP_LINEAR * any(r.linear for r, _, _ in outputs)
    each += _TRIM * any(rendition.trim is not None for rendition, _, _ in outputs)
    if header.decoder.name == "avif" and any(frames > 1 for _, _, frames in outputs):
        each += _REFERENCES_IN * (1 + alpha)
    total = (
        _FIXED
        + (header.stream.size if header.stream else len(header.data) * (1 + header.copies))
        + -(-size[0] // scale) * -(-size[1] // scale) * each
    )
    samples = size[0] * size[1] * header.channels
    if header.buffered and not by_rows:
        total += 2 * samples  # 16 bits for each coefficient, at full resolution
    if header.decoder.name == "jp2":
        total += 5 * samples  # OpenJPEG: 32 bits for each, and some
    total += header.block * -(-header.channels * header.bits // 8)
    for rendition, plan, frames in outputs:
        output = _OUTPUT + 4 * frames
        if frames > 1 and (rendition.format or header.codec.name) == "avif":
            output += _REFERENCES_OUT * (1 + alpha)
        total += plan.canvas[0] * plan.canvas[1] * output
    return total


def check_memory(need: int, limits: Limits) -> None:
    """:raises ImageTooLarge: before the kernel kills the process for it."""
    if need > limits.memory:
        raise ImageTooLarge(f"this needs {need // MIB:,} MiB of memory; {limits.memory // MIB:,} MiB are allowed")
