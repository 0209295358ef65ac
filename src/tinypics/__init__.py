"""Right renditions of any picture: `tinypics.resize(data, "128x128")`.

`import tinypics` is cheap: each name below is imported on first use, and Pillow only to decode a picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinypics.errors import PermanentError, TinypicsError, TransientError
    from tinypics.image.limits import Limits
    from tinypics.image.pipeline import resize, resize_all
    from tinypics.image.rendition import Rendition
    from tinypics.image.results import Output, Resized, Source
    from tinypics.urls.address import url
    from tinypics.urls.markup import picture_html

__version__ = "0.2.0"

__all__ = [
    "Limits",
    "Output",
    "PermanentError",
    "Rendition",
    "Resized",
    "Source",
    "TinypicsError",
    "TransientError",
    "picture_html",
    "resize",
    "resize_all",
    "url",
]

_HOMES = {
    "Limits": "image.limits",
    "Output": "image.results",
    "PermanentError": "errors",
    "Rendition": "image.rendition",
    "Resized": "image.results",
    "Source": "image.results",
    "TinypicsError": "errors",
    "TransientError": "errors",
    "picture_html": "urls.markup",
    "resize": "image.pipeline",
    "resize_all": "image.pipeline",
    "url": "urls.address",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"tinypics.{_HOMES[name]}"), name)
