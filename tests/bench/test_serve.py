"""The serving function makes each picture that the benchmark asks for, and the table has the figures."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from bench import pictures, report, serve
from bench.measure import Failed
from bench.serve import Found

pytestmark = pytest.mark.release


@pytest.fixture(autouse=True)
def _made_in_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "FOLDER", Path("/nonexistent"))
    pictures._photo.cache_clear()


def tiny(size: tuple[int, int]) -> dict[str, serve.Task]:
    task = serve.TASKS["served-medium"]
    return {"served-medium": dataclasses.replace(task, recipe=dataclasses.replace(task.recipe, size=size))}


def test_a_cold_and_a_warm_request_make_their_pictures(tmp_path: Path) -> None:
    (found,) = serve.measured(1, 2, tmp_path, tiny((640, 480))).values()
    assert (len(found.cold), len(found.warm)) == (1, 1)
    assert found.cold[0] > found.warm[0] > 0


def test_a_source_that_the_function_refuses_is_no_figure(tmp_path: Path) -> None:
    (tmp_path / "served-medium.jpeg").write_bytes(b"no picture")
    with pytest.raises(Failed, match="415"):
        serve.measured(1, 0, tmp_path, tiny((640, 480)))


def test_the_table_has_medians_and_published_figures() -> None:
    found = {"served-large": Found(23.1, [300, 310, 500], [90, 91, 99]), "served-medium": Found(0.8, [200], [20])}
    rows = serve.table(found).splitlines()[2:]
    assert [re.split(r" \| ", row)[1:4] for row in rows] == [["310", "91.0", "at most 414"], ["200", "20.0", "21.2"]]


def test_the_table_has_its_place_in_the_page() -> None:
    assert report.replaced(report.README.read_text(), "serve", "(figures)").count("(figures)") == 1
