"""Pillow's decoders, each loaded when a picture of its format comes."""

from __future__ import annotations

import io
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinypics.image.formats import Codec
    from tinypics.image.headers.header import Header


@cache
def decoder_class(decoder: Codec) -> Any:
    reader = getattr(import_module(decoder.plugin), decoder.decoder_class)
    if decoder.name != "jpeg":
        return reader
    # Pillow reads an unused resolution from EXIF, and loads its TIFF plugin and `decimal` for it.
    return type(decoder.decoder_class, (reader,), {"_read_dpi_from_exif": lambda _: None})


def open_again(header: Header) -> Any:
    """Another lazy image of the same file, for what the first one does not keep."""
    return decoder_class(header.decoder)(io.BytesIO(header.data))
