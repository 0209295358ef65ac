"""Icons, cursors, and bitmaps from programs without alpha."""

from __future__ import annotations

import struct

import pytest

from tests.pictures import encoded, near, opened, quadrants
from tinypics import resize
from tinypics.errors import UnsupportedFormat

COLOUR = (200, 60, 30)


def dib(size: int, alpha: int, mask: bytes) -> bytes:
    """32 bits a pixel, blue first, and the mask after them."""
    head = struct.pack("<IiiHHIIiiII", 40, size, 2 * size, 1, 32, 0, 0, 0, 0, 0, 0)
    return head + bytes((*COLOUR[::-1], alpha)) * size * size + mask


def icon(*pictures: tuple[int, bytes], kind: int = 1) -> bytes:
    """An icon (1) or a cursor (2), whose entries have a hot spot of 5, 7 instead of planes and bits."""
    at, head, body = 6 + 16 * len(pictures), struct.pack("<HHH", 0, kind, len(pictures)), b""
    for size, content in pictures:
        facts = (1, 32) if kind == 1 else (5, 7)
        head += struct.pack("<BBBBHHII", size, size, 0, 0, *facts, len(content), at + len(body))
        body += content
    return head + body


def alpha_at(data: bytes, size: int, *places: tuple[int, int]) -> list[int]:
    image = opened(resize(data, f"{size}x{size}-png").data).convert("RGBA")
    return [image.getpixel(place)[3] for place in places]  # type: ignore[index]


@pytest.mark.parametrize("kind", [1, 2])
@pytest.mark.parametrize("size", [16, 32, 40, 48])
def test_without_alpha_the_mask_alone_counts(size: int, kind: int) -> None:
    step = -(-size // 32) * 4
    row = b"\xff" + bytes(step - 1)
    data = icon((size, dib(size, 0, row * (size // 2) + bytes(step) * (size // 2))), kind=kind)
    # Rows go from the bottom to the top: the mask is set in the lower half, eight pixels wide.
    assert alpha_at(data, size, (2, size - 2), (2, 2), (size - 2, size - 2)) == [0, 255, 255]
    image = opened(resize(data, f"{size}x{size}-png").data).convert("RGB")
    assert near(image.getpixel((size // 2, 2)), COLOUR, 1)  # type: ignore[arg-type]


def test_without_alpha_and_without_a_mask_an_icon_is_opaque() -> None:
    assert alpha_at(icon((16, dib(16, 0, b""))), 16, (2, 2), (12, 12)) == [255, 255]


def test_alpha_that_is_there_counts_instead_of_the_mask() -> None:
    assert alpha_at(icon((16, dib(16, 128, b"\xff" * 64))), 16, (2, 2), (12, 12)) == [128, 128]


def test_the_largest_picture_of_a_cursor_is_shown() -> None:
    large = dib(32, 255, bytes(128))
    output = resize(icon((16, dib(16, 0, b"\xff" * 64)), (32, large), kind=2), "32x32-noenlarge-png")
    assert (output.width, output.height) == (32, 32)
    png = icon((64, encoded(quadrants((64, 64)), "PNG")), kind=2)
    assert resize(png, "64x-noenlarge-png").width == 64


def test_a_tga_is_no_cursor() -> None:
    with pytest.raises(UnsupportedFormat):
        resize(b"\0\0\2\0\0\0\0\0\0\0\0\0\x10\0\x10\0\x18\0" + bytes(768), "8x8")


@pytest.mark.parametrize(("alpha", "wanted"), [(0, 255), (128, 128)])
@pytest.mark.parametrize("header", [108, 124])
def test_a_bitmap_whose_alpha_is_zero_everywhere_is_opaque(header: int, alpha: int, wanted: int) -> None:
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    head = struct.pack("<IiiHHIIiiII", header, 16, 16, 1, 32, 3, 0, 0, 0, 0, 0) + masks
    head = head.ljust(header, b"\0")
    data = b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + len(head)) + head + bytes((*COLOUR[::-1], alpha)) * 256
    assert alpha_at(data, 16, (4, 4), (12, 12)) == [wanted, wanted]
