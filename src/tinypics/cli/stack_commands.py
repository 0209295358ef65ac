"""The commands `tinypics doctor` and `connect`: help and arguments."""

from __future__ import annotations

import typer

from tinypics.cli.options import Bucket, Cdn, Data, Local, Profile, Region, ShowOnly, StackName, UploadPrefix, Yes


def doctor(
    cdn: Cdn,
    prefix: UploadPrefix = "",
    local: Local = None,
    data: Data = None,
    stack: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Try a stack's addresses with odd keys, and print what to set if one fails.

    It uploads twelve tiny pictures, asks for their outputs through the
    distribution, and removes them again. It takes a few minutes at most.
    The exit code is 0 when everything works, else 1.

    \b
    Example:
      tinypics doctor --cdn https://img.example.com/
    """
    from tinypics.cli import doctor as command
    from tinypics.cli.target import Target

    raise typer.Exit(command.doctor(Target.find(local, data, stack, profile, region), cdn, prefix))


def connect(
    bucket: Bucket,
    dry_run: ShowOnly = False,
    yes: Yes = False,
    local: Local = None,
    data: Data = None,
    stack: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Let an existing source bucket send its events to the stack.

    Reads the bucket's notifications, shows the change, asks, and writes them
    back with EventBridge added. All other notifications stay.
    The exit code is 0 when the bucket sends its events, else 1.

    \b
    Example:
      tinypics connect my-photos --stack tinypics
    """
    from tinypics.cli import connect as command
    from tinypics.cli.target import Target

    target = Target.find(local, data, stack, profile, region)
    raise typer.Exit(command.connect(target, bucket, dry_run=dry_run, yes=yes))
