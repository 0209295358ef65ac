"""Resizes many files in parallel: selects sources, names outputs, and writes each file atomically.

Worker processes import this module, so it loads no terminal library, and Pillow only with the first picture.
"""

from __future__ import annotations

import glob
import mimetypes
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tinypics.cli import name_template
from tinypics.errors import (
    AccessDenied,
    InvalidRequest,
    SourceNotFound,
    SourceTooLarge,
    StoreUnavailable,
    TinypicsError,
    UnsupportedFormat,
)
from tinypics.image.pipeline import resize_all
from tinypics.sandbox import process_pool
from tinypics.store.atomic import atomic_write

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from tinypics.image.limits import Limits
    from tinypics.image.rendition import Rendition
    from tinypics.image.results import Output


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A source file, and its name below the output folder. `asked`: given by name, not found in a folder."""

    path: Path
    name: Path
    asked: bool = True


@dataclass(frozen=True, slots=True)
class Task:
    """One source to resize. `sources` has (device, inode) of every source, so that none is overwritten.

    `name` is a template of the outputs' names; None: names like those of object keys.
    """

    source: SourceFile
    out: Path
    renditions: tuple[Rendition, ...]
    limits: Limits
    sources: frozenset[tuple[int, int]]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """One output file, with its true size."""

    path: Path
    format: str
    width: int
    height: int
    bytes: int
    dropped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileResult:
    """The result of one source: the files written, or the name and message of the error."""

    source: Path
    bytes: int = 0
    written: tuple[WrittenFile, ...] = ()
    error: str | None = None
    message: str = ""
    skipped: bool = False  # found in a folder, and not a picture by name or content


def find(paths: Sequence[str], out: Path) -> list[SourceFile]:
    """The files of `paths` (files, folders, patterns), each once, without files below `out`.

    Files keep their path relative to the folder, or to the part of a pattern without wildcards.
    Raises InvalidRequest if two files would have the same output.
    """
    found: dict[Path, SourceFile] = {}
    for text in paths:
        path = Path(text)
        inside: Iterable[SourceFile]
        if path.is_dir():
            inside = _files_below(path, path.rglob("*"), out)
        elif not path.exists() and glob.has_magic(text):
            matches = map(Path, glob.iglob(text, recursive=True))  # noqa: PTH207 - pathlib's knows relative ones only
            inside = list(_files_below(_fixed_part(path), matches, out)) or [SourceFile(path, Path(path.name))]
        else:
            inside = [SourceFile(path, Path(path.name))]
        for item in inside:
            found.setdefault(item.path, item)
    names: dict[Path, Path] = {}
    for item in found.values():
        if (other := names.setdefault(item.name, item.path)) != item.path:
            raise InvalidRequest(
                f"{other} and {item.path} would both be written to {out / item.name}: resize them separately"
            )
    return list(found.values())


def _files_below(root: Path, paths: Iterable[Path], out: Path) -> Iterator[SourceFile]:
    ours = out.resolve()
    for path in sorted(paths):
        name = path.relative_to(root)
        hidden = any(part.startswith(".") for part in name.parts)
        if not hidden and path.is_file() and ours not in path.resolve().parents:
            yield SourceFile(path, name, asked=False)


def _fixed_part(pattern: Path) -> Path:
    parts = pattern.parts
    first = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:first])


def plan(
    found: Sequence[SourceFile], out: Path, renditions: Sequence[Rendition], limits: Limits, name: str | None = None
) -> list[Task]:
    """One task for each source. Raises InvalidRequest if `name`, a template, does not fit them."""
    if name is not None:
        name_template.check(name, [item.name for item in found], len(renditions))
    sources = set()
    for item in found:
        with suppress(OSError):
            stat = item.path.stat()
            sources.add((stat.st_dev, stat.st_ino))
    return [Task(item, out, tuple(renditions), limits, frozenset(sources), name) for item in found]


def work(task: Task) -> FileResult:
    """Resize one source. A broken picture raises nothing: its result has the error."""
    source = task.source.path
    data = b""
    try:
        data = read(source, task.limits)
        resized = resize_all(data, task.renditions, task.limits)
        targets = _targets(task, resized.outputs, resized.source.format)
        written = tuple(_write(target, output) for target, output in zip(targets, resized.outputs, strict=True))
    except UnsupportedFormat as error:
        named = (mimetypes.guess_type(source.name)[0] or "").startswith("image/")
        skipped = not (task.source.asked or named)
        return FileResult(source, len(data), error=error.name, message=error.message, skipped=skipped)
    except TinypicsError as error:
        return FileResult(source, len(data), error=error.name, message=error.message)
    except OSError as error:
        failure = of_file(error, task.out / task.source.name)
        return FileResult(source, len(data), error=failure.name, message=failure.message)
    return FileResult(source, len(data), written)


def of_file(error: OSError, path: Path) -> TinypicsError:
    """The same error by the name that it has in a bucket. `path` is its file, if it names none, as on a full disk."""
    kinds = {PermissionError: AccessDenied, IsADirectoryError: InvalidRequest, NotADirectoryError: InvalidRequest}
    return kinds.get(type(error), StoreUnavailable)(f"{error.strerror or error}: {error.filename or path}")


def read(source: Path, limits: Limits) -> bytes:
    """The file's bytes. Raises SourceNotFound, SourceTooLarge (before reading), OSError."""
    try:
        if (size := source.stat().st_size) > limits.bytes:
            raise SourceTooLarge(f"{size:,} bytes: at most {limits.bytes:,} are read")
        return source.read_bytes()
    except FileNotFoundError as error:
        raise SourceNotFound(f"no such file: {source}") from error


def _targets(task: Task, outputs: Sequence[Output], source_format: str) -> list[Path]:
    """The path of each output. Raises InvalidRequest if it is that of a source."""
    if task.name is not None:
        targets = name_template.paths(task.name, task.out, task.source.name, outputs)
    else:
        targets = [_target(task, output, changed=output.format != source_format) for output in outputs]
    for target in targets:
        with suppress(FileNotFoundError, NotADirectoryError):
            stat = target.stat()
            if (stat.st_dev, stat.st_ino) in task.sources:
                raise InvalidRequest(f"{target} is a source: choose another --out, nothing is written over a source")
    return targets


def _target(task: Task, output: Output, *, changed: bool) -> Path:
    """The output's path, like an object key: the source's name, plus the extension of a new format; or in a folder."""
    base = task.out / task.source.name
    if len(task.renditions) > 1 or output.rendition.name is not None:
        if base.is_file():
            raise InvalidRequest(f"{base} is a file: choose another --out, this one needs a folder of that name")
        return base / f"{output.rendition.label}.{output.extension}"
    return base.with_name(f"{base.name}.{output.extension}") if changed else base


def _write(target: Path, output: Output) -> WrittenFile:
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(target) as part:
        part.write_bytes(output.data)
    return WrittenFile(target, output.format, output.width, output.height, len(output.data), output.dropped)


def run(tasks: Sequence[Task], processes: int) -> Generator[FileResult, None, None]:
    """Run `tasks` in a pool of processes, in any order. Closing the iterator finishes the files in progress."""
    if len(tasks) == 1:
        yield work(tasks[0])
        return
    for task, report in process_pool.run(work, tasks, processes):
        yield report or FileResult(
            task.source.path, error=process_pool.DIED, message="the process that decoded it was killed"
        )
