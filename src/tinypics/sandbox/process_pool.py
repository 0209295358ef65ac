"""A process pool that survives the death of its processes: a decoder crashes, or the kernel runs out of memory."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait as wait_for
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")

DIED = "ProcessDied"
"""The error name in reports for a task that killed its process twice."""


def run(
    work: Callable[[_Task], _Result],
    tasks: Iterable[_Task],
    processes: int,
    split: Callable[[_Task], list[_Task]] = lambda task: [task],
) -> Generator[tuple[_Task, _Result | None], None, None]:
    """Each task with the result of `work`, in any order. The result is None if the task killed its process twice.

    Tasks are read lazily, two per process. When a process dies, the unfinished tasks are `split` and retried one at a
    time, to find the one at fault. Closing the iterator finishes the tasks in progress. Exceptions of `work` are raised
    here.
    """
    waiting = iter(tasks)
    while lost := (yield from _run_pool(work, waiting, processes, 2 * processes)):
        suspects = itertools.chain.from_iterable(map(split, lost))
        while fatal := (yield from _run_pool(work, suspects, 1, 1)):
            for task in fatal:
                yield task, None


def _run_pool(
    work: Callable[[_Task], _Result], tasks: Iterator[_Task], processes: int, ahead: int
) -> Generator[tuple[_Task, _Result], None, list[_Task]]:
    """Work on `tasks` until there are none or a process dies; returns the tasks that were unfinished then."""
    pending: dict[Future[_Result], _Task] = {}
    submitted: list[_Task] = []  # the task that is being submitted
    # Spawn, do not fork: this process may have threads (the progress bar), and a fork copies their locks without them.
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _initialize)
    try:
        while True:
            for task in itertools.islice(tasks, ahead - len(pending)):
                submitted = [task]
                with _interrupts_blocked():  # `submit` starts the processes
                    pending[pool.submit(work, task)] = task
                submitted = []
            if not pending:
                return []
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                result = future.result()
                yield pending.pop(future), result
    except BrokenProcessPool:
        return [*pending.values(), *submitted]
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """SIGINT is blocked in this thread, and in a process that it starts, until that unblocks the signal."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _initialize() -> None:
    # Ctrl-C sends SIGINT to the whole process group; only the parent acts on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_exit_with_parent, name="parent", daemon=True).start()


def _exit_with_parent() -> None:
    """Exit with the parent process, even if SIGKILL ended it."""
    parent = parent_process()
    assert parent is not None  # noqa: S101 - this is only run in processes of a pool
    wait_for([parent.sentinel])
    os._exit(1)
