"""Output to the terminal: results on standard output, everything else on standard error.

Keys, file names and messages are untrusted input. `plain` makes them safe to print: they cannot send control sequences
to the terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.filesize import decimal

from tinypics.errors import printable

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

# Lines are not wrapped, because other programs read them, too. No automatic highlighting.
out = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
err = Console(highlight=False, soft_wrap=True, markup=False, emoji=False, stderr=True)


INTERRUPTED = 130  # the shells' exit code for SIGINT (128 + 2)
COUNT = "{task.completed:,.0f}"  # a column of `progress` without a known total


class CommandFailed(Exception):
    """The command failed. The text has the reason and the remedy."""

    code = 1


class Misused(CommandFailed):
    """A usage error: click's exit code for it, and lines that are not wrapped."""

    code = 2


def plain(text: object) -> str:
    """`text` with control characters escaped."""
    return printable(str(text))


def nothing_in(place: object, prefix: str) -> str:
    """The sentence for an empty listing."""
    where = f"that starts with {plain(prefix)}" if prefix else "yet"
    return f"There is nothing in {plain(place)} {where}."


def size(count: int) -> str:
    """A human-readable size: `4.2 MB`."""
    return decimal(count)


def result(document: Any) -> None:
    """A JSON document on standard output, coloured only on a terminal."""
    out.print_json(data=document, ensure_ascii=True)


def progress(*columns: ProgressColumn | str) -> Progress:
    """A progress bar, which disappears when it ends. Only terminals show it."""
    from rich.progress import Progress  # keeps the import off `--help`

    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal)
