"""The options of `tinypics retry` and `tinypics backfill`."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer


class Engine(enum.StrEnum):
    """Where a backfill runs."""

    STACK = "stack"
    LOCAL = "local"


STACK_PANEL, LOCAL_PANEL = "With a stack", "With --engine local"


RetrySource = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="Instead of executions: the keys in this report.csv, which failed in a backfill.",
    ),
]
RetrySince = Annotated[str | None, typer.Option(metavar="AGE", help="How far back: 30m, 12h, 7d.", show_default="1d")]
RetryError = Annotated[str | None, typer.Option(metavar="NAME", help="Only failures of this name.")]
RetryLimit = Annotated[
    int | None, typer.Option("--max", min=1, help="At most this many, the newest first.", show_default="1000")
]
RetryDryRun = Annotated[bool, typer.Option("--dry-run", help="Only list them.")]


Identity = Annotated[
    str | None, typer.Argument(metavar="ID", help="With --attach or --stop: the run.", show_default="the newest")
]
Attach = Annotated[
    bool, typer.Option("--attach", help="Watch a run that was started before.", rich_help_panel=STACK_PANEL)
]
Stop = Annotated[
    bool,
    typer.Option(
        "--stop",
        help="Stop a run. Pictures in progress finish; no new ones start (takes about 10 s).",
        rich_help_panel=STACK_PANEL,
    ),
]
Worker = Annotated[Engine, typer.Option(help="stack: the deployed stack's workflow. local: processes of this machine.")]
Bucket = Annotated[
    str | None,
    typer.Option(
        help="The bucket with the pictures.", rich_help_panel=STACK_PANEL, show_default="the stack's source bucket"
    ),
]
Prefix = Annotated[str | None, typer.Option(help="Only keys that start with this.", show_default=False)]
AnyName = Annotated[bool, typer.Option("--any-name", help="Also keys that do not end like a picture's name.")]
Keys = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="Only these: a CSV file with a column key, or JSON lines.",
        rich_help_panel=STACK_PANEL,
    ),
]
Source = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="PLACE",
        help="s3://bucket/folder, gs://…, az://…, or a folder.",
        rich_help_panel=LOCAL_PANEL,
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--to", metavar="PLACE", help="Where outputs go, named in the same ways.", rich_help_panel=LOCAL_PANEL
    ),
]
Endpoint = Annotated[
    str | None,
    typer.Option(metavar="URL", help="S3 of another vendor, or of the local emulator.", rich_help_panel=LOCAL_PANEL),
]
Renditions = Annotated[
    str | None,
    typer.Option(
        metavar="LIST",
        help="What each picture becomes: 128x128, or a list 128x128,800x-webp.",
        show_default="the stack's own; 128x128",
    ),
]
Since = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only what changed since, e.g. 2026-11-24 or 2026-11-24T06:00Z.")
]
MaxObjects = Annotated[
    int | None, typer.Option(min=1, help="Start nothing if there are more pictures than this.", show_default="100000")
]
MaxCost = Annotated[
    float | None,
    typer.Option(min=0, help="Start nothing if the estimate is above this, in US dollars.", show_default="10"),
]
Concurrency = Annotated[
    int | None,
    typer.Option(min=1, max=1000, help="Pictures at a time.", show_default="50; local: processors"),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count.")]
