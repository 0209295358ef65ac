"""Right renditions of any picture: `tinypics.resize(data, "128x128")`.

`import tinypics` is cheap: each name below is imported when it is first used, and Pillow only when a picture is
decoded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinypics.errors import PermanentError, TinypicsError, TransientError
    from tinypics.limits import Limits
    from tinypics.rendition import Rendition
    from tinypics.resize import resize, resize_all
    from tinypics.results import Output, Resized, Source

__version__ = "0.1.0"

__all__ = [
    "Limits",
    "Output",
    "PermanentError",
    "Rendition",
    "Resized",
    "Source",
    "TinypicsError",
    "TransientError",
    "resize",
    "resize_all",
]

_HOMES = {
    "Limits": "limits",
    "Output": "results",
    "PermanentError": "errors",
    "Rendition": "rendition",
    "Resized": "results",
    "Source": "results",
    "TinypicsError": "errors",
    "TransientError": "errors",
    "resize": "resize",
    "resize_all": "resize",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"tinypics.{_HOMES[name]}"), name)
