"""Peak memory and CPU time of this process and its children."""

from __future__ import annotations

import contextlib
import resource
import sys
import time
from pathlib import Path

_SHARED = ("Shared_Clean", "Shared_Dirty")


def peak_mb() -> float:
    """In megabytes (10^6): the sum of this process and its running children, or the largest child that ended.

    `wait4` in the parent would not do: on Linux, its figure starts with the memory of the *parent* at the fork. Pages
    that two processes share count once.
    """
    ran = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    if sys.platform == "darwin":
        return max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, ran) / 1e6
    own = _kilobytes("/proc/self/status", "VmHWM")
    for child in running():
        own += _kilobytes(f"/proc/{child}/status", "VmHWM") - _kilobytes(f"/proc/{child}/smaps_rollup", *_SHARED)
    return max(own, ran) * 1024 / 1e6


def cpu_ms() -> float:
    """Milliseconds of CPU time of all threads, including running and ended children."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    nanoseconds = sum(
        int(tasks.read_text().split()[0])
        for child in running()
        for tasks in Path(f"/proc/{child}/task").glob("*/schedstat")
    )
    return (time.process_time() + ended.ru_utime + ended.ru_stime) * 1000 + nanoseconds / 1e6


def running() -> list[str]:
    """The running children of this process; none on systems without /proc."""
    found: list[str] = []
    for file in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError):  # the thread has ended meanwhile
            found += file.read_text().split()
    return found


def _kilobytes(file: str, *names: str) -> int:
    lines = (line.partition(":") for line in Path(file).read_text().splitlines())
    return sum(int(text.split()[0]) for name, _, text in lines if name in names)
