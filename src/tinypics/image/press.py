"""The CMYK profile of an offset press, for pictures without a profile. It is computed, so none is shipped.

The press prints on coated paper by ISO 12647-2, as in the FOGRA39 characterisation. The tables below have the aim
values of that standard for paper, inks and overprints, and the usual dot gain. Neugebauer's model interpolates: a
halftone is a mosaic of the sixteen overprints, each with the share that independent inks give it (Demichel), and the
light of the halftone is their weighted sum.
"""

from __future__ import annotations

import struct
from functools import cache
from itertools import product
from typing import Final

from tinypics.image import icc

# CIE L*, a*, b* for D50 of the overprints without black, by (cyan, magenta, yellow).
_PAPER: Final = (95.0, 0.0, -2.0)
_OVERPRINTS: Final = {
    (0, 0, 0): _PAPER,
    (1, 0, 0): (55.0, -37.0, -50.0),
    (0, 1, 0): (48.0, 74.0, -3.0),
    (0, 0, 1): (89.0, -5.0, 93.0),
    (0, 1, 1): (47.0, 68.0, 48.0),
    (1, 0, 1): (50.0, -66.0, 26.0),
    (1, 1, 0): (23.0, 24.0, -46.0),  # the aim is 24, 20, -46; this is nearer to the blue of libvips' press
    (1, 1, 1): (23.0, 0.0, 0.0),
}
_BLACK: Final = (16.0, 0.0, 0.0)
# The share of white light that the surface of an ink reflects, whatever is below it.
_SURFACE: Final = 0.006
# A dot of 50 % prints as one of 64 %.
_GAIN: Final = 0.14
_SIDE: Final = 5
"""Points of the table along each ink: few suffice, because the model is nearly linear between them."""


@cache
def profile() -> bytes:
    """An input profile (ICC.1:2022, 10.10 `mft2`) from CMYK to CIELAB, relative to the paper."""
    solids = {inks: _xyz(_OVERPRINTS[inks]) for inks in _OVERPRINTS}
    paper, black = solids[0, 0, 0], _xyz(_BLACK)
    lights: dict[tuple[int, ...], list[float]] = {}
    for inks, light in solids.items():
        lights[*inks, 0] = [part / white * to for part, white, to in zip(light, paper, icc.D50, strict=True)]
        over = [
            _overprint_black(part / white, ink / white) for part, white, ink in zip(light, paper, black, strict=True)
        ]
        lights[*inks, 1] = [part * to for part, to in zip(over, icc.D50, strict=True)]
    darkest = lights[1, 1, 1, 1][1]
    table = [
        number
        for shares in product([step / (_SIDE - 1) for step in range(_SIDE)], repeat=4)
        for number in _encode_lab(_subtract_darkest(_mix_overprints(lights, shares), darkest))
    ]
    curve = [round(65535 * _apply_gain(step / 255)) for step in range(256)]
    content = b"mft2" + bytes(4) + bytes((4, 3, _SIDE, 0))
    content += struct.pack(">9i", *(65536 * (row == column) for row in range(3) for column in range(3)))
    content += struct.pack(">HH", 256, 2) + struct.pack(">256H", *curve) * 4
    content += struct.pack(f">{len(table)}H", *table) + struct.pack(">2H", 0, 65535) * 3
    white = b"XYZ " + bytes(4) + struct.pack(">iii", *(round(part * 65536) for part in icc.D50))
    return icc.assemble({b"wtpt": white, b"A2B0": content}, b"scnr", b"CMYK", b"Lab ")


def _subtract_darkest(light: list[float], darkest: float) -> list[float]:
    """Subtract the light of the darkest print, which becomes black: littlecms does so for output profiles only."""
    return [(part - darkest * white) / (1 - darkest) for part, white in zip(light, icc.D50, strict=True)]


def _overprint_black(light: float, ink: float) -> float:
    """The light of an overprint with black on it: light that passes through the ink, and the gloss of its surface."""
    return _SURFACE + (light - _SURFACE) * max(ink - _SURFACE, 0.0) / (1 - _SURFACE) if light > _SURFACE else light


def _apply_gain(dot: float) -> float:
    """A parabola through the gain at one half."""
    return dot + 4 * _GAIN * dot * (1 - dot)


def _mix_overprints(lights: dict[tuple[int, ...], list[float]], shares: tuple[float, ...]) -> list[float]:
    """Neugebauer's sum, in XYZ."""
    total = [0.0, 0.0, 0.0]
    for inks, light in lights.items():
        share = 1.0
        for part, ink in zip(shares, inks, strict=True):
            share *= part if ink else 1 - part
        if share:
            total = [so_far + share * part for so_far, part in zip(total, light, strict=True)]
    return total


def _xyz(lab: tuple[float, float, float]) -> list[float]:
    lightness, a, b = lab
    middle = (lightness + 16) / 116
    parts = (middle + a / 500, middle, middle - b / 200)
    return [
        white * (part**3 if part > 6 / 29 else (part - 4 / 29) * 3 * (6 / 29) ** 2)
        for part, white in zip(parts, icc.D50, strict=True)
    ]


def _encode_lab(light: list[float]) -> tuple[int, ...]:
    """CIELAB in the 16 bits of `mft2` (6.3.4.2, table 12: 100 is FF00, and 0 of a and b is 8000)."""
    x, y, z = (
        ratio ** (1 / 3) if ratio > (6 / 29) ** 3 else ratio / (3 * (6 / 29) ** 2) + 4 / 29
        for ratio in (part / white for part, white in zip(light, icc.D50, strict=True))
    )
    numbers = ((116 * y - 16) * 652.8, (500 * (x - y) + 128) * 256, (200 * (y - z) + 128) * 256)
    return tuple(min(max(round(number), 0), 65535) for number in numbers)
