"""The emulator: one child process per data folder, on loopback, that exits with its parent.

::

    <data>/engine.lock   locked (flock) by the emulator and its parent, until both have exited
    <data>/engine.json   the emulator's address and its stack; exists while it runs
    <data>/engine.log    the emulator's output since its last start
    <data>/s3/           the objects, which are kept
    <data>/tmp/          the emulator's temporary files, emptied at every start

Only objects are kept between runs. The emulator could save its other state on a clean stop, but not when it is killed.
So every start deploys the stack again, and there is only one way of starting to test.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from typing import IO, TYPE_CHECKING, Self

from tinypics.local import emulator_process
from tinypics.local.pidfile import PidFile

if TYPE_CHECKING:
    from pathlib import Path

HOST = "127.0.0.1"
DEFAULT_PORT = 4566
REGION = "us-east-1"
_HEALTH = "/_ministack/health"
_READY_WITHIN = 60.0  # seconds; it takes under one, but a laptop may be busy
_STOPPED_WITHIN = 10.0
_LOCK_WITHIN = 6.0  # an emulator whose parent was killed may take this long to exit
_BUSY = 15.0


class EmulatorError(Exception):
    """The emulator cannot start, or has exited. `str(error)` tells what to do."""


class Emulator:
    """A running emulator. `start` creates it; `stop`, or leaving the `with` block, ends it and its workers."""

    def __init__(self, data: Path, port: int, process: subprocess.Popen[bytes], lock: IO[str]) -> None:
        self.data = data
        self.port = port
        self.endpoint = f"http://{HOST}:{port}"
        self._process = process
        self._lock = lock

    @classmethod
    def start(cls, data: Path, port: int = DEFAULT_PORT) -> Self:
        """Start the emulator on `port` (0: any free one) with its files below `data`, and wait until it answers.

        Raises EmulatorError: the port is taken, an emulator of this folder is running, or the start fails.
        """
        data = data.resolve()
        try:
            data.mkdir(parents=True, exist_ok=True)
            lock = _lock(data)
        except OSError as error:
            reason = "it is a file" if isinstance(error, FileExistsError) else error.strerror
            raise EmulatorError(f"{data} cannot hold the emulator's data: {reason}") from error
        try:
            port = _free_port(port)
            PidFile.forget(data)  # left by an emulator whose parent was killed
            shutil.rmtree(data / "tmp", ignore_errors=True)
            (data / "tmp").mkdir()
            emulator = cls(data, port, _spawn(data, port, lock), lock)
        except BaseException:
            lock.close()
            raise
        try:
            emulator._wait_until_ready()
        except BaseException:
            emulator.stop()
            raise
        return emulator

    @property
    def pid(self) -> int:
        return self._process.pid

    def check(self) -> None:
        """Raise EmulatorError if the emulator has exited."""
        code = self._process.poll()
        if code is None:
            return
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        raise EmulatorError(
            f"The local emulator {how}. Pictures are safe in {self.data}; start it again with the same command.\n"
            f"Its log is {self.data / 'engine.log'}."
        )

    def stop(self) -> None:
        """Stop the emulator and its child processes. Safe to call twice."""
        PidFile.forget(self.data)
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOPPED_WITHIN)
        # Kill the rest of the process group: the emulator if it hangs, and Lambda workers that are still busy.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_WITHIN
        while not is_healthy(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                log = (self.data / "engine.log").read_text(errors="replace").strip()
                raise EmulatorError("The local emulator did not start:\n" + "\n".join(log.splitlines()[-12:]))
            time.sleep(0.05)


def is_healthy(port: int, within: float = 2) -> bool:
    """Whether an emulator, ours or another, answers on `port` within that many seconds."""
    connection = http.client.HTTPConnection(HOST, port, timeout=within)
    try:
        connection.request("GET", _HEALTH)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def running_emulator(data: Path) -> PidFile | None:
    """The emulator that runs with its files in `data`, if there is one."""
    pid_file = PidFile.read(data)
    if pid_file is None or not (_is_alive(pid_file.pid) and _is_alive(pid_file.parent)):
        return None
    # Its process is alive, so wait longer: it is slow to answer during many uploads.
    return pid_file if is_healthy(pid_file.port, _BUSY) else None


def _lock(data: Path) -> IO[str]:
    """The locked file of `data`. The lock is never stale, because the kernel releases it when the last holder exits."""
    lock = (data / "engine.lock").open("w")
    deadline = time.monotonic() + _LOCK_WITHIN
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid_file = running_emulator(data)
            if pid_file or time.monotonic() > deadline:
                lock.close()
                raise EmulatorError(_already_runs_message(data, pid_file)) from None
            time.sleep(0.1)
        else:
            return lock


def _already_runs_message(data: Path, pid_file: PidFile | None) -> str:
    if pid_file is None:
        return f"An emulator for {data} is just starting or stopping. Retry in a moment, or choose another --data DIR."
    return (
        f"The emulator of this folder runs already: {pid_file.endpoint} (process {pid_file.parent}, data in {data}).\n"
        "Use it from here, stop it with Ctrl-C where it was started, or start another one with --data DIR --port N\n"
        "(make up DATA=DIR PORT=N)."
    )


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _free_port(port: int) -> int:
    """`port` if it is free; any free one for 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise EmulatorError(_taken_message(port)) from None
            raise EmulatorError(
                f"Port {port} cannot be used: {error.strerror}. Choose another with --port N (make up PORT=N)."
            ) from None
        return int(probe.getsockname()[1])


def _taken_message(port: int) -> str:
    who = "another local emulator, of another folder" if is_healthy(port) else "another program"
    return (
        f"Port {port} is taken by {who}. Choose another with --port N (make up PORT=N), 0 finds a free one; "
        f"`lsof -nP -iTCP:{port} -sTCP:LISTEN` names the program."
    )


def _spawn(data: Path, port: int, lock: IO[str]) -> subprocess.Popen[bytes]:
    with (data / "engine.log").open("wb") as log:
        # In its own session, so that Ctrl-C reaches only this process, which then stops the emulator cleanly.
        # It inherits the lock, so that the folder stays locked until it has exited.
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", emulator_process.__file__],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=data,
            env=_environment(data, port),
            start_new_session=True,
            pass_fds=[lock.fileno()],
        )


def _environment(data: Path, port: int) -> dict[str, str]:
    """The whole environment of the emulator and its functions, without the user's AWS settings."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(data),
        "LC_ALL": "C.UTF-8",
        "TMPDIR": str(data / "tmp"),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": HOST,  # the default is all interfaces
        "MINISTACK_REGION": REGION,
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(data / "s3"),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
