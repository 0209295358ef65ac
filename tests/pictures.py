"""Pictures made in code for tests. Their content is known, so that tests can check pixels."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image, ImageCms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RED, GREEN, BLUE, WHITE = (230, 20, 20), (20, 200, 20), (20, 20, 230), (240, 240, 240)
QUADRANTS: Final = (RED, GREEN, BLUE, WHITE)
"""Upper left, upper right, lower left, lower right."""


def quadrants(size: tuple[int, int] = (64, 48), colours: Sequence[Any] = QUADRANTS, mode: str = "RGB") -> Image.Image:
    """Four colours: the corners show the orientation and the crop of a picture."""
    wide, high = size
    image = Image.new(mode, size)
    for number, colour in enumerate(colours):
        x, y = number % 2 * (wide // 2), number // 2 * (high // 2)
        image.paste(colour, (x, y, wide if x else wide // 2, high if y else high // 2))
    return image


def photo(size: tuple[int, int], seed: int = 1) -> Image.Image:
    """Like a photo for a resampler: detail at every scale, and less of it at finer scales (1/f)."""
    wide, high = size
    random = np.random.default_rng(seed)
    pixels = np.zeros((high, wide, 3), np.float32)
    step = 2
    while step < max(size):
        coarse = random.normal(0, 1, (max(2, -(-high // step)), max(2, -(-wide // step)), 3)).astype(np.float32)
        layers = [Image.fromarray(coarse[..., c]).resize(size, Image.Resampling.BICUBIC) for c in range(3)]
        pixels += np.stack([np.asarray(layer) for layer in layers], axis=2) * step**0.5
        step *= 2
    pixels = (pixels - pixels.mean()) / pixels.std() * 48 + 128
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def corners(image: Image.Image, inset: int = 4) -> list[tuple[int, ...]]:
    """The colours a few pixels in from the corners: upper left, upper right, lower left, lower right."""
    wide, high = image.size
    rgb = image.convert("RGB")
    at = [(x, y) for y in (inset, high - 1 - inset) for x in (inset, wide - 1 - inset)]
    return [rgb.getpixel(point) for point in at]  # type: ignore[misc]


def near(one: Iterable[float], other: Iterable[float], most: float = 12) -> bool:
    """Whether no channel differs by more than `most`, because lossy formats change colours slightly."""
    return all(abs(a - b) <= most for a, b in zip(one, other, strict=True))


def with_orientation(orientation: int) -> bytes:
    """EXIF data with this orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def full_exif() -> bytes:
    """EXIF data with a maker, copyright, location, lens details, and the offset of a thumbnail."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Maker"
    exif[0x013B] = "An Artist"
    exif[0x8298] = "(c) An Artist"
    exif[0x8769] = {0x829A: 0.01, 0x927C: b"maker's secret", 0xA002: 4000}
    exif[0x8825] = {1: "N", 2: (52.0, 30.0, 1.0), 3: "E", 4: (13.0, 22.0, 1.0)}
    return exif.tobytes()


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    size: tuple[int, int],
    colour: int,
    bits: int,
    rows: Iterable[bytes],
    chunks: Iterable[tuple[bytes, bytes]] = (),
    *,
    interlaced: bool = False,
) -> bytes:
    """A PNG from raw rows without filter bytes, for variants that Pillow does not write. Callers interlace the rows."""
    header = struct.pack(">IIBBBBB", *size, bits, colour, 0, 0, int(interlaced))
    body = b"".join(png_chunk(kind, content) for kind, content in chunks)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + body + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")
    )


def packed_rows(samples: np.ndarray[Any, Any], bits: int, *, interlaced: bool = False) -> list[bytes]:
    """The rows of a PNG (height x width x channels, values of `bits` bits), pass by pass if it is interlaced."""
    rows = []
    for x, y, dx, dy in _ADAM7 if interlaced else ((0, 0, 1, 1),):
        for row in samples[y::dy, x::dx]:
            if bits == 16:
                rows.append(row.astype(">u2").tobytes())
            elif bits == 8:
                rows.append(row.astype(np.uint8).tobytes())
            else:
                shifts = np.arange(bits - 1, -1, -1)
                rows.append(np.packbits((row.ravel()[:, None] >> shifts) & 1).tobytes())
    return [row for row in rows if row]


_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def adam7(pixels: np.ndarray[Any, Any]) -> list[bytes]:
    """The rows of an interlaced PNG of 8 bits."""
    return packed_rows(pixels, 8, interlaced=True)


def huge_png(size: tuple[int, int], colour: int = 2, bits: int = 8, *, interlaced: bool = False) -> bytes:
    """A PNG of a few bytes that claims to be large."""
    return png(size, colour, bits, [], interlaced=interlaced)


def huge_jpeg(size: tuple[int, int], *, progressive: bool = False, scans: int = 1) -> bytes:
    """A real small JPEG with another size in its header, and several copies of its scan."""
    data = encoded(Image.new("RGB", (8, 8), RED), "JPEG", progressive=progressive)
    marker = b"\xff\xc2" if progressive else b"\xff\xc0"
    at = data.index(marker) + 5
    data = data[:at] + struct.pack(">HH", size[1], size[0]) + data[at + 4 :]
    first = data.index(b"\xff\xda")
    return data[:first] + data[first:-2] * scans + data[-2:]


def animation(count: int = 4, size: tuple[int, int] = (40, 30)) -> list[Image.Image]:
    """A bar that moves from left to right, one step per frame."""
    frames = []
    for number in range(count):
        frame = Image.new("RGB", size, BLUE)
        x = number * size[0] // count
        frame.paste(RED, (x, 0, x + size[0] // count, size[1]))
        frames.append(frame)
    return frames


def gif_of_frames(count: int, size: tuple[int, int] = (1, 1)) -> bytes:
    """A GIF of a great many tiny frames."""
    head = b"GIF89a" + struct.pack("<HHBBB", *size, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return head + frame * count + b";"


def tiff(size: tuple[int, int], tags: dict[int, tuple[int, ...]], rest: bytes = b"") -> bytes:
    """A little-endian TIFF with only these integer tags (and the size), with the values after the directory."""
    entries = {256: (size[0],), 257: (size[1],)} | tags
    at = 8 + 2 + 12 * len(entries) + 4
    directory, values = struct.pack("<H", len(entries)), b""
    for tag, numbers in sorted(entries.items()):
        packed = struct.pack(f"<{len(numbers)}I", *numbers)
        directory += struct.pack("<HHI", tag, 4, len(numbers))
        directory += packed if len(packed) <= 4 else struct.pack("<I", at + len(values))
        values += b"" if len(packed) <= 4 else packed
    return b"II*\0\x08\0\0\0" + directory + b"\0\0\0\0" + values + rest


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def avif_header(size: tuple[int, int], *properties: bytes) -> bytes:
    """The boxes of an AVIF without a picture."""
    ispe = box(b"ispe", bytes(4), struct.pack(">II", *size))
    meta = box(b"meta", bytes(4), box(b"iprp", box(b"ipco", ispe, *properties)))
    return box(b"ftyp", b"avif", bytes(4), b"avifmif1") + meta
