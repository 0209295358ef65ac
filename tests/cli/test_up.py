"""Output and settings of `tinypics up`, in this process; tests/e2e starts it as a process."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import EndpointConnectionError
from PIL import Image
from typer.testing import CliRunner

from tinypics.cli import up
from tinypics.cli.app import app
from tinypics.cli.terminal import err
from tinypics.local.emulator import EmulatorError
from tinypics.local.pidfile import PidFile
from tinypics.stack.deployed import Stack

if TYPE_CHECKING:
    from typer.testing import Result

PROJECT = Path(__file__).parents[2]
ANY_PORTS = ("--port", "0", "--console-port", "0")
WITHOUT_MAKE = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.e2e
def test_up_says_where_everything_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT / "src")  # a subfolder is enough
    monkeypatch.setattr(up, "_follow", interrupt)
    monkeypatch.setattr(sys, "argv", [str(PROJECT / "nowhere" / "tinypics")])
    done = CliRunner().invoke(app, ["up", *ANY_PORTS, "--data", str(tmp_path), "--parameter", "Api=off"])
    assert (done.exit_code, done.stderr) == (0, f"Stopped. Pictures stay in {tmp_path}.\n")
    assert "s3://original-pics" in done.stdout
    assert "API" not in done.stdout
    assert f"invoke {PROJECT}/events/resize.json --data {tmp_path}" in done.stdout
    with Image.open(tmp_path / up.SAMPLE) as sample:
        assert sample.size == (1200, 800)


def started(*options: str, folder: Path) -> Result:
    return CliRunner().invoke(app, ["up", "--port", "0", "--data", str(folder), *options])


@pytest.mark.e2e
def test_the_next_start_has_the_same_parameters_and_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    monkeypatch.setattr(up, "_follow", interrupt)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        monkeypatch.setattr(up, "DEFAULT_PORT", taken)
        first = started("--parameter", "Renditions=32x32", folder=tmp_path)
    assert first.exit_code == 0, first.output
    console = r"http://127\.0\.0\.1:(\d+)/\?token=\S+"
    address = re.search(console, first.stdout)
    assert address
    assert f"Port {taken} is taken by another program: the console is on {address[1]}." in first.stderr
    second = started("--parameter", "LogRetention=7", "--parameter", "Prefix=in/", folder=tmp_path)
    assert address[0] in second.stdout
    assert "Parameters: Renditions=32x32 LogRetention=7 Prefix=in/ (kept for" in second.stdout
    assert f"{up.SAMPLE} --prefix in/ --data {tmp_path}" in second.stdout
    apis = [re.search(r"execute-api/(\w+)", done.stdout) for done in (first, second)]
    assert apis[0]
    assert apis[1]
    assert apis[0][1] == apis[1][1]
    wrong = started("--parameter", "Renditions=foo", folder=tmp_path)
    assert wrong.exit_code == 2
    assert (
        "Remembered from an earlier start: Renditions=32x32 LogRetention=7 Prefix=in/; --forget drops them"
        in wrong.stderr
    )
    third = started("--forget", "--console-port", "0", folder=tmp_path)
    assert "Parameters:" not in third.stdout
    assert address[0] not in third.stdout


def test_make_up_takes_its_options() -> None:
    words = ["PORT=5000", "DATA=my data", "PARAMETERS=Renditions=128x128,800x Api=off", "FORGET=1"]
    done = subprocess.run(
        ["make", "--dry-run", "up", *words], cwd=PROJECT, capture_output=True, text=True, check=True, env=WITHOUT_MAKE
    )
    command = done.stdout.replace("\\\n", "").splitlines()[-1]
    assert shlex.split(command)[1:] == [
        *("up", "--port", "5000", "--data", "my data", "--parameter", "Renditions=128x128,800x"),
        *("--parameter", "Api=off", "--forget"),
    ]


@pytest.mark.e2e
def test_a_terminal_that_is_gone_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.chdir(PROJECT)
    monkeypatch.setattr(up, "_follow", interrupt)
    monkeypatch.setattr(err, "print", gone)
    assert CliRunner().invoke(app, ["up", *ANY_PORTS, "--data", str(tmp_path)]).exit_code == 0


class Emulator:
    """Dies after its log was looked at once."""

    data = PROJECT

    def __init__(self) -> None:
        self.checks = iter([None, EmulatorError("The local emulator was killed")])

    def check(self) -> None:
        if error := next(self.checks):
            raise error


@pytest.mark.parametrize("reachable", [True, False])
def test_an_emulator_that_dies_while_its_log_is_followed(reachable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def show(_: object) -> None:
        if not reachable:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

    monkeypatch.setattr(up, "show", show)
    monkeypatch.setattr("time.sleep", lambda _: None)
    stack = Stack("in", "out", "f", "arn", "/log", None)
    with pytest.raises(EmulatorError, match="was killed"):
        up._follow(Emulator(), PidFile("http://127.0.0.1:1", 1, "us-east-1", 1, 1, stack), lambda: None)  # type: ignore[arg-type]


def test_a_disk_that_is_nearly_full_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10**9))
    assert not up._warn_about_space(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10**6))
    assert up._warn_about_space(tmp_path)
    assert capsys.readouterr().err.startswith(f"The disk of {tmp_path} has only 1.0 MB left. When it is full, ")


def test_a_taken_port_of_the_console_is_reported_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        done = started("--console-port", str(taken), folder=tmp_path / "data")
    assert done.exit_code == 1
    assert f"Port {taken} cannot be used for the console" in done.stderr
    assert not (tmp_path / "data").exists()


def test_an_emulator_that_cannot_start_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    (tmp_path / "file").touch()
    done = CliRunner().invoke(app, ["up", "--data", str(tmp_path / "file")])
    assert done.exit_code == 1
    assert "cannot hold the emulator's data: it is a file" in done.stderr


# --- Parameters

NO_RENDITION = (
    "Renditions: rendition: expected a size and what differs from the defaults, like 128x128, 800x-webp-q80 or "
    'thumb=x600-inside, got "foo"'
)

NO_EXPRESS = (
    "The API reports the state of executions, which EXPRESS workflows do not keep. "
    "Set Api=off or WorkflowType=STANDARD."
)


def refused(*parameters: str, folder: Path) -> list[str]:
    """The output of the command for wrong parameters, started as from a terminal. It must leave no process."""
    words = [word for parameter in parameters for word in ("--parameter", parameter)]
    done = subprocess.run(
        [sys.executable, "-m", "tinypics", "up", "--port", "0", "--data", folder / "data", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
        env=os.environ | {"COLUMNS": "20"},
    )
    assert (done.returncode, done.stdout, (folder / "data").exists()) == (2, "", False), done.stderr
    *lines, last = done.stderr.splitlines()
    assert last == "Nothing was started."
    return lines


def test_all_wrong_parameters_are_named_at_once(tmp_path: Path) -> None:
    assert refused(
        "Renditions=foo", "Rendition=800x", "Trigger=queu", "MemorySize=100", "WorkflowType=EXPRESS", folder=tmp_path
    ) == [
        "Rendition: there is no such parameter, did you mean Renditions?",
        NO_RENDITION,
        'Trigger: expected workflow, queue, none, got "queu"',
        'MemorySize: expected a whole number from 512 to 10240, got "100"',
        NO_EXPRESS,
    ]


def test_also_those_that_are_not_written_as_parameters(tmp_path: Path) -> None:
    assert refused("Renditions", "Renditions=foo", "Api=on", "Api=on", folder=tmp_path) == [
        '--parameter: expected NAME=VALUE, got "Renditions"',
        'Api: expected one value, got "on, on"',
        NO_RENDITION,
    ]


def test_a_name_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    assert refused("\x1b[31mred=1", folder=tmp_path)[0].startswith("\\x1b[31mred: there is no such parameter")


@pytest.mark.parametrize("parameters", [["Renditions=foo"], ["Renditions=foo", "Renditions"]])
def test_wrong_parameters_are_a_usage_error(
    parameters: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT)
    words = [word for parameter in parameters for word in ("--parameter", parameter)]
    done = CliRunner().invoke(app, ["up", "--data", str(tmp_path / "data"), *words])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-2:] == [NO_RENDITION, "Nothing was started."]
