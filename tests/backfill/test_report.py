"""Running counts and the report of a backfill."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tinypics.backfill.key_list import key_lines, read_keys
from tinypics.backfill.outcome import DONE, FAILED, HANDED_BACK, SKIPPED, ObjectOutcome, Tally
from tinypics.backfill.report import COMPLETE, BackfillReport

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
ODD = 'a "b", c\n日本/ü.jpg'


def report(*outcomes: ObjectOutcome, total: int = 0) -> BackfillReport:
    made = BackfillReport("run", "original-pics", "", ("128x128",), START, Tally(total=total or len(outcomes)))
    for outcome in outcomes:
        made.add(outcome)
    return made


def test_an_outcome_becomes_json_without_empty_fields_and_back() -> None:
    outcome = ObjectOutcome("a.jpg", FAILED, "CorruptImage", "cut short", 12, 512)
    assert ObjectOutcome.from_dict(json.loads(json.dumps(outcome.to_dict()))) == outcome
    assert ObjectOutcome("a.jpg", DONE).to_dict() == {"key": "a.jpg", "state": "done"}
    assert ObjectOutcome.from_dict({"key": "a", "state": "done", "of a later version": 1}) == ObjectOutcome("a", DONE)


def test_an_object_counts_once_and_stays_done() -> None:
    tally = Tally(total=3)
    told = [
        ObjectOutcome("a", HANDED_BACK, billed_ms=5, memory_mb=1024),
        ObjectOutcome("a", FAILED, "StoreUnavailable", billed_ms=5, memory_mb=1024),
        ObjectOutcome("a", DONE, billed_ms=10, memory_mb=1024),
        ObjectOutcome("a", SKIPPED, message="the outputs are current"),
        ObjectOutcome("b", SKIPPED, message="empty"),
        ObjectOutcome("b", SKIPPED, message="empty"),
    ]
    assert [tally.add(outcome) for outcome in told] == [False, True, True, False, True, False]
    assert (tally.states[DONE], tally.states[SKIPPED], tally.states[FAILED]) == (1, 1, 0)
    assert +tally.errors == {}
    assert tally.reasons == {"empty": 1}
    assert (tally.finished, tally.left, tally.billed_ms) == (2, 1, 20)
    assert tally.gb_seconds == pytest.approx(0.02)


def test_the_time_left_follows_from_the_rate() -> None:
    tally = Tally(total=10)
    assert tally.eta(0) is None
    for number in range(4):
        tally.add(ObjectOutcome(str(number), DONE))
    assert tally.rate(2) == 2
    assert tally.eta(2) == 3


def test_the_report_lists_failures_as_a_list_of_keys(tmp_path: Path) -> None:
    made = report(
        ObjectOutcome("z.jpg", FAILED, "CorruptImage", "cut short"),
        ObjectOutcome(ODD, FAILED, "UnsupportedFormat", "it looks like text"),
        ObjectOutcome("c.jpg", DONE, billed_ms=100, memory_mb=1024),
        ObjectOutcome("d.txt", SKIPPED, message="not a picture by its name"),
        total=5,
    )
    made.ended, made.estimate, made.cost = START + timedelta(seconds=125), 0.5, 0.25
    made.write(tmp_path / "new" / "folder")
    document = json.loads((tmp_path / "new" / "folder" / "report.json").read_text())
    assert (document["done"], document["skipped"], document["failed"], document["unaccounted"]) == (1, 1, 2, 1)
    assert document["errors"] == {"CorruptImage": 1, "UnsupportedFormat": 1}
    summary = (tmp_path / "new" / "folder" / "report.txt").read_text()
    assert "incomplete in 2 min 5 s" in summary
    assert "2  failed  (1 CorruptImage, 1 UnsupportedFormat)" in summary
    assert "1  without an outcome" in summary
    assert "Cost by list prices: $0.25 ($0.50 were estimated)" in summary
    assert list(read_keys(tmp_path / "new" / "folder" / "report.csv")) == [
        ("original-pics", ODD, "UnsupportedFormat"),
        ("original-pics", "z.jpg", "CorruptImage"),
    ]
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == [
        "report.csv",
        "report.json",
        "report.txt",
    ]


def test_a_failure_that_is_made_later_is_none() -> None:
    made = report(ObjectOutcome("a.jpg", FAILED, "StoreUnavailable"), ObjectOutcome("a.jpg", DONE), total=1)
    assert made.failures == []
    assert not made.changed_nothing


def test_a_run_that_changed_nothing_says_so() -> None:
    made = report(ObjectOutcome("a.jpg", SKIPPED, message="the outputs are current"))
    made.state = COMPLETE
    assert made.changed_nothing
    assert "It changed nothing" in made.summary()


def test_lists_of_keys_of_other_programs_are_read(tmp_path: Path) -> None:
    lines = key_lines("pics", ["a", ODD, "back\\slash \u2028"])
    assert lines.isascii()
    (tmp_path / "keys.jsonl").write_bytes(lines)
    assert [row.key for row in read_keys(tmp_path / "keys.jsonl")] == ["a", ODD, "back\\slash \u2028"]
    (tmp_path / "excel.csv").write_bytes(b"\xef\xbb\xbfkey,note\r\n\xc3\xbc.jpg,x\r\n")
    assert list(read_keys(tmp_path / "excel.csv")) == [("", "ü.jpg", "")]
    (tmp_path / "keys.jsonl").write_text('{"key": "a"}\n\n{"bucket": "pics", "key": "b", "error": "E"}\n')
    assert list(read_keys(tmp_path / "keys.jsonl")) == [("", "a", ""), ("pics", "b", "E")]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("other.csv", "bucket,name\npics,a\n", r"row 1: expected a column key .* got \['bucket', 'name'\]"),
        ("hole.csv", "bucket,key\npics,a\npics,\n", "row 2: expected"),
        ("list.jsonl", '{"key": "a"}\n["b"]\n', r"row 2: expected .* got \['b'\]"),
        ("number.jsonl", '{"key": 5}\n', "row 1: expected"),
        ("text.jsonl", "a.jpg\n", "Expecting value"),
    ],
)
def test_a_list_that_is_none_is_refused_by_its_row(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        list(read_keys(tmp_path / name))
