from __future__ import annotations

import contextlib
import signal
import threading
import time
from types import SimpleNamespace

import pytest

from tinypics.aws import deadline
from tinypics.errors import DeadlineExceeded


def context(seconds: float) -> SimpleNamespace:
    return SimpleNamespace(get_remaining_time_in_millis=lambda: seconds * 1000)


def busy() -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        sum(range(1000))
    pytest.fail("nothing stopped it")


def test_work_is_stopped_before_lambda_stops_it() -> None:
    with pytest.raises(DeadlineExceeded, match="larger Timeout or MemorySize"), deadline.enforce(context(1.05)):
        busy()


def test_a_timer_that_ran_before_runs_on() -> None:
    handler = signal.getsignal(signal.SIGALRM)
    with deadline.enforce(context(5)):
        assert signal.getsignal(signal.SIGALRM) is not handler
    assert signal.getsignal(signal.SIGALRM) is handler
    assert signal.getitimer(signal.ITIMER_REAL)[0] > 60  # this test run's own time limit


def test_work_that_has_no_time_is_not_begun() -> None:
    with pytest.raises(DeadlineExceeded), deadline.enforce(context(0.5)):
        pytest.fail("begun")


def test_a_stop_that_was_lost_comes_again() -> None:
    def loses_one() -> None:
        with contextlib.suppress(DeadlineExceeded):
            busy()
        busy()

    with pytest.raises(DeadlineExceeded), deadline.enforce(context(1.05)):
        loses_one()


@pytest.mark.parametrize("where", [None, SimpleNamespace()])
def test_without_a_lambda_context_there_is_no_limit(where: object) -> None:
    handler = signal.getsignal(signal.SIGALRM)
    with deadline.enforce(where):
        assert signal.getsignal(signal.SIGALRM) is handler


def test_in_another_thread_there_is_none_either() -> None:
    def work() -> None:
        with deadline.enforce(context(0.0)):
            done.append(True)

    done: list[bool] = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done


@pytest.mark.parametrize(
    ("lambdas", "ours", "left", "advice"),
    [
        (context(60), 100, 60, "a larger Timeout or MemorySize gives more"),
        (context(900), 100, 100, "whatever Timeout is"),
        (None, 100, 100, "whatever Timeout is"),
    ],
)
def test_a_shortened_context_has_the_nearer_end_and_says_how_to_get_more(
    monkeypatch: pytest.MonkeyPatch, lambdas: object, ours: float, left: float, advice: str
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    shortened = deadline.Shortened(lambdas, ours)
    assert shortened.get_remaining_time_in_millis() == left * 1000
    assert advice in shortened.advice


def test_a_shortened_context_is_the_invocations_own_otherwise() -> None:
    lambdas = context(60)
    lambdas.memory_limit_in_mb = "1769"
    shortened = deadline.Shortened(lambdas, 5)
    assert (shortened.memory_limit_in_mb, getattr(shortened, "aws_request_id", "-")) == ("1769", "-")
    with (
        pytest.raises(DeadlineExceeded, match="whatever Timeout is"),
        deadline.enforce(deadline.Shortened(None, 0.5)),
    ):
        pytest.fail("begun")
