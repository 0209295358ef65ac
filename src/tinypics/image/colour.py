"""Conversion of colours to sRGB, which viewers assume by default.

Only a picture with a colour profile, with H.273 numbers or in CMYK loads this module, and littlecms only if its colours
are not those of sRGB.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from tinypics.errors import CorruptImage
from tinypics.image import h273

if TYPE_CHECKING:
    from PIL import Image

    from tinypics.image.headers.header import Header

_SPACES: Final = {b"RGB ": ("RGB", "RGBA"), b"GRAY": ("L", "LA"), b"CMYK": ("CMYK",)}


def fits(icc: bytes, mode: str) -> bool:
    """Whether the profile's colour space fits pictures of this mode."""
    return mode in _SPACES.get(icc[16:20], ())


def is_usable(icc: bytes, mode: str) -> bool:
    """Whether littlecms can use the profile for pictures of this mode."""
    try:
        return fits(icc, mode) and _transform(icc, "L" if mode == "LA" else mode) is not None
    except Exception:  # noqa: BLE001 - littlecms raises anything for a broken profile
        return False


def source_profile(icc: bytes | None, header: Header) -> tuple[bytes | None, bool]:
    """The profile to convert a picture from, None if it is in sRGB; and whether the picture is HDR.

    A profile takes precedence over H.273 numbers, which in AVIF and HEIF describe the codec (ISO/IEC 23008-12, 6.5.5).
    """
    if icc:
        return h273.display_profile(icc)
    if icc is None and header.nclx:
        grey = header.channels < 3
        profile = h273.build_profile(header.nclx, narrow=header.narrow, grey=grey)
        return profile, h273.is_hdr(header.nclx[1])
    return icc, False


def convert_to_srgb(image: Image.Image, icc: bytes | None, header: Header) -> tuple[Image.Image, tuple[str, ...]]:
    """The picture in sRGB, and what it lost. A broken profile is ignored; CMYK then counts as offset printing."""
    profile, hdr = source_profile(icc, header)
    lost: tuple[str, ...] = ("hdr",) if hdr else ()
    if profile is not None:
        try:
            return to_srgb(image, profile), lost
        except CorruptImage:
            lost = ("profile",)
    if image.mode == "CMYK":
        from tinypics.image import press

        image = to_srgb(image, press.profile())
    return image, lost


def to_srgb(image: Image.Image, icc: bytes) -> Image.Image:
    """The picture (L, LA, RGB, RGBA or CMYK; alpha not premultiplied) in sRGB: L, LA, RGB or RGBA.

    Relative colorimetric with black point compensation, as in picture editors: white stays white, and dark tones of a
    printer's colour space do not turn black.

    :raises CorruptImage: the profile is broken, or does not fit the picture's mode.
    """
    if not fits(icc, image.mode):
        if not (image.mode in ("L", "LA") and fits(icc, "RGB")):
            raise CorruptImage(f"a colour profile for {icc[16:20]!a} in a picture of mode {image.mode}")
        image = image.convert("RGB" if image.mode == "L" else "RGBA")  # grey, with an RGB profile
    try:
        if image.mode in ("L", "LA"):
            return _grey(image, icc)
        return _transform(icc, image.mode).apply(image)  # type: ignore[no-any-return]
    except Exception as error:
        raise CorruptImage(f"the colour profile cannot be used: {error}"[:200]) from error


def _grey(image: Image.Image, icc: bytes) -> Image.Image:
    """Convert grey through RGB, because littlecms has no grey sRGB. All three channels are then equal."""
    from PIL import Image

    grey = _transform(icc, "L").apply(image.getchannel("L")).getchannel("G")
    return grey if image.mode == "L" else Image.merge("LA", (grey, image.getchannel("A")))


@lru_cache(maxsize=4)  # cameras of one make share a profile
def _transform(icc: bytes, mode: str) -> Any:
    from PIL import ImageCms

    target = "RGBA" if mode == "RGBA" else "RGB"
    return ImageCms.buildTransform(
        io.BytesIO(icc),
        ImageCms.createProfile("sRGB"),
        mode,
        target,
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )


def from_srgb(rgb: tuple[int, ...], icc: bytes) -> tuple[int, ...]:
    """An sRGB colour in the numbers of another RGB profile; unchanged if littlecms cannot invert the profile."""
    from PIL import Image, ImageCms

    try:
        transform = ImageCms.buildTransform(
            ImageCms.createProfile("sRGB"),
            io.BytesIO(icc),
            "RGB",
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        return tuple(transform.apply(Image.new("RGB", (1, 1), rgb)).tobytes())
    except Exception:  # noqa: BLE001 - littlecms raises anything for a profile that it cannot invert
        return rgb
