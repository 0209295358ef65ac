"""Writes bench/README.md and bench/chart.svg: `python -m bench.report` takes the results of the last full run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench import chart, tables
from bench.peers import ROOT
from bench.results import Measured

if TYPE_CHECKING:
    from pathlib import Path

README: Final = ROOT / "bench" / "README.md"
CHART: Final = ROOT / "bench" / "chart.svg"


def publish(measured: Measured, readme: Path = README, picture: Path = CHART) -> None:
    """Write each table between its markers in `readme`, and draw the chart."""
    page = readme.read_text()
    for name, table in sections(measured).items():
        page = replaced(page, name, table)
    readme.write_text(page)
    picture.write_text(chart.drawn(measured))


def replaced(page: str, name: str, table: str) -> str:
    """`page` with `table` between the marks `<!-- name -->` and `<!-- /name -->`.

    The tables are measurements, which differ in each run, so `cog`, which checks what it wrote, does not write them.
    """
    start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, _, rest = page.partition(start)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"bench/README.md has no place for {name}")
    return before + start + table + "\n" + end + after


def sections(measured: Measured) -> dict[str, str]:
    """The tables by the names of their markers in the README."""
    found = {
        "machine": tables.machine(measured),
        "targets": tables.targets(measured),
        "libraries": tables.libraries(measured),
        "qualities": tables.qualities(measured),
        "invocations": tables.invocations(measured),
        "dollars": tables.dollars(measured),
    }
    if measured.breakdown:
        found["breakdown"] = tables.breakdown(measured.breakdown)
    if measured.start:
        found["start"] = tables.start(measured.start)
    if measured.parts:
        found["parts"] = tables.parts(measured.parts)
    return found


def text(measured: Measured) -> str:
    """All tables that have rows."""
    return "\n\n".join(table for table in sections(measured).values() if table)


if __name__ == "__main__":
    publish(Measured.load())
