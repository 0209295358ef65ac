"""`tinypics verify`: check the output bucket against the source bucket, and repair it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from typing import TYPE_CHECKING, Any

import typer
from rich.progress import BarColumn

from tinypics.aws import events
from tinypics.backfill.report import list_counts
from tinypics.cli.target import readable_errors
from tinypics.cli.terminal import COUNT, err, nothing_in, out, plain, progress, result
from tinypics.sandbox.supervisor import Sandbox
from tinypics.stack.check import make_checker
from tinypics.stack.listing import list_objects
from tinypics.verify.findings import CLASHING, FOREIGN
from tinypics.verify.repair import REPAIRED, repair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinypics.aws.settings import Settings
    from tinypics.cli.target import Target
    from tinypics.store.objects import Listed
    from tinypics.verify.checker import Checker
    from tinypics.verify.findings import CheckReport

_ROUNDS = 3  # of repair: an output that is remade under another key leaves an orphan, which the next round finds


@readable_errors()
def verify(target: Target, prefix: str, *, fix: bool, as_json: bool, jobs: int) -> int:
    """Report the findings; with `fix`, those that remain after the repair.

    Returns 0 if there are none, else 1. Also 1 if no source has the prefix, which is probably mistyped.
    """
    settings = target.settings()
    with contextlib.closing(Sandbox(fork=False)) as sandbox:
        checker = _checker(target, settings, prefix, jobs, sandbox)
        reports = [_check(target, checker)]
        while fix and len(reports) <= _ROUNDS and any(finding.kind in REPAIRED for finding in reports[-1].findings):
            _repair(target, checker, reports[-1])
            reports.append(_check(target, checker))
    if as_json:
        result(_document(checker, reports))
    else:
        _print(reports[-1])
        _print_conclusion(target, checker, reports)
    matches_nothing = prefix and not reports[-1].sources.total()
    return 1 if reports[-1].findings or matches_nothing else 0


def _checker(target: Target, settings: Settings, prefix: str, jobs: int, sandbox: Sandbox) -> Checker:
    if not prefix.startswith(settings.prefix):
        if not settings.prefix.startswith(prefix):
            raise typer.BadParameter(f"--prefix: this stack watches only keys that start with {plain(settings.prefix)}")
        prefix = settings.prefix
    return make_checker(target.cloud, target.stack, settings, sandbox.resize_all, prefix=prefix, threads=jobs)


def _repair(target: Target, checker: Checker, report: CheckReport) -> None:
    with progress("Repairing", BarColumn(), COUNT) as shown:
        bar = shown.add_task("", total=len(report.findings))
        for failure in repair(checker, report.findings, lambda key: _invoke(target, key)):
            shown.advance(bar)
            if failure:
                err.print(plain(failure), style="red")


def _check(target: Target, checker: Checker) -> CheckReport:
    with progress("Listing {task.description}", BarColumn(), COUNT) as shown:

        def listing(bucket: str, prefix: str) -> Iterator[Listed]:
            bar = shown.add_task(bucket, total=None)
            for listed in list_objects(target.client("s3"), bucket, prefix):
                shown.advance(bar)
                yield listed

        return checker.check(
            listing(checker.source.name, checker.prefix),
            listing(checker.output.name, checker.output_prefix + checker.prefix),
        )


def _invoke(target: Target, key: str) -> str | None:
    """Invoke the function with the event of an upload; returns the error, if any."""
    event = events.upload(target.stack.source_bucket, key)
    functions = target.client("lambda")
    try:
        response = functions.invoke(FunctionName=target.stack.function, Payload=json.dumps(event))
    except functions.exceptions.TooManyRequestsException:
        return "Lambda throttles the function: retry later"
    answer = json.loads(response["Payload"].read())
    if "FunctionError" in response:
        return f"{answer.get('errorType')}: {answer.get('errorMessage', '')}"
    return None if answer["status"] == "SUCCESS" else f"{answer['error']}: {answer['message']}"


def _document(checker: Checker, reports: list[CheckReport]) -> dict[str, Any]:
    """The report for `--json`: `findings` are those that remain; `found`, with `--fix`, those before the repair."""
    report = reports[-1]
    document: dict[str, Any] = {
        "source_bucket": checker.source.name,
        "output_bucket": checker.output.name,
        "prefix": checker.prefix,
        "sources": dict(report.sources),
        "outputs": dict(report.outputs),
        "findings": [dataclasses.asdict(finding) for finding in report.findings],
        "unusable": [dataclasses.asdict(each) for each in report.unusable],
        "foreign": report.foreign,
    }
    if len(reports) > 1:
        document["found"] = [dataclasses.asdict(finding) for finding in reports[0].findings]
    return document


def _print(report: CheckReport) -> None:
    for finding in report.findings:
        about = finding.output or finding.source
        out.print(f"{finding.kind:9} {plain(about)}  ({plain(finding.reason)})")
    for source in report.unusable:
        out.print(f"{'unusable':9} {plain(source.source)}  ({source.error}: {plain(source.message)})")
    for key in report.foreign:
        out.print(f"{FOREIGN:9} {plain(key)}  (not made by Tinypics: left alone)")
    out.print(f"{_plural(report.sources.total(), 'source')}: {list_counts(report.sources) or 'none'}")
    out.print(f"{_plural(report.outputs.total(), 'output')}: {list_counts(report.outputs) or 'none'}")


def _print_conclusion(target: Target, checker: Checker, reports: list[CheckReport]) -> None:
    report = reports[-1]
    if len(reports) > 1:
        out.print(f"{len(reports[0].findings):,} found, {len(report.findings):,} left after the repair.")
    elif repaired := [finding for finding in report.findings if finding.kind in REPAIRED]:
        prefix = ("--prefix", checker.prefix) if checker.prefix else ()
        command = target.command("verify", "--fix", *prefix)
        out.print(f"{_plural(len(repaired), 'finding')}: `{command}` repairs them.")
    if any(finding.kind == CLASHING for finding in report.findings):
        out.print("A source that is clashing has no outputs: upload it under another key.")
    if not report.sources.total():
        out.print(nothing_in(checker.source.name, checker.prefix), style="yellow")
    elif report.is_exact:
        out.print("Every picture has its outputs, and nothing else is there.", style="green")
    else:
        unusable = f"; {len(report.unusable):,} cannot be resized" if report.unusable else ""
        out.print(f"{report.complete:,} of {_plural(report.pictures, 'source')} have their outputs{unusable}.")


def _plural(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
