"""The processes of a function as on Lambda: confined, frozen between events, terminated."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.e2e import faults
from tests.e2e.faults import Fault
from tests.runtime.api import WITHIN
from tests.runtime.conftest import Start
from tests.runtime.function import READ_ALL, USER, Function
from tests.runtime.store import SOURCE, Store
from tests.runtime.test_events import DIRECT, KEY, PICTURE
from tests.waiting import eventually

pytestmark = pytest.mark.e2e

FROZEN = 5  # seconds


def has_no_rights(pid: int) -> bool:
    """Whether a process belongs to an ordinary user with at most read permissions (proc_pid_status(5))."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    facts = dict(line.split(":", 1) for line in lines)
    users, capabilities = set(facts["Uid"].split()), int(facts["CapEff"], 16)
    return users == {str(os.geteuid() or USER)} and not capabilities & ~(1 << READ_ALL)


def has_nothing(pid: int) -> bool:
    """Whether a process has neither environment nor files, except one socket."""
    files = {str(path.readlink()).partition(":")[0] for path in Path(f"/proc/{pid}/fd").iterdir()}
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    return files == {"/dev/null", "socket"} and not environment.strip(b"\0")


def test_the_function_has_no_rights_and_the_worker_nothing_at_all(function: Function) -> None:
    function.wait_until_idle()
    assert has_no_rights(function.process.pid)
    assert has_no_rights(function.worker)
    assert has_nothing(function.worker)
    assert not has_nothing(function.process.pid)  # the check detects files and variables


def test_a_worker_that_was_killed_while_idle_is_replaced(function: Function, store: Store) -> None:
    store.put(KEY, PICTURE)
    worker = function.worker
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: function.group().get(worker, "Z") == "Z")
    done = function.invoke(DIRECT)
    assert done.answer["status"] == "SUCCESS"
    (line,) = done.lines
    assert line.items() >= done.answer.items()
    assert done.runtime_lines == []
    assert function.worker != worker
    assert has_no_rights(function.worker)
    assert has_nothing(function.worker)


def test_an_event_after_a_freeze_is_answered_as_any_other(function: Function, store: Store) -> None:
    """Lambda freezes all processes when the function requests the next event, and thaws them for it."""
    store.put(KEY, PICTURE)
    function.invoke(DIRECT)  # so that there are open connections
    function.wait_until_idle()
    processes = function.group()
    function.signal(signal.SIGSTOP)
    eventually(lambda: set(function.group().values()) == {"T"})
    time.sleep(FROZEN)
    request = function.send(DIRECT | {"dest_key": "again.jpg"})
    function.signal(signal.SIGCONT)
    done = function.outcome(request)
    assert (done.answer["status"], done.answer["dest_key"]) == ("SUCCESS", "again.jpg")
    assert store.output("again.jpg") == store.output(KEY)
    (line,) = done.lines
    assert line.items() >= done.answer.items()
    assert done.runtime_lines == []
    assert function.group().keys() == processes.keys()


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_nothing_is_left_of_a_function_that_is_ended(
    start: Start, store: Store, number: signal.Signals, busy: bool
) -> None:
    store.put(KEY, PICTURE)
    reached, released = threading.Event(), threading.Event()

    def hold() -> None:
        reached.set()
        released.wait(WITHIN)

    with start() as function:
        if busy:
            store.proxy.faults.append(Fault(faults.first(hold), "GET", f"^/{SOURCE}/"))
            function.send(DIRECT)
            assert reached.wait(WITHIN)
        assert len(function.group()) == 2
        function.process.send_signal(number)  # not to the worker
        assert function.process.wait(WITHIN) == -number
        eventually(lambda: set(function.group().values()) <= {"Z"})
        assert function.logged() == []
        released.set()
