"""The commands `tinypics put`, `url`, `why`, `ls`, `get` and `rm`: help and arguments."""

from __future__ import annotations

import typer

from tinypics.cli.options import Data, Local, Profile, Region, StackName, Timeout, UploadPrefix, Yes
from tinypics.cli.pictures.options import (
    AddressedRendition,
    Expires,
    FactsAsJson,
    Key,
    ListedPrefix,
    MaxListed,
    OutFile,
    Outputs,
    RemovedKeys,
    Rendition,
    Sign,
    Uploads,
    UrlBase,
    WithVersion,
)


def put(
    files: Uploads,
    prefix: UploadPrefix = "",
    timeout: Timeout = 60,
    local: Local = None,
    data: Data = None,
    stack: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Upload pictures, wait for their thumbnails, and print where these are.

    The pictures in a folder keep their place below it; other files in it are
    left out. A picture that fails is printed with its error.
    The exit code is 0 when every thumbnail is there, else 1.

    \b
    Examples:
      tinypics put IMG_1.HEIC photo.jpg --prefix holiday/
      tinypics put photos
    """
    from tinypics.cli import put as command
    from tinypics.cli.target import Target

    raise typer.Exit(command.put(Target.find(local, data, stack, profile, region), files, prefix, timeout))


def url(
    key: Key,
    rendition: AddressedRendition = None,
    version: WithVersion = False,
    sign: Sign = False,
    expires: Expires = None,
    base: UrlBase = None,
    local: Local = None,
    data: Data = None,
    stack: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Print the address of an output, or of every output that an upload makes.

    A rendition that the stack does not list needs a signature (--sign). The
    output need not exist yet: the first request makes it.

    \b
    Examples:
      tinypics url photos/cat.jpg
      tinypics url photos/cat.jpg 800x.auto --version
      tinypics url photos/cat.jpg 1234x-webp --sign --expires 30d
    """
    from tinypics.cli import url as command
    from tinypics.cli.target import Target

    target = Target.find(local, data, stack, profile, region)
    command.url(target, key, rendition, base=base, version=version, sign=sign, expires=expires)


def why(
    key: Key,
    as_json: FactsAsJson = False,
    local: Local = None,
    data: Data = None,
    stack: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Find out why a thumbnail is missing or wrong.

    Prints whether the source is there and a picture, whether its upload
    started an execution, how that ended, which outputs are there and current,
    and the next step. It changes nothing.
    The exit code is 0 when every output is there and current, else 1.

    \b
    Example:
      tinypics why holiday/IMG_1.HEIC
    """
    from tinypics.cli.pictures import why as command
    from tinypics.cli.target import Target

    raise typer.Exit(command.why(Target.find(local, data, stack, profile, region), key, as_json=as_json))


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
    from tinypics.cli.pictures import objects
    from tinypics.cli.target import Target

    found = Target.find(local, data, stack, profile, region)
    raise typer.Exit(objects.ls(found, prefix, outputs=outputs, limit=limit, as_json=as_json))


def get(
    key: Key,
    rendition: Rendition = None,
    out: OutFile = None,
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
    from tinypics.cli.pictures import objects
    from tinypics.cli.target import Target

    objects.get(Target.find(local, data, stack, profile, region), key, rendition, out)


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
    from tinypics.cli.pictures import objects
    from tinypics.cli.target import Target

    raise typer.Exit(objects.rm(Target.find(local, data, stack, profile, region), keys, timeout, yes=yes))
