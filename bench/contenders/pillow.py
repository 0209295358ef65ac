"""Pillow as in tutorials: opens the whole picture again for each output."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, ImageSequence


def resize(data: bytes, wanted: list[dict[str, Any]]) -> list[bytes]:
    return [_saved([frame.resize((each["width"], each["height"])) for frame in _frames(data)], each) for each in wanted]


def thumbnail(data: bytes, wanted: list[dict[str, Any]]) -> list[bytes]:
    return [_saved([_thumbnail(frame, each) for frame in _frames(data)], each) for each in wanted]


def _frames(data: bytes) -> list[Image.Image]:
    image = Image.open(io.BytesIO(data))
    if getattr(image, "n_frames", 1) == 1:
        return [image]
    return [frame.convert("RGB") for frame in ImageSequence.Iterator(image)]


def _thumbnail(image: Image.Image, each: dict[str, Any]) -> Image.Image:
    image.thumbnail((each["width"], each["height"]))
    return image


def _saved(frames: list[Image.Image], each: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    options: dict[str, Any] = {"quality": each["quality"]} if each["quality"] else {}
    if len(frames) > 1:
        options |= {"save_all": True, "append_images": frames[1:]}
    frames[0].save(file, each["format"], **options)
    return file.getvalue()
