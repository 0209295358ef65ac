"""The placeholder of a picture: a tiny rendition, and a colour to show before that is loaded."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any, Final

from tinypics.image.rendition import Rendition

PLACEHOLDER: Final = Rendition(width=16, height=16, fit="inside", format="webp", quality=40)
"""The rendition to show while the picture loads. The manifest contains its data."""


def dominant_colour(data: bytes) -> str:
    """The dominant colour of an encoded `PLACEHOLDER`, as `#rrggbb`.

    It is the mean of the fullest of 4 x 4 x 4 bins, as sharp's `stats().dominant` (which has 16 x 16 x 16).
    """
    from PIL import WebPImagePlugin  # loaded by the encoder already

    image: Any = WebPImagePlugin.WebPImageFile(io.BytesIO(data)).convert("RGB")
    pixels = list(image.get_flattened_data())
    fullest = Counter((r >> 6, g >> 6, b >> 6) for r, g, b in pixels).most_common(1)[0][0]
    members = [pixel for pixel in pixels if tuple(channel >> 6 for channel in pixel) == fullest]
    red, green, blue = (round(sum(channel) / len(members)) for channel in zip(*members, strict=True))
    return f"#{red:02x}{green:02x}{blue:02x}"
