from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.waiting import PATIENCE
from tinypics.cli.interrupts import interrupted_by

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_signal_is_taken_for_ctrl_c_unless_it_was_to_be_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nohup
    try:
        with interrupted_by(signal.SIGTERM, signal.SIGHUP) as raise_lost_interrupt:
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            raise_lost_interrupt()
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGTERM)
            with pytest.raises(KeyboardInterrupt):  # the code that it hit may have swallowed the first
                raise_lost_interrupt()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


def import_something(ended: list[bool], get_signal: Callable[[int], None] = signal.raise_signal) -> None:
    """Get a signal in the import system."""
    importing = "get_signal(SIGTERM); ended.append(True)"
    given = {"get_signal": get_signal, "SIGTERM": signal.SIGTERM, "ended": ended}
    exec(compile(importing, "<frozen importlib._bootstrap>", "exec"), given)  # noqa: S102


# Directly, and in a module that it runs, or in the handler, which a second signal may interrupt.
@pytest.mark.parametrize("get_signal", [signal.raise_signal, lambda number: signal.raise_signal(number)])
def test_python_imports_a_module_to_the_end_before_it_is_interrupted(get_signal: Callable[[int], None]) -> None:
    """Other threads would wait forever for a lock of the import system."""
    ended: list[bool] = []

    def import_and_wait() -> None:
        import_something(ended, get_signal)
        time.sleep(PATIENCE)

    with interrupted_by(signal.SIGTERM), pytest.raises(KeyboardInterrupt):
        import_and_wait()
    assert ended


def test_a_postponed_signal_interrupts_once_when_it_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second interrupt would hit the cleanup after the first."""
    again: list[object] = []

    class Timer:
        def __init__(self, seconds: float, call: object, arguments: object) -> None:
            again.append((call, arguments))

        def start(self) -> None:
            pass

    monkeypatch.setattr(threading, "Timer", Timer)
    with interrupted_by(signal.SIGTERM) as raise_lost_interrupt:
        import_something([])
        raise_lost_interrupt()
    assert again == [(signal.pthread_kill, [threading.get_ident(), signal.SIGTERM])]
