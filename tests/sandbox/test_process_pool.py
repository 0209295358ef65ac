"""Processes that die, and the rest of their work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import eventually
from tinypics.sandbox import process_pool

pytestmark = pytest.mark.process


def double(number: int) -> tuple[int, int]:
    """Double a number; returns the result and the process id. Negative numbers kill the process, and 99 raises."""
    if number < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 99:
        raise ValueError("99")
    return 2 * number, os.getpid()


def doubled(numbers: list[int]) -> list[tuple[int, int]]:
    return [double(number) for number in numbers]


def test_each_task_is_done_once_by_another_process() -> None:
    found = list(process_pool.run(double, iter(range(40)), 2))
    assert sorted((task, result[0]) for task, result in found if result) == [(n, 2 * n) for n in range(40)]
    assert os.getpid() not in {result[1] for _, result in found if result}


def test_a_deadly_task_is_named_and_costs_no_other_its_result() -> None:
    tasks = [1, 2, -1, 3, -2, *range(4, 20)]
    found = dict(process_pool.run(double, tasks, 2))
    assert {task: result and result[0] for task, result in found.items()} == {
        task: 2 * task if task > 0 else None for task in tasks
    }


def test_of_a_batch_only_the_deadly_part_is_lost() -> None:
    found = list(process_pool.run(doubled, [[1, 2, -1], [3, 4], [5]], 2, lambda batch: [[number] for number in batch]))
    assert [task for task, result in found if result is None] == [[-1]]
    assert sorted(pair[0] for _, result in found if result for pair in result) == [2, 4, 6, 8, 10]


def test_tasks_are_taken_as_they_are_needed() -> None:
    taken = []

    def tasks() -> object:
        for number in range(100):
            taken.append(number)
            yield number

    running = process_pool.run(double, tasks(), 2)  # type: ignore[arg-type]
    next(running)
    assert len(taken) <= 5
    running.close()
    assert len(taken) <= 5


def test_what_the_work_raises_is_raised() -> None:
    with pytest.raises(ValueError, match="99"):
        list(process_pool.run(double, [99, 1], 1))


ENDLESS = """
import itertools, sys
sys.path.insert(0, {path!r})
from tinypics.sandbox import process_pool
import tests.sandbox.test_process_pool as here
if __name__ == "__main__":
    for _, (_, pid) in process_pool.run(here.double, itertools.count(), 1):
        print(pid, flush=True)
"""


def test_no_process_outlives_the_one_that_hands_out(tmp_path: Path) -> None:
    script = tmp_path / "endless.py"
    project = str(Path(__file__).parents[2])
    script.write_text(ENDLESS.format(path=project))
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
        eventually(lambda: not alive(worker))


EARLY = """
import os, signal, sys
sys.path.insert(0, {path!r})
if __name__ == "__mp_main__":  # a process of the pool begins
    os.kill(os.getpid(), signal.SIGINT)
from tinypics.sandbox import process_pool
import tests.sandbox.test_process_pool as here
if __name__ == "__main__":
    for _, (doubled, pid) in process_pool.run(here.double, [3], 1):
        print(doubled, signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""


def test_ctrl_c_is_left_to_the_parent_even_while_a_process_begins(tmp_path: Path) -> None:
    script = tmp_path / "early.py"
    script.write_text(EARLY.format(path=str(Path(__file__).parents[2])))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("6 set()\n", "")


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
