"""The command line itself: help texts, and the messages about missing packages and stacks."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from tinypics import __version__, install
from tinypics.cli.app import app

COMMANDS = (
    *("up", "console", "invoke", "run", "put", "url", "doctor", "why", "ls", "get", "rm", "logs"),
    *("verify", "connect", "retry", "backfill", "resize"),
)


def test_the_version() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout) == (0, f"tinypics {__version__}\n")


def test_help_lists_every_command() -> None:
    text = CliRunner().invoke(app, ["--help"]).stdout
    assert all(f" {command} " in text for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_has_an_example(command: str) -> None:
    done = CliRunner().invoke(app, [command, "-h"])
    assert done.exit_code == 0
    assert f"  tinypics {command} " in done.stdout.split("Example")[1]


@pytest.mark.parametrize(
    ("missing", "command", "said"),
    [("boto3", "logs", f"This command needs boto3: {install.command('local')}")],
)
def test_a_missing_package_is_named_with_the_extra_that_has_it(missing: str, command: str, said: str) -> None:
    script = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv[1:] = [{command!r}]; import tinypics.cli as c; c.main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (1, said)


def test_a_fault_of_ours_is_not_taken_for_a_missing_package() -> None:
    script = "import sys; sys.modules['tinypics.cli.app'] = None; import tinypics.cli as c; c.main()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "ModuleNotFoundError" in done.stderr


@pytest.mark.parametrize(("command", "key"), [("why", ""), ("get", "é" * 513), ("rm", "")])
def test_a_key_that_no_object_can_have_is_a_usage_error(
    command: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    done = CliRunner().invoke(app, [command, key])
    assert done.exit_code == 2
    assert f"Invalid value for 'KEY': expected 1 to 1,024 bytes, got {len(key.encode()):,}" in done.stderr


@pytest.mark.parametrize("name", ["a\x1b.jpg", None])
def test_a_full_disk_is_one_line(name: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> str:
        raise OSError(28, "No space left on device", name)

    monkeypatch.setattr("tinypics.cli.workflow.read_event", fail)
    done = CliRunner().invoke(app, ["invoke", "event.json"])
    assert done.exit_code == 1
    assert done.stderr == ("a\\x1b.jpg: " if name else "") + "No space left on device\n"


def test_python_m_is_the_same_command() -> None:
    done = subprocess.run([sys.executable, "-m", "tinypics", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"tinypics {__version__}\n"
