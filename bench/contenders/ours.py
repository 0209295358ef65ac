"""tinypics, as a library."""

from __future__ import annotations

from typing import Any

from tinypics import resize_all
from tinypics.image import encode


def resize(data: bytes, wanted: list[dict[str, Any]]) -> list[bytes]:
    if wanted[0]["baseline"]:  # the user has no such setting; a row of the benchmark has a process of its own
        encode._BASELINE = 1 << 30  # type: ignore[misc]
    return [output.data for output in resize_all(data, [_text(each) for each in wanted]).outputs]


def _text(each: dict[str, Any]) -> str:
    quality = f"-q{each['quality']}" if each["quality"] else ""
    return f"{each['width']}x{each['height']}-{each['format']}{quality}"
