"""What runs in the engine's process: the engine, and a watch on the process that started it.

Started by path, so that nothing of this package is imported here. Standard input is a pipe whose other end only the
parent holds: it ends when the parent does, whichever way that dies, SIGKILL included, on Linux and macOS alike.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

_GRACE = 5  # seconds that the engine gets to stop by itself


def _end_with_parent() -> None:  # pragma: no cover - seen by the test that kills a parent
    while os.read(0, 1024):
        pass
    # The engine leads a process group of its own, so this reaches its Lambda workers, too, even when they are busy.
    os.killpg(0, signal.SIGTERM)
    time.sleep(_GRACE)
    os.killpg(0, signal.SIGKILL)


def main() -> None:  # pragma: no cover - the same
    """Be the engine (`python -m ministack`) for as long as standard input stays open."""
    threading.Thread(target=_end_with_parent, daemon=True, name="end-with-parent").start()
    sys.argv = ["ministack"]
    runpy.run_module("ministack", run_name="__main__")


if __name__ == "__main__":  # pragma: no cover
    main()
