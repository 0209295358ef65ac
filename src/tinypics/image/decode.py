"""Bytes to pixels: *decode to about this size*, in one of the modes that the other steps support."""

from __future__ import annotations

import io
import warnings
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from tinypics.errors import CorruptImage, ImageTooLarge, TinypicsError
from tinypics.image import jpeg_decode, native
from tinypics.image.decoders import decoder_class
from tinypics.image.draft import DC_SCALE
from tinypics.image.frame import make_frame
from tinypics.image.geometry import ORIENTATIONS, UPRIGHT
from tinypics.image.headers import exif, jpeg, jpeg_segments
from tinypics.image.limits import MIB
from tinypics.image.picture import Frame, OpenPicture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinypics.image.geometry import Orientation
    from tinypics.image.headers.header import Header
    from tinypics.image.limits import Limits

# Bytes that Pillow reads at a time from a complete JPEG: near the end of each block, libjpeg's decoder is slow.
_BLOCK: Final = MIB


class translate_errors:  # noqa: N801 - used like a function, as `contextlib.suppress` is
    """Turn any exception of Pillow into one of our errors: hostile files cause exceptions of nearly every class.

    No message has a word of Pillow's, which is about its own insides: `header` and `image` show what is wrong.

    It is a class, not a generator: `translating.Translating` gives the reason.

    :raises CorruptImage: also for SyntaxError, ValueError, RuntimeError, TypeError and so on.
    :raises ImageTooLarge: an allocation failed, or Pillow's own limit was exceeded.
    """

    def __init__(self, what: str, header: Header | None = None, image: Any = None) -> None:
        self._what, self._header, self._image = what, header, image
        self._warnings = warnings.catch_warnings()

    def __enter__(self) -> None:
        self._warnings.__enter__()
        warnings.simplefilter("ignore")  # decoders warn about metadata, which is not used

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        self._warnings.__exit__(kind, error, traceback)
        if isinstance(error, (TinypicsError, native.KernelFault)) or not isinstance(error, Exception):
            return
        if isinstance(error, (MemoryError, Image.DecompressionBombError)):
            raise ImageTooLarge(f"{self._what} needs more memory than there is") from error
        if self._header is None:
            raise CorruptImage(f"{self._what} cannot be processed") from error
        from tinypics.image import damage

        raise CorruptImage(f"{self._what} cannot be decoded: {damage.describe(self._header, self._image)}") from error


def open_picture(header: Header, limits: Limits) -> OpenPicture:
    """Read the header with the format's one decoder.

    :raises CorruptImage, ImageTooLarge: see `translate_errors`.
    :raises UnsupportedFormat: a decoder that is not installed (HEIF, JPEG XL), or samples that no mode fits (TIFF).
    """
    with translate_errors(f"the {header.codec.label} header", header):
        image, orientation = _open_image(header, limits)
        metadata = header.exif or image.info.get("exif")
        icc = header.icc if header.icc is not None else image.info.get("icc_profile")
        if min(image.size) < 1:
            raise CorruptImage(f"the {header.codec.label} header gives no size")
        if icc and len(icc) > limits.icc_bytes:
            icc = b""
        return OpenPicture(header, image, image.size, orientation, icc, metadata)


def _open_image(header: Header, limits: Limits) -> tuple[Any, Orientation]:
    """The decoder's lazy image, and the orientation that makes it upright."""
    if header.decoder.name == "heif":
        from tinypics.image import heif_decode

        return heif_decode.HeifReader(header.data), UPRIGHT
    if header.decoder.name == "jxl":
        from tinypics.image import jxl_decode

        return jxl_decode.open_image(header.data, header.decoder)
    decoder = decoder_class(header.decoder)
    if header.decoder.name == "tiff":
        from tinypics.image import tiff_samples

        return tiff_samples.open_image(header.data, decoder, limits)
    image = decoder(header.stream or io.BytesIO(header.data))
    content = header.exif or image.info.get("exif") or b""
    return image, ORIENTATIONS.get(exif.read_orientation(content), UPRIGHT)


def frames(picture: OpenPicture, scale: int, *, animate: bool, lenient: bool) -> Iterator[Frame]:
    """The picture, or (`animate`) all its frames, decoded lazily.

    :param scale: decode to 1/scale of the size; the result of `draft.draft_scale`.
    """
    with translate_errors(f"the {picture.header.codec.label}", picture.header, picture.image):
        if not isinstance(picture.image, Image.Image):
            image, bands = picture.image.decode(deep=picture.deep)
            yield make_frame(picture, image, 1, bands=bands)
            return
        if picture.boxes and (boxed := _boxed_frame(picture, scale)):
            yield boxed
        elif picture.header.decoder.name == "jpeg":
            yield _jpeg_frame(picture, scale, lenient=lenient)
        elif picture.header.decoder.name == "webp" and scale > 1:
            yield _scaled_webp_frame(picture, scale)
        elif picture.header.decoder.name == "gif":
            from tinypics.image import gif_decode

            drawings = gif_decode.frames(picture.header.data, lenient=lenient)
            for drawn in islice(drawings, None if animate else 1):
                yield make_frame(picture, drawn.image, 1, drawn.duration, truncated=drawn.truncated)
        else:
            yield from _pillow_frames(picture, animate=animate, lenient=lenient)


def box_reader(picture: OpenPicture) -> Any:
    """The module that reads means of boxes of pixels of the format, with `takes` and `read`; None if there is none."""
    if picture.header.decoder.name == "png":
        from tinypics.image import png_decode

        return png_decode
    if picture.header.decoder.name == "avif":
        from tinypics.image import avif_decode

        return avif_decode
    return None


def reads_by_rows(picture: OpenPicture, scale: int) -> bool:
    """Whether a native reader keeps the small picture and a few rows of the file only, unless its data are damaged."""
    if picture.header.decoder.name == "png":
        return picture.boxes
    return picture.header.buffered and jpeg_decode.takes(picture.header, scale)


def _check_pillow(picture: OpenPicture) -> None:
    """Before Pillow decodes a picture that a native reader has declined."""
    if not picture.fits_pillow:
        raise ImageTooLarge("the whole picture, which its damaged data ask for, needs more memory than is allowed")


def _boxed_frame(picture: OpenPicture, scale: int) -> Frame | None:
    image = box_reader(picture).read(picture, scale)
    if image is None:
        _check_pillow(picture)
    extent = (picture.size[0] / scale, picture.size[1] / scale)
    return Frame(image, picture.size, extent, 0) if image else None


def _jpeg_frame(picture: OpenPicture, scale: int, *, lenient: bool) -> Frame:
    """At an eighth of the size only DC coefficients matter. A progressive JPEG has them first, so read only those."""
    header, truncated = picture.header, False
    if jpeg_decode.takes(header, scale):
        if small := jpeg_decode.read(header, scale):
            return make_frame(picture, small, scale)
        _check_pillow(picture)
    data = header.data
    if scale == DC_SCALE and header.dc_end is not None:
        data = jpeg.cut_to_dc_scans(data, jpeg_segments.read_frame_header(data), header.dc_end)
    try:
        image = _load_scaled(picture, data, scale)
    except OSError:
        if not lenient:
            raise
        # With an end marker appended, the decoder accepts the truncated file.
        image, truncated = _load_scaled(picture, data + jpeg_segments.END, scale), True
    return make_frame(picture, image, scale, truncated=truncated)


def _scaled_webp_frame(picture: OpenPicture, scale: int) -> Frame:
    from tinypics.image import webp_decode

    width, height = picture.size
    image = webp_decode.read(picture.header.data, (-(-width // scale), -(-height // scale)))
    return Frame(image, picture.size, image.size, 0)


def _load_scaled(picture: OpenPicture, data: bytes, scale: int) -> Image.Image:
    image = picture.image if data is picture.header.data else decoder_class(picture.header.decoder)(io.BytesIO(data))
    if picture.header.stream is None:
        image.decodermaxblock = _BLOCK
    if scale > 1:
        image.draft(None, (picture.size[0] // scale, picture.size[1] // scale))
    image.load()
    return image  # type: ignore[no-any-return]


def _pillow_frames(picture: OpenPicture, *, animate: bool, lenient: bool) -> Iterator[Frame]:
    image = picture.image
    # An APNG may begin with a picture that is not part of the animation, for viewers without APNG support.
    first = 1 if image.info.get("default_image") else 0
    ended = 0.0
    for number in range(first, image.n_frames if animate else first + 1):
        if number:
            image.seek(number)
        truncated = _load(image, lenient=lenient)
        # Pillow rounds the times of an AVIF: the sum of its durations is less exact than its timestamps.
        end = image.info.get("timestamp", ended) + (image.info.get("duration") or 0)
        yield make_frame(picture, image, 1, max(0.0, end - ended), truncated=truncated)
        ended = end


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
