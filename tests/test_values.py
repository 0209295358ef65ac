"""Values behave like frozen dataclasses, without their import time."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from tinypics.values import replace, value


@value
class Point:
    across: int
    down: int = 0
    name: str | None = None

    def __post_init__(self) -> None:
        if self.across < 0:
            raise ValueError("across")
        object.__setattr__(self, "name", (self.name or "").upper() or None)


def test_fields_are_given_in_their_order_or_by_name() -> None:
    assert Point(1, 2) == Point(down=2, across=1)
    assert vars(Point(1, name="a")) == {"across": 1, "down": 0, "name": "A"}
    assert list(vars(Point(name="a", across=1))) == list(Point.__match_args__)


@pytest.mark.parametrize(
    ("given", "named"), [((), {}), ((1, 2, "a", 4), {}), ((1,), {"across": 1}), ((1,), {"depth": 1})]
)
def test_too_few_too_many_or_unknown_fields_are_refused(given: Any, named: Any) -> None:
    with pytest.raises(TypeError, match=r"across"):
        Point(*given, **named)


def test_a_value_does_not_change() -> None:
    point: Any = Point(1)
    with pytest.raises(AttributeError, match="does not change"):
        point.across = 2
    with pytest.raises(AttributeError, match="does not change"):
        del point.across
    with pytest.raises(AttributeError, match="does not change"):
        point.other = 2
    assert point == Point(1)


def test_a_copy_is_checked_as_any_other() -> None:
    assert replace(Point(1, 2), down=3) == Point(1, 3)
    with pytest.raises(ValueError, match="across"):
        replace(Point(1), across=-1)


def test_equality_and_hash_are_by_kind_and_fields() -> None:
    @value
    class Other:
        across: int
        down: int = 0
        name: str | None = None

    assert Point(1) != Point(2)
    assert Point(1).__eq__(Other(1)) is NotImplemented
    assert len({Point(1), Point(1, 0), Point(2)}) == 2


def test_values_are_shown_and_pickled_by_their_fields() -> None:
    assert repr(Point(1, name="a")) == "Point(across=1, down=0, name='A')"
    assert pickle.loads(pickle.dumps(Point(1, 2, "a"))) == Point(1, 2, "a")  # noqa: S301 - our own
