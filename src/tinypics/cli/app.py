"""The command line: commands, options, help. Each command's code is in a module of its own, imported when it runs.

So `tinypics resize` loads no AWS client, and `--help` is fast.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tinypics.cli import options
from tinypics.cli import stack_commands as stacks
from tinypics.cli.backfill import commands as backfills
from tinypics.cli.pictures import commands as pictures
from tinypics.cli.terminal import CommandFailed, err, plain


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CommandFailed as failure:
            err.print(str(failure), style="red")
            raise typer.Exit(failure.code) from failure
        except BrokenPipeError:  # the reader of a pipe has exited: typer ends quietly
            raise
        except UnicodeEncodeError as error:  # a key of the command line
            if error.encoding != "utf-8":
                raise
            err.print(f"{plain(error.object)}: expected text in UTF-8, as keys are", style="red")
            raise typer.Exit(2) from error
        except OSError as error:  # a full disk, a read-only folder
            err.print(": ".join(plain(part) for part in (error.filename, error.strerror or error) if part), style="red")
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=_Commands,
    help="Right renditions of any picture: files on this computer, or uploads to a bucket.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from tinypics import __version__

        typer.echo(f"tinypics {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


@app.command()
def up(
    port: options.Port = 4566,
    data: options.Data = None,
    parameter: options.Parameter = None,
    console_port: options.ConsolePort = None,
    forget: options.Forget = False,
) -> None:
    """Start an emulator of AWS on this computer, deploy the stack into it, and follow its logs until Ctrl-C.

    First it prints the address of the web console: open it in a browser and
    drop a picture there.

    Pictures are kept in the data folder and are there again the next time, and
    so are parameters, the address of the console and that of the API.

    Parameters are checked before anything starts; docs/deploying.md has all of
    them.

    \b
    Examples:
      tinypics up --port 4566
      tinypics up --parameter Renditions=128x128,800x-webp --parameter Api=off
    """
    from tinypics.cli import up as command

    command.up(port, data, parameter or [], console_port, forget=forget)


@app.command()
def console(
    port: options.ConsolePort = None,
    local: options.Local = None,
    data: options.Data = None,
    stack: options.StackName = None,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Serve the web console of a stack to this computer until Ctrl-C.

    `tinypics up` serves one already. This one is for a stack on AWS, with your
    own credentials, or for a second console of the local one. Uploads from the
    page need the stack's parameter ConsoleOrigin, the console's address.

    \b
    Example:
      tinypics console --stack tinypics --region eu-central-1
    """
    from tinypics.cli import console as command
    from tinypics.cli.target import Target

    command.serve(Target.find(local, data, stack, profile, region), port)


@app.command()
def invoke(
    event: options.Event,
    local: options.Local = None,
    data: options.Data = None,
    stack: options.StackName = None,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Call the function with an event, and print its answer.

    The exit code is 0 when the answer says SUCCESS, else 1.

    \b
    Example:
      tinypics invoke events/resize.json
    """
    from tinypics.cli import workflow
    from tinypics.cli.target import Target

    text = workflow.read_event(event)  # a missing file is reported before a missing stack
    raise typer.Exit(workflow.invoke(Target.find(local, data, stack, profile, region), text))


@app.command()
def run(
    event: options.Event,
    local: options.Local = None,
    data: options.Data = None,
    stack: options.StackName = None,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Start the workflow with an event, show its states as they pass, and print the result.

    The exit code is 0 when it succeeds, else 1.

    \b
    Example:
      tinypics run events/resize.json
    """
    from tinypics.cli import workflow
    from tinypics.cli.target import Target

    text = workflow.read_event(event)  # a missing file is reported before a missing stack
    raise typer.Exit(workflow.run(Target.find(local, data, stack, profile, region), text))


app.command()(pictures.put)
app.command()(pictures.url)
app.command()(stacks.doctor)


@app.command()
def logs(
    follow: options.Follow = False,
    since: options.LogAge = "1h",
    local: options.Local = None,
    data: options.Data = None,
    stack: options.StackName = None,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Print one line for each picture that the function worked on.

    \b
    Example:
      tinypics logs --since 10m --follow
    """
    from tinypics.cli import logs as command
    from tinypics.cli.target import Target

    command.logs(Target.find(local, data, stack, profile, region), command.parse_age(since), follow=follow)


@app.command()
def verify(
    fix: options.Fix = False,
    prefix: options.CheckedPrefix = "",
    as_json: options.ReportAsJson = False,
    jobs: options.CheckJobs = 16,
    local: options.Local = None,
    data: options.Data = None,
    stack: options.StackName = None,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Check that every picture has exactly its outputs, of its current version and the current recipe.

    Lists outputs that are missing, stale, damaged (not what their manifest
    says), orphaned (their source is gone, or has other outputs by now), or
    clashing (another source, or a requested dest_key, has their key).
    Objects of other programs (foreign) and sources that cannot be resized
    (unusable, with the error) are listed, too, and left alone. So are outputs
    under a requested dest_key. Pictures that were just uploaded may still be in progress.
    Stacks that share an output bucket need an OutputPrefix each, or each treats
    the other's outputs as orphans.
    The exit code is 0 when nothing is left to repair, else 1; also 1 when no
    key starts with the prefix.

    \b
    Example:
      tinypics verify --fix
    """
    from tinypics.cli import verify as command
    from tinypics.cli.target import Target

    target = Target.find(local, data, stack, profile, region)
    raise typer.Exit(command.verify(target, prefix, fix=fix, as_json=as_json, jobs=jobs))


app.command()(stacks.connect)
app.command()(pictures.why)
app.command()(pictures.ls)
app.command()(pictures.get)
app.command()(pictures.rm)
app.command()(backfills.retry)
app.command()(backfills.backfill)


@app.command()
def resize(
    paths: options.Paths,
    to: options.RenditionTexts,
    out: options.ResultFolder,
    name: options.OutputName = None,
    as_json: options.SummaryAsJson = False,
    jobs: options.ResizeJobs = None,
    lenient: options.Lenient = False,
) -> None:
    """Resize files on this computer. Nothing is sent anywhere.

    A folder's files keep their place below DIR. One rendition keeps the name
    (IMG_1.HEIC becomes IMG_1.HEIC.jpg), several go into a folder of that name,
    unless --name says otherwise.
    A broken file does not stop the rest; no source is written over.
    The exit code is 1 when any file failed.

    \b
    Examples:
      tinypics resize photos --to 800x --out web
      tinypics resize IMG_1.HEIC --to thumb=128x128 --to 1600x-webp-q80 --out web
      tinypics resize photos --to 400x --name '{stem}-{width}.{ext}' --out web
      tinypics resize - --to 128x128 --out - < photo.jpg > thumbnail.jpg
    """
    from tinypics.cli import resize as command

    raise typer.Exit(command.resize(paths, to, out, name=name, as_json=as_json, jobs=jobs, lenient=lenient))
