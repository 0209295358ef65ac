"""Reads the creator and the copyright notice from IPTC and XMP, where photo editors write them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping

# IPTC IIM 4.2, record 2: by-line and copyright notice; in resource 0x0404 of Photoshop's segment.
_IPTC_RESOURCE: Final = 0x0404
_BYLINE, _NOTICE = b"\x1c\x02\x50", b"\x1c\x02\x74"
_MAX_BYTES: Final = 1 << 20
_TIFF_XMP, _TIFF_IPTC = 700, 33723
_ENTITIES: Final = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&"))
_ITEM: Final = r"<rdf:li([^<>]*)>([^<]*)</rdf:li>"  # matches any text in linear time
_DEFAULT: Final = 'xml:lang="x-default"'


@value
class Rights:
    creator: str = ""
    notice: str = ""
    licence: bool = False
    """XMP has usage terms or a licence, for which EXIF has no field."""


def find_rights(image: Any) -> Rights:
    """The rights in IPTC and XMP of an opened picture. IPTC takes precedence over XMP."""
    info: Mapping[str, Any] = image.info
    tags = getattr(image, "tag_v2", {})
    iptc = (info.get("photoshop") or {}).get(_IPTC_RESOURCE) or tags.get(_TIFF_IPTC)
    xmp = info.get("xmp") or tags.get(_TIFF_XMP)
    iptc = iptc if isinstance(iptc, bytes) else b""
    text = xmp[:_MAX_BYTES].decode("utf-8", "replace") if isinstance(xmp, bytes) else ""
    licence = re.search(r"xmpRights:(UsageTerms|WebStatement)|cc:license", text) is not None
    return Rights(
        _dataset(iptc, _BYLINE) or _property(text, "dc:creator"),
        _dataset(iptc, _NOTICE) or _property(text, "dc:rights"),
        licence,
    )


def _dataset(iptc: bytes, marker: bytes) -> str:
    """The values of a repeatable dataset, joined. Each has a marker, a length of two bytes, and text."""
    found, at = [], 0
    while at + 5 <= len(iptc) and iptc[at] == marker[0]:
        length = int.from_bytes(iptc[at + 3 : at + 5])
        if iptc[at : at + 3] == marker:
            found.append(_decode(iptc[at + 5 : at + 5 + length]))
        at += 5 + length
    return "; ".join(text for text in found if text)


def _decode(text: bytes) -> str:
    try:
        return text.decode().strip("\0 ")
    except UnicodeDecodeError:
        return text.decode("latin-1").strip("\0 ")


def _property(xmp: str, name: str) -> str:
    """The items of an array, or those in the default language; a property may also be an attribute or plain text."""
    start = xmp.find(f"<{name}")
    end = xmp.find(f"</{name}>", start)
    if start < 0 or end < 0:
        attribute = re.search(rf'\b{name}="([^"]*)"', xmp)
        return _unescape(attribute[1]) if attribute else ""
    inside = xmp[start:end].partition(">")[2]
    items = re.findall(_ITEM, inside)
    default = [text for attributes, text in items if _DEFAULT in attributes]
    texts = default or [text for _, text in items]
    return _unescape("; ".join(texts or ([] if "<" in inside else [inside])))


def _unescape(text: str) -> str:
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return text.strip()
