"""What goes to the terminal: results to standard output, everything else to standard error.

Keys, file names and messages come from strangers. They pass through `plain`, so that none of them can colour, move or
rewrite what is on the screen.
"""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.filesize import decimal

# Lines are not folded: they are read by people and by other programs alike. Nothing is coloured by guessing.
out = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
err = Console(highlight=False, soft_wrap=True, markup=False, emoji=False, stderr=True)


INTERRUPTED = 130  # what shells say of a program that Ctrl-C ended


class CommandFailed(Exception):
    """The command cannot do what was asked. The text says why, and what helps."""

    code = 1


class Misused(CommandFailed):
    """The command was called wrongly: the exit code that click has for this, and lines that are not folded."""

    code = 2


def plain(text: object) -> str:
    """`text` with everything that a terminal would act on made visible instead."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))


def size(count: int) -> str:
    """Bytes as people read them: `4.2 MB`."""
    return decimal(count)


def result(document: Any) -> None:
    """A JSON document on standard output, coloured only on a terminal."""
    out.print_json(data=document, ensure_ascii=True)
