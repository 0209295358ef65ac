"""`tinypics why`: the facts about one picture, and the next step."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any

from rich.text import Text

from tinypics.cli.target import readable_errors
from tinypics.cli.terminal import err, out, plain, result, size
from tinypics.sandbox.supervisor import Sandbox
from tinypics.stack.check import make_checker
from tinypics.stack.diagnosis import COMPLETE, Diagnosis, diagnose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinypics.cli.target import Target
    from tinypics.stack.attempts import Attempt

_EVENTS = {
    "eventbridge": "the bucket sends them to EventBridge",
    "queue": "the bucket sends them to the stack's queue",
    "none": "the bucket sends none",
    "unknown": "not known: reading the bucket's notifications is not allowed",
}


@readable_errors()
def why(target: Target, key: str, *, as_json: bool) -> int:
    """Print the diagnosis. 0 if every output is there and current, else 1."""
    settings = target.settings()
    with contextlib.closing(Sandbox(fork=False)) as sandbox, err.status("Looking"):
        checker = make_checker(target.cloud, target.stack, settings, sandbox.resize_all)
        found = diagnose(target.cloud, target.stack, settings, checker, key, target.command)
    if as_json:
        result(_document(found))
    else:
        _print(found)
    return 0 if found.state == COMPLETE else 1


def _document(found: Diagnosis) -> dict[str, Any]:
    document = dataclasses.asdict(found)
    for name in ("executions", "log"):
        document[name] = [each._asdict() | {"at": each.at.isoformat()} for each in getattr(found, name)]
    return document


def _print(found: Diagnosis) -> None:
    for name, text in _rows(found):
        out.print(Text(f"{name:<11}", "dim") + Text(plain(text)))
    colour = "green" if found.state == COMPLETE else "yellow"
    out.print(Text("\n") + Text(plain(found.conclusion), colour))
    for step in found.steps:
        out.print(f"  {plain(step)}")


def _rows(found: Diagnosis) -> Iterator[tuple[str, str]]:
    yield "Source", _source(found)
    yield "Events", _EVENTS[found.events]
    for name, each in (("Executions", found.executions), ("Log", found.log)):
        for number, attempt in enumerate(each):
            yield name if number == 0 else "", _attempt(attempt)
        if not each:
            yield name, "none found"
    yield "Recipe", ", ".join(found.recipe)
    for number, item in enumerate(found.outputs):
        yield "Outputs" if number == 0 else "", _output(item, found.output_bucket)


def _source(found: Diagnosis) -> str:
    where = f"s3://{found.source_bucket}/{found.key}"
    if found.source is None:
        return f"{where}: there is no such object"
    source = found.source
    return f"{where}  {size(source['bytes'])}, {source['modified'][:19]}, by its content: {source['content']}"


def _attempt(attempt: Attempt) -> str:
    failed = f"  {attempt.error}: {attempt.message}" if attempt.error else ""
    name = f"  {attempt.name}" if attempt.name else ""
    return f"{attempt.at.astimezone():%Y-%m-%d %H:%M:%S}  {attempt.status}{name}{failed}"


def _output(item: dict[str, Any], bucket: str) -> str:
    where = f"{item['rendition']}  s3://{bucket}/{item['key']}"
    if not item["there"]:
        return f"{where}  missing"
    facts = f"{item['width']}×{item['height']} {item['format']} {size(item['bytes'])}"
    return f"{where}  {facts}, {'current' if item['current'] else 'not current'}"
