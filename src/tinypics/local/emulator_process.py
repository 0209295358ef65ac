"""The emulator's process: the emulator, more patient with log lines, and a thread that watches the parent process.

Run by path, so that nothing of this package is imported. Standard input is a pipe whose other end only the parent has.
It is closed when the parent dies, even by SIGKILL, on Linux and macOS.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time
from typing import Any

_GRACE = 5  # seconds for a clean stop of the emulator
_LOG_WAITS = {"first_line_wait": 1.0, "idle_confirm": 0.02, "hard_cap": 2.0}  # seconds
SILENT = "tinypics.aws.api.handler"  # logs nothing, so each request would wait for a first line in vain


def _end_with_parent() -> None:  # pragma: no cover - seen by the test that kills a parent
    while os.read(0, 1024):
        pass
    # The emulator leads its own process group, so this also kills its Lambda workers, even if they are busy.
    os.killpg(0, signal.SIGTERM)
    time.sleep(_GRACE)
    os.killpg(0, signal.SIGKILL)


def _wait_for_log_lines() -> None:  # pragma: no cover - seen by the test of a late line
    """Wait longer than the emulator's 50 ms for the lines of an invocation, which come through another thread.

    On a busy machine they were logged with the next invocation only, so that nobody saw the result of the last one.
    """
    from ministack.core.lambda_runtime import Worker

    drain = Worker._drain_stderr_bounded  # the emulator has no setting for it
    if drain.__code__.co_varnames[1:4] != tuple(_LOG_WAITS):
        return

    def patiently(worker: Any, **waits: float) -> str:
        said: str = drain(worker, **(waits if worker.config.get("Handler") == SILENT else _LOG_WAITS | waits))
        return said

    Worker._drain_stderr_bounded = patiently


def main() -> None:  # pragma: no cover - the same
    """Run the emulator (`python -m ministack`) while standard input is open."""
    threading.Thread(target=_end_with_parent, daemon=True, name="end-with-parent").start()
    _wait_for_log_lines()
    sys.argv = ["ministack"]
    runpy.run_module("ministack", run_name="__main__")


if __name__ == "__main__":  # pragma: no cover
    main()
