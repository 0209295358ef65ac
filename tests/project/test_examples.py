"""The examples run as documented."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.pictures import encoded, quadrants

if TYPE_CHECKING:
    from dask.distributed import Client

pytestmark = pytest.mark.release

EXAMPLE = Path(__file__).parents[2] / "examples" / "dask_backfill.py"
KEYS = [f"{number:02}.png" for number in range(70)]


@pytest.fixture
def places(tmp_path: Path) -> tuple[str, str]:
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    for key in KEYS:
        (tmp_path / "in" / key).write_bytes(encoded(quadrants(), "PNG"))
    (tmp_path / "in" / KEYS[7]).write_text("no picture")
    return str(tmp_path / "in"), str(tmp_path / "out")


@pytest.fixture(scope="module")
def example() -> Any:
    spec = importlib.util.spec_from_file_location("dask_backfill", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    from dask.distributed import Client  # takes a second, also where these tests are not run

    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "host": "127.0.0.1"}
    with Client(**options) as client:  # type: ignore[no-untyped-call]
        yield client


def test_a_cluster_maps_the_same_function(client: Client, example: Any, places: tuple[str, str]) -> None:
    made = {"done": 69, "UnsupportedFormat": 1}
    assert example.backfill(client, iter(KEYS), *places, ["16x16"]) == made
    assert len(list(Path(places[1]).glob("*.png"))) == 69
    assert example.backfill(client, iter(KEYS), *places, ["16x16"]) == {"skipped": 69, "UnsupportedFormat": 1}


def test_a_batch_that_cannot_be_done_is_named(
    client: Client, example: Any, places: tuple[str, str], capsys: Any
) -> None:
    assert example.backfill(client, ["a", "b"], *places, ["16by16"]) == {"InvalidRequest": 2}
    assert capsys.readouterr().err == "a\nb\n"


def test_the_example_has_at_most_forty_lines_of_code() -> None:
    code = EXAMPLE.read_text().split('"""', 2)[2]
    assert len([line for line in code.splitlines() if line.strip() and not line.strip().startswith("#")]) <= 40


def test_it_runs_from_the_shell(places: tuple[str, str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLE), "-", *places, "16x16"],
        input="\n".join(KEYS[:9]) + "\n",
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    # On a busy machine, Dask logs that it waits for its workers to end.
    waiting = "distributed.nanny - WARNING - Worker process"
    assert [line for line in ran.stderr.splitlines() if waiting not in line] == []
    assert json.loads(ran.stdout.replace("'", '"')) == {"done": 8, "UnsupportedFormat": 1}
