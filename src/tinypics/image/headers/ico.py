"""The header of an ICO, which is that of its largest picture."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tinypics.errors import CorruptImage
from tinypics.image.formats import FORMATS
from tinypics.image.headers import png
from tinypics.image.headers.bmp import read_dib
from tinypics.values import replace

if TYPE_CHECKING:
    from tinypics.image.headers.header import Header
    from tinypics.image.limits import Limits


def read(header: Header, limits: Limits) -> Header:
    """The largest picture of an icon: a PNG, which is read as one, or a bitmap, twice as high for its mask."""
    data = header.data
    (count,) = struct.unpack_from("<H", data, 4)
    entries = [struct.unpack_from("<BBBBHHII", data, 6 + 16 * i) for i in range(count)]
    if not entries:
        raise CorruptImage("the ICO has no pictures")
    best = max(entries, key=lambda entry: ((entry[0] or 256) * (entry[1] or 256), entry[5]))
    length, at = best[6], best[7]
    if data[at : at + 8] == b"\x89PNG\r\n\x1a\n":
        return png.read(replace(header, data=data[at : at + length], decoder=FORMATS["png"]), limits)
    (width, height), _ = read_dib(data, at)
    return replace(header, size=(width, height // 2), channels=4)
