"""The pages of a TIFF (TIFF 6.0 section 2, BigTIFF, and the SubIFDs of TIFF/EP and DNG), and the one to show."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from tinypics.errors import CorruptImage, UnsupportedFormat
from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
STRIPS, ORIENTATION, SAMPLES, ROWS, STRIP_BYTES, PLANES, PREDICTOR = 273, 274, 277, 278, 279, 284, 317
TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES, SUB_PAGES, EXTRA, FORMAT = 322, 323, 324, 325, 330, 338, 339
COLOUR_MAP, ICC = 320, 34675
_OLD_SUBFILE = 255
_REDUCED: Final = 1  # of NewSubfileType, section 8; 2 of the older tag is the same
_TYPES: Final = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_MAX_TAGS: Final = 4096
_MAX_VALUES: Final = 1 << 20
_MAX_PAGES: Final = 64  # pages to search for one that is not reduced
_RAW_COLOURS: Final = (32803, 34892)  # a colour filter array, and linear raw (DNG 1.7, PhotometricInterpretation)
_UNREADABLE: Final = {
    34712: "JPEG 2000",
    33003: "JPEG 2000",
    33004: "JPEG 2000",
    33005: "JPEG 2000",
    34887: "LERC",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
    34892: "lossy DNG",
    34676: "LogLuv",
    34677: "LogLuv",
}
_READABLE: Final = frozenset((1, 2, 3, 4, 5, 6, 7, 8, 32771, 32773, 32809, 32946, 34925, 50000))


@value
class Page:
    """One directory."""

    data: bytes
    order: str
    big: bool
    tags: Mapping[int, tuple[int, int, int]]
    """Type, count of values, and the offset of the entry's last field: the values, or their offset."""
    following: int
    """The offset of the next page; 0 if this is the last."""

    def numbers(self, tag: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """The values of an integer tag."""
        kind, count, _ = self.tags.get(tag, (0, 0, 0))
        if kind not in _TYPES or not count:
            return default
        count = min(count, _MAX_VALUES)
        return struct.unpack(f"{self.order}{count}{_TYPES[kind]}", self.packed(tag, count * _SIZES[kind]))

    def number(self, tag: int, default: int = 0) -> int:
        return self.numbers(tag, (default,))[0]

    def packed(self, tag: int, most: int) -> bytes:
        """The first `most` bytes of a tag's values."""
        kind, count, at = self.tags[tag]
        length, room = count * _SIZES.get(kind, 0), 8 if self.big else 4
        if length > room:
            (at,) = struct.unpack_from(self.order + ("Q" if self.big else "I"), self.data, at)
        return self.data[at : at + min(length, most)]

    @property
    def size(self) -> tuple[int, int]:
        return self.number(WIDTH), self.number(HEIGHT)

    @property
    def reduced(self) -> bool:
        return bool(self.number(SUBFILE) & _REDUCED) or self.number(_OLD_SUBFILE) == 2

    @property
    def raw(self) -> bool:
        """Whether it has a sensor's values, which need a raw converter."""
        return self.number(PHOTOMETRIC) in _RAW_COLOURS

    def check_compression(self) -> None:
        """:raises UnsupportedFormat: no decoder supports it."""
        scheme = self.number(COMPRESSION, 1)
        if scheme not in _READABLE:
            name = _UNREADABLE.get(scheme, f"an unknown compression, number {scheme}")
            raise UnsupportedFormat(f"a TIFF that contains {name} is not supported")


def read_page(data: bytes, at: int | None = None) -> Page:
    """The page at an offset, or the first.

    :raises CorruptImage, struct.error: it is cut short, or has too many tags.
    """
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    offset = order + ("Q" if big else "I")
    if at is None:
        (at,) = struct.unpack_from(offset, data, 8 if big else 4)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, at)
    if count > _MAX_TAGS:
        raise CorruptImage(f"more than {_MAX_TAGS} tags")
    step, room, start = (20, 8, at + 8) if big else (12, 4, at + 2)
    tags = {}
    for entry in range(start, start + count * step, step):
        tag, kind = struct.unpack_from(order + "HH", data, entry)
        (values,) = struct.unpack_from(offset, data, entry + 4)
        tags[tag] = (kind, values, entry + step - room)
    following = data[start + count * step : start + count * step + room]
    return Page(data, order, big, tags, int.from_bytes(following, "little" if order == "<" else "big"))


def shown_page(data: bytes) -> Page | None:
    """The page to show instead of the first, or None for the first.

    If the first is a reduced copy or raw, this is the first full page. If that is raw, it is the largest preview: the
    largest page that can be decoded.

    :raises UnsupportedFormat: a raw file without a preview.
    """
    first = read_page(data)
    if not first.reduced and not first.raw:
        return None
    pages = list(_pages(data, first))
    whole = [page for page in pages if not page.reduced]
    if whole and not whole[0].raw:
        return whole[0]
    previews = [page for page in pages if not page.raw and page.number(COMPRESSION, 1) in _READABLE and all(page.size)]
    if not previews:
        raise UnsupportedFormat("a raw photo without a preview is not supported")
    best = max(previews, key=lambda page: page.size[0] * page.size[1])
    return None if best is first else best


def _pages(data: bytes, first: Page) -> Iterator[Page]:
    """The first page, the SubIFDs of each page, and the following pages. Broken ones are skipped."""
    seen: set[int] = set()
    waiting = [first]
    for _ in range(_MAX_PAGES):
        if not waiting:
            return
        page = waiting.pop(0)
        yield page
        for at in (*page.numbers(SUB_PAGES)[:_MAX_PAGES], page.following):
            if at and at not in seen:
                seen.add(at)
                try:
                    waiting.append(read_page(data, at))
                except (struct.error, CorruptImage):
                    continue


def with_page(data: bytes, page: Page, changes: Mapping[int, tuple[int, ...] | None]) -> bytes:
    """The file with this page as its only one. `changes` has new values of integer tags, or None to remove a tag."""
    kind, letter, room = (16, "Q", 8) if page.big else (4, "I", 4)
    # Unchanged values keep their place in the file, so their entries keep the offset.
    tags = {tag: (code, count, data[at : at + room]) for tag, (code, count, at) in page.tags.items()}
    for tag, numbers in changes.items():
        tags.pop(tag, None)
        if numbers is not None:
            tags[tag] = (kind, len(numbers), struct.pack(f"{page.order}{len(numbers)}{letter}", *numbers))
    start = len(data) + len(data) % 2
    head = struct.pack(page.order + ("Q" if page.big else "H"), len(tags))
    at = start + len(head) + len(tags) * (12 if room == 4 else 20) + room
    entries, values = b"", b""
    for tag, (code, count, packed) in sorted(tags.items()):
        entries += struct.pack(f"{page.order}HH{letter}", tag, code, count)
        if len(packed) <= room:
            entries += packed.ljust(room, b"\0")
        else:
            entries += struct.pack(page.order + letter, at + len(values))
            values += packed + bytes(len(packed) % 2)
    place = room if page.big else 4
    pointer = struct.pack(page.order + letter, start)
    padding = bytes(len(data) % 2)
    return b"".join((data[:place], pointer, data[place + room :], padding, head, entries, bytes(room), values))
