"""In every order of the steps of two versions and a delete, the remaining outputs are the right ones."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.interleave import Actor, every_schedule, random_schedules, run
from tests.race import COARSE, MemoryRace, Race
from tinypics.delivery import reconcile
from tinypics.store import threads


class Inline(threads.Call):
    """A call in the actor's own thread, because starting a thread for each call would dominate the run time."""

    def start(self) -> None:
        self.run()

    def join(self, timeout: float | None = None) -> None:
        """The call has ended."""


@pytest.fixture(autouse=True)
def one_request_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each actor has one next step."""
    monkeypatch.setattr(threads, "AT_ONCE", 1)
    monkeypatch.setattr(threads, "Call", Inline)


@pytest.fixture(autouse=True, params=[False, True], ids=["", "backwards"])
def either_end_first(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Of concurrent requests, the first or the last is sent first."""

    def backwards(wanted: Iterable[Callable[[], Any]]) -> list[Any]:
        return list(reversed(threads.together(reversed(list(wanted)))))

    if request.param:
        monkeypatch.setattr(reconcile, "together", backwards)


def test_the_scheduler_runs_every_order_of_steps_exactly_once() -> None:
    def actor(name: str, steps: int) -> Actor:
        def body(gate: Callable[[], None]) -> None:
            for _ in range(steps):
                gate()
                order.append(name)

        return body

    seen = []
    for choose in every_schedule():
        order: list[str] = []
        run([actor("a", 2), actor("b", 3)], choose)
        seen.append("".join(order))
    # Everything before an actor's first gate is a step as well.
    assert set(seen) == {"".join(word) for word in set(itertools.permutations("aabbb"))}


# The tracer of coverage would double the time of the samples. Other tests run the same lines.
UNTRACED = pytest.mark.no_cover
LAYOUTS = pytest.mark.parametrize("in_folder", [False, True], ids=["single", "folder"])


@pytest.mark.parametrize(
    "actions", [["work", "work"], ["work", "overwrite"], ["work", "delete"], ["work", "spoil"]], ids="-".join
)
def test_every_order_of_the_reads_and_writes_of_two_ends_right(actions: list[str]) -> None:
    assert check(lambda: MemoryRace(in_folder=False, steps=COARSE), actions, every_schedule()) >= 20


# With every request as a step there are millions of orders: take a sample, the same in each run.
@UNTRACED
@LAYOUTS
@pytest.mark.parametrize("actions", [["work", "overwrite"], ["work", "delete"], ["work", "spoil"]], ids="-".join)
def test_orders_of_two_end_right(actions: list[str], in_folder: bool) -> None:
    check(lambda: MemoryRace(in_folder), actions, random_schedules(100, seed=1))


@UNTRACED
@LAYOUTS
@pytest.mark.parametrize(
    "actions",
    [
        ["work", "overwrite", "delete"],
        ["work", "overwrite", "overwrite"],
        ["overwrite", "delete", "overwrite"],
        ["work", "spoil", "overwrite"],
    ],
    ids="-".join,
)
def test_orders_of_three_end_right(actions: list[str], in_folder: bool) -> None:
    check(lambda: MemoryRace(in_folder), actions, random_schedules(60, seed=1))


@pytest.mark.long
@pytest.mark.timeout(1800)
@UNTRACED
@LAYOUTS
@pytest.mark.parametrize(
    "actions", [["work", "overwrite", "delete"], ["overwrite", "delete", "overwrite"]], ids="-".join
)
def test_thousands_of_orders_of_three_end_right(actions: list[str], in_folder: bool) -> None:
    check(lambda: MemoryRace(in_folder), actions, random_schedules(2000, seed=3))


def check(make: Callable[[], Race], actions: list[str], schedules: Iterator[Callable[[int], int]]) -> int:
    for count, choose in enumerate(schedules, 1):  # noqa: B007
        race = make()
        race.retry(run([race.actor(action) for action in actions], choose), actions)
        race.check()
    return count
