"""The native kernels: `tinypics._native`, which is optional. Pillow does everything that they do, only slower."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from tinypics.translating import Translating

if TYPE_CHECKING:
    from PIL import Image

    from tinypics.image.geometry import Box, Size

SWITCH: Final = "TINYPICS_NATIVE"
"""The environment variable that switches the module off, if it is `0`."""

REVISION: Final = 2
"""Of the interface, as in `src/native/module.h`."""

# Bytes of a pixel in memory. Not of RGBA and LA, which must be premultiplied before.
_BYTES: Final = {"L": 1, "La": 4, "RGB": 4, "RGBa": 4, "CMYK": 4}


@cache
def kernels() -> Any:
    """The module (`_native.pyi` describes it); None if it was not compiled for this processor, or is switched off.

    Nor one that was compiled from older or newer sources, as after `git pull` without `make setup`.
    """
    if os.environ.get(SWITCH) == "0":
        return None
    try:
        found = import_module("tinypics._native")
    except ImportError:
        return None
    if not hasattr(found, "revision") or found.revision() != REVISION:
        return None
    from PIL import Image

    # Arrow refuses images of several blocks of memory, which those above 16 MiB are without this. It is not public.
    with suppress(AttributeError):
        Image.core.set_use_block_allocator(1)  # type: ignore[attr-defined]
    return found


class KernelFault(Exception):
    """A kernel refused the way in which it was called. The picture is not to blame."""


def calls() -> Translating:
    """Around calls of the module. With a ValueError a kernel declines what it does not support.

    :raises KernelFault: otherwise, so that no caller takes a bug for a damaged picture.
    """

    def translate(error: Exception) -> None:
        if isinstance(error, (AttributeError, LookupError, SystemError, TypeError)):
            raise KernelFault(str(error)) from error

    return Translating(translate)


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
        with calls():
            done = module.resample(count, source, image.size, box, target, size)
    except ValueError:  # too large, or in several blocks
        return None
    return made if done else None
