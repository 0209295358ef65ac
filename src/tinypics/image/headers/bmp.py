"""The header of a BMP."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from tinypics.errors import ImageTooLarge
from tinypics.image.limits import MIB
from tinypics.values import replace

if TYPE_CHECKING:
    from tinypics.image.geometry import Size
    from tinypics.image.headers.header import Header
    from tinypics.image.limits import Limits


# Pillow decodes run lengths in Python, at about a microsecond each, so that this many bytes take seconds.
_MAX_RLE_BYTES: Final = 4 * MIB


def read(header: Header, _: Limits) -> Header:
    size, compression = read_dib(header.data, 14)
    if compression in (1, 2) and len(header.data) > _MAX_RLE_BYTES:
        raise ImageTooLarge(f"the BMP has more than {_MAX_RLE_BYTES // MIB} MiB of run lengths")
    return replace(header, size=size, channels=4)


def read_dib(data: bytes, at: int) -> tuple[Size, int]:
    """Size and compression of a BITMAPCOREHEADER (12 bytes) or any BITMAPINFOHEADER. Rows may go up or down."""
    (length,) = struct.unpack_from("<I", data, at)
    if length == 12:
        width, height = struct.unpack_from("<HH", data, at + 4)
        return (width, height), 0
    width, height, _, _, compression = struct.unpack_from("<iiHHI", data, at + 4)
    return (width, abs(height)), compression
