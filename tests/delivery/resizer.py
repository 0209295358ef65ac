"""A resizer without pictures: bytes that follow from those of the source and the rendition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tinypics.errors import CorruptImage
from tinypics.image.limits import Limits
from tinypics.image.placeholder import PLACEHOLDER
from tinypics.image.rendition import Rendition
from tinypics.image.results import Output, Resized, Source

LIMITS: Final = Limits(bytes=100)
GOOD: Final = (b"jpeg 1", b"jpeg 2", b"png 3", b"jpeg 1 comment")
"""Sources. The first and the last have the same outputs."""
CORRUPT: Final = b"corrupt"
LARGE: Final = b"jpeg large".ljust(LIMITS.bytes + 1)


def resize_all(download: Any, renditions: Sequence[Rendition], limits: Limits) -> Resized:
    """As `pipeline.resize_all`. A source is `FORMAT PICTURE [COMMENT]`: a comment does not change the outputs."""
    data: bytes = download.read_all()
    words = data.decode().split()
    if len(words) < 2 or words[0] not in ("jpeg", "png"):
        raise CorruptImage("not a picture")
    return _resized(data, words[0], words[1], tuple(renditions))


_MADE: dict[tuple[bytes, tuple[Rendition, ...]], Resized] = {}


def _resized(data: bytes, kind: str, picture: str, renditions: tuple[Rendition, ...]) -> Resized:
    if (data, renditions) not in _MADE:
        made = []
        for each in renditions:
            name = each.format if each.format and each.format != "auto" else kind
            width, height = each.width or 1, each.height or 1
            text = f"{picture} {width}x{height} {name}"
            made.append(
                Output(each, text.encode(), name, width, height, colour="#000000" if each == PLACEHOLDER else None)
            )
        timings = {"decode": 0.0, "transform": 0.0, "encode": 0.0}
        _MADE[data, renditions] = Resized(tuple(made), Source(kind, 64, 64, len(data), 1), timings)
    return _MADE[data, renditions]
