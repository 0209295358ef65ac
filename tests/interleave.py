"""Runs actors in every order of their steps, one step at a time.

An actor is a function that calls `gate()` before each of its steps. It has its own thread, which runs from one gate to
the next when the schedule selects it. A schedule is a list of choices among the actors that can continue.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence

Actor = Callable[[Callable[[], None]], None]


class _Running:
    def __init__(self, actor: Actor) -> None:
        self._go = threading.Semaphore(0)
        self._stopped = threading.Semaphore(0)
        self.done = False
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(actor,), daemon=True)
        self._thread.start()

    def _run(self, actor: Actor) -> None:
        self._go.acquire()
        try:
            actor(self._gate)
        except BaseException as error:  # noqa: BLE001 - raised in the test
            self.error = error
        self.done = True
        self._stopped.release()

    def _gate(self) -> None:
        self._stopped.release()
        self._go.acquire()

    def step(self) -> None:
        self._go.release()
        assert self._stopped.acquire(timeout=30), "an actor does not come to its next gate"
        if self.done:
            self._thread.join()


def run(actors: Sequence[Actor], choose: Callable[[int], int]) -> list[BaseException | None]:
    """Run all actors to their ends; `choose(n)` selects one of the n that can continue. Returns their exceptions."""
    running = [_Running(actor) for actor in actors]
    while waiting := [each for each in running if not each.done]:
        waiting[choose(len(waiting))].step()
    return [each.error for each in running]


def every_schedule() -> Iterator[Callable[[int], int]]:
    """One chooser for each possible order: depth first, by the choices of the last run."""
    prefix: list[int] = []
    while True:
        taken: list[tuple[int, int]] = []

        def choose(options: int, taken: list[tuple[int, int]] = taken, prefix: list[int] = prefix) -> int:
            choice = prefix[len(taken)] if len(taken) < len(prefix) else 0
            taken.append((choice, options))
            return choice

        yield choose
        while taken and taken[-1][0] + 1 == taken[-1][1]:
            taken.pop()
        if not taken:
            return
        prefix = [choice for choice, _ in taken[:-1]] + [taken[-1][0] + 1]


def random_schedules(count: int, seed: int) -> Iterator[Callable[[int], int]]:
    """`count` choosers, the same for the same seed."""
    for number in range(count):
        yield random.Random(f"{seed}/{number}").randrange
