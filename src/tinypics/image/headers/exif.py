"""The orientation in EXIF data, which have the structure of a TIFF (TIFF 6.0 section 2, and BigTIFF)."""

from __future__ import annotations

import struct
from typing import Final

_ORIENTATION: Final = 274
_FORMATS: Final = {1: "B", 3: "H", 4: "I", 16: "Q"}  # of integers, by type
_MAX_TAGS: Final = 4096


def read_orientation(exif: bytes) -> int:
    """1 to 8; 1 if it is missing or broken."""
    try:
        value = _read_integers(exif.removeprefix(b"Exif\0\0")).get(_ORIENTATION, 1)
    except (struct.error, OverflowError):
        return 1
    return value if 1 <= value <= 8 else 1


def _read_integers(data: bytes) -> dict[int, int]:
    """The first value of each integer tag of the first directory."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    offset = order + ("Q" if big else "I")
    (at,) = struct.unpack_from(offset, data, 8 if big else 4)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, at)
    if count > _MAX_TAGS:
        return {}
    start, step, room = (at + 8, 20, 8) if big else (at + 2, 12, 4)
    found: dict[int, int] = {}
    for entry in range(start, start + count * step, step):
        tag, kind = struct.unpack_from(order + "HH", data, entry)
        (values,) = struct.unpack_from(offset, data, entry + 4)
        if kind not in _FORMATS or not values:
            continue
        place = entry + step - room
        if values * struct.calcsize(_FORMATS[kind]) > room:
            (place,) = struct.unpack_from(offset, data, place)
        (found[tag],) = struct.unpack_from(order + _FORMATS[kind], data, place)
    return found
