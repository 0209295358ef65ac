"""The entry point of the image core: bytes and renditions in, bytes and facts out. No I/O, no AWS, no state."""

from __future__ import annotations

import time
from math import prod
from typing import TYPE_CHECKING

from tinypics.errors import InvalidRequest
from tinypics.image import colour, memory, metadata
from tinypics.image.decode import draft_scale, named_errors, open_picture, stills
from tinypics.image.encode import Writing, encode
from tinypics.image.geometry import Plan, plan, turn_of
from tinypics.image.headers import jpeg, reader
from tinypics.image.limits import DEFAULT, Limits, check_bytes, check_plan, check_size
from tinypics.image.placeholder import PLACEHOLDER, dominant_colour
from tinypics.image.render import Finished, Recipe, animates, finish, format_of, images, is_lossy, recipe
from tinypics.image.rendition import Rendition
from tinypics.image.results import Output, Resized, Source
from tinypics.image.stream import Whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinypics.image.decode import Opened
    from tinypics.image.stream import Stream


def resize(data: bytes | bytearray | memoryview, rendition: Rendition | str, limits: Limits = DEFAULT) -> Output:
    """One rendition of the picture that `data` holds; see `resize_all`."""
    return resize_all(data, [rendition], limits).outputs[0]


def resize_all(
    data: bytes | bytearray | memoryview | Stream, renditions: Sequence[Rendition | str], limits: Limits = DEFAULT
) -> Resized:
    """All renditions of the picture in `data`, with one decode, which overlaps with the download if it can.

    :raises InvalidRequest: the text of a rendition is invalid.
    :raises SourceTooLarge: more bytes than `limits` allow.
    :raises ImageTooLarge: the source or an output exceeds another of the `limits`.
    :raises UnsupportedFormat: not a format of `formats.FORMATS`.
    :raises CorruptImage: it cannot be decoded, or is cut short.
    """
    wanted = [Rendition.parse(each) if isinstance(each, str) else each for each in renditions]
    if not wanted:
        raise InvalidRequest.expected("renditions", "at least one", None)
    clock = _Clock()
    source = Whole(bytes(data)) if isinstance(data, bytes | bytearray | memoryview) else data
    check_bytes(source.size, limits)
    check_size(reader.glimpse(source, limits), 1, limits)
    header = reader.read(source, limits)
    check_size(header.size, header.frames, limits)
    opened = open_picture(header, limits)
    moving = [n for n, rendition in enumerate(wanted) if animates(header, rendition)]
    scale = _affordable(opened, wanted, moving, limits)
    if scale < 8:  # at an eighth only the DC scans are decoded, which are checked already
        jpeg.check_scans(header, limits)
    frames = stills(opened, scale, animate=bool(moving), lenient=limits.lenient)
    first = next(frames)
    clock.lap("decode")
    with named_errors("the picture"):
        recipes = [recipe(opened, first, rendition) for rendition in wanted]
        _check(opened, [(each.rendition, each.plan) for each in recipes], moving, scale, limits)
        shown = images(opened, first, recipes)
        formats = [format_of(opened, *each) for each in zip(recipes, shown, strict=True)]
        series = [[finish(opened, *each)] for each in zip(recipes, shown, formats, strict=True)]
        clock.lap("transform")
        durations, truncated = [first.duration], first.truncated
        for still in frames:
            clock.lap("decode")
            for n, image in zip(moving, images(opened, still, [recipes[n] for n in moving]), strict=True):
                series[n].append(finish(opened, recipes[n], image, formats[n]))
            durations.append(still.duration)
            truncated |= still.truncated
            clock.lap("transform")
        outputs = tuple(
            _output(opened, *each, durations, truncated) for each in zip(recipes, formats, series, strict=True)
        )
        clock.lap("encode")
    wide, high = opened.turn.size(first.size)
    facts = Source(header.codec.name, wide, high, source.size, header.frames)
    return Resized(outputs, facts, clock.laps)


def _affordable(opened: Opened, wanted: Sequence[Rendition], moving: Sequence[int], limits: Limits) -> int:
    """Check all outputs against the limits; returns the factor by which the picture is decoded smaller."""
    check_size(opened.size, opened.header.frames, limits)  # the size that the decoder has found
    plans = [plan(opened.turn.then(turn_of(each)).size(opened.size), each) for each in wanted]
    made = list(zip(wanted, plans, strict=True))
    # The size after trimming is not known yet, and the rest may be enlarged: decode every pixel.
    scale = min(
        1 if each.trim is not None else draft_scale(opened, planned.shrink, lossy=is_lossy(opened.header, each))
        for each, planned in made
    )
    _check(opened, made, moving, scale, limits)
    return scale


def _check(
    opened: Opened, made: Sequence[tuple[Rendition, Plan]], moving: Sequence[int], scale: int, limits: Limits
) -> None:
    """Called for the first plan, and again for the plan after trimming and smart cropping."""
    frames = [opened.header.frames if n in moving else 1 for n in range(len(made))]
    for (_, planned), count in zip(made, frames, strict=True):
        check_plan(planned, count, limits)
    outputs = [(rendition, planned, count) for (rendition, planned), count in zip(made, frames, strict=True)]
    # A later frame of a GIF may be larger than the first, the only one that a decoder has seen after opening it.
    size = max(opened.header.size, opened.size, key=prod)
    memory.check_memory(memory.memory(opened.header, size, scale, outputs), limits)


def _output(
    opened: Opened, recipe: Recipe, name: str, frames: Sequence[Finished], durations: Sequence[int], truncated: bool
) -> Output:
    rendition, header = recipe.rendition, opened.header
    exif, lost = metadata.kept(opened.exif, rendition.keep) if name != "gif" else (None, ())
    writing = Writing(
        [frame.image for frame in frames],
        quality=rendition.quality,
        lossless=rendition.lossless,
        durations=durations,
        plays=header.plays,
        icc=frames[0].icc,
        exif=exif,
    )
    dropped = [*header.extras, *lost]
    dropped += [fact for frame in frames for fact in frame.dropped]
    if header.frames > len(frames):
        dropped.append("frames")
    if header.bits > 8:
        dropped.append("bit-depth")
    if header.nclx and opened.icc is None and colour.is_hdr(header.nclx):
        dropped.append("hdr")
    if truncated:
        dropped.append("missing-data")
    data, (wide, high) = encode(writing, name), frames[0].image.size
    shown = dominant_colour(data) if rendition == PLACEHOLDER else None
    return Output(rendition, data, name, wide, high, tuple(dict.fromkeys(dropped)), shown)


class _Clock:
    """Milliseconds by stage. A lap adds the time since the last lap to a stage."""

    def __init__(self) -> None:
        self.laps = {"decode": 0.0, "transform": 0.0, "encode": 0.0}
        self._since = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps[stage] += (now - self._since) * 1000
        self._since = now
