"""One store for all tests, and one function for all tests that do not end it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests import artifact as artifacts
from tests.runtime import function as functions
from tests.runtime import store as stores
from tests.runtime.function import Function
from tests.runtime.store import BACKFILLS, OUTPUT, SOURCE, Store

Start = Callable[..., AbstractContextManager[Function]]


@pytest.fixture(scope="session")
def runtime() -> Iterator[Path]:
    """A folder with the packages of Lambda's own runtime."""
    if sys.platform != "linux":
        pytest.skip("AWS's runtime client comes for Linux only")
    with tempfile.TemporaryDirectory(prefix="tinypics-runtime-") as name:
        folder = Path(name)
        artifacts.link(artifacts.CLIENT + artifacts.SDK, folder)
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with stores.running(tmp_path_factory.mktemp("store")) as store:
        yield store


@pytest.fixture
def store(everything: Store) -> Iterator[Store]:
    yield everything
    everything.clear()


@pytest.fixture(scope="session")
def start(runtime: Path, artifact: Path, everything: Store, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Run `ResizeFunction` (a context manager), with variables that differ from the template's defaults."""

    def started(**variables: str) -> AbstractContextManager[Function]:
        given = functions.variables(
            "ResizeFunction",
            TINYPICS_SOURCE_BUCKETS=SOURCE,
            TINYPICS_OUTPUT_BUCKET=OUTPUT,
            TINYPICS_BACKFILL_BUCKET=BACKFILLS,
        )
        given |= {"AWS_ENDPOINT_URL": everything.proxy.endpoint}
        log = tmp_path_factory.mktemp("function") / "log"
        return functions.running("ResizeFunction", (artifact, runtime), given | variables, log)

    return started


@pytest.fixture(scope="session")
def function(start: Start) -> Iterator[Function]:
    with start() as function:
        yield function
