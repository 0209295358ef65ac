"""The arguments and options of the commands about single pictures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

Uploads = Annotated[
    list[Path], typer.Argument(metavar="PATH", exists=True, help="Pictures to upload, or folders of pictures.")
]


def _check_key(key: str) -> str:
    """Raise BadParameter if no object of S3 can have this key. A source that Tinypics refuses may have it."""
    from tinypics.delivery import keys  # keeps the import off `--help`

    if not 0 < len(os.fsencode(key)) <= keys.MAX_BYTES:
        raise typer.BadParameter(f"expected 1 to {keys.MAX_BYTES:,} bytes, got {len(os.fsencode(key)):,}")
    return key


def _check_keys(given: list[str]) -> list[str]:
    return [_check_key(key) for key in given]


Key = Annotated[
    str,
    typer.Argument(metavar="KEY", help="The key of the upload, as `tinypics ls` prints it.", callback=_check_key),
]
RemovedKeys = Annotated[
    list[str], typer.Argument(metavar="KEY", help="Keys of the uploads to delete.", callback=_check_keys)
]
ListedPrefix = Annotated[str, typer.Argument(metavar="[PREFIX]", help="Only keys that start with this.")]
Outputs = Annotated[bool, typer.Option("--outputs", help="List the output bucket instead.")]
MaxListed = Annotated[int, typer.Option("--max", min=1, help="Objects to list.")]
FactsAsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Rendition = Annotated[
    str | None,
    typer.Argument(
        metavar="[RENDITION]",
        help="One rendition, like 800x-webp, or its name; also `original` or `manifest`. Default: the only one.",
    ),
]
OutFile = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", metavar="FILE", help="Where to write it; - for standard output.", show_default="its own name"
    ),
]

AddressedRendition = Annotated[
    str | None,
    typer.Argument(
        metavar="RENDITION",
        help="800x-webp, or the name of a listed one with its extension, like hero.webp or hero.auto.",
        show_default="all of the stack",
    ),
]
WithVersion = Annotated[
    bool, typer.Option("--version", help="Add the picture's version, so that browsers may keep it.")
]
Sign = Annotated[bool, typer.Option("--sign", help="Sign the address with the stack's secret.")]
Expires = Annotated[
    str | None,
    typer.Option(metavar="AGE", help="With --sign: how long the address is valid: 2h, 30d.", show_default="always"),
]
UrlBase = Annotated[
    str | None, typer.Option(metavar="URL", help="Prefix of the address.", show_default="the stack's UrlBase")
]
