"""Work shared among processes that may die: a decoder crashes, or the system ends what takes too much memory."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait as ended
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")

DIED = "ProcessDied"
"""What reports call it when a task took its process with it, twice."""


def run(
    work: Callable[[_Task], _Result],
    tasks: Iterable[_Task],
    processes: int,
    split: Callable[[_Task], list[_Task]] = lambda task: [task],
) -> Generator[tuple[_Task, _Result | None], None, None]:
    """Each task with what `work` makes of it, in any order; with None where it killed its process again, alone.

    Tasks are taken as they are needed, two for each process. When a process dies, those in hand are done once more,
    one at a time, each first `split` into the parts that may be at fault. Closing the iterator lets the tasks in hand
    be finished. What `work` raises is raised.
    """
    waiting = iter(tasks)
    while lost := (yield from _pool(work, waiting, processes, 2 * processes)):
        suspects = itertools.chain.from_iterable(map(split, lost))
        while guilty := (yield from _pool(work, suspects, 1, 1)):
            for task in guilty:
                yield task, None


def _pool(
    work: Callable[[_Task], _Result], tasks: Iterator[_Task], processes: int, ahead: int
) -> Generator[tuple[_Task, _Result], None, list[_Task]]:
    """Work on `tasks` until there are none, or a process dies: returns those that were in hand then."""
    in_hand: dict[Future[_Result], _Task] = {}
    given: list[_Task] = []  # the one that is being handed out
    # Spawned, not forked: this process may have threads (the progress bar), which a fork would copy half.
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _start)
    try:
        while True:
            for task in itertools.islice(tasks, ahead - len(in_hand)):
                given = [task]
                in_hand[pool.submit(work, task)] = task
                given = []
            if not in_hand:
                return []
            for future in wait(in_hand, return_when=FIRST_COMPLETED).done:
                result = future.result()
                yield in_hand.pop(future), result
    except BrokenProcessPool:
        return [*in_hand.values(), *given]
    finally:
        pool.shutdown(cancel_futures=True)


def _start() -> None:
    # Ctrl-C reaches every process of the terminal; only the one that hands out the work acts on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, name="parent", daemon=True).start()


def _follow_parent() -> None:
    """End with the process that hands out the work, also where that one is killed and can tell nobody."""
    parent = parent_process()
    assert parent is not None  # noqa: S101 - this is only run in processes of a pool
    ended([parent.sentinel])
    os._exit(1)
