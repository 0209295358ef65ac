"""Combinations of the options of `tinypics backfill`, and its output during a run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tinypics.aws.backfill.job import Job
from tinypics.aws.settings import Settings
from tinypics.backfill.estimate import Caps
from tinypics.backfill.outcome import DONE, FAILED, ObjectOutcome, Tally
from tinypics.backfill.survey import Selection, Survey
from tinypics.cli.app import app
from tinypics.cli.backfill import stack as command
from tinypics.cli.backfill.progress import describe, plain_lines
from tinypics.cli.backfill.stack_job import StackBackfill
from tinypics.cli.target import Target
from tinypics.cli.terminal import CommandFailed
from tinypics.local.package import AT_ONCE
from tinypics.stack.clients import Cloud
from tinypics.stack.deployed import Stack
from tinypics.store.objects import Listed

EMULATOR = Cloud.local("http://127.0.0.1:1", "us-east-1")


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keys.csv").write_text("key\na.jpg\n")


def said(*options: str) -> str:
    done = CliRunner().invoke(app, ["backfill", *options])
    assert done.exit_code == 2, done.output
    return done.stderr


@pytest.mark.parametrize(
    ("option", "words"),
    {
        "--bucket": ["--bucket", "x"],
        "--keys": ["--keys", "keys.csv"],
        "--attach": ["--attach"],
        "--stop": ["--stop"],
        "--data": ["--data", "x"],
        "--stack": ["--stack", "x"],
        "--local": ["--local"],
        "--aws": ["--aws"],
        "ID": ["20261125T225434-095f"],
    }.items(),
)
def test_what_only_a_stack_has_is_refused_by_name_for_this_machine(option: str, words: list[str]) -> None:
    assert f"{option}: it is not for --engine local" in said("--engine", "local", "--from", "a", "--to", "b", *words)


@pytest.mark.parametrize("option", ["--from", "--to", "--endpoint"])
def test_what_only_this_machine_has_is_refused_by_name_for_a_stack(option: str) -> None:
    assert f"{option}: it is for --engine local only" in said(option, "x")


@pytest.mark.parametrize(
    "words",
    [
        ["--bucket", "x"],
        ["--prefix", "x"],
        ["--any-name"],
        ["--keys", "keys.csv"],
        ["--renditions", "8x"],
        ["--since", "2026-11-24"],
        ["--max-objects", "5"],
        ["--max-cost", "5"],
        ["--concurrency", "5"],
        ["--dry-run"],
    ],
)
@pytest.mark.parametrize("how", ["--attach", "--stop"])
def test_a_run_that_was_started_takes_no_other_orders(how: str, words: list[str]) -> None:
    assert f"{words[0]}: it is not for --attach and --stop" in said(how, *words)


def test_options_that_exclude_each_other_are_refused() -> None:
    assert "--attach or --stop, not both" in said("--attach", "--stop")
    assert "ID: it is for --attach and --stop only" in said("20261125T225434-095f")
    assert "name both" in said("--engine", "local", "--from", "x")


def test_a_stack_of_before_says_that_it_has_none(tmp_path: Path) -> None:
    target = Target(Cloud.aws(None, "us-east-1"), Stack("in", "out", "f", "arn", "/log", None))
    for call in (command.attach, command.stop):
        with pytest.raises(CommandFailed, match="a version without backfills"):
            call(target, None, tmp_path)


def test_retry_of_a_report_takes_no_age() -> None:
    for words in (["--since", "1d"], ["--max", "5"]):
        done = CliRunner().invoke(app, ["retry", "--from", "keys.csv", *words])
        assert (done.exit_code, f"{words[0]}: it is not for --from" in done.stderr) == (2, True)


def test_the_help_tells_the_real_defaults() -> None:
    text = CliRunner().invoke(app, ["backfill", "--help"]).stdout
    told = dict(re.findall(r"--(max-objects|max-cost|concurrency).*default: \(([\d.]+)", text))
    assert told == {
        "max-objects": str(Caps().max_objects),
        "max-cost": f"{Caps().max_cost:g}",
        "concurrency": str(Job("x").concurrency),
    }


@pytest.mark.parametrize(
    ("cloud", "at_once", "priced"),
    [(Cloud.aws(None, "us-east-1"), "50 batches of 40", True), (EMULATOR, f"{AT_ONCE} pictures", False)],
)
def test_only_aws_has_a_price_and_batches(
    cloud: Cloud, at_once: str, priced: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    target = Target(cloud, Stack("in", "out", "f", "arn", "/log", None))
    survey = Survey()
    survey.add(Listed("a.jpg", 100_000, ""), Selection())
    command._print_plan(target, StackBackfill(Job("in"), Settings(), 1769), survey)
    first, second, *rest = capsys.readouterr().out.splitlines()
    assert first == "1 picture in in, 100.0 kB: 1 jpg"
    assert second == f"To out: 128x128; {at_once} at a time."
    shown = r"About \$0\.0\d+ at list prices of \d{4}-\d\d, if there are no outputs yet\."
    assert [bool(re.fullmatch(shown, line)) for line in rest] == [True] * priced


def test_the_line_tells_how_far_it_is() -> None:
    tally = Tally(total=100)
    for number in range(6):
        tally.add(ObjectOutcome(f"{number}.jpg", DONE))
    tally.add(ObjectOutcome("a.jpg", FAILED, "CorruptImage"))
    tally.add(ObjectOutcome("b.jpg", FAILED, "CorruptImage"))
    tally.add(ObjectOutcome("c.jpg", FAILED, "\x1b[31mRed"))
    line = describe(tally, 3)
    assert line.startswith("6 done, 3 failed (2 CorruptImage, 1 \\x1b[31mRed)  3/s  0:00:30 left")
    assert describe(Tally(), 0) == "  0/s"
    assert plain_lines("a\x1b\nb\n") == "a\\x1b\nb"
