"""JPEG XL, decoded by Pillow's plugin for it where a user has installed that: it is GPL-3, and not shipped."""

from __future__ import annotations

import io
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tinypics.errors import UnsupportedFormat
from tinypics.image.geometry import ORIENTATIONS, UPRIGHT
from tinypics.image.headers import exif

if TYPE_CHECKING:
    from tinypics.image.formats import Codec
    from tinypics.image.geometry import Orientation


def open_image(data: bytes, decoder: Codec) -> tuple[Any, Orientation]:
    """The picture, which the plugin decodes at once, and its orientation.

    :raises UnsupportedFormat: the plugin is not installed.
    """
    try:
        plugin = import_module(decoder.plugin)
    except ImportError as error:
        raise UnsupportedFormat(
            "JPEG XL needs the package pillow-jxl-plugin, which is GPL-3 and so not part of Tinypics: "
            "pip install pillow-jxl-plugin"
        ) from error
    # The stacks of threads would count as memory of the picture.
    plugin.DECODE_THREADS = 0  # type: ignore[attr-defined]
    image = getattr(plugin, decoder.decoder_class)(io.BytesIO(data))
    # The decoder turns the picture upright (18181-1, annex D). Of a JPEG that was only repacked, it gives the JPEG, for
    # which EXIF counts.
    turned = exif.read_orientation(image.info.get("exif") or b"") if image.jpeg else 1
    return image, ORIENTATIONS.get(turned, UPRIGHT)
