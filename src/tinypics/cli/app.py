"""The command line: names, options, help. Each command's work is in a module of its own, imported when it is called.

So `tinypics resize` needs nothing of AWS, and `--help` is quick.
"""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tinypics.cli.console import CommandFailed, err


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CommandFailed as failure:
            err.print(str(failure), style="red")
            raise typer.Exit(1) from failure


app = typer.Typer(
    cls=_Commands,
    help="Right renditions of any picture: files on this computer, or uploads to a bucket.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Event = Annotated[str, typer.Argument(metavar="EVENT.json", help="The event, a JSON file; - reads standard input.")]
Local = Annotated[
    bool | None,
    typer.Option(
        "--local/--aws", help="Which stack. Without either: the local one when its engine runs.", show_default=False
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(help="Data folder of the local engine.", show_default=".tinypics beside template.yaml"),
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
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 finds a free one.")] = 4566,
    data: Data = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A parameter of template.yaml, e.g. Renditions=128x128,800x-webp."),
    ] = None,
    console_port: ConsolePort = None,
) -> None:
    """Start a cloud on this computer, deploy the stack into it, and follow its logs until Ctrl-C.

    First it prints the address of the web console: open it in a browser and
    drop a picture there.

    Pictures are kept in the data folder and are there again the next time.

    \b
    Example:
      tinypics up --port 4566
    """
    from tinypics.cli import up as command

    command.up(port, data, parameter or [], console_port)


@app.command()
def console(
    port: ConsolePort = None,
    local: Local = None,
    data: Data = None,
    stack: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Serve the web console of a stack to this computer until Ctrl-C.

    `tinypics up` serves one already. This one is for a stack on AWS, with your
    own credentials, or for a second look at the local one. Uploads from the
    page need the stack's parameter ConsoleOrigin, the console's address.

    \b
    Example:
      tinypics console --stack tinypics --region eu-central-1
    """
    from tinypics.cli import serve as command
    from tinypics.cli.target import Target

    command.serve(Target.find(local, data, stack, profile, region), port)


@app.command()
def invoke(
    event: Event,
    local: Local = None,
    data: Data = None,
    stack: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Call the function with an event (option 1) and print its answer.

    The exit code is 0 when the answer says SUCCESS, else 1.

    \b
    Example:
      tinypics invoke events/resize.json
    """
    from tinypics.cli import workflow
    from tinypics.cli.target import Target

    raise typer.Exit(workflow.invoke(Target.find(local, data, stack, profile, region), event))


@app.command()
def run(
    event: Event,
    local: Local = None,
    data: Data = None,
    stack: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Start the workflow with an event (option 2), show its states as they pass, and print the result.

    The exit code is 0 when it succeeds, else 1.

    \b
    Example:
      tinypics run events/resize.json
    """
    from tinypics.cli import workflow
    from tinypics.cli.target import Target

    raise typer.Exit(workflow.run(Target.find(local, data, stack, profile, region), event))


@app.command()
def put(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="Pictures to upload.")
    ],
    prefix: Annotated[str, typer.Option(help="Put before each file's name to make its key.")] = "",
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for the thumbnails.")] = 60,
    local: Local = None,
    data: Data = None,
    stack: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Upload pictures, wait for their thumbnails, and tell what failed and why.

    The exit code is 0 when every thumbnail is there, else 1.

    \b
    Example:
      tinypics put IMG_1.HEIC photo.jpg --prefix holiday/
    """
    from tinypics.cli import put as command
    from tinypics.cli.target import Target

    raise typer.Exit(command.put(Target.find(local, data, stack, profile, region), files, prefix, timeout))


@app.command()
def logs(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    since: Annotated[str, typer.Option(metavar="AGE", help="How far back: 30s, 10m, 2h, 7d.")] = "1h",
    local: Local = None,
    data: Data = None,
    stack: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Print one line for each picture that the function worked on.

    \b
    Example:
      tinypics logs --since 10m --follow
    """
    from tinypics.cli import logs as command
    from tinypics.cli.target import Target

    command.logs(Target.find(local, data, stack, profile, region), command.age(since), follow=follow)


@app.command()
def verify(
    fix: Annotated[
        bool, typer.Option("--fix", help="Remake what is missing, stale or damaged, and remove orphans.")
    ] = False,
    prefix: Annotated[str, typer.Option(help="Only keys that start with this.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Objects looked at at a time.")] = 16,
    local: Local = None,
    data: Data = None,
    stack: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Check that every picture has exactly its outputs, of its current version and the current recipe.

    Lists outputs that are missing, stale, damaged (not what their manifest
    says), or orphaned (their source is gone, or has other outputs by now).
    What other programs wrote, and what a request wanted under a dest_key, is
    left alone. Pictures uploaded a moment ago may still be in work.
    Stacks that share an output bucket need an OutputPrefix each, or each takes
    the other's outputs for orphans.
    The exit code is 0 when nothing is wrong (any more), else 1.

    \b
    Example:
      tinypics verify --fix
    """
    from tinypics.cli import verify as command
    from tinypics.cli.target import Target

    target = Target.find(local, data, stack, profile, region)
    raise typer.Exit(command.verify(target, prefix, fix=fix, as_json=as_json, jobs=jobs))


@app.command()
def retry(
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Make what this report.csv of a backfill lists, instead of executions.",
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="AGE", help="How far back: 30m, 12h, 7d.", show_default="1d")
    ] = None,
    error: Annotated[str | None, typer.Option(metavar="NAME", help="Only failures of this name.")] = None,
    limit: Annotated[
        int | None, typer.Option("--max", min=1, help="At most so many, the newest.", show_default="1000")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list them.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    report: ReportFolder = Path("backfill-report"),
    local: Local = None,
    data: Data = None,
    stack: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """List failed executions of the workflow, start them again with their own input, and tell how they ended.

    Of several with the same input only the newest counts, and none that was
    tried again already. With the parameter Trigger=queue uploads have no
    executions: what failed too often is in the dead-letter queue.
    With --from it is a backfill of the keys that failed in another one, with
    the renditions that one made, and a report of its own.
    The exit code is 0 when none failed again, else 1.

    \b
    Examples:
      tinypics retry --since 7d --error StoreUnavailable
      tinypics retry --from backfill-report/report.csv
    """
    from tinypics.cli.target import Target

    if source:
        _refuse("it is not for --from", since=since, max=limit)
        from tinypics.cli import backfill
        from tinypics.cli.survey import refusals

        target = Target.find(local, data, stack, profile, region)
        with refusals():
            chosen = backfill.failed(target, source, error)
        raise typer.Exit(backfill.start(target, chosen, dry_run=dry_run, yes=yes, report_to=report))
    from tinypics.cli import logs
    from tinypics.cli import retry as command

    target = Target.find(local, data, stack, profile, region)
    raise typer.Exit(command.retry(target, logs.age(since or "1d"), error, limit or 1000, dry_run=dry_run, yes=yes))


class Engine(enum.StrEnum):
    """Who works on a backfill."""

    STACK = "stack"
    LOCAL = "local"


OF_STACK, OF_THIS_MACHINE = "With a stack", "With --engine local"


def _refuse(why: str, **options: object) -> None:
    """Refuse options that were given, by name."""
    for name, given in options.items():
        if given not in (None, False):
            shown = name if name.isupper() else f"--{name.replace('_', '-')}"
            raise typer.BadParameter(f"{shown}: {why}")


@app.command()
def backfill(
    identity: Annotated[
        str | None, typer.Argument(metavar="ID", help="Of --attach and --stop: which run.", show_default="the newest")
    ] = None,
    attach: Annotated[
        bool, typer.Option("--attach", help="Watch a run that was started before.", rich_help_panel=OF_STACK)
    ] = False,
    stop: Annotated[
        bool,
        typer.Option("--stop", help="Stop a run: in ten seconds nothing is made any more.", rich_help_panel=OF_STACK),
    ] = False,
    engine: Annotated[
        Engine, typer.Option(help="stack: the deployed stack's workflow. local: processes of this machine.")
    ] = Engine.STACK,
    bucket: Annotated[
        str | None,
        typer.Option(
            help="Where the pictures are.", rich_help_panel=OF_STACK, show_default="the stack's source bucket"
        ),
    ] = None,
    prefix: Annotated[str | None, typer.Option(help="Only keys that start with this.", show_default=False)] = None,
    any_name: Annotated[
        bool, typer.Option("--any-name", help="Also keys whose names do not say that they are pictures.")
    ] = False,
    keys: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Only these: a CSV file with a column key, or JSON lines.",
            rich_help_panel=OF_STACK,
        ),
    ] = None,
    inventory: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE", help="List from an S3 Inventory: s3://bucket/…/manifest.json.", rich_help_panel=OF_STACK
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="PLACE",
            help="s3://bucket/folder, gs://…, az://…, or a folder.",
            rich_help_panel=OF_THIS_MACHINE,
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="PLACE", help="Where outputs go, named in the same ways.", rich_help_panel=OF_THIS_MACHINE
        ),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="S3 of another vendor, or of the local engine.", rich_help_panel=OF_THIS_MACHINE
        ),
    ] = None,
    renditions: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="What each picture becomes: 128x128, or a list 128x128,800x-webp.",
            show_default="the stack's own; 128x128",
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only what changed since, e.g. 2026-11-24 or 2026-11-24T06:00Z.")
    ] = None,
    max_objects: Annotated[
        int | None, typer.Option(min=1, help="More pictures than this do not start.", show_default="100000")
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(min=0, help="An estimate of more US dollars does not start.", show_default="10")
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="Pictures at a time.", show_default="50; local: processors"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    report: ReportFolder = Path("backfill-report"),
    local: Local = None,
    data: Data = None,
    stack: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Make the outputs of pictures that are there already.

    Counts them first, says what they will cost, asks, and works on what is
    missing or stale: whatever ended a run, the same command goes on where it
    was. Ctrl-C leaves a run of the stack, which goes on; one of this machine
    it stops. The report (report.json, report.txt, report.csv of the failures)
    says what became of each.
    The exit code is 0 when no picture failed, 1 when some did or it did not
    come to its end, 130 after Ctrl-C.

    \b
    Examples:
      tinypics backfill --prefix 2019/ --dry-run
      tinypics backfill --attach
      tinypics backfill --engine local --from photos --to small --renditions 800x
    """
    from tinypics.backfill import Caps
    from tinypics.cli.survey import refusals

    given: dict[str, Any] = {"max_objects": max_objects, "max_cost": max_cost}
    caps = {name: value for name, value in given.items() if value is not None}
    if engine is Engine.LOCAL:
        only = "it is not for --engine local"
        _refuse(only, bucket=bucket, keys=keys, inventory=inventory, attach=attach, stop=stop, data=data, stack=stack)
        _refuse(only, local=local, aws=local is False, ID=identity)
        if source is None or output is None:
            raise typer.BadParameter("--engine local works --from a place --to another: name both")
        from tinypics.cli import walk

        with refusals():
            walked = walk.Walk.of(
                source,
                output,
                (renditions or "128x128").split(","),
                endpoint=endpoint,
                prefix=prefix or "",
                since=walk.since(since),
                any_name=any_name,
                processes=concurrency,
                profile=profile,
                region=region,
            )
        raise typer.Exit(walk.backfill(walked, Caps(**caps), dry_run=dry_run, yes=yes, report_to=report))
    _refuse("it is for --engine local only", **{"from": source, "to": output, "endpoint": endpoint})
    from tinypics.cli import backfill as command
    from tinypics.cli.target import Target

    order = {"bucket": bucket, "prefix": prefix, "since": since, "concurrency": concurrency, **caps}
    order |= {"renditions": renditions and renditions.split(","), "any_name": any_name or None}
    if attach or stop:
        _refuse("it is not for --attach and --stop", **order, keys=keys, inventory=inventory, dry_run=dry_run)
        if attach and stop:
            raise typer.BadParameter("--attach or --stop, not both")
    else:
        _refuse("it is for --attach and --stop only", ID=identity)
        if keys and inventory:
            raise typer.BadParameter("--keys or --inventory, not both")
    target = Target.find(local, data, stack, profile, region)
    if attach or stop:
        raise typer.Exit((command.attach if attach else command.stop)(target, identity, report))
    rows = command.key_list(keys) if keys else None
    with refusals():
        chosen = command.Chosen.of(target, order, inventory, rows)
    raise typer.Exit(command.start(target, chosen, dry_run=dry_run, yes=yes, report_to=report))


@app.command()
def resize(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH", help="Files, folders, patterns like 'photos/**/*.jpg', or - for standard input."
        ),
    ],
    to: Annotated[
        list[str],
        typer.Option(
            metavar="RENDITION", help="128x128, 800x, x600-inside-webp-q80, thumb=128x128. Give it again for several."
        ),
    ],
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="DIR", help="Where the results go; - for standard output.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Pictures at a time.", show_default="processors"),
    ] = None,
    lenient: Annotated[
        bool, typer.Option("--lenient", help="Also take files that are cut short, as far as they go.")
    ] = False,
) -> None:
    """Resize files on this computer. Nothing is sent anywhere.

    A folder's files keep their place below DIR. One rendition keeps the name
    (IMG_1.HEIC becomes IMG_1.HEIC.jpg), several go into a folder of that name.
    A broken file does not stop the rest; no source is written over.
    The exit code is 1 when any file failed.

    \b
    Examples:
      tinypics resize photos --to 800x --out web
      tinypics resize IMG_1.HEIC --to thumb=128x128 --to 1600x-webp-q80 --out web
      tinypics resize - --to 128x128 --out - < photo.jpg > thumbnail.jpg
    """
    from tinypics.cli import resize as command

    raise typer.Exit(command.resize(paths, to, out, as_json=as_json, jobs=jobs, lenient=lenient))
