"""The header of an ICO or CUR, which is that of its largest picture."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from tinypics.errors import CorruptImage
from tinypics.image.formats import FORMATS
from tinypics.image.headers import png
from tinypics.image.headers.bmp import read_dib
from tinypics.image.limits import check_size
from tinypics.values import replace

if TYPE_CHECKING:
    from tinypics.image.geometry import Size
    from tinypics.image.headers.header import Header
    from tinypics.image.limits import Limits


_BODY: Final = 22  # where the picture of an icon with one entry starts
_ALPHA: Final = bytes.maketrans(b"01", b"\xff\0")


def read(header: Header, limits: Limits) -> Header:
    """The largest picture of an icon: a PNG, or a bitmap, whose header counts the rows of its mask, too."""
    data = header.data
    (count,) = struct.unpack_from("<H", data, 4)
    entries = [struct.unpack_from("<BBBBHHII", data, 6 + 16 * i) for i in range(count)]
    if not entries:
        raise CorruptImage("the ICO has no pictures")
    best = max(entries, key=lambda entry: ((entry[0] or 256) * (entry[1] or 256), entry[5]))
    length, at = best[6], best[7]
    if data[at : at + 8] == b"\x89PNG\r\n\x1a\n":
        return png.read(replace(header, data=data[at : at + length], decoder=FORMATS["png"]), limits)
    (width, height), compression = read_dib(data, at)
    size = (width, height // 2)
    bits = struct.unpack_from("<H", data, at + (10 if data[at] == 12 else 14))[0]
    bitmap = data[at : at + length]
    if bits == 32 and not compression and width > 0:
        check_size(size, 1, limits)
        bitmap = _alpha_from_mask(bitmap, size)
    # An icon with this picture only, so that the decoder opens no other. `bits` is not the entry's own, because a
    # cursor has its hot spot there.
    entry = struct.pack("<BBBBHHII", *best[:4], 1, bits, len(bitmap), _BODY)
    return replace(header, data=b"\0\0\1\0\1\0" + entry + bitmap, size=size, channels=4)


def _alpha_from_mask(bitmap: bytes, size: Size) -> bytes:
    """The bitmap with alpha from its mask, if its own alpha is zero everywhere, as programs without alpha write it.

    The mask follows the pixels. It has one bit a pixel, set for a transparent one, in rows padded to 32 bits.
    """
    width, height = size
    start = int.from_bytes(bitmap[:4], "little")
    end = start + 4 * width * height
    if len(bitmap) < end or any(bitmap[start + 3 : end : 4]):
        return bitmap
    step = -(-width // 32) * 4
    alpha = bytearray()
    for row in range(end, end + step * height, step):
        bits = int.from_bytes(bitmap[row : row + step].ljust(step, b"\0"))
        alpha += format(bits, f"0{8 * step}b")[:width].encode().translate(_ALPHA)
    changed = bytearray(bitmap)
    changed[start + 3 : end : 4] = alpha
    return bytes(changed)
