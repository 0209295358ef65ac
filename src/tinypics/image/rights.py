"""Creator, copyright notice and licence: read from IPTC and XMP, where photo editors write them; written as XMP."""

from __future__ import annotations

import re
import zlib
from html import escape, unescape
from typing import TYPE_CHECKING, Any, Final

from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping

# IPTC IIM 4.2, record 2: by-line and copyright notice; in resource 0x0404 of Photoshop's segment.
_IPTC_RESOURCE: Final = 0x0404
_BYLINE, _NOTICE = b"\x1c\x02\x50", b"\x1c\x02\x74"
_MAX_BYTES: Final = 1 << 20
_MAX_TEXT: Final = 2000  # characters of a property that is written: a JPEG has room for 64 kB of them
_TIFF_XMP, _TIFF_IPTC = 700, 33723
_ITEM: Final = r"<rdf:li([^<>]*)>([^<]*)</rdf:li>"  # matches any text in linear time
_DEFAULT: Final = re.compile("""xml:lang=["']x-default["']""")
_VALUE: Final = """=(?:"([^"]*)"|'([^']*)')"""  # of an attribute: ExifTool writes single quotes
_LICENCE: Final = ("xmpRights:UsageTerms", "xmpRights:WebStatement", "cc:license")
# XMP 1 (ISO 16684-1), 7.3 and 8.3 to 8.5; ccREL, "XMP".
_PACKET: Final = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:cc="http://creativecommons.org/ns#"
 xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/">{}</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""
_TEXT: Final = '<{0}><rdf:Alt><rdf:li xml:lang="x-default">{1}</rdf:li></rdf:Alt></{0}>'
_PROPERTIES: Final = (
    ("dc:creator", "<{0}><rdf:Seq><rdf:li>{1}</rdf:li></rdf:Seq></{0}>"),
    ("dc:rights", _TEXT),
    (_LICENCE[0], _TEXT),
    (_LICENCE[1], "<{0}>{1}</{0}>"),
    (_LICENCE[2], '<{0} rdf:resource="{1}"/>'),
)


@value
class Rights:
    creator: str = ""
    notice: str = ""
    licence: tuple[str, str, str] = ("", "", "")
    """Terms, page and licence of XMP (`_LICENCE`), for which EXIF has no fields."""


def find_rights(image: Any, text: bytes | None) -> Rights:
    """IPTC and XMP of a picture that a decoder has opened; IPTC goes first, as its names are the older.

    :param text: the iTXt chunk of a PNG, behind its keyword.
    """
    info: Mapping[str, Any] = image.info
    tags = getattr(image, "tag_v2", {})
    iptc = (info.get("photoshop") or {}).get(_IPTC_RESOURCE) or tags.get(_TIFF_IPTC)
    xmp = _inflate(text) if text else info.get("xmp") or tags.get(_TIFF_XMP)
    iptc = iptc if isinstance(iptc, bytes) else b""
    packet = _without_cdata(xmp[:_MAX_BYTES].decode("utf-8", "replace")) if isinstance(xmp, bytes) else ""
    terms, page, licence = (_property(packet, name) for name in _LICENCE)
    return Rights(
        _dataset(iptc, _BYLINE) or _property(packet, "dc:creator"),
        _dataset(iptc, _NOTICE) or _property(packet, "dc:rights"),
        (terms, page, licence),
    )


def _inflate(chunk: bytes) -> bytes:
    """The text of an iTXt chunk (PNG 3rd edition, 11.3.3.4), compressed or not; empty if it is broken."""
    text = chunk[2:].split(b"\0", 2)[-1]  # behind the language and the translated keyword
    if chunk[:1] != b"\1":
        return text
    try:
        return zlib.decompressobj().decompress(text, _MAX_BYTES)
    except zlib.error:
        return b""


def build_packet(rights: Rights) -> bytes | None:
    """An XMP packet, if there is a licence: creator and notice alone are written as EXIF."""
    if not any(rights.licence):
        return None
    texts = (rights.creator, rights.notice, *rights.licence)
    parts = [shape.format(name, _escape(text)) for (name, shape), text in zip(_PROPERTIES, texts, strict=True) if text]
    return _PACKET.format("".join(parts)).encode()


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


def _without_cdata(xmp: str) -> str:
    """CDATA sections (XML 1.0, 2.7) as escaped text."""
    first, *others = xmp.split("<![CDATA[")
    parts = (part.partition("]]>") for part in others)
    return first + "".join(escape(text) + rest for text, _, rest in parts)


def _property(xmp: str, name: str) -> str:
    """The items of an array, or those in the default language; a property may also be an attribute or plain text."""
    start = xmp.find(f"<{name}")
    end = xmp.find(f"</{name}>", start)
    if start < 0 or end < 0:
        resource = re.match(rf"[^<>]*\brdf:resource{_VALUE}", xmp[start + 1 :]) if start >= 0 else None
        attribute = resource or re.search(rf"\b{name}{_VALUE}", xmp)
        return _unescape(attribute[1] or attribute[2] or "") if attribute else ""
    inside = xmp[start:end].partition(">")[2]
    items = re.findall(_ITEM, inside)
    default = [text for attributes, text in items if _DEFAULT.search(attributes)]
    texts = default or [text for _, text in items]
    return _unescape("; ".join(texts or ([] if "<" in inside else [inside])))


def _escape(text: str) -> str:
    """Without control characters, which XML cannot say."""
    return escape("".join(character for character in text if character >= " ")[:_MAX_TEXT])


def _unescape(text: str) -> str:
    return unescape(text).strip()
