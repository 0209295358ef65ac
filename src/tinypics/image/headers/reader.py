"""Reads the header of a file, without decoding: in bounded time, and with little memory.

`Limits` are checked with these facts, before a decoder sees a byte of the file. The size that the decoder finds is
checked again.
"""

from __future__ import annotations

import struct
from importlib import import_module
from typing import TYPE_CHECKING, Final

from tinypics.errors import CorruptImage, UnsupportedFormat
from tinypics.image.formats import HEAD, Codec, sniff
from tinypics.image.headers import jpeg
from tinypics.image.headers.header import Header
from tinypics.values import replace

if TYPE_CHECKING:
    from tinypics.image.geometry import Size
    from tinypics.image.limits import Limits
    from tinypics.image.stream import Stream

FIRST: Final = 64 * 1024
"""Bytes that are checked first during a download, so that a refused file need not be downloaded completely."""

_MODULES: Final = {"avif": "isobmff", "heif": "isobmff"}
"""The parser modules of formats whose module has another name."""


def glimpse(source: Stream, limits: Limits) -> Size:
    """The size that the first bytes of a file claim, or 1x1 if they do not have it.

    :raises UnsupportedFormat: not a format of `formats.FORMATS`.
    :raises ImageTooLarge: more frames, scans or strips than `limits` allow.
    """
    head = source.head(FIRST)
    codec = sniff(head[:HEAD])
    if len(head) == source.size:
        return 1, 1  # `read` reports the error
    try:
        wide, high = _read(codec, head, limits).size
    except (struct.error, IndexError, OverflowError, CorruptImage, UnsupportedFormat):
        return 1, 1
    return max(1, wide), max(1, high)


def read(source: Stream, limits: Limits) -> Header:
    """The header of the picture in `source`.

    A JPEG with one scan, the usual photo, is decoded while it is downloaded. The beginning of a large progressive one
    may suffice; see `jpeg.check_scans`. Other files are downloaded completely first.

    :raises UnsupportedFormat: not a format of `formats.FORMATS`.
    :raises CorruptImage: the header is cut short or contradicts itself.
    :raises ImageTooLarge: more frames, scans or strips than `limits` allow, found while counting them.
    """
    head = source.head(FIRST)
    codec = sniff(head[:HEAD])
    data = head
    if len(head) < source.size:
        data = _as_much_as_is_needed(codec, source, head, limits)
    try:
        header = _read(codec, data, limits)
    except (struct.error, IndexError, OverflowError) as error:
        raise CorruptImage(f"the {codec.label} header is cut short") from error
    if min(header.size) < 1:
        raise CorruptImage(f"the {codec.label} header gives the size {header.size[0]}x{header.size[1]}")
    return header if len(data) == source.size else replace(header, stream=source)


def _as_much_as_is_needed(codec: Codec, source: Stream, head: bytes, limits: Limits) -> bytes:
    if codec.name != "jpeg":
        return source.whole()
    if jpeg.is_read_once(head, limits):
        return head
    return jpeg.dc_prefix(source, limits, FIRST) or source.whole()


def _read(codec: Codec, data: bytes, limits: Limits) -> Header:
    """The header, by the format's own module, which is loaded only for that format."""
    module = import_module(f"tinypics.image.headers.{_MODULES.get(codec.name, codec.name)}")
    header: Header = module.read(Header(codec, (0, 0), data, codec), limits)
    return header
