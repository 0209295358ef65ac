"""The index of a JPEG with several pictures (CIPA DC-007, Multi-Picture Format)."""

from __future__ import annotations

import struct
from contextlib import suppress
from itertools import islice
from typing import Final

from tinypics.errors import CorruptImage, UnsupportedFormat
from tinypics.image.headers import jpeg_segments, tiff_pages
from tinypics.image.limits import MIB

_ENTRIES, _ENTRY_BYTES = 0xB002, 16  # 5.2.3.3
_MAX_BYTES: Final = 65_535
_MAX_PICTURES: Final = 16  # that are looked at
_KIND: Final = 0xFFFFFF  # of an entry's attribute; 0 is undefined, others are thumbnails, panoramas and views


def find_auxiliary(data: bytes, start: int) -> tuple[int, ...]:
    """The offsets of pictures behind the first whose kind is undefined, as that of a gain map is.

    :param start: of the index, whose offsets count from there.
    """
    try:
        page = tiff_pages.read_page(data[start : start + _MAX_BYTES])
        entries = page.packed(_ENTRIES, _MAX_BYTES)
        found = struct.iter_unpack(page.order + "IIIHH", entries[: len(entries) // _ENTRY_BYTES * _ENTRY_BYTES])
        places = (start + offset for kind, _, offset, *_ in found if offset and not kind & _KIND)
        return tuple(islice(places, _MAX_PICTURES))
    except (CorruptImage, struct.error, KeyError):
        return ()


def has_gain_map(data: bytes, start: int) -> bool:
    """Whether one of those pictures says of itself that it is a gain map."""
    for at in find_auxiliary(data, start):
        with suppress(struct.error, IndexError, CorruptImage, UnsupportedFormat):
            if jpeg_segments.read_frame_header(data[at : at + MIB]).gain_map:
                return True
    return False
