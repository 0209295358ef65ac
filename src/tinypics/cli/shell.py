"""Commands for the user's shell, which run as they are printed."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from tinypics.cli.terminal import plain

_NAME = "tinypics"


def command(*words: str) -> str:
    """A command of this program, each word quoted by the shell's rules."""
    return f"{program()} {plain(shlex.join(words))}"


def program() -> str:
    """How to call this program from here, because it may not be on the PATH."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py" and called.parent.name == _NAME:
        return f"{shlex.quote(relative(Path(sys.executable)))} -m {_NAME}"
    if called.name != _NAME:
        return _NAME
    found = shutil.which(_NAME)
    return _NAME if found and Path(found).samefile(called) else shlex.quote(relative(called))


def relative(path: Path) -> str:
    """`path`, relative to the current folder if it is below it."""
    place = Path(os.path.abspath(path))  # noqa: PTH100 - without following links: a virtual environment's python is one
    here = Path.cwd()
    return str(place.relative_to(here) if place.is_relative_to(here) else place)
