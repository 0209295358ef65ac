"""A backfill with `--engine local`, as seen at the terminal."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tests.pictures import encoded, opened, quadrants
from tests.waiting import PATIENCE, eventually
from tinypics.backfill.estimate import Caps
from tinypics.backfill.outcome import ObjectOutcome
from tinypics.backfill.report import BackfillReport
from tinypics.backfill.survey import Selection, Survey
from tinypics.cli.app import app
from tinypics.cli.backfill import local
from tinypics.cli.backfill.local import LocalBackfill
from tinypics.cli.terminal import INTERRUPTED, CommandFailed
from tinypics.errors import InvalidRequest, LoopRefused
from tinypics.store.objects import Listed, UnsupportedKey

PICTURE = encoded(quadrants(), "PNG")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name in ("a.png", "2024/b.png", "2024/c.png"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(PICTURE)
    (tmp_path / "in" / "notes.txt").write_text("x")
    return tmp_path / "in"


def backfill(source: Path, *, caps: Caps | None = None, dry_run: bool = False, **options: Any) -> tuple[int, Any]:
    """Returns the exit code and the report."""
    report = source.parent / "report"
    chosen = LocalBackfill.from_options(str(source), str(source.parent / "out"), ["16x16"], processes=1, **options)
    code = local.backfill(chosen, caps or Caps(), dry_run=dry_run, yes=True, report_to=report)
    found = report / "report.json"
    return code, json.loads(found.read_text()) if found.exists() else None


def test_existing_pictures_are_resized_and_reported(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, report = backfill(source)
    assert (code, report["state"], report["done"], report["objects"]) == (0, "complete", 3, 3)
    assert (source.parent / "out" / "2024" / "b.png").exists()
    printed = capsys.readouterr().out
    assert "3 pictures in" in printed
    assert "1 left out: 1 not a picture by its name" in printed
    code, report = backfill(source)
    assert (code, report["done"], report["skipped_because"]) == (0, 0, {"the outputs are current": 3})
    assert "It changed nothing" in capsys.readouterr().out


def test_pictures_without_an_extension_are_taken_when_any_name_will_do(source: Path) -> None:
    (source / "4f1d3c").write_bytes(PICTURE)
    (source / "notes.txt").unlink()
    code, report = backfill(source, any_name=True)
    assert (code, report["done"]) == (0, 4)


def test_failures_are_named_and_the_exit_code_says_so(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (source / "broken.png").write_bytes(PICTURE[:50])
    code, report = backfill(source)
    assert (code, report["state"], report["errors"]) == (1, "complete", {"CorruptImage": 1})
    assert (source.parent / "report" / "report.csv").read_text().splitlines()[1].split(",")[1:3] == [
        "broken.png",
        "CorruptImage",
    ]
    assert "broken.png: CorruptImage" in capsys.readouterr().err


def test_a_prefix_and_a_time_choose(source: Path) -> None:
    os.utime(source / "2024" / "b.png", (1_000_000_000, 1_000_000_000))
    _, report = backfill(source, prefix="2024/", since=datetime(2020, 1, 1, tzinfo=UTC))
    assert (report["done"], report["prefix"]) == (1, "2024/")
    assert not (source.parent / "out" / "a.png").exists()


@pytest.mark.parametrize("caps", [Caps(max_objects=2), Caps(max_cost=-1)])
def test_what_is_over_a_cap_does_not_start(source: Path, caps: Caps) -> None:
    with pytest.raises(CommandFailed, match="CapExceeded.*Nothing was started"):
        backfill(source, caps=caps)
    assert not (source.parent / "out").exists()


@pytest.mark.parametrize("price", [0.0, 1.0])
def test_caps_hold_whatever_is_added_while_the_question_waits(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, price: float
) -> None:
    """Before the ones that were counted in the listing, and after them; each picture costs one dollar or nothing."""

    def confirm(*_: object, **__: object) -> None:
        for number in range(20):
            (source / f"{number % 2 * 'z'}{number}.png").write_bytes(PICTURE)

    monkeypatch.setattr(typer, "confirm", confirm)
    monkeypatch.setattr(LocalBackfill, "price", lambda _, survey: price * survey.objects)
    chosen = LocalBackfill.from_options(str(source), str(tmp_path / "out"), ["16x16"], processes=1)
    caps = Caps(max_cost=4.5) if price else Caps(max_objects=4)
    code = local.backfill(chosen, caps, dry_run=False, yes=False, report_to=tmp_path / "report")
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert (code, report["state"], report["done"]) == (1, "incomplete", 4)
    assert "pictures were added after the count: max_" in report["reason"]
    assert len(list((tmp_path / "out").rglob("*.png"))) == 4


def test_a_prefix_that_no_key_has_is_an_error(source: Path) -> None:
    with pytest.raises(CommandFailed, match=r"There is nothing in \S+ that starts with nosuch\.$"):
        backfill(source, dry_run=True, prefix="nosuch")


def test_a_dry_run_and_a_no_make_nothing(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert backfill(source, dry_run=True) == (0, None)

    def declined(*_: object, **__: object) -> None:
        raise typer.Abort

    monkeypatch.setattr(typer, "confirm", declined)
    chosen = LocalBackfill.from_options(str(source), str(source.parent / "out"), ["16x16"])
    with pytest.raises(typer.Abort):
        local.backfill(chosen, Caps(), dry_run=False, yes=False, report_to=tmp_path)
    assert not (source.parent / "out").exists()


@pytest.mark.process
def test_ctrl_c_leaves_complete_outputs_and_the_same_command_continues(tmp_path: Path) -> None:
    for number in range(400):
        path = tmp_path / "in" / f"{number:03}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(PICTURE)
    command = [sys.executable, "-m", "tinypics", "backfill", "--engine", "local", "--from", "in", "--to", "out"]
    command += ["--renditions", "32x32,x16-webp", "--concurrency", "2", "--yes"]
    with subprocess.Popen(command, cwd=tmp_path, start_new_session=True, stdout=subprocess.DEVNULL) as running:
        eventually(lambda: running.poll() is not None or len(list(tmp_path.glob("out/*/manifest.json"))) >= 5)
        assert running.poll() is None
        os.killpg(running.pid, signal.SIGINT)  # to all processes, as a terminal does
        assert running.wait(PATIENCE) == INTERRUPTED
    first = json.loads((tmp_path / "backfill-report" / "report.json").read_text())
    assert (first["state"], first["unaccounted"] > 0) == ("stopped", True)
    outputs = [path for path in tmp_path.glob("out/**/*") if path.is_file() and ".tinypics" not in path.parts]
    assert all(opened(path.read_bytes()).size for path in outputs if path.suffix != ".json")
    assert all(json.loads(path.read_text()) for path in outputs if path.suffix == ".json")
    assert not list(tmp_path.glob("out/.tinypics/parts/*"))
    done = len(list(tmp_path.glob("out/*/manifest.json")))
    subprocess.run(command, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    second = json.loads((tmp_path / "backfill-report" / "report.json").read_text())
    assert (second["state"], second["done"], second["skipped"]) == ("complete", 400 - done, done)


def test_invalid_options_are_reported_in_one_sentence(tmp_path: Path, source: Path) -> None:
    def said(*options: str) -> str:
        done = CliRunner().invoke(
            app, ["backfill", "--engine", "local", "--from", str(source), "--to", str(tmp_path / "out"), *options]
        )
        assert done.exit_code == 1
        return done.stderr.strip()

    assert said("--since", "yesterday").startswith("InvalidRequest: --since: expected a time like 2026-11-24")
    assert said("--renditions", "128by128").endswith("Nothing was started.")
    assert said("--to", str(source)).startswith("LoopRefused: ")
    assert said("--to", "s3://x", "--profile", "nobody").startswith("The config profile (nobody) could not be found: ")


def test_a_time_without_a_zone_is_utc() -> None:
    assert local.parse_since("2026-11-24") == datetime(2026, 11, 24, tzinfo=UTC)
    assert local.parse_since("2026-11-24T06:00+02:00") == datetime(2026, 11, 24, 4, tzinfo=UTC)


def test_ctrl_c_stops_and_reports(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add = BackfillReport.add

    def interrupted(self: BackfillReport, outcome: ObjectOutcome) -> bool:
        add(self, outcome)
        raise KeyboardInterrupt

    monkeypatch.setattr(BackfillReport, "add", interrupted)
    code, report = backfill(source)
    assert (code, report["state"], report["done"]) == (INTERRUPTED, "stopped", 1)


def test_places_that_cannot_be_are_refused(source: Path) -> None:
    with pytest.raises(LoopRefused):
        LocalBackfill.from_options(str(source), str(source), ["16x16"])
    with pytest.raises(InvalidRequest, match="--prefix: expected one that starts with in/"):
        LocalBackfill.from_options("s3://pics/in", "s3://pics/out", ["16x16"], prefix="elsewhere/")
    (source.parent / "out").write_text("a file")
    with pytest.raises(CommandFailed, match="InvalidRequest: location: expected a folder"):
        backfill(source)


def test_a_missing_source_is_reported(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="SourceNotFound: there is no folder .*/in$"):
        backfill(tmp_path / "in")


def test_folders_of_a_store_that_cannot_be_listed_are_named(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """List like a bucket of Google's or Azure's that contains a key like `a//b.jpg`."""

    def odd(*_: object) -> Any:
        raise UnsupportedKey("empty path segment")

    monkeypatch.setattr("tinypics.store.location._client", lambda _: type("", (), {"everything": odd, "level": odd})())
    report = BackfillReport("id", "pics", "", ("16x16",), datetime.now(UTC))
    survey = LocalBackfill.from_options("gs://pics/in", str(source.parent / "out"), ["16x16"]).survey(Caps(), report)
    assert survey.objects == 0
    assert [(outcome.key, outcome.error) for outcome in report.failures] == [("in/", "InvalidRequest")]


@pytest.mark.parametrize(("endpoint", "priced"), [(None, True), ("http://127.0.0.1:1", False)])
def test_a_backfill_in_the_emulator_has_no_price(
    endpoint: str | None, priced: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    survey = Survey(listed=100_000, objects=100_000)
    local._print_plan(LocalBackfill.from_options("s3://a", "s3://b", ["16x16"], endpoint=endpoint), survey)
    assert bool(re.search(r"Requests cost about \$1\.\d at the list prices of S3", capsys.readouterr().out)) == priced


def test_only_stores_on_both_sides_cost_requests(source: Path) -> None:
    survey = Survey()
    survey.add(Listed("a.png", 1000, "", None), Selection())
    assert LocalBackfill.from_options("s3://a", "s3://b", ["16x16"]).price(survey) > 0
    assert LocalBackfill.from_options(str(source), "s3://b", ["16x16"]).price(survey) == 0
