"""The comparison runs both sides over the same files, and its table has the figures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench import backfill, report
from bench.backfill import Took
from tinypics.backfill.outcome import DONE

pytestmark = pytest.mark.release


def test_both_sides_run_and_leave_their_figures(tmp_path: Path) -> None:
    found = backfill.measured(1, 3, tmp_path, ["grown-1"])
    assert {name: len(rounds) for name, rounds in found.items()} == {"bare": 1, "backfill": 1, "current": 1}
    assert all(took.wall > 0 and took.cpu > 0 for rounds in found.values() for took in rounds)
    assert len(list((tmp_path / "in").iterdir())) == 3
    assert not (tmp_path / "out").exists()


def test_files_that_are_not_as_they_should_be_end_it(tmp_path: Path) -> None:
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    (tmp_path / "in" / "a.jpg").write_text("no picture")
    with pytest.raises(RuntimeError, match="a process failed"):
        backfill.backfill(tmp_path / "in", tmp_path / "out", DONE)
    with pytest.raises(RuntimeError, match="a process failed"):
        backfill.bare(tmp_path / "in")


def test_the_table_has_the_least_disturbed_round_and_ratios() -> None:
    found = {"bare": [Took(2, 5), Took(1, 4), Took(9, 3)], "backfill": [Took(1.2, 5)], "current": [Took(0.2, 0.1)]}
    rows = backfill.table(found, 100).splitlines()[2:]
    assert [re.findall(r"[\d.]+", row.split(" | ", 1)[1]) for row in rows] == [
        ["100.0", "1.00", "1.00", "4.00", "1.00"],
        ["83.3", "1.20", "1.20", "5.00", "1.25"],
        ["500.0", "0.20", "0.20", "0.10", "0.03"],
    ]


def test_the_table_has_its_place_in_the_page() -> None:
    page = report.README.read_text()
    assert page.count("<!-- backfill -->\n") == page.count("<!-- /backfill -->") == 1
