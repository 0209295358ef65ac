"""Installs pytest-cov's tracer only while a test, a fixture, or the end of a shared fixture runs.

pytest and pytest-xdist make more calls for a test than a quick test does, and the tracer takes as long as they do.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import is_hypothesis_test

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator


class Tracing:
    """A plugin of pytest. It does not affect coverage's `sysmon`, for which Python has no trace function."""

    def __init__(self, config: pytest.Config, controller: Any) -> None:
        self._controller = controller
        self._is_worker = "PYTEST_XDIST_WORKER" in os.environ
        self._has_workers = config.getoption("dist", "no") != "no"
        self._functions: tuple[Any, Any] = (None, None)

    @pytest.hookimpl(tryfirst=True)  # before pytest-cov starts a worker's own tracer, and the main process the workers
    def pytest_sessionstart(self) -> None:
        """Stop the tracer of the main process, and the one that pytest-cov starts in a worker as if it were that.

        They record nothing that is kept.
        """
        if self._is_worker or self._has_workers:
            self._controller.cov.stop()

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Only the first worker traces the imports, which are the same in each: the tracer takes as long as they do."""
        with self._installed(not self._is_worker or os.environ["PYTEST_XDIST_WORKER"] == "gw0"):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        with self._installed(False):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, request: pytest.FixtureRequest) -> Generator[None, object, object]:
        with self._installed(_is_traced(request.node)):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        with self._installed(_is_traced(pyfuncitem)):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
        """Traces the end of fixtures that several tests share."""
        with self._installed(nextitem is None or nextitem.path != item.path):
            return (yield)

    @contextlib.contextmanager
    def _installed(self, wanted: bool) -> Iterator[None]:
        """The tracer is installed, or not, during the `with` block, in this thread and in those that it starts."""
        before = sys.gettrace(), threading.gettrace()
        if before[0]:
            self._functions = before
        _install(self._functions if wanted else (None, None))
        try:
            yield
        finally:
            _install(before)


def _install(functions: tuple[Any, Any]) -> None:
    sys.settrace(functions[0])
    threading.settrace(functions[1])


def _is_traced(node: pytest.Item | pytest.Collector) -> bool:
    """Random examples must not decide the coverage, tests of the repository are not about the package, rows of a table
    run the lines of the first, and tests in Chromium those of the console's other tests. The tracer would make all of
    them take half as long again."""
    return not (
        is_hypothesis_test(getattr(node, "obj", None))
        or node.path.parent.name == "project"
        or any(map(node.get_closest_marker, ("exhaustive", "browser", "untraced")))
    )
