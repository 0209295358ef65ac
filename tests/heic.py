"""HEIC pictures made in code, without an encoder for HEVC: its blocks may contain uncompressed samples.

Each block of 32 x 32 pixels is a slice of its own with one coding unit in `pcm_flag` mode (ITU-T H.265, 7.3.8.7), so
that the arithmetic coder writes the same few bits each time. The file has the structure of phones' files: one item of
the type `hvc1` in the boxes of ISO/IEC 23008-12.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

import numpy as np

from tests.pictures import box

if TYPE_CHECKING:
    from PIL import Image

BLOCK = 32  # pixels: the largest block with `pcm_flag`
_VPS, _SPS, _PPS, _IDR = 32, 33, 34, 19  # NAL unit types, table 7-1

# Output of the arithmetic coder, 9.3.4: for `part_mode` 2Nx2N and `pcm_flag` 1 from its first state (low = 268), and
# for `end_of_slice_segment_flag` 1 (low = 508), each as the 9 lower bits with the last one set, and zeros.
_UNSPLIT_PCM = (269 << 7).to_bytes(2)
_END = (509 << 7).to_bytes(2)


class _Bits:
    def __init__(self) -> None:
        self._bits: list[str] = []

    def u(self, value: int, count: int) -> _Bits:
        self._bits.append(f"{value:0{count}b}")
        return self

    def ue(self, *values: int) -> _Bits:
        """Exp-Golomb codes, 9.2."""
        for value in values:
            text = f"{value + 1:b}"
            self._bits.append("0" * (len(text) - 1) + text)
        return self

    def flags(self, *flags: bool | int) -> _Bits:
        self._bits.extend(f"{flag:d}" for flag in flags)
        return self

    def aligned(self) -> bytes:
        """The bits with a one and zeros up to the next byte, for `rbsp_trailing_bits` and `byte_alignment`."""
        text = "".join(self._bits) + "1"
        text += "0" * (-len(text) % 8)
        return int(text, 2).to_bytes(len(text) // 8)


def heic(image: Image.Image, bits: int = 8, *, transfer: int = 13, primaries: int = 1) -> bytes:
    """The picture in YCbCr 4:2:0 of full range. Its sides must be multiples of 32.

    More than 8 bits are of grey: an image of mode I;16 with the values.
    """
    wide, high = image.size
    assert wide % BLOCK == high % BLOCK == 0
    slices = [_slice(image, number, bits) for number in range(wide // BLOCK * (high // BLOCK))]
    data = b"".join(struct.pack(">I", len(unit)) + unit for unit in slices)
    parameters = {_VPS: _vps(), _SPS: _sps(wide, high, bits), _PPS: _pps()}
    arrays = b"".join(
        struct.pack(">BHH", 0x80 | kind, 1, len(unit)) + unit  # complete, one unit
        for kind, unit in parameters.items()
    )
    # ISO/IEC 14496-15, 8.3.3.1.2: Main profile, level 3, 4:2:0, lengths of 4 bytes.
    configuration = b"\x01\x01" + struct.pack(">I", 0x60000000) + bytes(6) + b"\x5a\xf0\x00\xfc\xfd"
    configuration += bytes([0xF8 | bits - 8]) * 2 + b"\0\0\x0f\x03"
    properties = box(
        b"iprp",
        box(
            b"ipco",
            box(b"hvcC", configuration, arrays),
            box(b"ispe", bytes(4), struct.pack(">II", wide, high)),
            box(b"colr", b"nclx", struct.pack(">HHHB", primaries, transfer, 6, 0x80)),  # BT.601, full range
        ),
        box(b"ipma", bytes(4), struct.pack(">IHBBBB", 1, 1, 3, 0x81, 0x02, 0x03)),
    )
    head = box(b"ftyp", b"heic", bytes(4), b"mif1heic")

    def meta(offset: int) -> bytes:
        return box(
            b"meta",
            bytes(4),
            box(b"hdlr", bytes(8), b"pict", bytes(13)),
            box(b"pitm", bytes(4), struct.pack(">H", 1)),
            box(b"iloc", bytes(4), b"\x44\0", struct.pack(">HHHHII", 1, 1, 0, 1, offset, len(data))),
            box(
                b"iinf", bytes(4), struct.pack(">H", 1), box(b"infe", b"\2\0\0\0", struct.pack(">HH", 1, 0), b"hvc1\0")
            ),
            properties,
        )

    return head + meta(len(head) + len(meta(0)) + 8) + box(b"mdat", data)


def _unit(kind: int, payload: bytes) -> bytes:
    """A NAL unit, with emulation prevention bytes in zeros that look like a start code, 7.4.2."""
    return bytes([kind << 1, 1]) + re.sub(rb"\0\0(?=[\0-\3])", b"\0\0\3", payload)


def _profile(bits: _Bits) -> _Bits:
    """`profile_tier_level(1, 0)`: Main, level 3."""
    return bits.u(1, 8).u(0x60000000, 32).u(0, 48).u(90, 8)


def _vps() -> bytes:
    bits = _Bits().u(0, 4).flags(1, 1).u(0, 6).u(0, 3).flags(1).u(0xFFFF, 16)
    return _unit(_VPS, _profile(bits).flags(1).ue(0, 0, 0).u(0, 6).ue(0).flags(0, 0).aligned())


def _sps(wide: int, high: int, depth: int) -> bytes:
    bits = (
        _profile(_Bits().u(0, 4).u(0, 3).flags(1))
        .ue(0, 1, wide, high)
        .flags(0)
        .ue(depth - 8, depth - 8, 4)
        .flags(1)
        .ue(0, 0, 0)
    )
    # Coding blocks are 32 x 32 and never split (log2 - 3 = 2, and no more); transforms of 4 to 32.
    bits.ue(2, 0, 0, 3, 0, 0).flags(0, 0, 0)
    bits.flags(1).u(depth - 1, 4).u(depth - 1, 4).ue(2, 0).flags(1)  # samples in blocks of 32, without a filter
    return _unit(_SPS, bits.ue(0).flags(0, 0, 0, 0, 0).aligned())


def _pps() -> bytes:
    bits = (
        _Bits().ue(0, 0).flags(0, 0).u(0, 3).flags(0, 0).ue(0, 0, 0).flags(0, 0, 0).ue(0, 0).flags(0, 0, 0, 0, 0, 0, 0)
    )
    return _unit(_PPS, bits.flags(1, 0, 1, 0, 0).ue(0).flags(0, 0).aligned())  # without a deblocking filter


def _slice(image: Image.Image, number: int, depth: int) -> bytes:
    """The block of this number, in raster order."""
    across = image.width // BLOCK
    count = across * (image.height // BLOCK)
    x, y = number % across * BLOCK, number // across * BLOCK
    head = _Bits().flags(number == 0, 0).ue(0)
    if number:
        head.u(number, (count - 1).bit_length())
    head.ue(2, 0)  # an I slice with the picture's quantizer
    block = image.crop((x, y, x + BLOCK, y + BLOCK))
    if depth == 8:
        luma, *chroma = block.convert("YCbCr").split()
        samples = luma.tobytes() + b"".join(plane.reduce(2).tobytes() for plane in chroma)
    else:
        values = np.full(BLOCK * BLOCK * 3 // 2, 1 << depth - 1, ">u2")
        values[: BLOCK * BLOCK] = np.frombuffer(block.tobytes(), "<u2")
        samples = np.packbits(np.unpackbits(values.view("u1")).reshape(-1, 16)[:, -depth:]).tobytes()
    return _unit(_IDR, head.aligned() + _UNSPLIT_PCM + samples + _END)
