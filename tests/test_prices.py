"""Amounts as people read them."""

from __future__ import annotations

import pytest

from tinypics.prices import dollars


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0"),
        (0.0000123, "$0.000012"),
        (0.0497, "$0.050"),
        (0.0999, "$0.10"),
        (0.5, "$0.50"),
        (1.234, "$1.2"),
        (9.96, "$10"),
        (12.5, "$12"),
        (99.7, "$100"),
        (1234, "$1,200"),
        (1_250_001, "$1,300,000"),
    ],
)
def test_an_estimate_has_two_significant_digits(amount: float, text: str) -> None:
    assert dollars(amount) == text
