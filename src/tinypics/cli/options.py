"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
        show_default="4567, or a free one",
    ),
]
Profile = Annotated[str | None, typer.Option(help="AWS profile.", show_default=False)]
Region = Annotated[str | None, typer.Option(help="AWS region.", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
