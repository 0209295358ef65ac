"""HTML for a picture by its key alone, without reading its manifest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tinypics.delivery import html, keys
from tinypics.errors import InvalidRequest
from tinypics.image.formats import BY_EXTENSION
from tinypics.image.rendition import Rendition
from tinypics.urls.address import url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

_SIDES = ("cover", "contain", "fill")
"""The values of `fit` with exactly the requested sides."""


def picture_html(
    key: str,
    renditions: Sequence[Rendition | str],
    *,
    base: str,
    sizes: str = "",
    alt: str = "",
    version: str | None = None,
    secret: str | Mapping[str, str] | None = None,
    expires: datetime | float | None = None,
    attributes: Mapping[str, str] | None = None,
) -> str:
    """The `<picture>` element: `picture_html("cat.jpg", ["400x.auto", "800x.auto"], base=…, sizes="50vw", alt="Cat")`.

    `renditions` are those of `url`, of one aspect ratio, each with a width: a browser chooses among them by `sizes`,
    and among formats by what it supports. `sizes` is the picture's width on the page; empty: the widest rendition's.
    Without `.auto`, add a JPEG or PNG for browsers that support no other format. `base`, `version`, `secret` and
    `expires` are those of `url`. `attributes` are more attributes of the `<img>`, like `{"class": "avatar", "loading":
    "eager"}`. All texts are escaped.

    :raises InvalidRequest: naming the argument, what is allowed and what was given.
    """
    if isinstance(renditions, str) or not renditions:
        raise InvalidRequest.expected("renditions", "a list of renditions", renditions)
    shown = []
    for each in renditions:
        rendition = _rendition(each)
        address = url(key, each, base=base, version=version, secret=secret, expires=expires)
        extension = keys.extension(address.partition("?")[0])
        width, height = rendition.box if rendition.fit in _SIDES else (rendition.box[0], None)
        if width is None:
            raise InvalidRequest.expected("renditions", "a width in each, for srcset", str(each))
        shown.append(html.Candidate(address, width, height, BY_EXTENSION.get(extension, extension)))
    first = shown[0]
    if not all(html.same_shape((first.width, first.height), (each.width, each.height)) for each in shown):
        raise InvalidRequest.expected("renditions", "one aspect ratio", ", ".join(map(str, renditions)))
    own = {"alt": alt, "loading": "lazy", "decoding": "async", **(attributes or {})}
    for name in own:
        if not re.fullmatch("[A-Za-z][A-Za-z0-9-]*", name) or name.lower().startswith("on"):
            raise InvalidRequest.expected("attributes", "names of attributes, without handlers of events", name)
    return html.picture(shown, sizes, own)


def _rendition(given: Rendition | str) -> Rendition:
    """The rendition, of its text form with or without an extension."""
    if isinstance(given, Rendition):
        return given
    label, _, extension = given.rpartition(".")
    return Rendition.parse(label if label and extension in keys.EXTENSIONS else given)
