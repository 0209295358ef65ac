"""Schedules of events, workers and faults, random ones or all with few switches, and a search for a wrong ending.

    python -m tests.delivery.schedules --count 100000 --seed 1 --setup kills,recipes
    python -m tests.delivery.schedules --schedule 1/kills/4711

The exit code is 1 if there is an avoidable finding. The first of each kind is printed with its steps, made as short as
possible.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.delivery import oracle
from tests.delivery.choices import Choices, shrink
from tests.delivery.events import Event, Recipe
from tests.delivery.faults import NONE, Faults
from tests.delivery.model import ModelBucket
from tests.delivery.oracle import Finding
from tests.delivery.resizer import GOOD
from tests.delivery.scenario import SETUPS, Setup, world_of
from tests.delivery.world import IN, OUT, Step, World


@dataclass
class Schedule:
    """One run. `remaining` has the findings that one more event of each key does not repair."""

    world: World
    findings: list[Finding]
    remaining: list[Finding]

    @property
    def kinds(self) -> list[str]:
        cause = (", repeated ETag" if self.world.repeated else "") + (", late effect" if self.world.late else "")
        cause += ", visitor without an answer" if self.world.unserved else ""
        kinds = [f"{each.kind}{cause}" for each in self.findings]
        return list(dict.fromkeys(kinds + [f"{each.kind}, permanently{cause}" for each in self.remaining]))


def run(world: World, trace: list[str] | None = None) -> Schedule:
    """Run one schedule and judge it."""
    world.trace = trace
    foreign = dict(world.output.objects)
    seen: dict[Finding, None] = {}

    def watch(world: World) -> None:
        for each in oracle.false_manifests(world.output):
            if each not in seen:
                seen[each] = None
                world.note("READER", str(each))

    world.watch = watch
    world.run()
    findings = [*seen, *oracle.judge(world, foreign)]
    remaining: list[Finding] = []
    if findings:
        world.note("ORACLE", "; ".join(map(str, findings)))
        _look_again(world)
        remaining = [each for each in oracle.judge_state(world, foreign) if not each.kind.startswith("left")]
        remaining += oracle.false_manifests(world.output)
        world.note("ORACLE", "afterwards: " + ("; ".join(map(str, remaining)) or "right"))
    return Schedule(world, findings, remaining)


def _look_again(world: World) -> None:
    """One more event of each key, without faults."""
    for key in world.history:
        there = world.source.objects.get(key)
        world.deliver(Event(f"{key} once more", key, there.etag if there else None))
    world.faults = NONE
    world.run()


def random_schedule(
    setup: Setup, choices: Choices, trace: list[str] | None = None, *, conditional_deletes: bool = True
) -> Schedule:
    return run(world_of(setup, choices, conditional_deletes=conditional_deletes), trace)


def is_avoidable(kind: str) -> bool:
    """Whether a protocol on S3 can exclude such a finding.

    Bytes that are written again have the same ETag, so `If-Match` is true of an object that another worker has made. A
    PUT that creates an object, and takes effect after the last look, is found by the next one. So is the output of a
    server that was killed before its last look, because nobody sends the visitor's request again.
    """
    causes = ("repeated ETag", "late effect", "visitor without an answer", "left where the store cannot list")
    return "permanently" in kind or "no final outcome" in kind or not any(cause in kind for cause in causes)


def pair(choices: Choices, recipe: Recipe, first: Step, second: Step, faults: Faults = NONE) -> Schedule:
    """Two changes of a source whose first version is processed already, and two workers."""
    world = World(choices, ModelBucket(IN), ModelBucket(OUT), recipe, workers=2, stay=1, faults=NONE)
    world.upload("a.jpg", GOOD[0])
    world.run()
    choices.settled = len(choices.taken)
    world.script, world.faults = [first, second], faults
    return run(world)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="schedules of each setup (1000)")
    parser.add_argument("--minutes", type=float, default=0, help="stop a setup after so long")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--setup", default=",".join(SETUPS), help=f"of {', '.join(SETUPS)}")
    parser.add_argument("--schedule", help="SEED/SETUP/NUMBER: run only this one, and print all its steps")
    parser.add_argument("--ignore", default="", help="kinds of findings that are only counted, separated by semicolons")
    parser.add_argument("--traces", type=int, default=1, help="findings of each kind that are printed (1)")
    parser.add_argument("--plain-deletes", action="store_true", help="DELETE has no If-Match: a HEAD precedes it")
    options = parser.parse_args()
    if options.schedule:
        trace: list[str] = []
        setup = SETUPS[options.schedule.split("/")[1]]
        kinds = random_schedule(
            setup, Choices(seed=options.schedule), trace, conditional_deletes=not options.plain_deletes
        ).kinds
        print(*trace, *kinds, sep="\n")
        return 1 if kinds else 0
    return 1 if sum([_search(name, options) for name in options.setup.split(",")]) else 0


def _numbers(options: argparse.Namespace) -> Iterator[int]:
    until = time.monotonic() + options.minutes * 60 if options.minutes else None
    for number in range(1, options.count + 1):
        if until and time.monotonic() > until:
            return
        yield number


def _search(name: str, options: argparse.Namespace) -> int:
    """The number of bad schedules of one setup."""
    ignored, deletes = set(options.ignore.split(";")), not options.plain_deletes
    kinds: Counter[str] = Counter()
    bad, steps, number, began = 0, 0, 0, time.process_time()
    for number in _numbers(options):
        title = f"{options.seed}/{name}/{number}"
        choices = Choices(seed=title)
        schedule = random_schedule(SETUPS[name], choices, conditional_deletes=deletes)
        steps += schedule.world.time
        kinds.update(schedule.kinds)
        new = [kind for kind in schedule.kinds if kind not in ignored and is_avoidable(kind)]
        bad += bool(new)
        for kind in new:
            if kinds[kind] <= options.traces:
                _print(title, SETUPS[name], choices.taken, kind, conditional_deletes=deletes)
    seconds = time.process_time() - began
    print(
        f"{name}: {number} schedules, {steps} requests and other steps, {seconds:.0f} s of CPU, {bad} bad", flush=True
    )
    for kind, count in sorted(kinds.items()):
        print(f"    {count} {kind}", flush=True)
    return bad


def _print(title: str, setup: Setup, taken: Sequence[int], kind: str, *, conditional_deletes: bool) -> None:
    def again(given: Sequence[int], trace: list[str] | None = None) -> list[str]:
        return random_schedule(setup, Choices(given), trace, conditional_deletes=conditional_deletes).kinds

    trace: list[str] = []
    again(shrink(taken, lambda given: kind in again(given), tries=600), trace)
    print(f"--- {title}: {kind}", *trace, sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
