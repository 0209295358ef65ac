"""Undoes the predictors of a TIFF (TIFF 6.0, section 14; Adobe Photoshop TIFF Technical Note 3) in rows read as bytes.

libtiff undoes them where Pillow has a mode for the samples. The differences are between samples of one kind, which rows
of bytes do not show.
"""

from __future__ import annotations

import sys
from array import array
from itertools import accumulate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

HORIZONTAL: Final = 2
FLOATING: Final = 3
_CODES: Final = {1: "B", 2: "H", 4: "I"}  # unsigned integers, by their bytes


def undo(run: bytes, predictor: int, count: int, step: int, order: str) -> bytearray:
    """The samples of one row of a strip or a tile, in the file's byte order.

    :param count: samples of a pixel.
    :param step: bytes of a sample.
    """
    return _undo_floating(run, count, step, order) if predictor == FLOATING else _undo(run, count, step, order)


def _undo(run: bytes, count: int, step: int, order: str) -> bytearray:
    """Each sample is the difference from the same one of the pixel before."""
    differences = array(_CODES[step], run)
    if (order == "<") != (sys.byteorder == "little"):
        differences.byteswap()
    samples = bytearray(len(run))
    for number in range(count):
        sums = _sums(differences[number::count])
        for byte in range(step):
            place = byte if order == "<" else step - 1 - byte
            samples[number * step + place :: count * step] = sums[byte::8]
    return samples


def _undo_floating(run: bytes, count: int, step: int, order: str) -> bytearray:
    """The high bytes of all samples precede the next lower ones, and each byte is a difference."""
    planes, samples = bytearray(len(run)), bytearray(len(run))
    for number in range(count):
        planes[number::count] = _sums(run[number::count])[::8]
    length = len(run) // step
    for byte in range(step):
        place = step - 1 - byte if order == "<" else byte
        samples[place::step] = planes[byte * length : (byte + 1) * length]
    return samples


def _sums(differences: Iterable[int]) -> bytes:
    """The running sums, eight bytes each, the low one first. The file leaves out the carry to the higher bytes."""
    sums = array("Q", accumulate(differences))
    if sys.byteorder == "big":
        sums.byteswap()
    return sums.tobytes()
