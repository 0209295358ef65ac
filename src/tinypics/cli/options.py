"""The arguments and options of all commands but `retry` and `backfill`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

# --- Of several commands

Event = Annotated[str, typer.Argument(metavar="EVENT.json", help="The event, a JSON file; - reads standard input.")]
Local = Annotated[
    bool | None,
    typer.Option("--local/--aws", help="Which stack. Default: the local one if its emulator runs.", show_default=False),
]
Data = Annotated[
    Path | None,
    typer.Option(help="Data folder of the local emulator.", show_default=".tinypics beside template.yaml"),
]
StackName = Annotated[str | None, typer.Option(help="CloudFormation stack on AWS.", show_default="tinypics")]
ReportFolder = Annotated[Path, typer.Option(metavar="DIR", help="Where the report goes.")]
ConsolePort = Annotated[
    int | None,
    typer.Option(
        "--console-port",
        min=0,
        max=65535,
        help="Port of the web console on 127.0.0.1; 0 finds a free one.",
        show_default="the last one; at first 4567, or a free one",
    ),
]
Profile = Annotated[str | None, typer.Option(help="AWS profile.", show_default=False)]
Region = Annotated[str | None, typer.Option(help="AWS region.", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

# --- Of one command each

Port = Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 finds a free one.")]
Parameter = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="A parameter of template.yaml, like Renditions=128x128,800x-webp. Give the option again for another.",
    ),
]

Forget = Annotated[bool, typer.Option("--forget", help="Drop remembered parameters, token and console port.")]

UploadPrefix = Annotated[str, typer.Option(help="Put before each file's name to make its key, like holiday/.")]
Timeout = Annotated[float, typer.Option(min=1, help="Seconds to wait for the next result.")]

Bucket = Annotated[str, typer.Argument(metavar="BUCKET", help="The existing source bucket of the stack.")]
ShowOnly = Annotated[bool, typer.Option("--dry-run", help="Show the change only.")]

Cdn = Annotated[str, typer.Option(metavar="URL", help="Prefix of the addresses, the distribution's output UrlBase.")]

Follow = Annotated[bool, typer.Option("--follow", "-f", help="Continue until Ctrl-C.")]
LogAge = Annotated[str, typer.Option(metavar="AGE", help="How far back: 30s, 10m, 2h, 7d.")]

Fix = Annotated[bool, typer.Option("--fix", help="Remake missing, stale or damaged outputs, and remove orphans.")]
CheckedPrefix = Annotated[str, typer.Option(help="Only keys that start with this.")]
ReportAsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
CheckJobs = Annotated[int, typer.Option("--jobs", "-j", min=1, help="Objects to check in parallel.")]

Paths = Annotated[
    list[str],
    typer.Argument(metavar="PATH", help="Files, folders, patterns like 'photos/**/*.jpg', or - for standard input."),
]
RenditionTexts = Annotated[
    list[str],
    typer.Option(
        metavar="RENDITION", help="128x128, 800x, x600-inside-webp-q80, thumb=128x128. Give it again for several."
    ),
]
ResultFolder = Annotated[
    str, typer.Option("--out", "-o", metavar="DIR", help="Where the results go; - for standard output.")
]
OutputName = Annotated[
    str | None,
    typer.Option(
        metavar="TEMPLATE",
        help="Names of the results, like '{stem}-{width}.{ext}'; also {name}, {rendition}, {height}.",
        show_default=False,
    ),
]
SummaryAsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]
ResizeJobs = Annotated[
    int | None, typer.Option("--jobs", "-j", min=1, help="Pictures at a time.", show_default="processors")
]
Lenient = Annotated[bool, typer.Option("--lenient", help="Also take files that are cut short, as far as they go.")]
