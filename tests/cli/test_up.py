"""What `tinypics up` says and sets, in this process; tests/e2e has its life as a process of its own."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from tinypics.cli import up
from tinypics.cli.app import app
from tinypics.cli.console import err

PROJECT = Path(__file__).parents[2]


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_up_says_where_everything_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT / "src")  # a folder below will do
    monkeypatch.setattr(up, "_follow", interrupt)
    monkeypatch.setattr(sys, "argv", [str(PROJECT / "nowhere" / "tinypics")])
    done = CliRunner().invoke(app, ["up", "--port", "0", "--data", str(tmp_path), "--parameter", "Api=off"])
    assert (done.exit_code, done.stderr) == (0, f"Stopped. Pictures stay in {tmp_path}.\n")
    assert "s3://original-pics" in done.stdout
    assert "API" not in done.stdout
    assert f"invoke {PROJECT}/events/resize.json --data {tmp_path}" in done.stdout
    with Image.open(tmp_path / up.SAMPLE) as sample:
        assert sample.size == (1200, 800)


def test_a_signal_is_taken_for_ctrl_c_unless_it_was_to_be_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nohup
    try:
        with up._interrupted_by(signal.SIGTERM, signal.SIGHUP):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_terminal_that_is_gone_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.chdir(PROJECT)
    monkeypatch.setattr(up, "_follow", interrupt)
    monkeypatch.setattr(err, "print", gone)
    assert CliRunner().invoke(app, ["up", "--port", "0", "--data", str(tmp_path)]).exit_code == 0


def test_how_to_call_it_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "my env" / "tinypics"
    program.parent.mkdir()
    program.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(program)])
    monkeypatch.setenv("PATH", "/nowhere")
    assert up._command() == "'my env/tinypics'"
    monkeypatch.setenv("PATH", str(program.parent))
    assert up._command() == "tinypics"
    monkeypatch.setattr(sys, "argv", ["/x/tinypics/__main__.py"])
    assert up._command() == f"{sys.executable} -m tinypics"
