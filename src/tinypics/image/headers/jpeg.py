"""The header of a JPEG and its scans (ITU-T T.81 annex B): their number, and where the DC scans end."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final

from tinypics.errors import CorruptImage, ImageTooLarge, UnsupportedFormat
from tinypics.image.headers.jpeg_segments import (
    APP2,
    END,
    EOI,
    SOS,
    FrameHeader,
    find_marker,
    read_frame_header,
    without_cut_segments,
)
from tinypics.image.limits import MIB
from tinypics.values import replace, value

if TYPE_CHECKING:
    from tinypics.image.headers.header import Header
    from tinypics.image.limits import Limits
    from tinypics.image.stream import Stream

# Reading fewer bytes than this takes no longer than another request.
_MIN_SAVING: Final = 4 * MIB
# The numbers of components that libjpeg decodes.
_COMPONENTS: Final = (1, 3, 4)
_DQT: Final = 0xDB

# Inside a scan 0xFF is followed by 0 (a literal), a restart marker or another 0xFF; anything else is the next marker.
_SCAN_END: Final = rb"\xff[^\x00\xff\xd0-\xd7]"


@value
class Scans:
    """`dc_end`: the end of the scans with the DC coefficients of all components, as far as they have arrived;
    `complete`: whether the file has its end marker."""

    count: int = 1
    dc_end: int | None = None
    complete: bool = True


def find_scans(data: bytes, header: FrameHeader, limit: int) -> Scans:
    """Find the scans of a JPEG that may have several, without decoding them.

    :raises ImageTooLarge: more than `limit`: a decoder processes the whole picture for each of them.
    """
    if not header.progressive and data[header.scan + 4 : header.scan + 5] == bytes([header.channels]):
        return Scans()  # a single scan: decoders read nothing after it
    at, count, missing, dc_end = header.scan, 0, set(header.components), None
    scan_end = re.compile(_SCAN_END)
    while at + 4 <= len(data) and data[at + 1] != EOI:
        if data[at + 1] in (0xFF, 0x01) or data[at] != 0xFF:  # fill bytes and garbage between segments
            at += 1
            continue
        body = at + 4
        after = at + 2 + int.from_bytes(data[at + 2 : body])
        if data[at + 1] != SOS:
            at = after
            continue
        count += 1
        if count > limit:
            raise ImageTooLarge(f"the JPEG has more than {limit} scans")
        # The last three bytes: first and last coefficient, then successive approximation (high, low).
        if data[after - 3 : after - 2] == b"\0" and data[after - 1 : after] < b"\x10":
            missing -= set(data[body + 1 : after - 3 : 2])
        end = scan_end.search(data, after)
        at = end.start() if end else len(data)
        if not missing and dc_end is None and end and header.progressive:
            dc_end = at
    return Scans(count, dc_end, complete=data[at : at + 2] == END)


def cut_to_dc_scans(data: bytes, header: FrameHeader, dc_end: int) -> bytes:
    """A JPEG of the DC scans alone, for a decoder that shrinks it by eight.

    libjpeg estimates missing AC coefficients and adjusts DC coefficients by them, which takes longer than decoding and
    costs 2 dB. It skips that if an AC quantizer of each component is zero (`smoothing_ok` in jdcoefct.c); at an eighth
    of the size nothing else uses these quantizers.
    """
    cut, at = bytearray(data[:dc_end]), 2
    while at < header.scan:
        at = find_marker(cut, at)
        end = at + 2 + int.from_bytes(cut[at + 2 : at + 4])
        if cut[at + 1] == _DQT:
            table = at + 4
            while table < min(end, header.scan):
                step = 1 + (cut[table] >> 4)  # bytes of a quantizer
                cut[table + 1 + step : table + 1 + 2 * step] = bytes(step)
                table += 1 + 64 * step
        at = end
    return bytes(cut) + END


def _auxiliary_pictures(data: bytes, header: FrameHeader) -> tuple[int, ...]:
    if not header.index:
        return ()
    from tinypics.image.headers import mpf

    return mpf.find_auxiliary(data, header.index)


def _has_gain_map(data: bytes, header: FrameHeader) -> bool:
    """Whether a picture behind the first is a gain map, as in the files of Apple's devices."""
    if not header.index:
        return False
    from tinypics.image.headers import mpf

    return mpf.has_gain_map(data, header.index)


def read(header: Header, limits: Limits) -> Header:
    first = read_frame_header(header.data)
    if first.bits != 8:
        raise UnsupportedFormat(f"a JPEG with {first.bits} bits a sample; 8 are supported")
    if first.channels not in _COMPONENTS:
        raise UnsupportedFormat(f"a JPEG with {first.channels} components; 1, 3 and 4 are supported")
    data, icc, gain_map = header.data, header.icc, first.gain_map or _has_gain_map(header.data, first)
    if first.cut:
        icc = b"" if any(data[start + 1] == APP2 for start, _ in first.cut) else None
        data = without_cut_segments(data, first)
        first = read_frame_header(data)
    scans = find_scans(data, first, limits.scans)
    return replace(
        header,
        data=data,
        icc=icc,
        size=first.size,
        channels=first.channels,
        scalable=not first.lossless,
        buffered=first.progressive or scans.count > 1,
        scans=scans.count,
        dc_end=scans.dc_end if scans.complete else None,
        extras=("gain-map",) if gain_map else (),
    )


def is_single_pass(head: bytes, limits: Limits) -> bool:
    """Whether a decoder reads the file once, in order, and the head has all other facts."""
    if limits.lenient:  # `lenient` needs to know whether the file is complete
        return False
    try:
        first = read_frame_header(head)
        if first.cut or _auxiliary_pictures(head, first):
            return False
        return not first.progressive and first.scan + 5 <= len(head) and head[first.scan + 4] == first.channels
    except (struct.error, IndexError, CorruptImage, UnsupportedFormat):
        return False


def read_dc_prefix(source: Stream, limits: Limits, count: int) -> bytes | None:
    """The beginning of a large progressive JPEG, up to its DC scans, if the file is complete and much longer.

    Searches the first `count` bytes, then twice as many, and so on.
    """
    while not limits.lenient and source.size - count > _MIN_SAVING:
        head = source.head(count)
        try:
            first = read_frame_header(head)
        except (struct.error, IndexError, CorruptImage, UnsupportedFormat):
            return None
        if not first.progressive or first.cut or _auxiliary_pictures(head, first):
            return None
        end = find_scans(head, first, limits.scans).dc_end
        if end is not None:
            return head[:end] + END if source.tail(2) == END else None
        count *= 2
    return None


def check_scans(header: Header, limits: Limits) -> None:
    """Count the scans of a JPEG of which only the beginning was checked, before all of it is decoded.

    :raises ImageTooLarge: more than `limits.scans`.
    """
    if header.stream is not None and header.buffered:
        data = header.stream.read_all()
        find_scans(data, read_frame_header(data), limits.scans)
