"""Workers that run one at a time, each until its next request, in an order that a schedule decides.

Only one thread has the turn. At each of its requests it decides itself who is next, so that a thread that continues
costs no switch. The threads stay for the next schedule.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from tests.delivery.choices import Choices

_HANG_TIMEOUT = 60  # seconds

Job = Callable[["Worker"], None]


class Worker:
    """A thread that waits for its turn, and runs `job` if it has one."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._turn = threading.Lock()
        self._turn.acquire()
        self.job: Job | None = None
        self.busy = False
        self.killed = False
        self.turns: Turns | None = None
        threading.Thread(target=self._run, name="worker", daemon=True).start()

    def __str__(self) -> str:
        return f"worker {self.number}"

    def wake(self) -> None:
        self._turn.release()

    def sleep(self) -> None:
        self._turn.acquire()

    def _run(self) -> None:
        while True:
            self.sleep()
            mine = True
            while mine:
                assert self.job is not None
                assert self.turns is not None
                self.job(self)
                self.busy = False
                mine = self.turns.next(self)


_POOL: list[Worker] = []


class Turns:
    """The next step is that of a busy worker, of an idle one with a job, or another one.

    `job` returns the next job, if there is one. `others` returns the other steps that are possible now. `stay` is the
    chance that a worker continues.
    """

    def __init__(
        self,
        choices: Choices,
        workers: int,
        stay: float,
        job: Callable[[], Job | None],
        others: Callable[[], Sequence[Callable[[], None]]],
    ) -> None:
        while len(_POOL) < workers:
            _POOL.append(Worker(len(_POOL) + 1))
        self._workers = _POOL[:workers]
        for worker in self._workers:
            worker.turns, worker.killed = self, False
        self._choices = choices
        self._stay = stay
        self._job = job
        self._others = others
        self._ended = threading.Lock()
        self._ended.acquire()
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Return when no step is left."""
        self.next(None)
        if not self._ended.acquire(timeout=_HANG_TIMEOUT):
            raise AssertionError("a worker does not come to its next request")
        if self.failure:
            _POOL.clear()  # some of them wait for a turn that does not come
            raise self.failure

    def next(self, me: Worker | None) -> bool:
        """Whether it is the turn of `me`. Waits for it if `me` is busy."""
        waits = me is not None and me.busy
        try:
            following = self._decide(me)
        except BaseException as error:  # noqa: BLE001 - `run` raises it
            self.failure = error
            following = None
        if following is not None and following is me:
            return True
        if following is None:
            self._ended.release()
        else:
            following.wake()
        if waits:
            assert me is not None
            me.sleep()
        return waits

    def _decide(self, me: Worker | None) -> Worker | None:
        while True:
            busy = [worker for worker in self._workers if worker.busy]
            if me in busy:
                busy.remove(me)
                busy.insert(0, me)
            idle = next((worker for worker in self._workers if not worker.busy), None)
            job = self._job() if idle else None
            others = self._others()
            count = len(busy) + bool(job) + len(others)
            if not count:
                return None
            choice = self._choices.below(count, first=self._stay) if count > 1 else 0
            if choice < len(busy):
                return busy[choice]
            choice -= len(busy)
            if job and choice == 0:
                assert idle is not None
                idle.job, idle.busy, idle.killed = job, True, False
                return idle
            others[choice - bool(job)]()
