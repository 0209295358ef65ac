"""The command `tinypics`."""

from __future__ import annotations

import sys

from tinypics import install

_LOCAL = ("boto3", "botocore", "samtranslator", "starlette", "uvicorn")
_EXTRAS = dict.fromkeys(_LOCAL, "local") | {"obstore": "aws"}


def main() -> None:
    """Run the command line and exit: 0 all well, 1 something failed, 2 the command was not understood."""
    try:
        from tinypics.cli.app import app

        app(prog_name="tinypics")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _EXTRAS:
            raise
        sys.exit(f"This command needs {missing}: {install.command(_EXTRAS[missing])}")
