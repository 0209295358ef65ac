"""The entry point of the image core: bytes and renditions in, bytes and facts out. No I/O, no AWS, no state."""

from __future__ import annotations

import time
from math import prod
from typing import TYPE_CHECKING

from tinypics.errors import InvalidRequest
from tinypics.image import decode, memory, metadata
from tinypics.image.draft import draft_scale
from tinypics.image.encode import EncoderInput, encode
from tinypics.image.formats import FORMATS
from tinypics.image.geometry import plan, requested_orientation
from tinypics.image.headers import jpeg, reader
from tinypics.image.limits import (
    DEFAULT,
    Limits,
    check_bytes,
    check_decoded_size,
    check_format_size,
    check_plan,
    check_size,
)
from tinypics.image.placeholder import PLACEHOLDER, dominant_colour
from tinypics.image.render import choose_format, finish, is_animated, is_lossy, plan_render, render
from tinypics.image.rendition import Rendition
from tinypics.image.results import Output, Resized, Source
from tinypics.image.source import read_source
from tinypics.image.stream import BytesStream, Stream
from tinypics.values import replace, value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from os import PathLike
    from typing import BinaryIO

    from tinypics.image.geometry import Plan
    from tinypics.image.picture import Frame, OpenPicture
    from tinypics.image.render import FinishedFrame, RenderPlan


def resize(
    data: bytes | bytearray | memoryview | str | PathLike[str] | BinaryIO,
    rendition: Rendition | str,
    limits: Limits = DEFAULT,
) -> Output:
    """One rendition of the picture in `data`; see `resize_all`."""
    return resize_all(data, [rendition], limits).outputs[0]


def resize_all(
    data: bytes | bytearray | memoryview | str | PathLike[str] | BinaryIO | Stream,
    renditions: Sequence[Rendition | str],
    limits: Limits = DEFAULT,
) -> Resized:
    """All renditions of the picture in `data`, with one decode, which overlaps with the download if it can.

    `data` has its bytes, is the path of its file, or is a file opened in binary mode, which is read and not closed.

    :raises InvalidRequest: the text of a rendition is invalid, or `data` is something else.
    :raises OSError: the file cannot be read.
    :raises SourceTooLarge: more bytes than `limits` allow.
    :raises ImageTooLarge: the source or an output exceeds another of the `limits`.
    :raises UnsupportedFormat: not a format of `formats.FORMATS`.
    :raises CorruptImage: it cannot be decoded, or is cut short.
    """
    wanted = [each if isinstance(each, Rendition) else Rendition.parse(each) for each in renditions]
    if not wanted:
        raise InvalidRequest.expected("renditions", "at least one", None)
    clock = _Clock()
    stream = data if isinstance(data, Stream) else BytesStream(read_source(data, limits))
    picture = _open(stream, wanted, limits)
    scale, picture = _choose_scale(picture, wanted, limits)
    if scale < 8:  # at an eighth only the DC scans are decoded, which are checked already
        jpeg.check_scans(picture.header, limits)
    animate = any(is_animated(picture.header, each) for each in wanted)
    frames = decode.frames(picture, scale, animate=animate, lenient=limits.lenient)
    first = next(frames)
    clock.lap("decode")
    with decode.translate_errors("the picture"):
        plans = _plan_all(picture, first, wanted, scale, limits)
        clips = _finish_all(picture, plans, first, frames, clock)
        outputs = tuple(_encode(picture, clip) for clip in clips)
        clock.lap("encode")
    width, height = picture.orientation.size(first.size)
    facts = Source(picture.header.codec.name, width, height, stream.size, picture.header.frames)
    return Resized(outputs, facts, clock.laps)


def _open(source: Stream, wanted: Sequence[Rendition], limits: Limits) -> OpenPicture:
    """Check the header, first of the beginning of the file, before a decoder sees it."""
    check_bytes(source.size, limits)
    if head := reader.peek(source, limits):
        check_size(head.size, 1, limits, scalable=head.scalable)
    header = reader.read(source, limits)
    frames = header.frames if any(is_animated(header, each) for each in wanted) else 1
    check_size(header.size, frames, limits, scalable=header.scalable)
    picture = decode.open_picture(header, limits)
    # The size that the decoder has found.
    check_size(picture.size, frames, limits, scalable=header.scalable)
    return picture


def _choose_scale(picture: OpenPicture, wanted: Sequence[Rendition], limits: Limits) -> tuple[int, OpenPicture]:
    """Check all outputs against the limits; returns the factor by which the picture is decoded smaller.

    Samples of more than 8 bits are kept if there is memory for them.
    """
    sizes = [picture.orientation.then(requested_orientation(each)).size(picture.size) for each in wanted]
    outputs = [(each, plan(size, each)) for each, size in zip(wanted, sizes, strict=True)]
    plain = not picture.has_depth and all(_is_plain(each, geometry) for each, geometry in outputs)
    if plain and (averaging := decode.box_reader(picture)):
        picture = replace(picture, boxes=averaging.takes(picture))
    # The size after trimming is not known yet, and the rest may be enlarged: decode every pixel.
    # A nearest pixel is one of the source's.
    scale = min(
        1
        if each.trim is not None or each.kernel == "nearest"
        else draft_scale(picture, geometry.min_scale, lossy=is_lossy(picture.header, each))
        for each, geometry in outputs
    )
    check_decoded_size(picture.size, scale, limits)
    deep = replace(picture, deep=True)
    if picture.has_depth and _memory_needed(deep, outputs, scale) <= limits.memory:
        picture = deep
    _check_outputs(picture, outputs, scale, limits)
    whole = _memory_needed(picture, outputs, scale, by_pillow=True)
    return scale, replace(picture, fits_pillow=whole <= limits.memory)


def _is_plain(rendition: Rendition, geometry: Plan) -> bool:
    """Whether the rendition needs no single pixel of the source, nor its colours without alpha."""
    special = rendition.linear or rendition.kernel == "nearest" or rendition.trim is not None
    return geometry.resamples and not special and rendition.format != "auto"


def _plan_all(
    picture: OpenPicture, first: Frame, wanted: Sequence[Rendition], scale: int, limits: Limits
) -> list[RenderPlan]:
    plans = [plan_render(picture, first, rendition) for rendition in wanted]
    _check_outputs(picture, [(each.rendition, each.geometry) for each in plans], scale, limits)  # trimmed, or cropped
    return plans


def _check_outputs(picture: OpenPicture, outputs: Sequence[tuple[Rendition, Plan]], scale: int, limits: Limits) -> None:
    header = picture.header
    for rendition, geometry in outputs:
        check_plan(geometry, header.frames if is_animated(header, rendition) else 1, limits)
        asked = FORMATS.get(rendition.format or header.codec.name)  # not `auto`, which depends on the pixels
        if asked and asked.encodes:
            check_format_size(geometry.canvas, asked.label, asked.max_side)
    memory.check_memory(_memory_needed(picture, outputs, scale), limits)


def _memory_needed(
    picture: OpenPicture, outputs: Sequence[tuple[Rendition, Plan]], scale: int, *, by_pillow: bool = False
) -> int:
    header = picture.header
    counted = [
        (rendition, shape, header.frames if is_animated(header, rendition) else 1) for rendition, shape in outputs
    ]
    # A later frame of a GIF may be larger than the first, the only one that a decoder has seen after opening it.
    size = max(header.size, picture.size, key=prod)
    by_rows = not by_pillow and decode.reads_by_rows(picture, scale)
    return memory.estimate(header, size, scale, counted, deep=picture.deep, by_rows=by_rows)


@value
class _Clip:
    """The frames of one output. `durations` and `truncated` are those of the source's decoded frames."""

    render_plan: RenderPlan
    format: str
    frames: list[FinishedFrame]
    durations: list[float]
    truncated: list[bool]


def _finish_all(
    picture: OpenPicture, plans: Sequence[RenderPlan], first: Frame, rest: Iterator[Frame], clock: _Clock
) -> list[_Clip]:
    """The first frame of each output, and all others of those that are animated."""
    durations, truncated, clips = [first.duration], [first.truncated], []
    for render_plan, rendered in zip(plans, render(picture, first, plans), strict=True):
        name = choose_format(picture, render_plan, rendered)
        # Again, for a format that depends on the pixels.
        check_format_size(render_plan.geometry.canvas, FORMATS[name].label, FORMATS[name].max_side)
        clips.append(_Clip(render_plan, name, [finish(picture, render_plan, rendered, name)], durations, truncated))
    clock.lap("transform")
    animated = [clip for clip in clips if clip.render_plan.animated]
    for frame in rest:
        clock.lap("decode")
        images = render(picture, frame, [clip.render_plan for clip in animated])
        for clip, rendered in zip(animated, images, strict=True):
            clip.frames.append(finish(picture, clip.render_plan, rendered, clip.format))
        durations.append(frame.duration)
        truncated.append(frame.truncated)
        clock.lap("transform")
    return clips


def _encode(picture: OpenPicture, clip: _Clip) -> Output:
    rendition, header, name = clip.render_plan.rendition, picture.header, clip.format
    exif, xmp, lost = metadata.select(picture.exif, header.xmp, picture.image, rendition.keep)
    if name == "gif" and (exif or xmp):
        exif, xmp, lost = None, None, ("metadata",)
    job = EncoderInput(
        [frame.image for frame in clip.frames],
        quality=rendition.quality,
        lossless=rendition.lossless,
        subsampling=rendition.subsampling,
        palette=header.palette,
        resampled=clip.render_plan.geometry.resamples and rendition.kernel != "nearest",
        durations=clip.durations,
        loop_count=header.loop_count,
        icc=clip.frames[0].icc,
        exif=exif,
        xmp=xmp,
    )
    data, (width, height) = encode(job, name), clip.frames[0].image.size
    dominant = dominant_colour(data) if rendition == PLACEHOLDER else None
    return Output(rendition, data, name, width, height, _dropped_parts(picture, clip, lost), dominant)


def _dropped_parts(picture: OpenPicture, clip: _Clip, metadata_parts: Sequence[str]) -> tuple[str, ...]:
    """See `Output.dropped`."""
    header = picture.header
    dropped = [*header.extras, *metadata_parts]
    dropped += [part for frame in clip.frames for part in frame.dropped]
    if header.frames > len(clip.frames):
        dropped.append("frames")
    if header.bits > 8:
        dropped.append("bit-depth")
    if any(clip.truncated):
        dropped.append("missing-data")
    return tuple(dict.fromkeys(dropped))


class _Clock:
    """Milliseconds by stage. A lap adds the time since the last lap to a stage."""

    def __init__(self) -> None:
        self.laps = {"decode": 0.0, "transform": 0.0, "encode": 0.0}
        self._since = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps[stage] += (now - self._since) * 1000
        self._since = now
