"""The EXIF data and the XMP to keep on request. Location is never kept, nor any field that may contain it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from PIL import Image

if TYPE_CHECKING:
    from tinypics.image.options import Keep

# EXIF 2.32, by tag.
_ARTIST, _COPYRIGHT, _ORIENTATION, _EXIF, _GPS = 0x013B, 0x8298, 0x0112, 0x8769, 0x8825
_X_DENSITY, _Y_DENSITY, _DENSITY_UNIT, _INCH = 0x011A, 0x011B, 0x0128, 2
# XMP, IPTC and maker notes may contain a location; the sizes are no longer true.
_STALE_TAGS: Final = frozenset(
    (_ORIENTATION, 0x0100, 0x0101, 0x02BC, 0x83BB, 0x8649, 0x927C, 0xA002, 0xA003, 0xA005, _GPS)
)


def select(
    exif: bytes | None, xmp: bytes | None, image: Any, keep: Keep
) -> tuple[bytes | None, bytes | None, tuple[str, ...]]:
    """EXIF data and XMP to write, and the names of requested data that is dropped: `location` and `metadata`.

    `image` is what a decoder has opened. Creator and rights of its IPTC data and XMP become artist and copyright where
    EXIF has none; XMP is written for a licence. `metadata` is said of broken EXIF.

    Orientation is dropped, because outputs are upright. An embedded thumbnail is dropped, because it would show the
    part that was cropped.
    """
    if keep not in ("copyright", "all"):
        return None, None, ()
    from tinypics.image.rights import build_packet, find_rights

    rights, result = find_rights(image, xmp), Image.Exif()
    for tag, text in ((_ARTIST, rights.creator), (_COPYRIGHT, rights.notice)):
        if text:
            result[tag] = text.encode()
    if keep == "all":
        result.update(_density(image))
    written, lost = _with_exif(exif, result, keep) if exif else (result.tobytes() if result else None, ())
    return written, build_packet(rights), lost


def _density(image: Any) -> dict[int, Any]:
    """EXIF's fields for pixels per inch."""
    dpi = image.info.get("dpi")
    try:
        return {_X_DENSITY: float(dpi[0]), _Y_DENSITY: float(dpi[1]), _DENSITY_UNIT: _INCH} if dpi else {}
    except (TypeError, ValueError, IndexError, ZeroDivisionError):
        return {}


def _with_exif(exif: bytes, result: Image.Exif, keep: Keep) -> tuple[bytes | None, tuple[str, ...]]:
    """Add the fields to keep of the source's EXIF to `result`, which they replace; as bytes, with the dropped parts."""
    try:
        source = Image.Exif()
        source.load(exif)
        if keep == "copyright":
            result.update({tag: source[tag] for tag in (_ARTIST, _COPYRIGHT) if tag in source})
            return (result.tobytes() if result else None), ()
        result.update({tag: value for tag, value in source.items() if tag not in _STALE_TAGS | {_EXIF}})
        if details := {tag: value for tag, value in source.get_ifd(_EXIF).items() if tag not in _STALE_TAGS}:
            result[_EXIF] = details
        return (result.tobytes() if result else None), ("location",) if _GPS in source else ()
    except Exception:  # noqa: BLE001  broken metadata raises anything, and is no reason to refuse the picture
        return None, ("metadata",)
