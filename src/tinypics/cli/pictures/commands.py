"""The commands `tinypics why`, `ls`, `get` and `rm`: help and arguments."""

from __future__ import annotations

import typer

from tinypics.cli.options import Data, Local, Profile, Region, StackName, Timeout, Yes
from tinypics.cli.pictures.options import (
    FactsAsJson,
    Key,
    ListedPrefix,
    MaxListed,
    Outputs,
    RemovedKeys,
    Rendition,
    Target,
)


def why(
    key: Key,
    as_json: FactsAsJson = False,
    local: Local = None,
    data: Data = None,
    stack: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Say why a picture has its outputs, or has none: a thumbnail is missing, or wrong.

    Prints whether the source is there and a picture, whether its upload
    started an execution, how that ended, which outputs are there and current,
    and the next step. It changes nothing.
    The exit code is 0 when every output is there and current, else 1.

    \b
    Example:
      tinypics why holiday/IMG_1.HEIC
    """
    from tinypics.cli import target
    from tinypics.cli.pictures import why as command

    raise typer.Exit(command.why(target.Target.find(local, data, stack, profile, region), key, as_json=as_json))


def ls(
    prefix: ListedPrefix = "",
    outputs: Outputs = False,
    limit: MaxListed = 1000,
    as_json: FactsAsJson = False,
    local: Local = None,
    data: Data = None,
    stack: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """List the uploads: date, size and key.

    The exit code is 1 when there is none.

    \b
    Examples:
      tinypics ls holiday/
      tinypics ls --outputs
    """
    from tinypics.cli import target
    from tinypics.cli.pictures import objects

    found = target.Target.find(local, data, stack, profile, region)
    raise typer.Exit(objects.ls(found, prefix, outputs=outputs, limit=limit, as_json=as_json))


def get(
    key: Key,
    rendition: Rendition = None,
    out: Target = None,
    local: Local = None,
    data: Data = None,
    stack: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Download an output of an upload.

    KEY is the key of the upload. Without --out the file gets the output's own
    name in the current folder, and no existing file is overwritten.

    \b
    Examples:
      tinypics get photo.jpg --out thumbnail.jpg
      tinypics get photo.jpg 800x-webp
    """
    from tinypics.cli import target
    from tinypics.cli.pictures import objects

    objects.get(target.Target.find(local, data, stack, profile, region), key, rendition, out)


def rm(
    keys: RemovedKeys,
    yes: Yes = False,
    timeout: Timeout = 60,
    local: Local = None,
    data: Data = None,
    stack: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Delete uploads, and wait until the stack has deleted their outputs.

    Asks first. The exit code is 0 when all outputs are deleted, else 1.

    \b
    Example:
      tinypics rm holiday/IMG_1.HEIC
    """
    from tinypics.cli import target
    from tinypics.cli.pictures import objects

    raise typer.Exit(objects.rm(target.Target.find(local, data, stack, profile, region), keys, timeout, yes=yes))
