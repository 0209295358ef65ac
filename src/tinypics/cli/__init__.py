"""The command `tinypics`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit: 0 all well, 1 something failed, 2 the command was not understood."""
    try:
        from tinypics.cli.app import app
    except ModuleNotFoundError as error:
        if error.name not in {"typer", "rich"}:
            raise
        sys.exit(f'The command "tinypics" needs {error.name}: pip install "tinypics[cli]"')
    app(prog_name="tinypics")
