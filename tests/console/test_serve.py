"""`tinypics console` at a terminal."""

from __future__ import annotations

import contextlib
import re
import shlex
import signal
import subprocess
import sys
import urllib.request
from typing import IO, TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from tinypics.cli import console
from tinypics.cli.app import app
from tinypics.console.server import PortTaken

if TYPE_CHECKING:
    from tests.local_stack import LocalStack

pytestmark = pytest.mark.e2e


def address_in(lines: IO[str]) -> str:
    return next(found[0] for line in lines if (found := re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", line)))


def test_it_prints_its_address_and_ends_with_a_signal(stack: LocalStack) -> None:
    command = [sys.executable, "-m", "tinypics", "console", "--console-port", "0", "--data", str(stack.data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            with urllib.request.urlopen(address_in(process.stdout)) as answer:
                assert b"<title>Tinypics</title>" in answer.read()
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=120)
        finally:
            process.kill()
    assert (process.returncode, said) == (0, "Stopped.\n")


def test_ctrl_c_ends_it_without_a_trace(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    def serving(*_: object, backfill: str) -> contextlib.nullcontext[str]:
        assert shlex.split(backfill)[-3:] == ["backfill", "--data", str(stack.data)]
        return contextlib.nullcontext("http://127.0.0.1:1/?token=x")

    monkeypatch.setattr("threading.Event.wait", interrupted)
    monkeypatch.setattr(console, "serving", serving)
    done = CliRunner().invoke(app, ["console", "--data", str(stack.data)])
    assert (done.exit_code, done.stderr) == (0, "Stopped.\n")
    assert "http://127.0.0.1:1/?token=x" in done.stdout


def test_a_port_that_is_taken_is_a_sentence(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*_: object) -> None:
        raise PortTaken("Port 1 cannot be used for the console")

    monkeypatch.setattr(console, "listen", taken)
    done = CliRunner().invoke(app, ["console", "--console-port", "1", "--data", str(stack.data)])
    assert (done.exit_code, done.stderr) == (1, "Port 1 cannot be used for the console\n")
