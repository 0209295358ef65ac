"""Tests do not depend on the load of the machine or the way the run was started; the artifact is built once."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.artifact import shared
from tests.tracing import Tracing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.local_stack import LocalStack

settings.register_profile("any machine", settings(), deadline=None, suppress_health_check=(HealthCheck.too_slow,))
settings.load_profile("any machine")

# Processes under nohup, or in the background of a script, ignore these signals, and child processes inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGTERM, signal.SIG_DFL)


# Modules and tests live as long as the run. Without this, the garbage collector would traverse all of them many times
# during collection, which would take half as long again, and once more with each full collection of a test.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    cov = config.pluginmanager.getplugin("_cov")
    if cov and cov.cov_controller:
        # An object, because pytest calls hooks of this file only for what is below its folder, which a session is not.
        config.pluginmanager.register(Tracing(config, cov.cov_controller))


SLOW = ("e2e", "browser", "local", "bench", "runtime", "sandbox", "store", "delivery", "test_memory.py")
"""Files that take longest, or their folders. They come first, so that no worker is left with one of them at the end."""


SAMPLE = 7
"""`make check` runs each seventh row of a test with the marker `table`. Hardly a table has a side that is a multiple of
seven, so these rows have every value of each parameter."""


@pytest.hookimpl(tryfirst=True)  # before pytest selects by markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: number for number, name in enumerate(SLOW)}
    items.sort(key=lambda item: order.get(item.path.parent.name, order.get(item.path.name, len(SLOW))))
    rows: Counter[str] = Counter()
    for item in items:
        if item.get_closest_marker("table"):
            function = item.nodeid.partition("[")[0]
            if rows[function] % SAMPLE:
                item.add_marker(pytest.mark.exhaustive)
            rows[function] += 1


@pytest.fixture(scope="session", autouse=True)
def no_sandbox_is_left_open() -> Iterator[None]:
    """The handler opens one when it is imported, and Lambda never closes it."""
    yield
    if handler := sys.modules.get("lambda_function"):
        handler.SANDBOX.close()


@pytest.fixture(scope="session")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    own = tmp_path_factory.getbasetemp()
    with shared(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) as folder:
        yield folder


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The deployed stack. All tests of a process share it, because starting an emulator takes a second of CPU time."""
    from tests.local_stack import running

    with running(tmp_path_factory.mktemp("emulator")) as stack:
        yield stack


PLACES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chromium-headless-shell")
"""The last one takes a third of the others' CPU time for each page, but is not what people use."""

FEATURES = "WebUIOmniboxPopup,WebUIOmniboxAimPopup,SpareRendererForSitePerProcess"
"""Two pages that Chromium loads for the address bar of each window, which take more CPU time than ours, and a process
that it starts in advance for the next page."""

WITHOUT_FEATURES = """#!/bin/bash
exec '{program}' "${{@/#--disable-features=/--disable-features={features},}}"
"""
"""A script, because Chromium obeys only the last `--disable-features`, and Playwright passes one of its own."""


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Debian's Chromium, one for all tests of a process, which can run only one Playwright.

    Without Chromium its tests are skipped; with `TINYPICS_REQUIRE_BROWSER=1`, as in CI, they fail instead.
    """
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, PLACES)), None)
    if program is None:
        missing = "Chromium is not installed (apt-get install chromium): the console was not tried in a browser"
        if os.environ.get("TINYPICS_REQUIRE_BROWSER"):
            pytest.fail(missing)
        pytest.skip(missing)
    script = tmp_path_factory.mktemp("chromium") / "chromium"
    script.write_text(WITHOUT_FEATURES.format(program=program, features=FEATURES))
    script.chmod(0o700)
    with sync_playwright() as playwright:
        # Chromium has no sandbox as root; the tests open only trusted pages.
        browser = playwright.chromium.launch(executable_path=script, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()
