"""The `<picture>` element: a browser takes the first format that it supports, and of it the width that it needs."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from tinypics.delivery.keys import AUTO
from tinypics.image.formats import FORMATS, OUTPUTS
from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PREFERENCE = [*sorted(OUTPUTS, key=lambda name: FORMATS[name].srcset_order), AUTO]


@value
class Candidate:
    """One output at an address. `height` None: not known without the picture. `format` may be `auto`."""

    url: str
    width: int
    height: int | None
    format: str


def same_shape(one: tuple[int, int | None], other: tuple[int, int | None]) -> bool:
    """Whether two sizes have one aspect ratio, except for rounding to whole pixels. A height of None has no ratio."""
    (width, height), (other_width, other_height) = one, other
    if height is None or other_height is None:
        return height is other_height
    return abs(other_width * height - other_height * width) <= max(width, height)


def srcset(candidates: Sequence[Candidate]) -> dict[str, str]:
    """A `srcset` for each format, the best format first."""
    by_format = {
        name: sorted((each for each in candidates if each.format == name), key=lambda each: each.width)
        for name in _PREFERENCE
    }
    return {
        name: ", ".join(f"{each.url} {each.width}w" for each in found) for name, found in by_format.items() if found
    }


def picture(candidates: Sequence[Candidate], sizes: str, attributes: Mapping[str, str]) -> str:
    """The element. `attributes` are those of its `<img>`, which shows the format that every browser supports.

    `sizes` is the width of the picture on the page; empty: that of the widest output. With the browser's own default,
    100vw, every desktop would load the widest output for an avatar.
    """
    sets = srcset(candidates)
    widest = max(each.width for each in candidates)
    sizes = sizes or f"(max-width: {widest}px) 100vw, {widest}px"
    fallback = max(candidates, key=lambda each: (_PREFERENCE.index(each.format), each.width))
    own = {"src": fallback.url, "srcset": sets.pop(fallback.format), "sizes": sizes}
    if fallback.height is not None:
        own |= {"width": str(fallback.width), "height": str(fallback.height)}
    sources = (
        f"<source{_text({'type': FORMATS[name].content_type, 'srcset': urls, 'sizes': sizes})}>"
        for name, urls in sets.items()
    )
    return f"<picture>{''.join(sources)}<img{_text({**own, **attributes})}></picture>"


def _text(attributes: Mapping[str, str]) -> str:
    return "".join(f' {name}="{html.escape(text)}"' for name, text in attributes.items())
