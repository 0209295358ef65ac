"""Rounds of all contenders, A B C, B C A, and so on, so that other load on the machine affects all equally."""

from __future__ import annotations

import sys
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Final

from bench import cloud, measure, peers, pictures
from bench.compare import WrongOutput, judge, reference
from bench.measure import Effort, Failed, Series
from bench.rows import THUMBNAIL, Row, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from bench.peers import Contender
    from tests.reference import Pixels

Results = dict[str, dict[str, Series]]
"""By row, then by contender."""

COLD: Final = "cold start, JPEG 12 MP to 128"
COLD_48: Final = "cold start, JPEG 48 MP to 128"
WARM: Final = "warm over the link, JPEG 12 MP to 128"
INVOCATIONS: Final = {COLD: "jpeg-12", COLD_48: "jpeg-48", WARM: "jpeg-12"}
"""The source picture of each row of whole invocations, by title."""


def libraries(
    rows: Iterable[Row],
    effort: Effort,
    folder: Path,
    recipes: Mapping[str, pictures.Recipe] = pictures.RECIPES,
    contenders: Sequence[Contender] = peers.LIBRARIES,
) -> Results:
    """Measure every row with every installed library. `folder` is for generated pictures."""
    present = _present(contenders)
    results: Results = {}
    for row in rows:
        source = pictures.source(row.source, folder, recipes)
        if source is None:
            _say(f"{row.title}: skipped, there is no such picture")
            continue
        once = _resizing(row, source, recipes[row.source].frames, effort)
        results[row.title] = _in_turn(row.title, present, effort.rounds, once)
    return results


def handlers(
    titles: Iterable[str],
    effort: Effort,
    folder: Path,
    recipes: Mapping[str, pictures.Recipe] = pictures.RECIPES,
    contenders: Sequence[Contender] = peers.HANDLERS,
) -> Results:
    """Measure whole invocations of every installed handler, with the local store."""
    chosen = [(title, pictures.source(INVOCATIONS[title], folder, recipes)) for title in titles]
    sources = {path.name: path for _, path in chosen if path}
    if not sources:
        return {}
    present = _present(contenders)
    with cloud.running(sources) as store, measure.one_cpu(*store.processes):
        return {
            title: _in_turn(title, present, effort.rounds, _invoking(store, path, effort.warm if title == WARM else 0))
            for title, path in chosen
            if path
        }


def _resizing(row: Row, source: Path, frames: int, effort: Effort) -> Callable[[Contender, Series], None]:
    def once(contender: Contender, so_far: Series) -> None:
        found, outputs = measure.library(contender, source, row.wanted, effort)
        if not so_far.quality:
            so_far.quality = _judged(outputs, source, row.wanted, frames)
        so_far.add(found)

    return once


def _invoking(store: cloud.Store, source: Path, warm: int) -> Callable[[Contender, Series], None]:
    def once(contender: Contender, so_far: Series) -> None:
        events = store.uploads(source.name, 1 + warm)
        found = measure.handler(contender, events, cloud.environment(store.slow if warm else store.near))
        if not so_far.quality:
            so_far.quality = _judged([store.output(events[-1])], source, (THUMBNAIL,), 1)
        series = found.warm or found.first
        if contender.in_file:
            series.peak_mb = [megabytes + source.stat().st_size / 1e6 for megabytes in series.peak_mb]
        so_far.add(series)

    return once


def _in_turn(
    title: str, contenders: Sequence[Contender], rounds: int, once: Callable[[Contender, Series], None]
) -> dict[str, Series]:
    """The series of each contender. One that fails is not run again."""
    found = {contender.name: Series() for contender in contenders}
    for number in range(rounds):
        first = number % len(contenders)
        for contender in (*contenders[first:], *contenders[:first]):
            series = found[contender.name]
            if series.failed is None:
                try:
                    once(contender, series)
                except (Failed, WrongOutput) as error:
                    series.failed = str(error)
                    _say(f"{title}: {contender.label} cannot: {error}")
    cpu = {name: f"{series.median('cpu_ms'):.1f}" for name, series in found.items() if series.cpu_ms}
    _say(f"{title}: " + ", ".join(f"{name} {ms} ms" for name, ms in cpu.items()))
    return found


def _judged(outputs: Sequence[bytes], source: Path, wanted: Sequence[Wanted], frames: int) -> list[dict[str, float]]:
    return [
        asdict(judge(output, each, _expected(source, each), frames))
        for output, each in zip(outputs, wanted, strict=True)
    ]


@cache
def _expected(source: Path, wanted: Wanted) -> Pixels:
    return reference(source.read_bytes(), wanted)


def _present(contenders: Sequence[Contender]) -> list[Contender]:
    for contender in contenders:
        if not contender.there():
            _say(f"{contender.label}: skipped, it is not installed")
    return [contender for contender in contenders if contender.there()]


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
