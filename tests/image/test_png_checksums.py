"""A wrong checksum costs a PNG only the content of that chunk, unless the chunk is critical."""

from __future__ import annotations

import struct

import pytest

from tests.pictures import encoded, opened, png, png_chunk, quadrants
from tinypics import resize
from tinypics.errors import CorruptImage
from tinypics.image.headers import png as chunks

ROWS = [bytes(range(0, 160, 20))] * 8


def with_chunk(kind: bytes, body: bytes, *, wrong: bool = True, at: int = 33) -> bytes:
    """A grey PNG of 8x8 with this chunk, which has a wrong checksum, at an offset (33: after the header)."""
    data = png((8, 8), 0, 8, ROWS)
    chunk = png_chunk(kind, body)
    return data[:at] + (chunk[:-1] + bytes([chunk[-1] ^ wrong]) if wrong else chunk) + data[at:]


ANCILLARY = {
    b"bKGD": b"\0\0",
    b"sBIT": b"\x08",
    b"hIST": bytes(8),
    b"pHYs": struct.pack(">IIB", 3000, 3000, 1),
    b"tIME": bytes(7),
    b"gAMA": struct.pack(">I", 45455),
    b"cHRM": bytes(32),
    b"sRGB": b"\0",
    b"iCCP": b"x\0\0junk",
    b"eXIf": b"II*\0",
    b"tEXt": b"Title\0x",
    b"sPLT": b"x\0\x08",
    b"vpAg": bytes(9),
    b"acTL": struct.pack(">II", 2, 0),
    b"tRNS": b"\0\x14",
}


@pytest.mark.parametrize("kind", ANCILLARY)
def test_an_ancillary_chunk_costs_no_picture(kind: bytes) -> None:
    expected = opened(resize(png((8, 8), 0, 8, ROWS), "8x8-png").data).convert("RGBA").tobytes()
    assert opened(resize(with_chunk(kind, ANCILLARY[kind]), "8x8-png").data).convert("RGBA").tobytes() == expected


@pytest.mark.parametrize("kind", [b"bKGD", b"vpAg", b"sBIT", b"acTL", b"fcTL"])
@pytest.mark.parametrize("size", [0, 1, 7])
def test_an_ancillary_chunk_may_be_of_any_size(kind: bytes, size: int) -> None:
    assert resize(with_chunk(kind, bytes(size), wrong=False), "8x8-png").width == 8


@pytest.mark.parametrize("kind", [b"IHDR", b"PLTE"])
def test_a_critical_chunk_keeps_its_check(kind: bytes) -> None:
    source = encoded(quadrants((8, 8)).convert("P"), "PNG") if kind == b"PLTE" else png((8, 8), 0, 8, ROWS)
    data = bytearray(source)
    at = data.index(kind)
    data[at + 4 + int.from_bytes(data[at - 4 : at])] ^= 1
    with pytest.raises(CorruptImage):
        resize(bytes(data), "8x8-png")


def test_transparency_with_a_right_checksum_is_kept() -> None:
    image = opened(resize(with_chunk(b"tRNS", b"\0\x14", wrong=False), "8x8-png").data).convert("RGBA")
    assert [image.getpixel((x, 0))[3] for x in range(3)] == [255, 0, 255]  # type: ignore[index]


def test_an_animation_without_its_control_chunk_is_its_first_picture() -> None:
    frames = [quadrants((8, 8)), quadrants((8, 8)).rotate(90)]
    data = bytearray(encoded(frames[0], "PNG", save_all=True, append_images=frames[1:]))
    assert chunks.read_chunks(bytes(data), 100).frames == 2
    data[data.index(b"acTL") + 12] ^= 1
    output = resize(bytes(data), "8x8-png")
    assert (output.width, output.dropped) == (8, ())
