"""Pixels to bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

from tinypics.image.formats import FORMATS
from tinypics.values import replace, value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL import Image

# Up to this many pixels a progressive JPEG is usually larger, because of the tables of its scans.
_BASELINE: Final = 40_000
# Up to this many pixels thorough encoding costs little.
_SMALL: Final = 65_536
# From this quality on, chroma is not subsampled (4:4:4). libwebp always subsamples (4:2:0).
_FINE: Final = 90
# libaom's tuning for still pictures, `iq`, but without quantisation matrices and sharp loop filters, and with less of
# its preference for flat blocks. At the same bytes, the PSNR is 0.6 dB higher than that of `iq` alone, SSIM is higher,
# too, and encoding takes less time. A quality gives as many bytes as before on average (13 pictures at 128 pixels, 9 at
# 640; libaom 3.14).
_TUNING: Final = {
    "color:tune": "iq",
    "color:enable-qm": "0",
    "color:dist-metric": "psnr",
    "color:sharpness": "0",
    "color:enable-cdef": "1",
    "color:deltaq-strength": "25",
}
# The pixels of a drawing have at least so many times the bytes of its PNG.
_FLAT: Final = 25


@value
class EncoderInput:
    """Images of mode L, LA, RGB or RGBA, with alpha only if the format has it; frames of an animation."""

    frames: Sequence[Image.Image]
    quality: int | None = None
    """None: the format's default."""
    lossless: bool = False
    subsampling: str | None = None
    """None: `4:4:4` at high qualities."""
    palette: bool = False
    """The source had a palette."""
    resampled: bool = True
    durations: Sequence[float] = ()
    """Milliseconds, one for each frame of an animation."""
    loop_count: int = 1
    """How many times an animation plays; 0 is endless."""
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None


def encode(job: EncoderInput, name: str) -> bytes:
    """Encode to the format called `name`."""
    return _ENCODERS[name](job)


def _save(job: EncoderInput, name: str, **options: Any) -> bytes:
    """Save by a file name: for its extension, Pillow imports one plugin; for a format, it imports five."""
    file = io.BytesIO()
    file.name = f"x.{FORMATS[name].extension}"
    if FORMATS[name].quality is not None:
        options.setdefault("quality", job.quality or FORMATS[name].quality)
    if job.exif:
        options["exif"] = job.exif
    if job.xmp:
        options |= _xmp_option(name, job.xmp)
    job.frames[0].save(file, icc_profile=job.icc, **options)
    return file.getvalue()


def _xmp_option(name: str, xmp: bytes) -> dict[str, Any]:
    if name != "png":
        return {"xmp": xmp}
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp.decode())  # XMP 3, 1.1.5
    return {"pnginfo": info}


def _jpeg(job: EncoderInput) -> bytes:
    """Progressive if that is smaller."""
    width, height = job.frames[0].size
    chroma = _chroma(job)
    try:
        return _save(job, "jpeg", optimize=True, progressive=width * height > _BASELINE, **chroma)
    except OSError:  # Pillow's buffer has one byte per pixel for it, and noise may need more
        return _save(job, "jpeg", **chroma)


def _chroma(job: EncoderInput) -> dict[str, str]:
    """Whether to keep full chroma resolution: at high qualities subsampling shows, for example in coloured text."""
    if not any("RGB" in frame.mode for frame in job.frames):
        return {}
    chosen = job.subsampling or ("4:4:4" if (job.quality or 0) >= _FINE else None)
    return {"subsampling": chosen} if chosen else {}


def _png(job: EncoderInput) -> bytes:
    if job.palette:
        from tinypics.image import palette

        few = palette.reduce_colours(job.frames[0], exact=job.lossless or not job.resampled)
        if few is not None:
            return _save(replace(job, frames=[few]), "png", compress_level=9)
    data, image = _fast_png(job), job.frames[0]
    # A drawing, which level 6 makes up to half smaller, in little time.
    if len(data) * _FLAT < image.width * image.height * len(image.mode):
        return _save(job, "png", compress_level=6)
    return data


def _fast_png(job: EncoderInput) -> bytes:
    from tinypics.image import png_encode

    image = job.frames[0]
    if (compressed := png_encode.pixels(image)) is not None:
        one = _save(replace(job, frames=[image.crop((0, 0, 1, 1))]), "png")
        return png_encode.with_pixels(one, image.size, compressed)
    # Level 6, the default, makes it 2 to 7 % smaller in up to four times the time. Without alpha, level 2 is nearly as
    # small as 4; with it, a sixth larger.
    return _save(job, "png", compress_level=4 if "A" in image.mode else 2)


def _webp(job: EncoderInput) -> bytes:
    options: dict[str, Any] = {"lossless": True, "quality": 100, "exact": True} if job.lossless else {}
    return _save(job, "webp", **options) if len(job.frames) == 1 else _webp_animation(job, options)


def _webp_animation(job: EncoderInput, options: dict[str, Any]) -> bytes:
    from tinypics.image import timing, webp_encode
    from tinypics.image.headers import webp

    # RFC 9649, section 2.7.1.1: 16 bits for the plays. libwebp has 31 for the sum of the durations.
    longest = min(webp_encode.MAX_DURATION, 0x7FFFFFFF // len(job.frames))
    milliseconds, loop_count = timing.to_whole_units(job.durations, 1, 0, longest), min(job.loop_count, 0xFFFF)
    transparent = any("A" in frame.mode for frame in job.frames)
    if not job.lossless and not transparent:
        bare = replace(job, icc=None, exif=None, xmp=None)
        described = _save(replace(job, frames=[job.frames[0].crop((0, 0, 1, 1))]), "webp")
        return webp_encode.encode(
            job.frames,
            milliseconds,
            loop_count,
            lambda image, method: _save(replace(bare, frames=[image]), "webp", method=method),
            described,
        )
    # libwebp compares each frame with the one before, so between key frames it never draws a slow fade.
    keys = {"kmax": 0} if job.lossless else {"kmin": 4, "kmax": 5}
    options |= {"save_all": True, "append_images": job.frames[1:], "method": 4, **keys}
    data = _save(job, "webp", duration=milliseconds, loop=loop_count, **options)
    return webp.with_alpha(data) if transparent else data


def _avif(job: EncoderInput) -> bytes:
    if len(job.frames) > 1:
        return _avif_sequence(job)
    width, height = job.frames[0].size
    options: dict[str, Any] = {"speed": 8, **_chroma(job)}  # a quarter of the time of 6, for a twentieth more bytes
    if width * height <= _SMALL:  # no chroma subsampling: 0.9 dB for 3 % more bytes
        options = {"speed": 6, "subsampling": "4:4:4"} | _chroma(job)
    try:
        return _save(job, "avif", advanced=_TUNING, **options)
    except ValueError:  # quality 100, which libaom does not tune, or another encoder than a libaom from 3.13 on
        return _save(job, "avif", **options)


def _avif_sequence(job: EncoderInput) -> bytes:
    from tinypics.image import timing
    from tinypics.image.headers import isobmff

    modes = {frame.mode for frame in job.frames}
    if len(modes) > 1:  # a sequence has alpha, and colours, in all of its frames or in none
        mode = "RGBA" if modes & {"LA", "RGBA"} else "RGB"
        job = replace(job, frames=[frame.convert(mode) for frame in job.frames])
    options = {"save_all": True, "append_images": job.frames[1:], "speed": 8, **_chroma(job)}
    data = _save(job, "avif", duration=timing.to_whole_units(job.durations, 1, 1, 0x7FFFFFFF), **options)
    return isobmff.with_loop_count(data, job.loop_count)


def _gif(job: EncoderInput) -> bytes:
    from tinypics.image import gif_encode

    return gif_encode.encode(job.frames, job.durations, job.loop_count)


_ENCODERS: Final[dict[str, Callable[[EncoderInput], bytes]]] = {
    "jpeg": _jpeg,
    "png": _png,
    "webp": _webp,
    "avif": _avif,
    "gif": _gif,
}
