"""The marker segments of a JPEG up to its first scan (ITU-T T.81 annex B): its size, and how it is coded."""

from __future__ import annotations

import struct
from typing import Final

from tinypics.errors import CorruptImage, UnsupportedFormat
from tinypics.values import value

_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_LOSSLESS: Final = 0xC3  # no DCT, so that no decoder can scale it (T.81, annex H)
# Frames that libjpeg does not decode (T.81, table B.1; T.87 for JPEG-LS).
_UNSUPPORTED_FRAMES: Final = {
    **dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF), "hierarchical coding"),
    0xCB: "lossless arithmetic coding",
    0xF7: "JPEG-LS coding",
}
_PROGRESSIVE: Final = (0xC2, 0xC6, 0xCA, 0xCE)
_APP0, _APP1, APP2, _APP13, _APP14 = 0xE0, 0xE1, 0xE2, 0xED, 0xEE
SOS, EOI = 0xDA, 0xD9
# The least bytes of application segments by marker and identifier: JFIF (T.871, 10.1), Adobe (T.872, 6.5.3) and ICC
# (ICC.1:2022, B.4). Decoders ignore a shorter one, but Pillow fails on it.
_SEGMENTS: Final = {_APP0: (b"JFIF", 14), _APP14: (b"Adobe", 12), APP2: (b"ICC_PROFILE\0", 14)}
_PHOTOSHOP: Final = b"Photoshop 3.0\0"
_MPF: Final = b"MPF\0"
END: Final = bytes([0xFF, EOI])

# The XMP of the gain maps of Adobe, Google and Apple, and the segment of ISO 21496-1.
_GAIN_MAPS: Final = {_APP1: (b"hdrgm", b"HDRGainMap", b"hdrgainmap"), APP2: (b"urn:iso:std:iso:ts:21496:-1",)}


@value
class FrameHeader:
    """The facts of the header, and the scans if there are several."""

    size: tuple[int, int]
    bits: int
    components: bytes
    progressive: bool
    lossless: bool
    gain_map: bool
    scan: int
    """The offset of the first scan's marker."""
    index: int = 0
    """The offset of the index of several pictures (`mpf`), if there is one."""
    cut: tuple[tuple[int, int], ...] = ()
    """Start and end of each application segment that is cut short."""

    @property
    def channels(self) -> int:
        return len(self.components)


def read_frame_header(data: bytes) -> FrameHeader:
    """The header up to the first scan.

    :raises CorruptImage: it is cut short, or a scan comes before the size.
    :raises struct.error, IndexError: a segment is cut short.
    """
    at, size, bits, components, progressive, lossless, gain_map = 2, (0, 0), 8, b"", False, False, False
    cut: list[tuple[int, int]] = []
    index = 0
    while True:
        at = find_marker(data, at)
        marker, (length,) = data[at + 1], struct.unpack_from(">H", data, at + 2)
        if marker == SOS:
            break
        body = data[at + 4 : at + 2 + length]
        if marker in _UNSUPPORTED_FRAMES:
            raise UnsupportedFormat(f"a JPEG with {_UNSUPPORTED_FRAMES[marker]} is not supported")
        if marker in _FRAMES:
            bits, height, width, count = struct.unpack_from(">BHHB", body)
            size, components = (width, height), bytes(body[6 + 3 * i] for i in range(count))
            progressive, lossless = marker in _PROGRESSIVE, marker == _LOSSLESS
        elif marker in _GAIN_MAPS and any(name in body for name in _GAIN_MAPS[marker]):
            gain_map = True
        if marker == APP2 and body.startswith(_MPF):
            index = at + 4 + len(_MPF)
        if _is_cut(marker, body):
            cut.append((at, at + 2 + length))
        at += 2 + length
    if not components:
        raise CorruptImage("the JPEG has a scan before its size")
    return FrameHeader(size, bits, components, progressive, lossless, gain_map, at, index, tuple(cut))


def _is_cut(marker: int, body: bytes) -> bool:
    """Whether an application segment is shorter than its kind must be."""
    if marker in _SEGMENTS:
        identifier, least = _SEGMENTS[marker]
        return body.startswith(identifier) and len(body) < least
    if marker != _APP13 or not body.startswith(_PHOTOSHOP):
        return False
    at = len(_PHOTOSHOP)
    while body[at : at + 4] == b"8BIM":  # code, name (padded to an even length), length, data (padded likewise)
        if at + 12 > len(body):
            return True
        at += 6 + (body[at + 6] + 2 & ~1)
        if at + 4 > len(body):
            return True
        at += 4 + (int.from_bytes(body[at : at + 4]) + 1 & ~1)
    return False


def without_cut_segments(data: bytes, header: FrameHeader) -> bytes:
    kept, start = [], 0
    for left, right in header.cut:
        kept.append(data[start:left])
        start = right
    return b"".join([*kept, data[start:]]) if kept else data


def find_marker(data: bytes | bytearray, at: int) -> int:
    """The offset of the next marker at or after `at`. Skips fill bytes and garbage, as decoders do."""
    while not (data[at] == 0xFF and data[at + 1] not in (0x00, 0xFF)):
        at = data.find(b"\xff", at + 1)
        if at < 0:
            raise CorruptImage("the JPEG header is cut short")
    if data[at + 1] == EOI:
        raise CorruptImage("the JPEG ends before its first scan")
    return at
