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
    from tinypics.image.limits import Limits
    from tinypics.image.stream import Stream

PEEK_BYTES: Final = 64 * 1024
"""Bytes that are checked first during a download, so that a refused file need not be downloaded completely."""


def peek(source: Stream, limits: Limits) -> Header | None:
    """The header that the first bytes of a longer file have, or None if they do not have it.

    :raises UnsupportedFormat: not a format of `formats.FORMATS`.
    :raises ImageTooLarge: more frames, scans or strips than `limits` allow.
    """
    head = source.head(PEEK_BYTES)
    codec = sniff(head[:HEAD])
    if len(head) == source.size:
        return None  # `read` reports the error
    try:
        return _parse(codec, head, limits)
    except (struct.error, IndexError, OverflowError, CorruptImage, UnsupportedFormat):
        return None


def read(source: Stream, limits: Limits) -> Header:
    """The header of the picture in `source`.

    A JPEG with one scan, the usual photo, is decoded while it is downloaded. The beginning of a large progressive one
    may suffice; see `jpeg.check_scans`. Other files are downloaded completely first.

    :raises UnsupportedFormat: not a format of `formats.FORMATS`.
    :raises CorruptImage: the header is cut short or contradicts itself.
    :raises ImageTooLarge: more frames, scans or strips than `limits` allow, found while counting them.
    """
    head = source.head(PEEK_BYTES)
    codec = sniff(head[:HEAD])
    data = head
    if len(head) < source.size:
        data = _download_enough(codec, source, head, limits)
    try:
        header = _parse(codec, data, limits)
    except (struct.error, IndexError, OverflowError) as error:
        raise CorruptImage(f"the {codec.label} header is cut short") from error
    if min(header.size) < 1:
        raise CorruptImage(f"the {codec.label} header gives the size {header.size[0]}x{header.size[1]}")
    return header if len(data) == source.size else replace(header, stream=source)


def _download_enough(codec: Codec, source: Stream, head: bytes, limits: Limits) -> bytes:
    if codec.name != "jpeg":
        return source.read_all()
    if jpeg.is_single_pass(head, limits):
        return head
    return jpeg.read_dc_prefix(source, limits, PEEK_BYTES) or source.read_all()


def _parse(codec: Codec, data: bytes, limits: Limits) -> Header:
    """The header, by the format's own module, which is loaded only for that format."""
    module = import_module(f"tinypics.image.headers.{codec.parser or codec.name}")
    header: Header = module.read(Header(codec, (0, 0), data, codec), limits)
    return header
