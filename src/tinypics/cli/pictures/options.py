"""The arguments and options of the commands about single pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Key = Annotated[str, typer.Argument(metavar="KEY", help="The key of the upload, as `tinypics ls` prints it.")]
RemovedKeys = Annotated[list[str], typer.Argument(metavar="KEY", help="Keys of uploads.")]
ListedPrefix = Annotated[str, typer.Argument(metavar="[PREFIX]", help="Only keys that start with this.")]
Outputs = Annotated[bool, typer.Option("--outputs", help="List the output bucket instead.")]
MaxListed = Annotated[int, typer.Option("--max", min=1, help="Objects to list.")]
FactsAsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Rendition = Annotated[
    str | None,
    typer.Argument(
        metavar="[RENDITION]", help="Its name or text form; also `original` or `manifest`. Default: the only one."
    ),
]
Target = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", metavar="FILE", help="Where to write it; - for standard output.", show_default="its own name"
    ),
]
