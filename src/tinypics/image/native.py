"""The native kernels: `tinypics._native`, which is optional. Pillow does everything that they do, only slower."""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from typing import Any, Final

SWITCH: Final = "TINYPICS_NATIVE"
"""The environment variable that switches the module off, if it is `0`."""


@cache
def kernels() -> Any:
    """The module (`_native.pyi` describes it); None if it was not compiled for this processor, or is switched off."""
    if os.environ.get(SWITCH) == "0":
        return None
    try:
        return import_module("tinypics._native")
    except ImportError:
        return None
