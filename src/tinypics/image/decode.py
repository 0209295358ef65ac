"""Bytes to pixels: *decode to about this size*, in one of the modes that the other steps support."""

from __future__ import annotations

import io
import warnings
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from tinypics.errors import CorruptImage, ImageTooLarge, TinypicsError, UnsupportedFormat
from tinypics.image.geometry import ORIENTATIONS, UPRIGHT, Turn
from tinypics.image.headers import jpeg, tiff
from tinypics.image.limits import MIB
from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinypics.image.formats import Codec
    from tinypics.image.geometry import Point, Size
    from tinypics.image.headers.header import Header
    from tinypics.image.limits import Limits

# Factors by which libjpeg can decode a JPEG smaller at no cost, and the ratio of decoded to wanted pixels that keeps
# the result within 50 dB of resampling the whole picture. Measured on sharp 12 MP photos; test_fidelity.py.
_DRAFTS: Final = ((8, 2.5), (4, 2.0), (2, 1.5))
# The same for an encoder with a loss of 35 to 41 dB: the output changes by less than 0.4 dB.
_LOSSY_DRAFTS: Final = ((8, 1.8), (4, 1.6), (2, 1.25))
# Decoding only the DC scans of a progressive JPEG saves so much that 40 dB are accepted, as other libraries do.
_DC_ONLY: Final = (8, 1.25)
# Bytes that Pillow reads at a time from a complete JPEG: near the end of each block, libjpeg's decoder is slow.
_BLOCK: Final = MIB
_WORKABLE: Final = ("L", "La", "RGB", "RGBa", "CMYK")
_NEAREST: Final = {"1": "L", "LA": "La", "RGBA": "RGBa"}  # all other modes are colours: YCbCr, LAB
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0  # TIFF 6.0, section 3


@value
class Opened:
    """A file whose header a decoder has read."""

    header: Header
    image: Any
    """Pillow's lazy image, or pi_heif's."""
    size: Size
    """As stored."""
    turn: Turn
    """The turn that makes it upright."""
    icc: bytes | None
    """Empty if there is a profile that cannot be used."""
    exif: bytes | None


@value
class Still:
    """One decoded picture, or one frame of an animation, as stored (not upright).

    `image` has mode L, La, RGB, RGBa (alpha premultiplied) or CMYK, 8 bits. It shows a picture of `size` pixels in its
    upper left `extent` pixels, which is fractional where the decoder scaled down.
    """

    image: Image.Image
    size: Size
    extent: Point
    duration: int
    """Milliseconds."""
    truncated: bool = False


@contextmanager
def named_errors(what: str) -> Iterator[None]:
    """Turn any exception of Pillow into one of our errors: hostile files cause exceptions of nearly every class.

    :raises CorruptImage: also for SyntaxError, ValueError, RuntimeError, TypeError and so on.
    :raises ImageTooLarge: an allocation failed, or Pillow's own limit was exceeded.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # decoders warn about metadata, which is not used
            yield
    except TinypicsError:
        raise
    except (MemoryError, Image.DecompressionBombError) as error:
        raise ImageTooLarge(f"{what} needs more memory than there is") from error
    except Exception as error:
        raise CorruptImage(f"{what} cannot be decoded: {error}"[:300]) from error


def open_picture(header: Header, limits: Limits) -> Opened:
    """Read the header with the format's one decoder.

    :raises CorruptImage, ImageTooLarge: see `named_errors`.
    :raises UnsupportedFormat: HEIF, and pi_heif is not installed.
    """
    with named_errors(f"the {header.codec.label} header"):
        if header.decoder.name == "heif":
            return _open_heif(header, limits)
        image = _reader(header.decoder)(header.stream or io.BytesIO(header.data))
        exif = header.exif or image.info.get("exif")
        # Pillow turns a TIFF upright by itself.
        turn = UPRIGHT if header.decoder.name == "tiff" else ORIENTATIONS.get(tiff.orientation(exif or b""), UPRIGHT)
        icc = header.icc if header.icc is not None else image.info.get("icc_profile")
        return Opened(header, image, image.size, turn, _within(limits, icc), exif)


def _within(limits: Limits, icc: bytes | None) -> bytes | None:
    """The profile; empty if it is too large."""
    return b"" if icc and len(icc) > limits.icc_bytes else icc


@cache
def _reader(decoder: Codec) -> Any:
    reader = getattr(import_module(decoder.plugin), decoder.reader)
    if decoder.name != "jpeg":
        return reader
    # Pillow reads an unused resolution from EXIF, and loads its TIFF plugin and `decimal` for it.
    return type(decoder.reader, (reader,), {"_read_dpi_from_exif": lambda _: None})


def _open_heif(header: Header, limits: Limits) -> Opened:
    try:
        import pi_heif
    except ImportError as error:
        raise UnsupportedFormat('HEIC/HEIF needs the package pi-heif: pip install "tinypics[heif]"') from error
    image = pi_heif.open_heif(header.data, convert_hdr_to_8bit=True)
    # libheif applies the rotation boxes; the orientation in EXIF repeats them and is to be ignored (23008-12, 6.5.10).
    return Opened(
        header, image, image.size, UPRIGHT, _within(limits, image.info.get("icc_profile")), image.info.get("exif")
    )


def draft_scale(opened: Opened, shrink: float, *, lossy: bool = False) -> int:
    """The factor by which a JPEG can be decoded smaller for one output; 1 for every other format.

    `shrink` is the number of source pixels per output pixel. `lossy` tells whether the output's own encoding loss hides
    that of decoding.
    """
    header = opened.header
    if header.decoder.name != "jpeg":
        return 1
    drafts = [*([_DC_ONLY] if header.dc_end else []), *(_LOSSY_DRAFTS if lossy else _DRAFTS)]
    return next((scale for scale, spare in drafts if shrink >= scale * spare and min(opened.size) >= scale), 1)


def stills(opened: Opened, scale: int, *, animate: bool, lenient: bool) -> Iterator[Still]:
    """The picture, or (`animate`) all its frames, decoded lazily.

    :param scale: decode a JPEG to 1/scale of the size; the result of `draft_scale`.
    """
    with named_errors(f"the {opened.header.codec.label}"):
        if opened.header.decoder.name == "heif":
            yield _still(opened, opened.image.to_pillow(), 1)
            return
        if opened.header.decoder.name == "jpeg":
            yield _jpeg(opened, scale, lenient=lenient)
        else:
            yield from _frames(opened, animate=animate, lenient=lenient)


def _jpeg(opened: Opened, scale: int, *, lenient: bool) -> Still:
    """At an eighth of the size only DC coefficients matter. A progressive JPEG has them first, so read only those."""
    header, truncated = opened.header, False
    data = header.data
    if scale == _DC_ONLY[0] and header.dc_end is not None:
        data = jpeg.dc_only(data, jpeg.frame(data), header.dc_end)
    try:
        image = _drafted(opened, data, scale)
    except OSError:
        if not lenient:
            raise
        # With an end marker appended, the decoder accepts the truncated file.
        image, truncated = _drafted(opened, data + jpeg.END, scale), True
    return _still(opened, image, scale, truncated=truncated)


def _drafted(opened: Opened, data: bytes, scale: int) -> Image.Image:
    image = opened.image if data is opened.header.data else _reader(opened.header.decoder)(io.BytesIO(data))
    if opened.header.stream is None:
        image.decodermaxblock = _BLOCK
    if scale > 1:
        image.draft(None, (opened.size[0] // scale, opened.size[1] // scale))
    image.load()
    return image  # type: ignore[no-any-return]


def _frames(opened: Opened, *, animate: bool, lenient: bool) -> Iterator[Still]:
    image = opened.image
    # An APNG may begin with a picture that is not part of the animation, for viewers without APNG support.
    first = 1 if image.info.get("default_image") else 0
    for number in range(first, image.n_frames if animate else first + 1):
        if number:
            image.seek(number)
        truncated = _load(image, lenient=lenient)
        duration = round(image.info.get("duration") or 0)
        yield _still(opened, image, 1, duration, truncated=truncated)


def _load(image: Any, *, lenient: bool) -> bool:
    """Decode; returns True if the file was cut short, which only `lenient` accepts."""
    try:
        image.load()
    except (OSError, EOFError):
        # The decoded part is in place already. (Pillow has an option for this, but it is global to all threads.)
        if not lenient or image._im is None:
            raise
        image.tile = []
        return True
    return False


def _still(opened: Opened, image: Image.Image, scale: int, duration: int = 0, *, truncated: bool = False) -> Still:
    if opened.header.crop and opened.header.decoder.name == "avif":  # libheif crops, libavif does not
        image = _cropped(image, opened.header.crop)
    size = opened.size if scale > 1 else image.size
    extent = (size[0] / scale, size[1] / scale)
    return Still(_workable(image, opened), size, extent, duration, truncated)


def _cropped(image: Image.Image, crop: tuple[float, float, float, float]) -> Image.Image:
    """The clean aperture (ISO/IEC 14496-12, 12.1.4): its size, and how far its centre is from the picture's."""
    wide, high, right, down = crop
    left, top = round(right + (image.width - wide) / 2), round(down + (image.height - high) / 2)
    box = (left, top, left + round(wide), top + round(high))
    inside = 0 <= left < box[2] <= image.width and 0 <= top < box[3] <= image.height
    return image.crop(box) if inside else image


def _workable(image: Image.Image, opened: Opened) -> Image.Image:
    """Convert to one of the modes of `Still`."""
    if image.mode.startswith("I;16"):
        return _sixteen_bits(image)
    if image.mode in ("I", "F"):
        return _stretched(image)
    clear = image.info.get("transparency")
    if image.mode == "RGB" and opened.header.bits == 16 and isinstance(clear, tuple):
        image.info["transparency"] = tuple(value >> 8 for value in clear)  # Pillow keeps 8 bits of the pixels only
    if image.mode in ("P", "PA") or clear is not None:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode == "RGBA" and opened.header.channels == 2:
        image = image.convert("LA")  # Pillow has no grey and alpha of 16 bits
    # Pillow assumes that a CMYK JPEG is Adobe's, which stores inverted inks, and inverts it.
    if image.mode == "CMYK" and opened.header.decoder.name == "jpeg" and "adobe" not in image.info:
        image = image.point(lambda ink: 255 - ink)
    return image if image.mode in _WORKABLE else image.convert(_NEAREST.get(image.mode, "RGB"))


def _sixteen_bits(image: Image.Image) -> Image.Image:
    """Scale grey of 16 bits to 8. Pillow's own conversion clips at 255, so that nearly everything would be white."""
    wide = image.convert("I")
    scale = [(value * 255 + 32767) // 65535 for value in range(65536)]
    if getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == _WHITE_IS_ZERO:  # Pillow supports it for 8 bits only
        scale.reverse()
    grey = wide.point(scale, "L")
    clear = image.info.get("transparency")
    if not isinstance(clear, int):
        return grey
    alpha = wide.point([0 if value == clear else 255 for value in range(65536)], "L")
    return Image.merge("LA", (grey, alpha)).convert("La")


def _stretched(image: Image.Image) -> Image.Image:
    """32-bit TIFF has no defined white: the darkest value becomes black, the brightest white."""
    low, high = image.getextrema()
    scale = 255 / (high - low) if high > low else 0.0  # type: ignore[operator]
    return image.convert("F").point(lambda value: value * scale - low * scale).convert("L")  # type: ignore[operator]
