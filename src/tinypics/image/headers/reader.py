"""What a file says about itself, read without decoding anything: bounded work, and no memory to speak of.

Everything that `Limits` hold against a picture is known from here, before any decoder sees a byte of it. A decoder's
own opinion of the size is checked again when it has opened the file.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from tinypics.errors import CorruptImage, ImageTooLarge, UnsupportedFormat
from tinypics.image.formats import FORMATS, HEAD, Codec, sniff
from tinypics.image.headers import jpeg
from tinypics.image.limits import MIB
from tinypics.values import replace, value

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinypics.image.geometry import Size
    from tinypics.image.limits import Limits
    from tinypics.image.stream import Stream


@value
class Header:
    """Sizes are as stored, before EXIF orientation."""

    codec: Codec
    size: Size
    data: bytes
    """What the decoder is to be given: the file, or the part of it that holds the picture."""
    decoder: Codec
    """Whose decoder reads `data`: not `codec` where one format is wrapped in another."""
    frames: int = 1
    plays: int = 1
    """How often an animation is shown; 0 is for ever."""
    channels: int = 3
    bits: int = 8
    buffered: bool = False
    """The decoder keeps the coefficients of the whole picture: a JPEG in several scans."""
    scans: int = 1
    strips: int = 1
    block: int = 0
    """Pixels of the largest strip or tile of a TIFF, which is decoded at once."""
    dc_end: int | None = None
    """Where the DC scans of a whole progressive JPEG end: up to here it holds a picture of an eighth of the size."""
    icc: bytes | None = None
    """The colour profile, where it is read here and not by the decoder (PNG)."""
    exif: bytes | None = None
    nclx: tuple[int, int] | None = None
    """Colour primaries and transfer function by number (ITU-T H.273)."""
    crop: tuple[float, float, float, float] | None = None
    """Clean aperture of an AVIF: width, height, and how far its centre lies from the picture's."""
    stream: Stream | None = None
    """Where the decoder reads instead of `data`, which is only the head then: it goes through the file just once."""
    extras: tuple[str, ...] = ()
    """What is in the file beside the picture and will not be in any output: gain-map, depth, pages."""


FIRST: Final = 64 * 1024
"""Bytes of a file that still comes which are looked at first: a bomb or a stranger need not come whole."""


def glimpse(source: Stream, limits: Limits) -> Size:
    """The size that the first bytes of a file claim, or 1x1 where they do not say.

    :raises UnsupportedFormat: not a format of `formats.FORMATS`.
    :raises ImageTooLarge: more frames, scans or strips than `limits` allow.
    """
    head = source.head(FIRST)
    codec = sniff(head[:HEAD])
    if len(head) == source.size:
        return 1, 1  # `read` sees as much
    try:
        wide, high = _READERS[codec.name](Header(codec, (0, 0), head, codec), limits).size
    except (struct.error, IndexError, OverflowError, CorruptImage, UnsupportedFormat):
        return 1, 1
    return max(1, wide), max(1, high)


def read(source: Stream, limits: Limits) -> Header:
    """The header of the picture that `source` holds.

    A JPEG in one scan, the usual photo, is left to the decoder to read while it comes. Of a large progressive one its
    beginning may be enough; see `check_scans`. Others have to be there first.

    :raises UnsupportedFormat: not a format of `formats.FORMATS`.
    :raises CorruptImage: the header is cut short or contradicts itself.
    :raises ImageTooLarge: more frames, scans or strips than `limits` allow, found while counting them.
    """
    head = source.head(FIRST)
    codec = sniff(head[:HEAD])
    data = head
    if len(head) < source.size and not _is_read_once(codec, head, limits):
        data = _dc_prefix(codec, source, limits) or source.whole()
    try:
        header = _READERS[codec.name](Header(codec, (0, 0), data, codec), limits)
    except (struct.error, IndexError, OverflowError) as error:
        raise CorruptImage(f"the {codec.label} header is cut short") from error
    if min(header.size) < 1:
        raise CorruptImage(f"the {codec.label} header gives the size {header.size[0]}x{header.size[1]}")
    return header if len(data) == source.size else replace(header, stream=source)


def _is_read_once(codec: Codec, head: bytes, limits: Limits) -> bool:
    """Whether a decoder goes through the file once, and all else that is to be known of it is in its head."""
    if codec.name != "jpeg" or limits.lenient:  # what is lenient has to see where the file ends
        return False
    try:
        frame = jpeg.frame(head)
        return not frame.progressive and frame.scan + 5 <= len(head) and head[frame.scan + 4] == frame.channels
    except (struct.error, IndexError, CorruptImage):
        return False


# Less than this is as soon there as the answer to another request.
_WORTH_LEAVING: Final = 4 * MIB


def _dc_prefix(codec: Codec, source: Stream, limits: Limits) -> bytes | None:
    """The beginning of a large progressive JPEG, with its DC scans, if the file is whole and there is much more."""
    count = FIRST
    while codec.name == "jpeg" and not limits.lenient and source.size - count > _WORTH_LEAVING:
        head = source.head(count)
        try:
            frame = jpeg.frame(head)
        except (struct.error, IndexError, CorruptImage):
            return None
        if not frame.progressive:
            return None
        end = jpeg.scans(head, frame, limits.scans).dc_end
        if end is not None:
            return head[:end] + jpeg.END if source.tail(2) == jpeg.END else None
        count *= 2
    return None


def check_scans(header: Header, limits: Limits) -> None:
    """Count the scans of a JPEG that is to be decoded whole, of which only the beginning was looked at.

    :raises ImageTooLarge: more than `limits.scans`.
    """
    if header.stream is not None and header.buffered:
        data = header.stream.whole()
        jpeg.scans(data, jpeg.frame(data), limits.scans)


def _jpeg(header: Header, limits: Limits) -> Header:
    frame = jpeg.frame(header.data)
    if frame.bits != 8:
        raise UnsupportedFormat(f"a JPEG with {frame.bits} bits a sample; 8 are supported")
    scans = jpeg.scans(header.data, frame, limits.scans)
    return replace(
        header,
        size=frame.size,
        channels=frame.channels,
        buffered=frame.progressive or scans.count > 1,
        scans=scans.count,
        dc_end=scans.dc_end if scans.whole else None,
        extras=("gain-map",) if frame.gain_map else (),
    )


def _png(header: Header, limits: Limits) -> Header:
    from tinypics.image.headers import png

    chunks = png.chunks(header.data, limits.icc_bytes)
    _count_frames(chunks.frames, limits)
    return replace(header, **vars(chunks))


def _count_frames(frames: int, limits: Limits) -> None:
    if frames > limits.frames:
        raise ImageTooLarge(f"the animation has more than {limits.frames} frames")


def _gif(header: Header, limits: Limits) -> Header:
    """GIF89a specification, sections 15 to 27. The size is that of the canvas, or of a frame that goes beyond it."""
    data = header.data
    wide, high, flags = struct.unpack_from("<HHB", data, 6)
    at, frames, plays = 13 + _colour_table(flags), 0, 1
    while at < len(data) and data[at] in b"!,":
        if data[at] == 0x2C:
            left, top, across, down, flags = struct.unpack_from("<HHHHB", data, at + 1)
            wide, high = max(wide, left + across), max(high, top + down)
            frames += 1
            _count_frames(frames, limits)
            at += 11 + _colour_table(flags)
        else:
            if data[at + 1 : at + 14] == b"\xff\x0bNETSCAPE2.0":
                repeats = int.from_bytes(data[at + 16 : at + 18], "little")
                plays = repeats + 1 if repeats else 0
            at += 2
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    return replace(header, size=(wide, high), frames=max(1, frames), plays=plays, channels=4)


def _colour_table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _webp(header: Header, limits: Limits) -> Header:
    """RFC 9649, section 2."""
    data, at, frames = header.data, 12, 0
    header = replace(header, channels=4)
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        body = at + 8
        if kind == b"VP8X":
            header = replace(header, size=_sizes24(data, body + 4))
        elif kind == b"ANIM":
            header = replace(header, plays=struct.unpack_from("<H", data, body + 4)[0])
        elif kind == b"ANMF":
            frames += 1
            _count_frames(frames, limits)
        elif kind == b"VP8 " and header.size == (0, 0):
            wide, high = struct.unpack_from("<HH", data, body + 6)
            header = replace(header, size=(wide & 0x3FFF, high & 0x3FFF))
        elif kind == b"VP8L" and header.size == (0, 0):
            (packed,) = struct.unpack_from("<I", data, body + 1)
            header = replace(header, size=((packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1))
        at = body + length + (length & 1)
        if kind in (b"VP8 ", b"VP8L"):
            break  # what follows is metadata
    return replace(header, frames=max(1, frames))


def _sizes24(data: bytes, at: int) -> Size:
    if at + 6 > len(data):
        raise IndexError
    return int.from_bytes(data[at : at + 3], "little") + 1, int.from_bytes(data[at + 3 : at + 6], "little") + 1


def _isobmff(header: Header, limits: Limits) -> Header:
    """AVIF and HEIF. The size is the largest that any picture in the file claims."""
    from tinypics.image.headers import isobmff

    facts = isobmff.facts(header.data)
    _count_frames(facts.frames, limits)
    return replace(
        header,
        size=facts.size,
        frames=facts.frames,
        channels=4 if facts.alpha else 3,
        bits=facts.bits,
        nclx=facts.nclx,
        crop=facts.crop,
        extras=tuple(dict.fromkeys(facts.extras)),
    )


def _tiff(header: Header, limits: Limits) -> Header:
    from tinypics.image.headers import tiff

    page = tiff.directory(header.data)
    if page.strips > limits.strips:
        raise ImageTooLarge(f"the TIFF has more than {limits.strips} strips")
    return replace(
        header,
        size=page.size,
        channels=page.channels,
        bits=page.bits,
        strips=page.strips,
        block=page.block,
        extras=("pages",) if page.more else (),
    )


# Pillow decodes run lengths in Python, at about a microsecond each: this many bytes of them take seconds.
_MOST_RUNS: Final = 4 * MIB


def _bmp(header: Header, _: Limits) -> Header:
    size, compression = _dib(header.data, 14)
    if compression in (1, 2) and len(header.data) > _MOST_RUNS:
        raise ImageTooLarge(f"the BMP has more than {_MOST_RUNS // MIB} MiB of run lengths")
    return replace(header, size=size, channels=4)


def _dib(data: bytes, at: int) -> tuple[Size, int]:
    """Size and compression of a BITMAPCOREHEADER (12 bytes) or any BITMAPINFOHEADER. Rows may go up or down."""
    (length,) = struct.unpack_from("<I", data, at)
    if length == 12:
        wide, high = struct.unpack_from("<HH", data, at + 4)
        return (wide, high), 0
    wide, high, _, _, compression = struct.unpack_from("<iiHHI", data, at + 4)
    return (wide, abs(high)), compression


def _ico(header: Header, limits: Limits) -> Header:
    """The largest picture of an icon: a PNG, which is read as one, or a bitmap, twice as high for its mask."""
    data = header.data
    (count,) = struct.unpack_from("<H", data, 4)
    entries = [struct.unpack_from("<BBBBHHII", data, 6 + 16 * i) for i in range(count)]
    if not entries:
        raise CorruptImage("the ICO has no pictures")
    best = max(entries, key=lambda entry: ((entry[0] or 256) * (entry[1] or 256), entry[5]))
    length, at = best[6], best[7]
    if data[at : at + 8] == b"\x89PNG\r\n\x1a\n":
        return _png(replace(header, data=data[at : at + length], decoder=FORMATS["png"]), limits)
    (wide, high), _ = _dib(data, at)
    return replace(header, size=(wide, high // 2), channels=4)


def _jp2(header: Header, _: Limits) -> Header:
    from tinypics.image.headers import isobmff

    stream = isobmff.codestream(header.data)
    return replace(header, size=stream.size, channels=stream.channels, bits=stream.bits)


_READERS: Final[dict[str, Callable[[Header, Limits], Header]]] = {
    "jpeg": _jpeg,
    "png": _png,
    "gif": _gif,
    "webp": _webp,
    "avif": _isobmff,
    "heif": _isobmff,
    "tiff": _tiff,
    "bmp": _bmp,
    "ico": _ico,
    "jp2": _jp2,
}
