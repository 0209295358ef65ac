"""The header of a JPEG XL (ISO/IEC 18181-1, annex D), bare or in boxes (18181-2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tinypics.errors import CorruptImage
from tinypics.image.headers.isobmff import MAX_BOXES, walk
from tinypics.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinypics.image.geometry import Size
    from tinypics.image.headers.header import Header
    from tinypics.image.limits import Limits

_SIGNATURE: Final = b"\xff\x0a"
_MAX_BYTES: Final = 64  # of a header, up to the number of channels
_RATIOS: Final = ((12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))

# A choice of two bits (18181-1, B.2.2): the number of bits that follow, and what is added to them.
_Choices = tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]
_SIDE: Final[_Choices] = ((9, 1), (13, 1), (18, 1), (30, 1))
_PREVIEW: Final[_Choices] = ((6, 1), (8, 65), (10, 321), (12, 1345))
_PREVIEW_DIV8: Final[_Choices] = ((0, 16), (0, 32), (5, 1), (9, 33))
_TICKS: Final[tuple[_Choices, _Choices, _Choices]] = (
    ((0, 100), (0, 1000), (10, 1), (30, 1)),
    ((0, 1), (0, 1001), (8, 1), (10, 1)),
    ((0, 0), (3, 0), (16, 0), (32, 0)),
)
_INTEGER_BITS: Final[_Choices] = ((0, 8), (0, 10), (0, 12), (6, 1))
_FLOAT_BITS: Final[_Choices] = ((0, 32), (0, 16), (0, 24), (6, 1))
_EXTRA_CHANNELS: Final[_Choices] = ((0, 0), (0, 1), (4, 2), (12, 1))


class _Bits:
    """The bits of the codestream, the lowest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._left, self._bits = 8 * len(data), int.from_bytes(data, "little")

    def u(self, count: int) -> int:
        if count > self._left:
            raise CorruptImage("the JPEG XL header is cut short")
        value = self._bits & ((1 << count) - 1)
        self._bits, self._left = self._bits >> count, self._left - count
        return value

    def choice(self, choices: _Choices) -> int:
        count, offset = choices[self.u(2)]
        return self.u(count) + offset

    def size(self) -> Size:
        small = self.u(1)
        return self._sides(lambda: 8 * (self.u(5) + 1) if small else self.choice(_SIDE))

    def preview(self) -> Size:
        eighths = self.u(1)
        return self._sides(lambda: 8 * self.choice(_PREVIEW_DIV8) if eighths else self.choice(_PREVIEW))

    def _sides(self, side: Callable[[], int]) -> Size:
        height, ratio = side(), self.u(3)
        if ratio == 0:
            return side(), height
        across, down = (1, 1) if ratio == 1 else _RATIOS[ratio - 2]
        return height * across // down, height


def read(header: Header, _: Limits) -> Header:
    """The size is as stored: the decoder turns the picture upright."""
    bits = _Bits(_codestream(header.data)[2:_MAX_BYTES])
    header = replace(header, size=bits.size())
    if bits.u(1):  # all else has its default
        return header
    animated = False
    if bits.u(1):
        bits.u(3)  # orientation
        if bits.u(1):
            bits.size()  # at which it is to be shown
        if bits.u(1):
            bits.preview()
        animated = bool(bits.u(1))
        for choices in _TICKS if animated else ():
            bits.choice(choices)
        bits.u(animated)  # whether frames have time codes
    floating = bits.u(1)
    depth = bits.choice(_FLOAT_BITS if floating else _INTEGER_BITS)
    bits.u(4 * floating + 1)  # bits of an exponent; whether 16 bits do for decoding
    channels = 4 if bits.choice(_EXTRA_CHANNELS) else 3
    return replace(header, bits=depth, channels=channels, extras=("frames",) if animated else ())


def _codestream(data: bytes) -> bytes:
    """The beginning of the codestream, which may be in several boxes."""
    if not data.startswith(_SIGNATURE):
        start = b""
        for kind, at, end in walk(data, 0, len(data), 0, [MAX_BOXES]):
            if kind in (b"jxlc", b"jxlp") and len(start) < _MAX_BYTES:
                start += data[at + (4 if kind == b"jxlp" else 0) : min(end, at + 4 + _MAX_BYTES)]  # a part has a number
        data = start
    if not data.startswith(_SIGNATURE):
        raise CorruptImage("the JPEG XL file has no codestream")
    return data
