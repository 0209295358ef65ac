"""Geometry: pure arithmetic from a source's size and a rendition to the boxes and sizes that the other steps apply.

Coordinates are pixels from the upper left corner; boxes are (left, top, right, bottom) and may be fractional.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tinypics.values import replace, value

if TYPE_CHECKING:
    from tinypics.image.rendition import Rendition

Size = tuple[int, int]
Point = tuple[float, float]
Box = tuple[float, float, float, float]

# How far along the free space each compass point lies: 0 is west or north, 1 is east or south.
_ANCHORS: Final[dict[str, Point]] = {
    "centre": (0.5, 0.5),
    "north": (0.5, 0.0),
    "northeast": (1.0, 0.0),
    "east": (1.0, 0.5),
    "southeast": (1.0, 1.0),
    "south": (0.5, 1.0),
    "southwest": (0.0, 1.0),
    "west": (0.0, 0.5),
    "northwest": (0.0, 0.0),
}


@value
class Orientation:
    """One of the eight ways to rotate and mirror a picture: first swap x and y, then mirror each axis."""

    swap: bool = False
    mirror_x: bool = False
    mirror_y: bool = False

    def then(self, other: Orientation) -> Orientation:
        """This orientation followed by `other`, as one."""
        x, y = (self.mirror_y, self.mirror_x) if other.swap else (self.mirror_x, self.mirror_y)
        return Orientation(self.swap != other.swap, x != other.mirror_x, y != other.mirror_y)

    def size(self, size: Size) -> Size:
        """The size of a picture of `size` in this orientation. It is its own inverse."""
        return (size[1], size[0]) if self.swap else size

    def source_box(self, box: Box, extent: Point) -> Box:
        """Where `box` of the oriented picture lies in the picture as stored, whose size is `extent`."""
        left, top, right, bottom = box
        width, height = (extent[1], extent[0]) if self.swap else extent
        if self.mirror_x:
            left, right = width - right, width - left
        if self.mirror_y:
            top, bottom = height - bottom, height - top
        return (top, left, bottom, right) if self.swap else (left, top, right, bottom)


UPRIGHT: Final = Orientation()

ORIENTATIONS: Final[dict[int, Orientation]] = {
    1: UPRIGHT,
    2: Orientation(False, True, False),
    3: Orientation(False, True, True),
    4: Orientation(False, False, True),
    5: Orientation(True, False, False),
    6: Orientation(True, True, False),
    7: Orientation(True, True, True),
    8: Orientation(True, False, True),
}
"""The orientation that makes a picture upright, by EXIF orientation (EXIF 2.32, tag 0x0112)."""

_ROTATIONS: Final = {0: UPRIGHT, 90: ORIENTATIONS[6], 180: ORIENTATIONS[3], 270: ORIENTATIONS[8]}


def requested_orientation(rendition: Rendition) -> Orientation:
    """The rendition's orientation of the upright picture: rotate, then flip and flop."""
    return _ROTATIONS[rendition.rotate].then(Orientation(False, rendition.flop, rendition.flip))


@value
class Plan:
    """`box` of the source is resampled to `size` and lies at `at` on a canvas of `canvas` pixels."""

    box: Box
    size: Size
    canvas: Size
    at: Size = (0, 0)

    def offset_by(self, left: float, top: float) -> Plan:
        """The same plan for a source that is a part of a larger one, whose upper left corner lies at (left, top)."""
        x0, y0, x1, y1 = self.box
        return replace(self, box=(x0 + left, y0 + top, x1 + left, y1 + top))

    def crops(self, source: Size) -> bool:
        """Whether the plan crops a source of this size."""
        left, top, right, bottom = self.box
        return right - left < source[0] or bottom - top < source[1]

    @property
    def resamples(self) -> bool:
        """Whether any output pixel differs from a single source pixel."""
        left, top, right, bottom = self.box
        return (right - left, bottom - top) != self.size or (left, top) != (int(left), int(top))

    @property
    def min_scale(self) -> float:
        """Source pixels per output pixel, along the axis with the fewest."""
        left, top, right, bottom = self.box
        return min((right - left) / self.size[0], (bottom - top) / self.size[1])


def plan(source: Size, rendition: Rendition, focus: Point | None = None) -> Plan:
    """The plan of `rendition` for a picture of `source` pixels, which is upright and turned as requested.

    `focus` is the point that a smart gravity found, in 0..1; without it a smart gravity means the centre. Every planned
    side is at least 1, and every box lies inside the source. `Limits` bound the sides.
    """
    width, height = rendition.box
    focus = focus or rendition.focus
    if width is not None and height is not None:
        if rendition.fit == "cover":
            return _plan_cover(source, (width, height), rendition, focus)
        if rendition.fit == "fill":
            size = (
                (width, height) if rendition.enlarge is not False else (min(width, source[0]), min(height, source[1]))
            )
            return Plan((0, 0, *source), size, size)
    size = _proportional_size(source, rendition)
    if rendition.fit != "contain" or width is None or height is None:
        return Plan((0, 0, *source), size, size)
    anchor = focus or _ANCHORS.get(rendition.gravity, _ANCHORS["centre"])
    at = (round((width - size[0]) * anchor[0]), round((height - size[1]) * anchor[1]))
    return Plan((0, 0, *source), size, (width, height), at)


def _proportional_size(source: Size, rendition: Rendition) -> Size:
    """The whole source with its own aspect ratio: inside or around the requested box, or by its one side."""
    width, height = rendition.box
    ratios = [asked / side for asked, side in zip((width, height), source, strict=True) if asked]
    scale = max(ratios) if rendition.fit == "outside" else min(ratios)
    if not rendition.enlarge:
        scale = min(scale, 1.0)
    size = (max(1, round(source[0] * scale)), max(1, round(source[1] * scale)))
    if rendition.fit == "outside":
        return size
    # Rounding, or the floor of one pixel, must not push a side out of the box.
    return (min(size[0], width or size[0]), min(size[1], height or size[1]))


def _plan_cover(source: Size, asked: Size, rendition: Rendition, focus: Point | None) -> Plan:
    """The largest part of the source with the requested aspect ratio."""
    # Multiply first, so that a ratio that divides evenly gives whole pixels.
    width = min(source[0], source[1] * asked[0] / asked[1])
    height = min(source[1], source[0] * asked[1] / asked[0])
    size = asked
    if rendition.enlarge is False and (width < asked[0] or height < asked[1]):
        size = (max(1, round(width)), max(1, round(height)))
    if focus:
        left, top = source[0] * focus[0] - width / 2, source[1] * focus[1] - height / 2
    else:
        anchor = _ANCHORS.get(rendition.gravity, _ANCHORS["centre"])
        left, top = (source[0] - width) * anchor[0], (source[1] - height) * anchor[1]
    if (width, height) == size:  # a crop without resampling: align it to whole pixels
        left, top = float(int(left)), float(int(top))
    left, top = min(max(left, 0.0), source[0] - width), min(max(top, 0.0), source[1] - height)
    return Plan((left, top, min(left + width, source[0]), min(top + height, source[1])), size, size)
