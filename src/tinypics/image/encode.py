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


@value
class EncoderInput:
    """Images of mode L, LA, RGB or RGBA, with alpha only if the format has it; frames of an animation."""

    frames: Sequence[Image.Image]
    quality: int | None = None
    """None: the format's default."""
    lossless: bool = False
    durations: Sequence[int] = ()
    """Milliseconds, one for each frame of an animation."""
    loop_count: int = 1
    """How many times an animation plays; 0 is endless."""
    icc: bytes | None = None
    exif: bytes | None = None


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
    job.frames[0].save(file, icc_profile=job.icc, **options)
    return file.getvalue()


def _jpeg(job: EncoderInput) -> bytes:
    """Progressive if that is smaller."""
    width, height = job.frames[0].size
    try:
        return _save(job, "jpeg", optimize=True, progressive=width * height > _BASELINE)
    except OSError:  # Pillow's buffer has one byte per pixel for it, and noise may need more
        return _save(job, "jpeg")


def _png(job: EncoderInput) -> bytes:
    # Level 6, the default, makes it 2 to 7 % smaller in up to four times the time. Without alpha, level 2 is nearly as
    # small as 4; with it, a sixth larger.
    return _save(job, "png", compress_level=4 if "A" in job.frames[0].mode else 2)


def _webp(job: EncoderInput) -> bytes:
    options: dict[str, Any] = {"lossless": True, "quality": 100} if job.lossless else {}
    if len(job.frames) > 1:
        options |= {"save_all": True, "append_images": job.frames[1:], "duration": list(job.durations)}
        options |= {"loop": job.loop_count, "method": 4}
    return _save(job, "webp", **options)


def _avif(job: EncoderInput) -> bytes:
    width, height = job.frames[0].size
    if width * height <= _SMALL:  # colour as fine as lightness: 0.9 dB for 3 % more bytes
        return _save(job, "avif", speed=6, subsampling="4:4:4")
    return _save(job, "avif", speed=8)  # a quarter of the time of the default 6, for a twentieth more bytes


def _gif(job: EncoderInput) -> bytes:
    first, *rest = (_quantize(frame) for frame in job.frames)
    options: dict[str, Any] = {}
    if rest:
        options = {"save_all": True, "append_images": rest, "duration": list(job.durations)}
        if job.loop_count != 1:  # a GIF stores the number of repeats, and plays once without it
            options["loop"] = max(job.loop_count - 1, 0)
        if any("transparency" in frame.info for frame in (first, *rest)):
            options["disposal"] = 2  # clear the previous frame, which must not show through
    return _save(replace(job, frames=[first]), "gif", **options)


_CLEAR: Final = 255  # the palette index of transparent pixels
_OPAQUE_FROM: Final = 128


def _quantize(image: Image.Image) -> Image.Image:
    """Quantize to 256 colours, one of them transparent if needed, with dithering if there were more."""
    from PIL import Image

    transparent = image.mode in ("LA", "RGBA")
    colours = image.convert("RGB")
    drawn = colours.quantize(_CLEAR if transparent else 256, dither=Image.Dither.NONE)
    if colours.getcolors(_CLEAR) is None:
        drawn = colours.quantize(palette=drawn, dither=Image.Dither.FLOYDSTEINBERG)
    if transparent:
        clear = image.getchannel("A").point([255] * _OPAQUE_FROM + [0] * (256 - _OPAQUE_FROM))
        drawn.paste(_CLEAR, mask=clear)
        drawn.info["transparency"] = _CLEAR
    return drawn


_ENCODERS: Final[dict[str, Callable[[EncoderInput], bytes]]] = {
    "jpeg": _jpeg,
    "png": _png,
    "webp": _webp,
    "avif": _avif,
    "gif": _gif,
}
