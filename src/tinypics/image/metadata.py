"""The EXIF data to keep on request. Location is never kept, nor any field that may contain it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PIL import Image

if TYPE_CHECKING:
    from tinypics.image.options import Keep

# EXIF 2.32, by tag.
_ARTIST, _COPYRIGHT, _ORIENTATION, _EXIF, _GPS = 0x013B, 0x8298, 0x0112, 0x8769, 0x8825
# XMP, IPTC and maker notes may contain a location; the sizes are no longer true.
_STALE_TAGS: Final = frozenset(
    (_ORIENTATION, 0x0100, 0x0101, 0x02BC, 0x83BB, 0x8649, 0x927C, 0xA002, 0xA003, 0xA005, _GPS)
)


def select_exif(exif: bytes | None, keep: Keep) -> tuple[bytes | None, tuple[str, ...]]:
    """The EXIF data to write, and the names of requested data that is dropped: `location`, or broken `metadata`.

    Orientation is dropped, because outputs are upright. An embedded thumbnail is dropped, because it would show the
    part that was cropped.
    """
    if not exif or keep not in ("copyright", "all"):
        return None, ()
    try:
        source, result = Image.Exif(), Image.Exif()
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
