"""Chooses a palette and maps an image to its indices, for GIF and for drawings in PNG."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageChops

from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Colour = tuple[int, ...]
"""Red, green, blue, and alpha where the picture has it."""


def find_colours(image: Image.Image, most: int) -> set[Colour] | None:
    """The colours of an RGB or RGBA image; None if there are more than `most`."""
    found = image.getcolors(most)
    return None if found is None else {colour for _, colour in found}  # type: ignore[misc]


def index_colours(image: Image.Image, numbers: Mapping[Colour, int]) -> Image.Image:
    """Map each colour to its index. Pillow's own search may choose a similar colour."""
    keys = {int.from_bytes(bytes((*colour, 255)[:4]), "little"): number for colour, number in numbers.items()}
    whole = image.convert("RGBA") if image.mode == "RGB" else image
    pixels = memoryview(whole.tobytes()).cast("I")
    return Image.frombytes("P", image.size, bytes(map(keys.__getitem__, pixels)))


def to_bytes(colours: Iterable[Colour]) -> bytes:
    return b"".join(map(bytes, colours))


def mean_squared_error(image: Image.Image, other: Image.Image) -> float:
    """The mean squared error over all samples."""
    counts = ImageChops.difference(image, other).histogram()
    return sum(count * (number % 256) ** 2 for number, count in enumerate(counts)) / sum(counts)


_COLOURS: Final = 16_384  # colours to search; similar ones are merged if there are more
# Mean squared error. Up to 2 (45 dB) it is invisible even in a drawing; beyond 6.5 (40 dB) it may show.
_ENOUGH, _MOST = 2.0, 6.5
_HALF_BYTE: Final = 16  # colours whose indices need half a byte


def reduce_colours(image: Image.Image, *, exact: bool) -> Image.Image | None:
    """The image (L, LA, RGB or RGBA) with a palette; None if the difference would be visible, or would save nothing."""
    most = _HALF_BYTE if image.mode == "L" else 256  # more levels of grey need a byte, too
    whole = image.convert("RGBA" if "A" in image.mode else "RGB")
    few = find_colours(whole, most if exact else _HALF_BYTE)
    if few is not None:
        return _with_palette(whole, {colour: number for number, colour in enumerate(sorted(few))}, sorted(few))
    if exact:
        return None
    return (_sixteen_greys(image) if image.mode == "L" else None) or _approximate(whole, most)


def _sixteen_greys(image: Image.Image) -> Image.Image | None:
    """Grey with the levels of 4 bits, which have those of 1 and 2 bits; None if the difference may show.

    Evenly spaced levels make white of what ringing leaves in it, so that the file is smaller than with the best levels.
    """
    numbers = image.point([(level + 8) // 17 for level in range(256)])
    if mean_squared_error(image, numbers.point([min(255, 17 * number) for number in range(256)])) > _MOST:
        return None
    made = Image.frombytes("P", image.size, numbers.tobytes())
    made.putpalette(bytes(17 * number for number in range(16) for _ in "rgb"))
    return made


def _with_palette(image: Image.Image, numbers: Mapping[Colour, int], colours: Sequence[Colour]) -> Image.Image:
    made = index_colours(image, numbers)
    made.putpalette(to_bytes(colours), "RGBA" if len(colours[0]) == 4 else "RGB")
    return made


def _approximate(image: Image.Image, most: int) -> Image.Image | None:
    """The fewest colours with the least loss that keep the error within the bound."""
    if image.mode == "RGBA":
        image = image.convert("RGBa")  # weight a pixel's colour by its alpha
    found, bit = image.getcolors(_COLOURS), 0
    while found is None and bit < 2:
        bit += 1
        image = image.point([level >> bit << bit for level in range(256)] * len(image.getbands()))
        found = image.getcolors(_COLOURS)
    if found is None:
        return None
    groups = _groups(found, most, image.width * image.height * len(image.getbands()))  # type: ignore[arg-type]
    if groups is None:
        return None
    numbers = {colour: number for number, group in enumerate(groups) for _, colour in group.colours}
    return _with_palette(image, numbers, [_unpremultiply(group.mean) for group in groups])


@value
class _Group:
    """A group of colours, with their pixel counts, that one palette entry will represent."""

    colours: Sequence[tuple[int, Colour]]
    mean: tuple[float, ...]
    axis: int
    """The channel with the largest variance."""
    loss: float
    """The sum of squared errors over all pixels and channels."""


def _group(colours: Sequence[tuple[int, Colour]]) -> _Group:
    count = sum(pixels for pixels, _ in colours)
    means, losses = [], []
    for channel in range(len(colours[0][1])):
        weighed = [(pixels * colour[channel], colour[channel]) for pixels, colour in colours]
        total = sum(light for light, _ in weighed)
        means.append(total / count)
        losses.append(sum(light * level for light, level in weighed) - total * total / count)
    return _Group(colours, tuple(means), losses.index(max(losses)), sum(losses))


def _groups(colours: Sequence[tuple[int, Colour]], most: int, samples: int) -> list[_Group] | None:
    """Split the group with the largest error at its mean, until it is small enough. None if `most` are too few."""
    first = _group(colours)
    waiting, loss = [(-first.loss, 0, first)], first.loss
    while loss > (_MOST if len(waiting) <= _HALF_BYTE else _ENOUGH) * samples and len(waiting) < most:
        _, _, group = heappop(waiting)
        below = [each for each in group.colours if each[1][group.axis] <= group.mean[group.axis]]
        above = [each for each in group.colours if each[1][group.axis] > group.mean[group.axis]]
        if not above:  # one colour, but for rounding
            break
        loss -= group.loss
        for number, part in enumerate((below, above)):
            half = _group(part)
            loss += half.loss
            heappush(waiting, (-half.loss, 2 * len(waiting) + number, half))
    return [group for *_, group in waiting] if loss <= _MOST * samples else None


def _unpremultiply(mean: tuple[float, ...]) -> Colour:
    """The colour of a mean, whose alpha (if it has one) is premultiplied."""
    if len(mean) < 4:
        return tuple(round(level) for level in mean)
    alpha = round(mean[3])
    return (*(min(255, round(level * 255 / mean[3])) if alpha else 0 for level in mean[:3]), alpha)
