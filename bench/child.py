"""Measures a contender that is a Python library, in its own process: one warm-up, then repetitions.

    python bench/child.py MODULE FUNCTION JOB

JOB is JSON: `source` (a path), `wanted`, `out` (a folder for the outputs), and the number of repetitions: `least`,
`most`, `enough_ms`. Standard output is JSON: the CPU time of each repetition, of all threads and child processes, and
the peak memory.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from bench.memory import cpu_ms, peak_mb


def main(module: str, function: str, text: str) -> None:
    resize = getattr(importlib.import_module(f"bench.contenders.{module}"), function)
    job: dict[str, Any] = json.loads(text)
    data = Path(job["source"]).read_bytes()
    for number, output in enumerate(resize(data, job["wanted"])):
        Path(job["out"], str(number)).write_bytes(output)
    spent: list[float] = []
    while len(spent) < job["least"] or (sum(spent) < job["enough_ms"] and len(spent) < job["most"]):
        before = cpu_ms()
        resize(data, job["wanted"])
        spent.append(cpu_ms() - before)
    sys.stdout.write(json.dumps({"cpu_ms": spent, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
