"""Thousands of uploads, overwrites and deletes with injected faults, and a check of all outputs and events.

Run as `python tests/e2e/soak.py --help`. As in production, a change in the source bucket is an event that starts the
workflow. A proxy injects faults into a share of the function's calls to the store, and sometimes kills the function.
Half-way the renditions change, while executions run. At the end a backfill brings the pictures up to date that have not
changed since. The exit code is 0 if the checker has no finding after transient failures were retried.
"""

from __future__ import annotations

import argparse
import builtins
import io
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if not __package__:  # the program is started by its path
    sys.path.insert(0, str(Path(__file__).parents[2]))

from PIL import Image

from tests.e2e import faults
from tests.e2e.test_resize import IN
from tests.e2e.world import RENDITIONS, World
from tests.local_stack import PROJECT, LocalStack
from tinypics.local import deploy

CORRUPT = b"\xff\xd8\xff\xe0" + bytes(500)
THEN = "48x48-webp"  # another layout, another key and another format
EVENTS = {"put": "Object Created", "delete": "Object Deleted"}
PERMANENT = {"CorruptImage"}  # of our own uploads; all other failures must succeed when they are retried
ANY = [
    faults.SLOW_DOWN,
    faults.INTERNAL_ERROR,
    faults.TOO_MANY_REQUESTS,
    faults.EXPIRED_TOKEN,
    faults.reset,
    faults.lose_answer,
    faults.slow(0.5),
]
READ = [*ANY, faults.cut(700), faults.short(50)]  # S3 never answers a wrong 404
WRITE = [*ANY, faults.REQUEST_CONFLICT, faults.PRECONDITION_FAILED]


@dataclass
class Soak:
    """Change the bucket, one change after the other, while the number of running executions is low enough."""

    world: World
    options: argparse.Namespace
    random: random.Random
    there: set[str] = field(default_factory=set)
    spoiled: set[str] = field(default_factory=set)
    sent: Counter[tuple[str, str]] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    changed_recipe: bool = False

    def change_recipe(self) -> None:
        self.changed_recipe = True
        self.world.configure(TINYPICS_RENDITIONS=self.options.then)

    def change(self) -> None:
        key = f"{self.random.randrange(self.options.keys):04}.jpg"
        if key in self.there and self.random.random() < 0.25:
            self.world.s3.delete_object(Bucket=IN, Key=key)
            self.there.discard(key)
            self.kinds["deletes"] += 1
            self.sent[EVENTS["delete"], key] += 1
            return
        bad = self.random.random() < 0.04
        self.world.put(key, CORRUPT if bad else picture(self.random))
        if bad:
            self.spoiled.add(key)
        self.kinds["corrupt uploads" if bad else "overwrites" if key in self.there else "uploads"] += 1
        self.there.add(key)
        self.sent[EVENTS["put"], key] += 1

    def run(self, until: float) -> None:
        done = 0
        while done < self.options.operations and time.monotonic() < until:
            free = self.options.in_flight - len(executions(self.world, "RUNNING"))
            for _ in range(min(free, self.options.operations - done)):
                self.change()
                done += 1
            if self.options.then and done >= self.options.operations / 2 and not self.changed_recipe:
                self.change_recipe()
            time.sleep(0.02)
        while time.monotonic() < until:
            if len(executions(self.world)) >= done and not executions(self.world, "RUNNING"):
                return
            time.sleep(0.2)


def picture(source: random.Random) -> bytes:
    """A small picture, different from all others."""
    size = source.randrange(40, 400), source.randrange(40, 400)
    image = Image.new("RGB", size, tuple(source.randrange(256) for _ in range(3)))
    buffer = io.BytesIO()
    image.save(buffer, source.choice(["JPEG", "JPEG", "PNG", "WEBP"]))
    return buffer.getvalue()


def weather(world: World, source: random.Random) -> faults.Action:
    """A fault of any kind that fits the request; one in fifty kills the function's processes."""

    def act(exchange: faults.Exchange) -> None:
        if source.random() < 0.02:
            world.kill_workers()
            exchange.reset()
        else:
            source.choice(WRITE if exchange.handler.command in ("PUT", "DELETE") else READ)(exchange)

    return act


def executions(world: World, status: str | None = None) -> list[dict[str, Any]]:
    chosen = {"statusFilter": status} if status else {}
    pages = world.stack.workflows.get_paginator("list_executions")
    found = pages.paginate(stateMachineArn=world.stack.facts.stack.state_machine, **chosen)
    return [item for page in found for item in page["executions"]]


def described(world: World) -> list[dict[str, Any]]:
    arns = [item["executionArn"] for item in executions(world)]
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda arn: world.stack.workflows.describe_execution(executionArn=arn), arns))


def command(world: World, *arguments: str) -> tuple[int, str]:
    """Run one of our own commands with this emulator; returns the exit code and the output."""
    line = [sys.executable, "-m", "tinypics", *arguments, "--data", str(world.stack.data)]
    done = subprocess.run(line, capture_output=True, text=True, cwd=PROJECT, check=False)
    return done.returncode, done.stdout + done.stderr


def accounted(soak: Soak, found: list[dict[str, Any]]) -> list[str]:
    """Discrepancies: events without an execution, executions without an event, failures without a cause."""
    problems = []
    started: Counter[tuple[str, str]] = Counter()
    for execution in found:
        detail = json.loads(execution["input"])
        key = detail["detail"]["object"]["key"]
        started[detail["detail-type"], key] += 1
        if execution["status"] not in ("SUCCEEDED", "FAILED"):
            problems.append(f"{key}: an execution is {execution['status']}")
        if execution.get("error") in PERMANENT:
            problems += failed(soak, [execution])
    problems += [f"{event}: {count} not followed by an execution" for event, count in (soak.sent - started).items()]
    problems += [f"{event}: {count} executions of no event" for event, count in (started - soak.sent).items()]
    return problems


def failed(soak: Soak, found: list[dict[str, Any]]) -> list[str]:
    """Executions that should have succeeded, because their key never had a corrupt picture."""
    keys = {json.loads(each["input"])["detail"]["object"]["key"]: each for each in found if each.get("error")}
    return [
        f"{key}: {each['error']}"
        for key, each in keys.items()
        if each["error"] not in PERMANENT or key not in soak.spoiled
    ]


def report(soak: Soak, found: list[dict[str, Any]], seconds: float) -> None:
    calls = soak.world.proxy.calls
    struck = Counter(call.status for call in calls if call.struck)
    print(f"{soak.sent.total()} changes of {soak.options.keys} keys in {seconds:.0f} s:", dict(soak.kinds))
    print(f"{len(calls)} calls to the store, of which {struck.total()} were struck:", dict(struck))
    print(f"{len(found)} executions:", dict(Counter(each["status"] for each in found)))
    names = [each["error"] for each in found if each["status"] == "FAILED"]
    print("failed as:", dict(Counter(name for name in names if not is_emulators(name))))
    print("failed in the emulator itself:", dict(Counter(filter(is_emulators, names))))
    for each in found:
        if each["status"] == "FAILED" and each["error"] not in PERMANENT:
            print("  ", each["error"], json.loads(each["input"])["detail"]["object"]["key"], each["cause"][:200])


def is_emulators(error: str) -> bool:
    """Whether the emulator itself failed: it names its own exceptions, and all of the function `Runtime.HandlerError`.

    Its worker was killed between two lines of it that use the worker.
    """
    return hasattr(builtins, error)


def soaked(world: World, options: argparse.Namespace) -> bool:
    source = random.Random(options.seed)
    soak = Soak(world, options, random.Random(options.seed))
    world.fail(weather(world, source), ".*", "", times=None, chance=lambda: source.random() < options.faults)
    began = time.monotonic()
    soak.run(began + options.minutes * 60)
    world.proxy.faults.clear()
    found = described(world)
    report(soak, found, time.monotonic() - began)
    problems = accounted(soak, found)
    print("before retries:", *command(world, "verify")[1].splitlines()[-1:])
    for error in {each["error"] for each in found if each["status"] == "FAILED"} - PERMANENT:
        _, text = command(world, "retry", "--yes", "--max", "10000", "--error", error)
        print(f"tinypics retry --error {error}:", *text.splitlines()[-1:])
    tried = {each["executionArn"] for each in found}
    problems += failed(soak, [each for each in described(world) if each["executionArn"] not in tried])
    if soak.changed_recipe:
        code, text = command(world, "backfill", "--yes", "--report", str(world.stack.data / "report"))
        print("tinypics backfill:", text, sep="\n")
        problems += ["the backfill failed"] if code and not soak.spoiled else []
    code, text = command(world, "verify")
    print("tinypics verify:", text, sep="\n")
    if code:
        problems.append("the outputs do not agree with their sources")
    if soak.sent.total() < options.operations:
        problems.append(f"time was over after {soak.sent.total()} changes")
    print(*problems[:50], sep="\n")
    return not problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--operations", type=int, default=2000, help="uploads, overwrites and deletes (2000)")
    parser.add_argument("--keys", type=int, default=300, help="over so many keys (300)")
    parser.add_argument("--in-flight", type=int, default=8, help="executions at a time (8)")
    parser.add_argument("--faults", type=float, default=0.05, help="share of calls that are struck (0.05)")
    parser.add_argument("--minutes", type=float, default=20, help="after which it is given up (20)")
    parser.add_argument("--renditions", default=RENDITIONS, help="what an upload becomes")
    parser.add_argument("--then", default=THEN, help="and from half of the operations on; empty: no change")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    parameters = {"Renditions": options.renditions, "Api": "off"}
    with (
        tempfile.TemporaryDirectory() as folder,
        deploy.running(Path(folder), PROJECT, port=0, parameters=parameters) as (_, facts),
        faults.proxied(facts.endpoint) as proxy,
    ):
        world = World(LocalStack(facts, Path(folder)), proxy)
        world.emulator_setting(_SFN_WAIT_SCALE=0.05)
        world.configure()
        good = soaked(world, options)
    print("good" if good else "NOT GOOD")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
