"""Names the likely type of an unsupported file, for the message. Only a refused file loads this module."""

from __future__ import annotations

from typing import Final

_SIGNATURES: Final = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript file"),
    (b"\xc5\xd0\xd3\xc6", "an EPS file"),
    (b"8BPS", "a Photoshop document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"OggS", "an Ogg file"),
    (b"P6", "a PPM picture"),
    (b"P5", "a PGM picture"),
    (b"qoif", "a QOI picture"),
    (b"DDS ", "a DDS texture"),
    (b"v/1\x01", "an OpenEXR picture"),
    (b"#?RADIANCE", "a Radiance HDR picture"),
    (b"\xd7\xcd\xc6\x9a", "a Windows metafile"),
    (b"{", "JSON"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)


def describe(head: bytes) -> str:
    """The type that the first bytes of a file show, with its article."""
    if not head:
        return "an empty file"
    for magic, what in _SIGNATURES:
        if head.startswith(magic):
            return what
    if head[4:8] == b"ftyp":
        return "a video (MP4 family)"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] == b"<":
        return "an SVG picture or a web page"
    if all(byte in b"\t\n\r" or 0x20 <= byte < 0x7F for byte in head):
        return "text"
    return "unknown data"
