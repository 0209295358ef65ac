"""Reads and writes ICC profiles (ICC.1:2022) of curves and colourants, without littlecms.

The curves and colourants identify a profile. Its name does not: "Linear sRGB" contains "sRGB", too.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from tinypics.image.light import linear_to_srgb
from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Callable

    Curve = Callable[[float], float]
    """From a value to light, both 0..1."""
    Colour = tuple[float, float, float]
    """CIE XYZ, adapted to D50."""

D50: Final = (0.9642, 1.0, 0.8249)
SRGB: Final = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
"""Red, green and blue of IEC 61966-2-1 as XYZ, adapted to D50 by Bradford's matrix."""

_MAX_TAGS: Final = 100
# Profiles of one kilobyte deviate from the curve of sRGB by up to one and a half steps of 255.
_SAME_VALUE: Final = 1.5 / 255
_SAME_COLOURANT: Final = 0.001


@value
class Shaper:
    """A curve for each channel gives its light, and the colour is the sum of the colourants, each times its light.

    Grey has no colourants.
    """

    curves: tuple[Curve, ...]
    colourants: tuple[Colour, ...]

    def is_srgb(self) -> bool:
        """Whether the profile is that of sRGB, or of grey with the curve of sRGB."""
        parts = zip(self.colourants, SRGB, strict=False)
        return all(
            abs(found - wanted) <= _SAME_COLOURANT
            for one, other in parts
            for found, wanted in zip(one, other, strict=True)
        ) and all(
            abs(linear_to_srgb(min(max(curve(step / 32), 0.0), 1.0)) - step / 32) <= _SAME_VALUE
            for curve in dict.fromkeys(self.curves)
            for step in range(33)
        )


def _read_tags(icc: bytes) -> dict[bytes, bytes]:
    """The profile's tags (7.3), without those that are cut short."""
    if len(icc) < 132:
        return {}
    found = {}
    for at in range(132, min(132 + 12 * min(int.from_bytes(icc[128:132]), _MAX_TAGS), len(icc) - 11), 12):
        name, start, length = struct.unpack_from(">4sII", icc, at)
        if start + length <= len(icc):
            found[name] = icc[start : start + length]
    return found


@lru_cache(maxsize=4)
def shaper(icc: bytes) -> Shaper | None:
    """The curves and colourants of an RGB or a grey profile; None if it has tables instead, or is broken."""
    found = _read_tags(icc)
    if b"A2B0" in found or b"A2B1" in found:
        return None
    if icc[16:20] == b"GRAY" and icc[20:24] == b"XYZ ":
        names: tuple[bytes, ...] = (b"kTRC",)
        places: tuple[bytes, ...] = ()
    elif icc[16:20] == b"RGB ":
        names, places = (b"rTRC", b"gTRC", b"bTRC"), (b"rXYZ", b"gXYZ", b"bXYZ")
    else:
        return None
    try:
        # Equal tags become one function, which `is_srgb` evaluates once.
        read = {content: _curve(content) for content in {found[name] for name in names}}
        curves = tuple(read[found[name]] for name in names)
        return Shaper(curves, tuple(_colour(found[name]) for name in places))
    except (KeyError, ValueError, ArithmeticError, struct.error):
        return None


def read_cicp(icc: bytes) -> tuple[int, int] | None:
    """The numbers of primaries and transfer function (ITU-T H.273) in the `cicp` tag (9.2.17)."""
    content = _read_tags(icc).get(b"cicp", b"")
    return (content[8], content[9]) if len(content) >= 12 and content[:4] == b"cicp" else None


def _colour(content: bytes) -> Colour:
    x, y, z = struct.unpack_from(">iii", content, 8)
    return x / 65536, y / 65536, z / 65536


def _curve(content: bytes) -> Curve:
    """The curve of a tag: `curv` (10.6, a gamma or a table) or `para` (10.18)."""
    if content[:4] == b"para":
        kind = int.from_bytes(content[8:10])
        count = (1, 3, 4, 5, 7)[kind] if kind < 5 else 0
        if not count:
            raise ValueError(kind)
        return _parametric_curve(*(part / 65536 for part in struct.unpack_from(f">{count}i", content, 12)))
    if content[:4] != b"curv":
        raise ValueError(content[:4])
    (count,) = struct.unpack_from(">I", content, 8)
    table = [part / 65535 for part in struct.unpack_from(f">{count}H", content, 12)]
    if count <= 1:
        gamma = table[0] * 65535 / 256 if table else 1.0
        return lambda signal: signal**gamma
    return _interpolate(table)


def _parametric_curve(gamma: float, a: float = 1, b: float = 0, c: float | None = None, *more: float) -> Curve:
    """10.18: (ax + b)^g + e from d on, and cx + f below d.

    With three numbers the curve is 0 below -b/a. With four it is (ax + b)^g + c, and c below -b/a.
    """
    if len(more) == 0:
        edge, below = (-b / a if a else 0.0), c or 0.0
        return lambda signal: (max(a * signal + b, 0.0) ** gamma + below) if signal >= edge else below
    edge, plus, offset = more[0], *(more[1:] or (0.0, 0.0))
    slope = c or 0.0
    return lambda signal: max(a * signal + b, 0.0) ** gamma + plus if signal >= edge else slope * signal + offset


def _interpolate(table: list[float]) -> Curve:
    """A curve through the points of a table at equal distances."""
    steps = [*pairwise(table), (table[-1], table[-1])]

    def curve(signal: float) -> float:
        at = min(max(signal, 0.0), 1.0) * (len(table) - 1)
        low, high = steps[int(at)]
        return low + (high - low) * (at - int(at))

    return curve


def build_profile(curve: Curve, colourants: tuple[Colour, ...] | None, points: int = 1024) -> bytes:
    """A display profile (version 2.1) for RGB, or for grey if there are no colourants."""
    table = [round(65535 * min(max(curve(i / (points - 1)), 0.0), 1.0)) for i in range(points)]
    trc = b"curv" + struct.pack(">II", 0, points) + struct.pack(f">{points}H", *table)
    if colourants is None:
        return assemble({b"wtpt": _xyz(D50), b"kTRC": trc}, b"mntr", b"GRAY", b"XYZ ")
    places = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, colourants), strict=True))
    curves = {b"rTRC": trc, b"gTRC": trc, b"bTRC": trc}
    return assemble(places | {b"wtpt": _xyz(D50)} | curves, b"mntr", b"RGB ", b"XYZ ")


def assemble(contents: dict[bytes, bytes], kind: bytes, space: bytes, connection: bytes) -> bytes:
    """A profile with these tags. `kind` is its class (7.2.5), `connection` its connection space (7.2.7)."""
    table, body, at = b"", b"", 132 + 12 * len(contents)
    places: dict[bytes, int] = {}
    for name, content in contents.items():
        if content not in places:
            places[content] = at + len(body)
            body += content + bytes(-len(content) % 4)
        table += struct.pack(">4sII", name, places[content], len(content))
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"", 0x02100000, kind, space, connection).ljust(36, b"\0")
    head = (head + b"acsp").ljust(68, b"\0") + struct.pack(">iii", *(round(v * 65536) for v in D50))
    return head.ljust(128, b"\0") + struct.pack(">I", len(contents)) + table + body


def _xyz(colour: Colour) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">iii", *(round(value * 65536) for value in colour))
