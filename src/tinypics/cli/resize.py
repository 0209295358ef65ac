"""`tinypics resize`: files in, files out, and a summary."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn
from rich.table import Table

from tinypics.cli import resize_files
from tinypics.cli.terminal import INTERRUPTED, CommandFailed, err, out, plain, progress, result, size
from tinypics.errors import InvalidRequest, TinypicsError
from tinypics.image.limits import Limits
from tinypics.image.pipeline import resize_all
from tinypics.image.rendition import Rendition, check_distinct

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

STREAM = "-"
_MAX_NAMED = 10  # outputs that are printed one by one


def resize(
    paths: list[str],
    to: list[str],
    target: str,
    *,
    name: str | None = None,
    as_json: bool = False,
    jobs: int | None = None,
    lenient: bool = False,
) -> int:
    """The exit code: 0, or 1 when any file failed, or 130 after Ctrl-C."""
    try:
        renditions = _renditions(to)
        limits = Limits(lenient=lenient)
        if STREAM in paths or target == STREAM:
            return _resize_stream(paths, renditions, target, limits, name)
        folder = Path(target)
        tasks = resize_files.plan(resize_files.find(paths, folder), folder, renditions, limits, name)
    except InvalidRequest as error:
        raise typer.BadParameter(plain(error)) from None
    place = next(each for each in (folder, *folder.parents) if each.exists())
    if not place.is_dir():
        raise typer.BadParameter(f"--out: expected a folder, {plain(place)} is a file")
    if not tasks:
        raise CommandFailed("There are no files to resize. Hidden files of folders, and DIR itself, are left out.")
    if not os.access(place, os.W_OK | os.X_OK):  # one line, instead of one for each file
        raise CommandFailed(f"--out: {plain(place)} is read-only, or it belongs to another user.")
    try:
        reports = _work(tasks, jobs or os.cpu_count() or 1)
    except KeyboardInterrupt:
        err.print("Stopped: every written file is complete.")
        return INTERRUPTED
    summary = _summary(reports)
    if as_json:
        result(summary)
    else:
        _print_written(summary)
        _table(summary, folder)
    return 1 if summary["failed"] else 0


def _renditions(texts: Sequence[str]) -> list[Rendition]:
    renditions = [Rendition.parse(text) for text in texts]
    check_distinct(renditions, "--to")
    return renditions


def _resize_stream(paths: list[str], renditions: list[Rendition], target: str, limits: Limits, name: str | None) -> int:
    """One picture from standard input or a file to standard output."""
    if name is not None:
        raise InvalidRequest.expected("--out", "a folder, with --name", target)
    if target != STREAM or len(paths) > 1 or len(renditions) > 1:
        raise InvalidRequest("-: expected one PATH, one --to and --out -, because one stream holds one picture")
    try:
        data = sys.stdin.buffer.read() if paths == [STREAM] else resize_files.read(Path(paths[0]), limits)
        picture = resize_all(data, renditions, limits).outputs[0].data
    except (TinypicsError, OSError) as error:
        failure = resize_files.of_file(error, Path(paths[0])) if isinstance(error, OSError) else error
        err.print(f"{failure.name}: {plain(failure)}", style="red")
        return 1
    sys.stdout.buffer.write(picture)
    sys.stdout.buffer.flush()
    return 0


def _work(tasks: list[resize_files.Task], processes: int) -> list[resize_files.FileResult]:
    reports = []
    with progress("Resizing", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()) as shown:
        bar = shown.add_task("", total=len(tasks))
        for report in resize_files.run(tasks, min(processes, len(tasks))):
            reports.append(report)
            shown.advance(bar)
            if report.error and not report.skipped:
                err.print(f"{plain(report.source)}: {report.error}: {plain(report.message)}", style="red")
    return reports


def _summary(reports: Sequence[resize_files.FileResult]) -> dict[str, Any]:
    """The summary of all files, as `--json` prints it."""
    failures = Counter(report.error for report in reports if report.error and not report.skipped)
    return {
        "files": len(reports),
        "resized": sum(not report.error for report in reports),
        "skipped": sum(report.skipped for report in reports),
        "failed": failures.total(),
        "failures": dict(failures.most_common()),
        "bytes_in": sum(report.bytes for report in reports if not report.error),
        "bytes_out": sum(file.bytes for report in reports for file in report.written),
        "results": [_result(report) for report in sorted(reports, key=lambda report: report.source)],
    }


def _result(report: resize_files.FileResult) -> dict[str, Any]:
    document: dict[str, Any] = {"source": str(report.source), "bytes": report.bytes}
    if report.error:
        return document | {"error": report.error, "message": report.message, "skipped": report.skipped}
    return document | {"written": [_file_document(file) for file in report.written]}


def _file_document(file: resize_files.WrittenFile) -> dict[str, Any]:
    facts = {
        "path": str(file.path),
        "format": file.format,
        "width": file.width,
        "height": file.height,
        "bytes": file.bytes,
    }
    return facts | ({"dropped": list(file.dropped)} if file.dropped else {})


def _print_written(summary: dict[str, Any]) -> None:
    """Each output with its path, if there are few."""
    written = [(item["source"], file) for item in summary["results"] for file in item.get("written", ())]
    for source, file in written if len(written) <= _MAX_NAMED else ():
        facts = f"{file['width']}×{file['height']} {file['format']} {size(file['bytes'])}"
        out.print(f"{plain(source)} → {plain(file['path'])}  {facts}")


def _table(summary: dict[str, Any], folder: Path) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    for name, value in _rows(summary):
        table.add_row(name, value)
    out.print(table)
    if summary["resized"]:
        out.print(f"Written to {plain(folder)}", soft_wrap=True)


def _rows(summary: dict[str, Any]) -> Iterable[tuple[str, str]]:
    yield "Files", f"{summary['files']:,}"
    yield "Resized", f"{summary['resized']:,}"
    if summary["skipped"]:
        yield "Skipped, not pictures", f"{summary['skipped']:,}"
    yield "Bytes in", size(summary["bytes_in"])
    yield "Bytes out", size(summary["bytes_out"])
    if summary["failed"]:
        yield "Failed", f"{summary['failed']:,}"
    for name, count in summary["failures"].items():
        yield f"  {name}", f"{count:,}"
