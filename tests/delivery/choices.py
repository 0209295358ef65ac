"""Sequences of choices: random, repeated, or made simpler while a finding remains.

Every decision of a schedule is a number below a bound, and 0 is always the simplest one: no fault, no switch to another
worker, the end of a list. So a shorter sequence with smaller numbers is a simpler schedule.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence


class Choices:
    """The choices of one schedule: those of `given`, then random ones if there is a `seed`, otherwise zeros."""

    def __init__(self, given: Sequence[int] = (), seed: str | None = None) -> None:
        self._given = given
        self._random = random.Random(seed) if seed is not None else None
        self.taken: list[int] = []
        self.bounds: list[int] = []
        self.settled = 0

    def below(self, bound: int, *, first: float | None = None) -> int:
        """A number below `bound`. `first` is the chance of 0; otherwise all numbers are equally likely."""
        taken = self.taken
        if len(taken) < len(self._given):
            choice = min(self._given[len(taken)], bound - 1)
        elif self._random is None or bound == 1 or (first is not None and self._random.random() < first):
            choice = 0
        else:
            choice = (
                int(self._random.random() * bound) if first is None else 1 + int(self._random.random() * (bound - 1))
            )
        taken.append(choice)
        self.bounds.append(bound)
        return choice

    def happens(self, chance: float) -> bool:
        return self.below(2, first=1 - chance) == 1


def every(*, switches: int | None = None) -> Iterator[Choices]:
    """All choices, depth first; with at most so many that are not 0, if `switches` is given.

    The consumer runs a schedule with each before it takes the next. `settled` of them may be set by then: the choices
    before it stay 0.
    """
    waiting: list[tuple[list[int], int]] = [([], 0)]
    while waiting:
        given, used = waiting.pop()
        choices = Choices(given)
        yield choices
        if used == switches:
            continue
        for place in range(max(len(given), choices.settled), len(choices.taken)):
            others = range(1, choices.bounds[place])
            waiting += [([*choices.taken[:place], choice], used + 1) for choice in others]


def shrink(choices: Sequence[int], still: Callable[[Sequence[int]], bool], tries: int = 2000) -> list[int]:
    """A simpler sequence for which `still` is true, as it is for `choices`."""
    best = list(choices)
    left = tries

    def attempt(candidate: list[int]) -> bool:
        nonlocal best, left
        if left <= 0 or candidate == best:
            return False
        left -= 1
        if not still(candidate):
            return False
        best = candidate
        return True

    size = len(best)
    while size:
        begin = max(0, len(best) - size)
        while begin >= 0 and left > 0:
            cut = best[:begin] + best[begin + size :]
            zeroed = best[:begin] + [0] * len(best[begin : begin + size]) + best[begin + size :]
            attempt(cut) or attempt(zeroed)
            begin -= size
        size //= 2
    while best and best[-1] == 0:
        best.pop()
    return best
