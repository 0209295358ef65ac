"""Geometry: tables of numbers, and properties of every picture and every rendition."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.image.test_rendition import renditions
from tinypics.image.geometry import ORIENTATIONS, UPRIGHT, Box, Orientation, Plan, Size, plan, requested_orientation
from tinypics.image.options import COMPASS, Fit
from tinypics.image.rendition import Rendition
from tinypics.values import replace

LANDSCAPE, SMALL = (1000, 500), (100, 50)


@pytest.mark.parametrize(
    ("source", "text", "box", "size", "canvas", "at"),
    [
        # cover: exact size, crops the overflow
        (LANDSCAPE, "100x100", (250, 0, 750, 500), (100, 100), (100, 100), (0, 0)),
        (LANDSCAPE, "100x100-west", (0, 0, 500, 500), (100, 100), (100, 100), (0, 0)),
        (LANDSCAPE, "100x100-northeast", (500, 0, 1000, 500), (100, 100), (100, 100), (0, 0)),
        (LANDSCAPE, "400x100-south", (0, 250, 1000, 500), (400, 100), (400, 100), (0, 0)),
        (LANDSCAPE, "400x100-north", (0, 0, 1000, 250), (400, 100), (400, 100), (0, 0)),
        (LANDSCAPE, "100x100-at0.6x0.5", (350, 0, 850, 500), (100, 100), (100, 100), (0, 0)),
        (LANDSCAPE, "100x100-at0x1", (0, 0, 500, 500), (100, 100), (100, 100), (0, 0)),
        (LANDSCAPE, "100x100-at1x0", (500, 0, 1000, 500), (100, 100), (100, 100), (0, 0)),
        # cover enlarges if the exact size needs it, unless that is forbidden
        (SMALL, "200x200", (25, 0, 75, 50), (200, 200), (200, 200), (0, 0)),
        (SMALL, "200x200-noenlarge", (25, 0, 75, 50), (50, 50), (50, 50), (0, 0)),
        ((1000, 50), "200x200-noenlarge", (475, 0, 525, 50), (50, 50), (50, 50), (0, 0)),
        (LANDSCAPE, "100x100-noenlarge", (250, 0, 750, 500), (100, 100), (100, 100), (0, 0)),
        # contain: exact size, padded
        (LANDSCAPE, "100x100-contain", (0, 0, 1000, 500), (100, 50), (100, 100), (0, 25)),
        (LANDSCAPE, "100x100-contain-north", (0, 0, 1000, 500), (100, 50), (100, 100), (0, 0)),
        (LANDSCAPE, "100x100-contain-southeast", (0, 0, 1000, 500), (100, 50), (100, 100), (0, 50)),
        (SMALL, "200x200-contain", (0, 0, 100, 50), (100, 50), (200, 200), (50, 75)),
        (SMALL, "200x200-contain-enlarge", (0, 0, 100, 50), (200, 100), (200, 200), (0, 50)),
        (SMALL, "200x200-contain-at0.25x1", (0, 0, 100, 50), (100, 50), (200, 200), (25, 150)),
        # fill: exact size, distorted
        (LANDSCAPE, "100x100-fill", (0, 0, 1000, 500), (100, 100), (100, 100), (0, 0)),
        (SMALL, "200x20-fill", (0, 0, 100, 50), (200, 20), (200, 20), (0, 0)),
        (SMALL, "200x20-fill-noenlarge", (0, 0, 100, 50), (100, 20), (100, 20), (0, 0)),
        # inside and outside: at most, at least
        (LANDSCAPE, "100x100-inside", (0, 0, 1000, 500), (100, 50), (100, 50), (0, 0)),
        (LANDSCAPE, "100x100-outside", (0, 0, 1000, 500), (200, 100), (200, 100), (0, 0)),
        (SMALL, "200x200-inside", (0, 0, 100, 50), (100, 50), (100, 50), (0, 0)),
        (SMALL, "200x200-inside-enlarge", (0, 0, 100, 50), (200, 100), (200, 100), (0, 0)),
        (SMALL, "200x200-outside", (0, 0, 100, 50), (100, 50), (100, 50), (0, 0)),
        (SMALL, "200x200-outside-enlarge", (0, 0, 100, 50), (400, 200), (400, 200), (0, 0)),
        # one side: the other follows
        (LANDSCAPE, "100x", (0, 0, 1000, 500), (100, 50), (100, 50), (0, 0)),
        (LANDSCAPE, "x100", (0, 0, 1000, 500), (200, 100), (200, 100), (0, 0)),
        (LANDSCAPE, "x100-contain", (0, 0, 1000, 500), (200, 100), (200, 100), (0, 0)),
        (SMALL, "200x", (0, 0, 100, 50), (100, 50), (100, 50), (0, 0)),
        (SMALL, "200x-enlarge", (0, 0, 100, 50), (200, 100), (200, 100), (0, 0)),
        # device pixels
        (LANDSCAPE, "100x100-dpr2", (250, 0, 750, 500), (200, 200), (200, 200), (0, 0)),
        # extreme shapes keep a pixel
        ((65_535, 1), "100x", (0, 0, 65_535, 1), (100, 1), (100, 1), (0, 0)),
        ((1, 65_535), "100x100-inside", (0, 0, 1, 65_535), (1, 100), (1, 100), (0, 0)),
        ((10_000, 1), "100x100-noenlarge", (4999, 0, 5000, 1), (1, 1), (1, 1), (0, 0)),
        # cropped without resampling: whole pixels
        ((101, 100), "50x100", (25, 0, 75, 100), (50, 100), (50, 100), (0, 0)),
    ],
)
def test_plans(source: Size, text: str, box: Box, size: Size, canvas: Size, at: Size) -> None:
    assert plan(source, Rendition.parse(text)) == Plan(box, size, canvas, at)


def test_what_a_smart_crop_found_goes_before_the_compass() -> None:
    assert plan(LANDSCAPE, Rendition.parse("100x100-attention"), (0.7, 0.5)).box == (450, 0, 950, 500)


def test_a_smart_gravity_that_found_nothing_is_the_centre() -> None:
    assert plan(LANDSCAPE, Rendition.parse("100x100-entropy")) == plan(LANDSCAPE, Rendition.parse("100x100"))


sources = st.tuples(st.integers(1, 65_535), st.integers(1, 65_535))


@given(sources, renditions())
def test_every_plan_is_bounded(source: Size, rendition: Rendition) -> None:
    planned = plan(source, rendition)
    left, top, right, bottom = planned.box
    assert 0 <= left < right <= source[0]
    assert 0 <= top < bottom <= source[1]
    assert min(planned.size) >= 1
    x, y = planned.at
    assert 0 <= x <= planned.canvas[0] - planned.size[0]
    assert 0 <= y <= planned.canvas[1] - planned.size[1]


two_sided = renditions().map(lambda r: replace(r, width=r.width or r.height, height=r.height or r.width))


@given(sources, two_sided, st.sampled_from(("cover", "contain", "fill")), st.sampled_from((None, True)))
def test_both_sides_of_cover_contain_and_fill_are_exact(
    source: Size, rendition: Rendition, fit: Fit, enlarge: bool | None
) -> None:
    assert plan(source, replace(rendition, fit=fit, enlarge=enlarge)).canvas == rendition.box


@given(sources, two_sided)
def test_inside_never_exceeds_and_outside_never_falls_short(source: Size, rendition: Rendition) -> None:
    box = cast("Size", rendition.box)
    inside = plan(source, replace(rendition, fit="inside")).canvas
    assert inside[0] <= box[0]
    assert inside[1] <= box[1]
    outside = plan(source, replace(rendition, fit="outside", enlarge=True)).canvas
    assert outside[0] >= box[0]
    assert outside[1] >= box[1]


@given(sources, renditions())
def test_nothing_is_enlarged_where_that_is_forbidden(source: Size, rendition: Rendition) -> None:
    planned = plan(source, replace(rendition, enlarge=False))
    left, top, right, bottom = planned.box
    # A side is at least a pixel, and a fractional crop is rounded to one.
    assert planned.size[0] <= max(1, right - left + 0.5)
    assert planned.size[1] <= max(1, bottom - top + 0.5)


@given(sources, two_sided, st.sampled_from(COMPASS))
def test_cover_keeps_the_shape(source: Size, rendition: Rendition, gravity: str) -> None:
    planned = plan(source, replace(rendition, fit="cover", gravity=gravity, enlarge=None))
    left, top, right, bottom = planned.box
    assert (right - left) / (bottom - top) == pytest.approx(planned.size[0] / planned.size[1], rel=1e-6)


turns = st.builds(Orientation, st.booleans(), st.booleans(), st.booleans())


def pixel(orientation: Orientation, point: tuple[int, int], size: Size) -> tuple[int, int]:
    """The position of one pixel after `orientation`, by its definition, step by step."""
    x, y = point
    wide, high = size
    if orientation.swap:
        x, y, wide, high = y, x, high, wide
    return (wide - 1 - x if orientation.mirror_x else x), (high - 1 - y if orientation.mirror_y else y)


@given(turns, turns)
def test_turns_follow_one_another(one: Orientation, other: Orientation) -> None:
    size, point = (7, 4), (5, 1)
    assert pixel(one.then(other), point, size) == pixel(other, pixel(one, point, size), one.size(size))


@given(turns)
def test_a_box_is_found_again_where_it_was(orientation: Orientation) -> None:
    size, (x, y) = (7, 4), (5, 1)
    shown = pixel(orientation, (x, y), size)
    assert orientation.source_box((shown[0], shown[1], shown[0] + 1, shown[1] + 1), size) == (x, y, x + 1, y + 1)


def test_the_eight_orientations_are_all_there_is() -> None:
    assert len(set(ORIENTATIONS.values())) == 8
    assert ORIENTATIONS[6].then(ORIENTATIONS[8]) == UPRIGHT


@pytest.mark.parametrize(
    ("text", "orientation"), [("1x", 1), ("1x-rotate90", 6), ("1x-rotate180", 3), ("1x-rotate270", 8), ("1x-flip", 4),
                              ("1x-flop", 2), ("1x-rotate90-flop", 5), ("1x-rotate90-flip", 7), ("1x-flip-flop", 3)]
)  # fmt: skip
def test_what_a_rendition_turns(text: str, orientation: int) -> None:
    assert requested_orientation(Rendition.parse(text)) == ORIENTATIONS[orientation]


def test_a_plan_for_a_part_lies_where_the_part_does() -> None:
    assert plan((100, 100), Rendition.parse("50x25")).offset_by(7, 9).box == (7, 34, 107, 84)


def test_shrink_is_that_of_the_axis_that_is_shrunk_least() -> None:
    assert plan((1000, 500), Rendition.parse("100x100-fill")).min_scale == 5.0
