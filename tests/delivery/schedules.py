"""Random schedules of events, workers and faults, and a search for one that ends wrong.

    python -m tests.delivery.schedules --count 100000 --seed 1 --setup kills,recipes
    python -m tests.delivery.schedules --schedule 1/kills/4711

The exit code is 1 if there is a finding. Each is printed with the schedule that repeats it, made as short as possible.
"""

from __future__ import annotations

import argparse
import functools
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tests.delivery import oracle
from tests.delivery.choices import Choices, shrink
from tests.delivery.model import Object
from tests.delivery.oracle import Finding
from tests.delivery.world import CORRUPT, LARGE, Event, Faults, Recipe, Step, World
from tinypics.delivery import outputs

KEYS = ("a.jpg", "noext", "a.jpg/b.png", "c.heic")
GOOD = (b"jpeg 1", b"jpeg 2", b"png 3", b"jpeg 1 comment")
REFUSED = (CORRUPT, b"", LARGE, b"jpeg output")
RECIPES = tuple(
    map(Recipe.parse, ("16x16", "[16x16,8x8]", "16x16-webp", "[16x16,4x4-webp]", "[hero=16x16,8x8]", "[hero=8x8]"))
)


@dataclass(frozen=True)
class Setup:
    """The things that may happen in a schedule."""

    kills: bool = False
    passing: bool = False
    late: bool = False
    recipes: bool = False
    placed: bool = False
    versions: bool = False
    refused: bool = False
    odd: bool = False


SETUPS = {
    "calm": Setup(),
    "kills": Setup(kills=True),
    "faults": Setup(passing=True),
    "recipes": Setup(recipes=True),
    "placed": Setup(placed=True),
    "versions": Setup(versions=True),
    "refused": Setup(refused=True),
    "odd": Setup(odd=True, refused=True),
    "late": Setup(late=True, passing=True, kills=True),
    "everything": Setup(True, True, False, True, True, True, True, True),
}


@dataclass(frozen=True)
class Switches:
    """Properties of the store that hold for all schedules. None: each schedule has its own choice."""

    unique: bool | None = None
    late: bool = True
    conditional_deletes: bool = True


@dataclass
class Schedule:
    """One run. `later` has the findings that one more event of each key does not mend."""

    world: World
    findings: list[Finding]
    later: list[Finding]

    @property
    def kinds(self) -> list[str]:
        cause = ", repeated ETag" if self.world.repeated else ""
        final = [f"{each.kind}, permanently{cause}" for each in self.later]
        return list(dict.fromkeys([each.kind + cause for each in self.findings] + final))


def _upload(key: str, data: bytes, tell_etag: bool, copies: int) -> Step:
    attributes = {outputs.RECIPE: "0" * 16} if data.endswith(b"output") else {}
    return (
        f"uploads {key}: {data[:20]!r}",
        lambda world: world.upload(key, data, tell_etag=tell_etag, copies=copies, attributes=attributes),
    )


def _direct(key: str, recipe: Recipe, dest_key: str | None, versioned: bool) -> Step:
    def step(world: World) -> None:
        there = world.source.objects.get(key)
        version_id = there.version_id if there and versioned else None
        world.deliver(Event(f"{key} asked", key, None, recipe, dest_key, version_id))

    return f"asks for {recipe} of {key}" + (f" at {dest_key}" if dest_key else ""), step


def _script(setup: Setup, choices: Choices) -> tuple[list[Step], Recipe, list[str]]:
    """Steps of users, the first recipe, and the keys."""
    number = 1 + choices.below(3, first=0.6)
    names = [KEYS[choices.below(len(KEYS))] for _ in range(number)]
    recipe = RECIPES[choices.below(len(RECIPES))]
    steps: list[Step] = []
    for _ in range(2 + choices.below(5)):
        key = names[choices.below(len(names))]
        what = choices.below(10)
        copies = 1 + choices.below(2, first=0.75)
        if setup.recipes and choices.happens(0.3):
            new = RECIPES[choices.below(len(RECIPES))]
            if choices.happens(0.3):
                steps.append(_direct(key, new, None, versioned=False))
            else:
                steps.append((f"deploys {new}", functools.partial(_deploy, new)))
        if setup.placed and choices.happens(0.4):
            single = RECIPES[0] if choices.happens(0.5) else RECIPES[2]
            steps.append(_direct(key, single, "mine/thumb.jpg", versioned=setup.versions and choices.happens(0.5)))
        if what < 6:
            data = GOOD[choices.below(len(GOOD))]
            if setup.refused and choices.happens(0.4):
                data = REFUSED[choices.below(len(REFUSED))]
            steps.append(_upload(key, data, not choices.happens(0.25), copies))
        elif what < 8:
            steps.append((f"deletes {key}", functools.partial(World.delete, key=key, copies=copies)))
        else:
            data = GOOD[0]
            steps.append(_upload(key, data, not choices.happens(0.25), copies))
    return steps, recipe, names


def _deploy(recipe: Recipe, world: World) -> None:
    world.recipe = recipe


def _plant(world: World, names: Sequence[str], choices: Choices) -> dict[str, Object]:
    """Objects of others in the output bucket."""
    for name in names:
        for key, data in (
            (f"{name}//odd", b"odd"),
            (f"{name}/manifest.json", bytes(5 * 2**20)),
            (f"{name}/manifest.json", b"{}"),
            (f"{name}/notes.txt", b"notes"),
            (f"{name}/./x\x01", b"odd"),
            (name, b"a picture of before"),
        ):
            if choices.happens(0.3):
                world.output.store(key, data, {})
    return dict(world.output.objects)


def run(setup: Setup, choices: Choices, switches: Switches = Switches(), trace: list[str] | None = None) -> Schedule:
    """Run one schedule and judge it."""
    script, recipe, names = _script(setup, choices)
    chance = (0.02, 0.06, 0.15)[choices.below(3)]
    unique = bool(choices.below(2, first=0.7))
    world = World(
        choices,
        script,
        recipe,
        workers=1 + choices.below(3),
        stay=(0.9, 0.75, 0.5, 0.3)[choices.below(4)],
        faults=Faults(setup.kills, setup.passing, setup.late and switches.late, 1 + choices.below(4), chance)
        if setup.kills or setup.passing
        else Faults(),
        unique=unique if switches.unique is None else switches.unique,
        versioned=setup.versions,
        conditional_deletes=switches.conditional_deletes,
    )
    world.trace = trace
    foreign = _plant(world, names, choices) if setup.odd else {}
    seen: dict[Finding, None] = {}

    def watch(world: World) -> None:
        for each in oracle.false_manifests(world.output):
            if each not in seen:
                seen[each] = None
                world.note("READER", str(each))

    world.watch = watch
    world.run()
    findings = [*seen, *oracle.judge(world, foreign)]
    later = []
    if findings:
        for key in world.history:
            there = world.source.objects.get(key)
            world.deliver(Event(f"{key} once more", key, there.etag if there else None))
        world.note("oracle", "; ".join(map(str, findings)))
        world.faults = Faults()
        world.run()
        later = [each for each in oracle.judge(world, foreign) if each.kind in ("missing", "wrong", "orphan", "foreign")]
        later += oracle.false_manifests(world.output)
        world.note("oracle", "afterwards: " + ("; ".join(map(str, later)) or "right"))
    return Schedule(world, findings, later)


def choices_of(name: str) -> Choices:
    return Choices(seed=name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="schedules of each setup (1000)")
    parser.add_argument("--minutes", type=float, help="stop after so long")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--setup", default=",".join(SETUPS), help=f"of {', '.join(SETUPS)}")
    parser.add_argument("--schedule", help="SEED/SETUP/NUMBER: run only this one, with its trace")
    parser.add_argument("--ignore", default="", help="kinds of findings that are counted only, separated by commas")
    parser.add_argument("--traces", type=int, default=1, help="findings of each kind that are printed (1)")
    options = parser.parse_args()
    if options.schedule:
        return _repeat(options.schedule)
    found = 0
    for name in options.setup.split(","):
        found += _search(name, options)
    return 1 if found else 0


def _repeat(name: str) -> int:
    trace: list[str] = []
    schedule = run(SETUPS[name.split("/")[1]], choices_of(name), trace=trace)
    print(*trace, sep="\n")
    print(schedule.kinds)
    return 1 if schedule.findings else 0


def _search(name: str, options: argparse.Namespace) -> int:
    setup, ignored = SETUPS[name], set(options.ignore.split(","))
    kinds: Counter[str] = Counter()
    bad, steps, began, number = 0, 0, time.process_time(), 0
    until = time.monotonic() + options.minutes * 60 if options.minutes else None
    for number in range(1, options.count + 1):
        if until and time.monotonic() > until:
            break
        schedule = run(setup, choices := choices_of(f"{options.seed}/{name}/{number}"))
        steps += schedule.world.time
        if not schedule.findings:
            continue
        new = [kind for kind in schedule.kinds if kind not in ignored]
        bad += bool(new)
        kinds.update(schedule.kinds)
        for kind in new:
            if kinds[kind] <= options.traces:
                _print(f"{options.seed}/{name}/{number}", setup, choices.taken, kind)
    seconds = time.process_time() - began
    print(f"{name}: {number} schedules, {steps} steps, {seconds:.0f} s of CPU ({number / seconds:.0f}/s), {bad} bad", dict(kinds), flush=True)
    return bad


def _print(title: str, setup: Setup, taken: Sequence[int], kind: str) -> None:
    short = shrink(taken, lambda given: kind in run(setup, Choices(given)).kinds, tries=600)
    trace: list[str] = []
    run(setup, Choices(short), trace=trace)
    print(f"--- {title} {kind}", f"choices {short}", *trace, sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
