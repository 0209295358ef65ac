"""The native kernels: `tinypics._native`, which is optional. Pillow does everything that they do, only slower."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from PIL import Image

    from tinypics.image.geometry import Box, Size

SWITCH: Final = "TINYPICS_NATIVE"
"""The environment variable that switches the module off, if it is `0`."""

# Bytes of a pixel in memory. Not of RGBA and LA, which must be premultiplied before.
_BYTES: Final = {"L": 1, "La": 4, "RGB": 4, "RGBa": 4, "CMYK": 4}


@cache
def kernels() -> Any:
    """The module (`_native.pyi` describes it); None if it was not compiled for this processor, or is switched off."""
    if os.environ.get(SWITCH) == "0":
        return None
    try:
        found = import_module("tinypics._native")
    except ImportError:
        return None
    from PIL import Image

    # Arrow refuses images of several blocks of memory, which those above 16 MiB are without this. It is not public.
    with suppress(AttributeError):
        Image.core.set_use_block_allocator(1)  # type: ignore[attr-defined]
    return found


def resample(image: Image.Image, box: Box, size: Size) -> Image.Image | None:
    """Lanczos with three lobes, nearer to the exact result than Pillow's; None if Pillow must do it."""
    module, count = kernels(), _BYTES.get(image.mode)
    if module is None or not module.level() or count is None:
        return None
    from PIL import Image

    image.load()
    made = Image.new(image.mode, size, None)
    try:
        (_, source), (_, target) = image.__arrow_c_array__(), made.__arrow_c_array__()
        done = module.resample(count, source, image.size, box, target, size)
    except ValueError:  # too large, or in several blocks
        return None
    return made if done else None
