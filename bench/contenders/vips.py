"""libvips through pyvips, one thread, no cache."""

from __future__ import annotations

import importlib
import os
from typing import Any

os.environ["VIPS_CONCURRENCY"] = "1"
pyvips = importlib.import_module("pyvips")  # in its own environment
pyvips.cache_set_max(0)

_SUFFIX = {"jpeg": ".jpg", "png": ".png", "webp": ".webp", "avif": ".avif"}


def resize(data: bytes, wanted: list[dict[str, Any]]) -> list[bytes]:
    option = "n=-1" if data[:4] == b"GIF8" else ""
    return [_made(data, each, option) for each in wanted]


def _made(data: bytes, each: dict[str, Any], option: str) -> bytes:
    image = pyvips.Image.thumbnail_buffer(data, each["width"], height=each["height"], size="both", option_string=option)
    quality = {"Q": each["quality"]} if each["quality"] else {}
    return bytes(image.write_to_buffer(_SUFFIX[each["format"]], **quality, keep="none"))
