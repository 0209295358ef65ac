"""The emulator's process: starting, refusing, stopping, and never outliving its parent."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import eventually
from tinypics.local import emulator as module
from tinypics.local import emulator_process
from tinypics.local.emulator import Emulator, EmulatorError, is_healthy
from tinypics.local.pidfile import PidFile
from tinypics.local.template import read_template
from tinypics.stack.deployed import Stack

pytestmark = pytest.mark.e2e

STACK = Stack("in", "out", "function", "arn:machine", "/log", None)


def group(pgid: int) -> list[str]:
    """The command lines of the processes in a group: the emulator and its Lambda workers."""
    listed = subprocess.run(["ps", "-eo", "pgid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    fields = [line.split(None, 2) for line in listed.splitlines()]
    return [field[2] for field in fields if field[0] == str(pgid) and not field[1].startswith("Z")]


def test_starts_answers_and_stops(tmp_path: Path) -> None:
    with Emulator.start(tmp_path, 0) as emulator:
        assert is_healthy(emulator.port)
        assert emulator.endpoint == f"http://127.0.0.1:{emulator.port}"
        emulator.check()
        with socket.socket() as other, pytest.raises(ConnectionRefusedError):  # it listens only on this address
            other.connect(("127.0.0.2", emulator.port))
    assert not is_healthy(emulator.port)
    assert group(emulator.pid) == []
    emulator.stop()  # a second time does nothing


def test_nothing_of_the_users_aws_settings_gets_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with Emulator.start(tmp_path, 0) as emulator:
        environment = Path(f"/proc/{emulator.pid}/environ").read_text()
    assert "secret" not in environment
    assert "AWS_PROFILE" not in environment
    assert "PROXY" not in environment


def test_a_port_in_use_is_refused_by_name(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(EmulatorError, match=f"Port {port} is taken by another program.*--port N.*lsof.*:{port}"):
            Emulator.start(tmp_path, port)
    with Emulator.start(tmp_path, 0):  # and the lock on the folder is released
        pass


def test_another_folders_emulator_is_distinguished_from_another_program(tmp_path: Path) -> None:
    with (
        Emulator.start(tmp_path / "a", 0) as emulator,
        pytest.raises(EmulatorError, match="another local emulator, of another folder"),
    ):
        Emulator.start(tmp_path / "b", emulator.port)


def test_a_port_that_may_not_be_used_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", denied)
    with pytest.raises(EmulatorError, match="Port 80 cannot be used: Permission denied"):
        Emulator.start(tmp_path, 80)


def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmulatorError, match="cannot hold the emulator's data: it is a file"):
        Emulator.start(tmp_path / "file", 0)


def test_one_emulator_per_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOCK_WITHIN", 0.2)
    with Emulator.start(tmp_path, 0) as emulator:
        with pytest.raises(EmulatorError, match="just starting or stopping"):
            Emulator.start(tmp_path, 0)
        PidFile(emulator.endpoint, emulator.port, "us-east-1", emulator.pid, os.getpid(), STACK).write(tmp_path)
        with pytest.raises(EmulatorError, match=f"runs already: {emulator.endpoint} .process {os.getpid()}"):
            Emulator.start(tmp_path, 0)
        emulator.check()
    assert PidFile.read(tmp_path) is None


def test_the_silent_function_is_the_templates() -> None:
    resources = read_template(Path(__file__).parents[2] / "template.yaml")["Resources"].values()
    assert emulator_process.SILENT in [resource["Properties"].get("Handler") for resource in resources]


def test_an_emulator_that_does_not_start_shows_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit('no room on this laptop')")
    monkeypatch.setattr(emulator_process, "__file__", str(broken))
    with pytest.raises(EmulatorError, match="did not start:\nno room on this laptop"):
        Emulator.start(tmp_path / "data", 0)


def test_an_emulator_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = tmp_path / "silent.py"
    silent.write_text("import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)")
    monkeypatch.setattr(emulator_process, "__file__", str(silent))
    monkeypatch.setattr(module, "_READY_WITHIN", 0.5)
    monkeypatch.setattr(module, "_STOPPED_WITHIN", 0.5)
    with pytest.raises(EmulatorError, match="did not start"):
        Emulator.start(tmp_path / "data", 0)
    with (tmp_path / "data" / "engine.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # no process holds the lock any more


def test_an_emulator_that_was_killed_is_noticed(tmp_path: Path) -> None:
    with Emulator.start(tmp_path, 0) as emulator:
        os.kill(emulator.pid, signal.SIGKILL)
        eventually(lambda: not is_healthy(emulator.port))
        with pytest.raises(EmulatorError, match=r"was killed by SIGKILL\. Pictures are safe"):
            eventually(emulator.check)


PARENT = """
import pathlib, sys, time
from tinypics.local.emulator import Emulator
emulator = Emulator.start(pathlib.Path(sys.argv[1]), 0)
print(emulator.pid, emulator.port, flush=True)
time.sleep(60)
"""


def test_the_emulator_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, tmp_path], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout
        pid, port = map(int, parent.stdout.readline().split())
        parent.kill()
    eventually(lambda: not group(pid))
    assert not is_healthy(port)
    with Emulator.start(tmp_path, port):  # both the folder and the port are free again
        pass


def test_facts_that_cannot_be_read_are_none(tmp_path: Path) -> None:
    facts = PidFile("http://127.0.0.1:1", 1, "us-east-1", 2, 3, STACK)
    facts.write(tmp_path)
    assert PidFile.read(tmp_path) == facts
    found = json.loads((tmp_path / "engine.json").read_text())
    for text in ("", "[]", "{}", '{"stack": {}}', json.dumps(found | {"new": 1})):
        (tmp_path / "engine.json").write_text(text)
        assert PidFile.read(tmp_path) is None


def test_outputs_of_another_stack_are_not_ours() -> None:
    with pytest.raises(KeyError):
        Stack.from_outputs({"SourceBucketName": "original-pics"})
