"""Profiles of colour spaces that a file gives by number (ITU-T H.273) or by chromaticities.

PNG has the numbers in cICP, and AVIF and HEIF in nclx; PNG has the chromaticities in cHRM.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

from tinypics.image import icc
from tinypics.image.light import srgb_to_linear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinypics.image.icc import Colour, Curve

    Point = tuple[float, float]
    Matrix = tuple[Colour, Colour, Colour]

_D65, _C, _E = (0.3127, 0.329), (0.31, 0.316), (1 / 3, 1 / 3)
# White, red, green and blue as CIE x and y (H.273, table 2).
_BT709: Final = (_D65, (0.64, 0.33), (0.3, 0.6), (0.15, 0.06))
_BT601: Final = (_D65, (0.63, 0.34), (0.31, 0.595), (0.155, 0.07))
_PRIMARIES: Final = {
    1: _BT709,
    4: (_C, (0.67, 0.33), (0.21, 0.71), (0.14, 0.08)),  # BT.470 M
    5: (_D65, (0.64, 0.33), (0.29, 0.6), (0.15, 0.06)),  # BT.470 BG
    6: _BT601,
    7: _BT601,  # SMPTE 240M
    8: (_C, (0.681, 0.319), (0.243, 0.692), (0.145, 0.049)),  # film
    9: (_D65, (0.708, 0.292), (0.17, 0.797), (0.131, 0.046)),  # BT.2020
    10: (_E, (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)),  # CIE XYZ
    11: ((0.314, 0.351), (0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),  # DCI P3
    12: (_D65, (0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),  # Display P3
    22: (_D65, (0.63, 0.34), (0.295, 0.605), (0.155, 0.077)),  # EBU 3213
}
_PQ, _HLG = 16, 18


def _pq_light(signal: float) -> float:
    """SMPTE ST 2084, as a share of 10,000 cd/m²."""
    power: float = signal ** (1 / 78.84375)
    light: float = (max(power - 0.8359375, 0.0) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125)
    return light


def _hlg_light(signal: float) -> float:
    """ARIB STD-B67, scene light as a share of its peak."""
    return signal * signal / 3 if signal <= 0.5 else (math.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12


_KNEE: Final = 0.6


def _compress_highlights(light: float) -> float:
    """Values below the knee are unchanged; higher ones approach white smoothly."""
    return light if light <= _KNEE else _KNEE + (1 - _KNEE) * (1 - math.exp((_KNEE - light) / (1 - _KNEE)))


def _pq(signal: float) -> float:
    return _compress_highlights(_pq_light(signal) * 10_000 / 203)


def _hlg(signal: float) -> float:
    """Reference white is at a signal of 0.75; scene light is treated as display light."""
    return _compress_highlights(_hlg_light(signal) / 0.265)


def _log(decades: float) -> Curve:
    return lambda signal: 10 ** (decades * (signal - 1)) if signal > 0 else 0.0


def power(gamma: float) -> Curve:
    return lambda signal: signal**gamma


# Transfer functions by number (H.273, table 3). Displays and viewers show BT.709 and the similar functions (1, 6, 7,
# 11, 12, 14, 15) about as sRGB (ITU-R BT.1886). Unknown and unspecified numbers count as sRGB.
_AS_SRGB: Final = (1, 6, 7, 11, 12, 13, 14, 15)
_TRANSFERS: Final = {
    4: power(2.2),
    5: power(2.8),
    8: power(1.0),
    9: _log(2.0),
    10: _log(2.5),
    _PQ: _pq,
    17: power(2.6),  # SMPTE ST 428-1, but for its headroom
    _HLG: _hlg,
}


def is_defined(primaries: int, transfer: int) -> bool:
    """Whether both numbers are defined: 0, 2 and 3 are reserved or unspecified."""
    return primaries in _PRIMARIES and (transfer in _TRANSFERS or transfer in _AS_SRGB)


def is_hdr(transfer: int) -> bool:
    """Whether the transfer function goes beyond white."""
    return transfer in (_PQ, _HLG)


@cache
def build_profile(nclx: tuple[int, int], *, narrow: bool = False, grey: bool = False) -> bytes | None:
    """An ICC profile for the numbers of H.273; None for sRGB and for unknown numbers.

    HDR is mapped to standard range: reference white (203 cd/m², ITU-R BT.2408) becomes a little less than white, and
    brighter values are compressed into the rest.

    :param narrow: values go from 16 to 235 (of 255), as in video.
    """
    primaries, transfer = nclx
    if primaries not in _PRIMARIES and transfer not in _TRANSFERS:
        return None
    curve = _TRANSFERS.get(transfer, srgb_to_linear)
    known = _PRIMARIES.get(primaries, _BT709)
    if curve is srgb_to_linear and not narrow and (grey or known == _BT709):
        return None
    full_range = curve
    if narrow:
        curve = lambda signal: full_range(min(max((signal * 255 - 16) / 219, 0.0), 1.0))  # noqa: E731
    return icc.build_profile(curve, None if grey else colourants(*known))


@lru_cache(maxsize=4)
def display_profile(profile: bytes) -> tuple[bytes | None, bool]:
    """The profile to convert a picture with this profile from, None for sRGB; and whether the picture is HDR."""
    shaper, cicp = icc.shaper(profile), icc.read_cicp(profile)
    grey = profile[16:20] == b"GRAY"
    if cicp and is_hdr(cicp[1]) and cicp[0] in _PRIMARIES and profile[16:20] in (b"RGB ", b"GRAY"):
        return build_profile(cicp, grey=grey), True
    if shaper is None:
        return profile, False
    if shaper.is_srgb():
        return None, False
    transfer = next((each for each in (_PQ, _HLG) if _follows(shaper.curves[0], each)), None)
    if transfer is None:
        return profile, False
    return icc.build_profile(_TRANSFERS[transfer], shaper.colourants or None), True


def _follows(curve: Curve, transfer: int) -> bool:
    """Whether the curve is this transfer function, within 3 % and the precision of a table of 16 bits."""
    if transfer == _PQ:
        candidates: tuple[Curve, ...] = (_pq_light,)
    else:  # scene light, or the light of a display of 1,000 cd/m² (ITU-R BT.2100, table 5)
        candidates = (_hlg_light, lambda signal: _hlg_light(signal) ** 1.2)
    steps = [step / 20 for step in range(8, 21)]
    return any(all(abs(curve(step) - each(step)) <= 0.03 * each(step) + 2e-5 for step in steps) for each in candidates)


def colourants(white: Point, *primaries: Point) -> tuple[Colour, Colour, Colour] | None:
    """Red, green and blue as XYZ, adapted to D50 by Bradford's matrix, from CIE x and y.

    None if they span no colour space.
    """
    if white[1] <= 0:
        return None
    try:
        bare = [_xyz(point) for point in primaries]
        light = _xyz(white)
        shares = _multiply(_invert(_from_columns(bare)), light)
        lit = [tuple(share * part for part in colour) for share, colour in zip(shares, bare, strict=True)]
        adapted = [_adapt_to_d50(colour, light) for colour in lit]  # type: ignore[arg-type]
    except ZeroDivisionError:
        return None
    if any(abs(part) > 8 for colour in adapted for part in colour):
        return None
    return adapted[0], adapted[1], adapted[2]


def profile_from_chromaticities(gamma: float | None, places: Sequence[int], *, grey: bool) -> bytes | None:
    """A profile for a PNG's gAMA and cHRM (PNG 3rd edition, 11.3.2.1 and 11.3.2.2); None if they span no colour space.

    :param gamma: light is the signal to this power; None for the curve of sRGB.
    :param places: the eight numbers of cHRM, in hundred thousandths; empty for those of sRGB.
    """
    known = [(x / 100_000, y / 100_000) for x, y in zip(places[::2], places[1::2], strict=True)] or _BT709
    space = None if grey else colourants(*known)
    return None if space is None and not grey else icc.build_profile(power(gamma) if gamma else srgb_to_linear, space)


_BRADFORD: Final = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))


def _xyz(point: Point) -> Colour:
    """XYZ of these chromaticities, with Y = 1 where that is possible."""
    x, y = point
    if x == 0 == y:
        return 0.0, 0.0, 1.0
    if y == 0:
        return 1.0, 0.0, 0.0
    return x / y, 1.0, (1 - x - y) / y


def _adapt_to_d50(colour: Colour, white: Colour) -> Colour:
    cones = _multiply(_BRADFORD, colour)
    here, there = _multiply(_BRADFORD, white), _multiply(_BRADFORD, icc.D50)
    scaled = tuple(cone * to / from_ for cone, from_, to in zip(cones, here, there, strict=True))
    return _multiply(_invert(_BRADFORD), scaled)  # type: ignore[arg-type]


def to_srgb(space: tuple[Colour, ...]) -> Matrix:
    """The matrix from linear light of these colourants to linear sRGB."""
    back = _invert(_from_columns(list(icc.SRGB)))
    return _from_columns([_multiply(back, colour) for colour in space])


def _from_columns(columns: list[Colour]) -> Matrix:
    one, two, three = columns
    rows = tuple(zip(one, two, three, strict=True))
    return rows[0], rows[1], rows[2]


def _multiply(matrix: Matrix, colour: Colour) -> Colour:
    x, y, z = (sum(a * b for a, b in zip(row, colour, strict=True)) for row in matrix)
    return x, y, z


def _invert(matrix: Matrix) -> Matrix:
    (a, b, c), (d, e, f), (g, h, i) = matrix
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    return (
        ((e * i - f * h) / determinant, (c * h - b * i) / determinant, (b * f - c * e) / determinant),
        ((f * g - d * i) / determinant, (a * i - c * g) / determinant, (c * d - a * f) / determinant),
        ((d * h - e * g) / determinant, (b * g - a * h) / determinant, (a * e - b * d) / determinant),
    )
