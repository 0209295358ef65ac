"""Breaks down the time of a cold start: each process does one more step than the one before."""

from __future__ import annotations

import os
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from bench import cloud, measure, peers, pictures
from bench.measure import Failed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.peers import Contender

_MODULES: Final = "import contextlib, datetime, enum, functools, json, signal, threading, typing\n"
_CLIENT: Final = "import json, signal, threading, typing, obstore.store\n"
# No worker is forked here: it has its own steps below.
_ALONE: Final = (
    "from tinypics.sandbox import supervisor\nsupervisor.Sandbox.__init__ = lambda self: None\nimport lambda_function\n"
)
_OPENED: Final = (
    f"{_ALONE}from tinypics.aws.s3 import open_bucket\nopen_bucket('original-pics'), open_bucket('tiny-pics')\n"
)
_WORKER: Final = "from tinypics.sandbox import worker\n"
_READY: Final = (
    f"{_WORKER}worker.import_lazily(*worker.LAZY_MODULES)\nimport tinypics.image.pipeline, PIL.JpegImagePlugin\n"
)
_MADE: Final = f"{_READY}import sys\ntinypics.image.pipeline.resize_all(open(sys.argv[1], 'rb').read(), ['128x96'])\n"

STEPS: Final = (
    ("the interpreter", "", None),
    ("Python's own modules", _MODULES, ""),
    ("the store's client", _CLIENT, _MODULES),
    ("modules of tinypics", _ALONE, _CLIENT),
    ("a client for each bucket, with its certificates", _OPENED, _ALONE),
    ("the worker: modules of tinypics and Pillow", _READY, _WORKER),
    ("the worker: decoding, resampling, encoding", _MADE, _READY),
)
"""Each step: its name, a program up to its end, and a program up to its start."""

REST: Final = "requests, copying, and context switches"


@dataclass(frozen=True, slots=True)
class Start:
    """Milliseconds of CPU time of a whole cold start, and by step; `REST` is the remainder."""

    cpu_ms: float
    steps: dict[str, float]


def cold(folder: Path, rounds: int, recipes: Mapping[str, pictures.Recipe] = pictures.RECIPES) -> Start:
    """Measure the handler's cold start on the 12 MP JPEG: medians of `rounds`, with all steps in each."""
    source = pictures.source("jpeg-12", folder, recipes)
    assert source
    ours = next(each for each in peers.HANDLERS if each.name == "ours")
    programs = list(dict.fromkeys([program for _, program, _ in STEPS] + [_WORKER]))
    spent: dict[str, list[float]] = {program: [] for program in programs}
    whole = []
    with cloud.running({source.name: source}) as store, measure.one_cpu(*store.processes):
        environment = ours.environment() | cloud.environment(store.near)
        for _ in range(rounds):
            for program in programs:
                spent[program].append(_cpu_ms(ours, program, source, environment))
            whole += measure.handler(ours, store.uploads(source.name, 1), cloud.environment(store.near)).first.cpu_ms
    took = {program: median(found) for program, found in spent.items()}
    steps = {name: took[program] - (0.0 if before is None else took[before]) for name, program, before in STEPS}
    return Start(median(whole), steps | {REST: median(whole) - sum(steps.values())})


def _cpu_ms(contender: Contender, program: str, source: Path, environment: Mapping[str, str]) -> float:
    """CPU milliseconds of a whole process that runs `program`."""
    command = [*contender.command[:-2], "-c", program, str(source)]
    _, status, spent = os.wait4(os.posix_spawn(command[0], command, environment), 0)
    if status:
        raise Failed(f"a process of a cold start's steps ended with {status}")
    return (spent.ru_utime + spent.ru_stime) * 1000
