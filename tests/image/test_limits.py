from __future__ import annotations

import pytest

from tinypics.errors import InvalidRequest
from tinypics.image.limits import Limits

NUMBERS = [name for name in Limits.__match_args__ if name != "lenient"]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [0, -1, True, 1.5, "9", None])
def test_a_limit_is_a_whole_number_of_at_least_one(name: str, value: object) -> None:
    with pytest.raises(InvalidRequest, match=f"{name}: expected a whole number of at least 1"):
        Limits(**{name: value})  # type: ignore[arg-type]


def test_lenient_is_a_bool() -> None:
    with pytest.raises(InvalidRequest, match="lenient: expected true or false, got 1"):
        Limits(lenient=1)  # type: ignore[arg-type]


def test_the_promised_defaults() -> None:
    limits = Limits()
    assert (limits.pixels, limits.jpeg_pixels, limits.frame_pixels) == (100_000_000, 250_000_000, 200_000_000)
    assert limits.side == 65_535
