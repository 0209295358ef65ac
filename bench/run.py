"""The benchmark: `python -m bench.run --help`. README.md describes the method."""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from bench import breakdown, measure, peers, report, start
from bench.measure import Effort
from bench.results import Measured
from bench.rounds import INVOCATIONS, handlers, libraries
from bench.rows import ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence


_SHORT = 3  # rounds of whole functions and starts per round of other rows, because they are shorter and vary more


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    effort = measure.QUICK if options.quick else Effort()
    effort = replace(effort, rounds=options.rounds or effort.rounds)
    chosen = re.compile(options.rows or "")
    folder = peers.BUILD / "pictures"
    load = os.getloadavg()[0]
    with measure.one_cpu():
        rows = libraries([row for row in ROWS if chosen.search(row.title)], effort, folder)
    often = replace(effort, rounds=effort.rounds if options.quick else _SHORT * effort.rounds)
    rows |= handlers([title for title in INVOCATIONS if chosen.search(title)], often, folder)
    loads = f"{load:.1f} before, {os.getloadavg()[0]:.1f} after (1 is the benchmark itself)"
    rounds = f"{effort.rounds}, of whole functions {often.rounds}"
    machine = _machine() | {"rounds": rounds, "load of the machine": loads}
    if options.rows:
        measured = Measured(machine, rows, None, None)
    else:
        warm, cold = breakdown.warm(folder, effort.warm), start.cold(folder, often.rounds)
        measured = Measured(machine, rows, warm, cold, breakdown.tasks(folder))
    if options.again:
        measured = Measured.load().with_rows(rows, f"{options.rows} (load: {loads})")
    if options.quick or (options.rows and not options.again):
        sys.stdout.write(report.text(measured) + "\n")
    else:
        measured.save()
        report.publish(measured)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="run each row once, as a check without figures")
    parser.add_argument("--rows", metavar="PATTERN", help="only rows whose title matches this regular expression")
    parser.add_argument("--again", action="store_true", help="replace these rows in the results of the last full run")
    parser.add_argument("--rounds", type=int, metavar="N", help=f"processes per figure (default {Effort().rounds})")
    options = parser.parse_args(arguments)
    if options.again and (options.quick or not options.rows):
        parser.error("--again: expected --rows, and not --quick")
    return options


def _machine() -> dict[str, str]:
    """The facts that the figures depend on."""
    cpuinfo = Path("/proc/cpuinfo")  # on Linux
    named = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text() if cpuinfo.exists() else "", re.MULTILINE)
    model = named[1] if named else platform.machine()
    versions = {"Python": platform.python_version(), "Pillow": metadata.version("pillow")} | peers.versions()
    all_versions = ", ".join(f"{name} {version}" for name, version in versions.items())
    return {"CPU": f"{os.cpu_count()} x {model}", "system": platform.system(), "versions": all_versions}


if __name__ == "__main__":
    main()
