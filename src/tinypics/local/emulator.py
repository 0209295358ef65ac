"""The engine: one child process per data folder, on loopback, that never outlives its parent.

::

    <data>/engine.lock   held (flock) by the engine and by the process that started it, until both are gone
    <data>/engine.json   how others find the engine and the stack in it; there while it runs
    <data>/engine.log    what the engine said since it was last started
    <data>/s3/           the objects: the one thing that outlives the engine
    <data>/tmp/          the engine's scratch space, emptied at every start

Nothing but objects is kept from one run to the next. The engine could save the rest when it stops cleanly, but not
when it is killed; deploying anew every time makes both ways of starting again the same, tested one.
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
from tinypics.local.pidfile import Facts

if TYPE_CHECKING:
    from pathlib import Path

HOST = "127.0.0.1"
DEFAULT_PORT = 4566
REGION = "us-east-1"
_HEALTH = "/_ministack/health"
_READY_WITHIN = 30.0  # seconds; it takes under one, but a laptop may be busy
_STOPPED_WITHIN = 10.0
_LOCK_WITHIN = 6.0  # an engine whose parent was killed may need this long to go
_BUSY = 15.0


class EngineError(Exception):
    """The engine cannot start, or cannot go on. `str(error)` says what to do."""


class Engine:
    """A running engine. `start` makes it; leaving the `with` block, or `stop`, ends it and its Lambda workers."""

    def __init__(self, data: Path, port: int, process: subprocess.Popen[bytes], lock: IO[str]) -> None:
        self.data = data
        self.port = port
        self.endpoint = f"http://{HOST}:{port}"
        self._process = process
        self._lock = lock

    @classmethod
    def start(cls, data: Path, port: int = DEFAULT_PORT) -> Self:
        """Start the engine on `port` (0: any free one) with its files below `data`, and wait until it answers.

        Raises EngineError: the port is taken, an engine of this folder runs already, or it does not come up.
        """
        data = data.resolve()
        try:
            data.mkdir(parents=True, exist_ok=True)
            lock = _lock(data)
        except OSError as error:
            raise EngineError(f"{data} cannot hold the engine's data: {error.strerror}") from error
        try:
            port = _free(port)
            Facts.forget(data)  # of an engine whose parent was killed
            shutil.rmtree(data / "tmp", ignore_errors=True)
            (data / "tmp").mkdir()
            engine = cls(data, port, _spawn(data, port, lock), lock)
        except BaseException:
            lock.close()
            raise
        try:
            engine._wait_until_ready()
        except BaseException:
            engine.stop()
            raise
        return engine

    @property
    def pid(self) -> int:
        return self._process.pid

    def check(self) -> None:
        """Raise EngineError when the engine is no longer there."""
        code = self._process.poll()
        if code is None:
            return
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        raise EngineError(
            f"The local engine {how}. Pictures are safe in {self.data}; start it again with the same command.\n"
            f"Its last words are in {self.data / 'engine.log'}."
        )

    def stop(self) -> None:
        """End the engine and everything it started. Safe to call twice."""
        Facts.forget(self.data)
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOPPED_WITHIN)
        # Whoever is left of its group: the engine itself if it hangs, Lambda workers that are busy with a picture.
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
        while not healthy(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                log = (self.data / "engine.log").read_text(errors="replace").strip()
                raise EngineError("The local engine did not start:\n" + "\n".join(log.splitlines()[-12:]))
            time.sleep(0.05)


def healthy(port: int, within: float = 2) -> bool:
    """Whether an engine, ours or another's, answers on `port`, in so many seconds."""
    connection = http.client.HTTPConnection(HOST, port, timeout=within)
    try:
        connection.request("GET", _HEALTH)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def running_engine(data: Path) -> Facts | None:
    """The facts of the engine that runs with its files in `data`, if one does."""
    facts = Facts.read(data)
    # Its process is there: after many uploads at once it takes a while to answer.
    return facts if facts and _alive(facts.pid) and _alive(facts.parent) and healthy(facts.port, _BUSY) else None


def _lock(data: Path) -> IO[str]:
    """The open lock file of `data`. The kernel lets go of it when the last holder ends: it is never stale."""
    lock = (data / "engine.lock").open("w")
    deadline = time.monotonic() + _LOCK_WITHIN
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            facts = running_engine(data)
            if facts or time.monotonic() > deadline:
                lock.close()
                raise EngineError(_already_runs(data, facts)) from None
            time.sleep(0.1)
        else:
            return lock


def _already_runs(data: Path, facts: Facts | None) -> str:
    if facts is None:
        return (
            f"An engine for {data} is just starting or stopping. Try again in a moment, or choose another --data DIR."
        )
    return (
        f"The engine of this folder runs already: {facts.endpoint} (process {facts.parent}, data in {data}).\n"
        "Use it from here, stop it with Ctrl-C where it was started, or start another one with --data DIR --port N."
    )


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _free(port: int) -> int:
    """`port` if nobody listens on it, or any free one for 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise EngineError(_taken(port)) from None
            raise EngineError(f"Port {port} cannot be used: {error.strerror}. Choose another with --port N.") from None
        return int(probe.getsockname()[1])


def _taken(port: int) -> str:
    who = "another local engine, of another folder" if healthy(port) else "another program"
    return (
        f"Port {port} is taken by {who}. Choose another with --port N (0 finds a free one),\n"
        f"or ask the system who has it: lsof -nP -iTCP:{port} -sTCP:LISTEN"
    )


def _spawn(data: Path, port: int, lock: IO[str]) -> subprocess.Popen[bytes]:
    with (data / "engine.log").open("wb") as log:
        # Its own session: Ctrl-C in the terminal reaches us, and we stop it in order.
        # It inherits the lock, so that the folder stays taken until it is really gone.
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
    """All that the engine and the functions in it see: nothing of the user's AWS settings gets in."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(data),
        "LC_ALL": "C.UTF-8",
        "TMPDIR": str(data / "tmp"),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": HOST,  # its default is every interface
        "MINISTACK_REGION": REGION,
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(data / "s3"),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
