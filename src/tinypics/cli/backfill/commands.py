"""The commands `tinypics retry` and `tinypics backfill`: help, and which options exclude each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tinypics.cli.backfill.options import (
    AnyName,
    Attach,
    Bucket,
    Concurrency,
    DryRun,
    Endpoint,
    Engine,
    Identity,
    Keys,
    MaxCost,
    MaxObjects,
    Output,
    Prefix,
    Renditions,
    RetryDryRun,
    RetryError,
    RetryLimit,
    RetrySince,
    RetrySource,
    Since,
    Source,
    Stop,
    Worker,
)
from tinypics.cli.options import Data, Local, Profile, Region, ReportFolder, StackName, Yes

if TYPE_CHECKING:
    from collections.abc import Mapping


def _refuse(why: str, **options: object) -> None:
    """Refuse options that do not apply, by name."""
    for name, given in options.items():
        if given not in (None, False):
            shown = name if name.isupper() else f"--{name.replace('_', '-')}"
            raise typer.BadParameter(f"{shown}: {why}")


def retry(
    source: RetrySource = None,
    since: RetrySince = None,
    error: RetryError = None,
    limit: RetryLimit = None,
    dry_run: RetryDryRun = False,
    yes: Yes = False,
    report: ReportFolder = Path("backfill-report"),
    local: Local = None,
    data: Data = None,
    stack: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """List failed executions of the workflow, start them again with their own input, and print their results.

    Of several with the same input, only the newest is retried, and none twice.
    Errors that would only fail again, like CorruptImage, are left out unless
    --error names them.
    With the parameter Trigger=queue uploads have no executions: messages that
    failed too often are in the dead-letter queue.
    With --from, it is a backfill of the keys that failed in another one, with
    the same renditions, and a report of its own.
    The exit code is 0 when none failed again, else 1.

    \b
    Examples:
      tinypics retry --since 7d --error StoreUnavailable
      tinypics retry --from backfill-report/report.csv
    """
    from tinypics.cli.target import Target

    if source:
        _refuse("it is not for --from", since=since, max=limit)
        from tinypics.cli.backfill import stack as backfills
        from tinypics.cli.backfill import stack_job
        from tinypics.cli.backfill.progress import readable_refusals

        target = Target.find(local, data, stack, profile, region)
        with readable_refusals():
            chosen = stack_job.from_report(target, source, error)
        raise typer.Exit(backfills.start(target, chosen, dry_run=dry_run, yes=yes, report_to=report))
    from tinypics.cli import logs
    from tinypics.cli import retry as command

    target = Target.find(local, data, stack, profile, region)
    raise typer.Exit(
        command.retry(target, logs.parse_age(since or "1d"), error, limit or 1000, dry_run=dry_run, yes=yes)
    )


def backfill(
    identity: Identity = None,
    attach: Attach = False,
    stop: Stop = False,
    engine: Worker = Engine.STACK,
    bucket: Bucket = None,
    prefix: Prefix = None,
    any_name: AnyName = False,
    keys: Keys = None,
    source: Source = None,
    output: Output = None,
    endpoint: Endpoint = None,
    renditions: Renditions = None,
    since: Since = None,
    max_objects: MaxObjects = None,
    max_cost: MaxCost = None,
    concurrency: Concurrency = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    report: ReportFolder = Path("backfill-report"),
    local: Local = None,
    data: Data = None,
    stack: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Resize the pictures that a bucket has already.

    Counts them first, prints an estimate, asks, and resizes those whose outputs
    are missing or stale. The same command continues a run that was interrupted.
    Ctrl-C detaches from a run of the stack, which continues; it stops a run of
    this machine. The report (report.json, report.txt, report.csv of the
    failures) has the result of each picture.
    The exit code is 0 if no picture failed, 1 if some did or the run did not
    complete, 130 after Ctrl-C.

    \b
    Examples:
      tinypics backfill --prefix 2019/ --dry-run
      tinypics backfill --attach
      tinypics backfill --engine local --from photos --to small --renditions 800x
    """
    caps = {"max_objects": max_objects, "max_cost": max_cost}
    if engine is Engine.LOCAL:
        only = "it is not for --engine local"
        _refuse(only, bucket=bucket, keys=keys, attach=attach, stop=stop, data=data, stack=stack)
        _refuse(only, local=local, aws=local is False, ID=identity)
        code = _on_this_machine(
            source,
            output,
            renditions,
            endpoint=endpoint,
            prefix=prefix,
            since=since,
            any_name=any_name,
            processes=concurrency,
            profile=profile,
            region=region,
            caps=caps,
            dry_run=dry_run,
            yes=yes,
            report=report,
        )
    else:
        _refuse("it is for --engine local only", **{"from": source, "to": output, "endpoint": endpoint})
        job: dict[str, Any] = {"bucket": bucket, "prefix": prefix, "since": since, "concurrency": concurrency, **caps}
        job |= {"renditions": renditions and renditions.split(","), "any_name": any_name or None}
        where = local, data, stack, profile, region
        code = _on_stack(where, job, keys, identity, attach=attach, stop=stop, dry_run=dry_run, yes=yes, report=report)
    raise typer.Exit(code)


def _on_this_machine(
    source: str | None,
    output: str | None,
    renditions: str | None,
    *,
    endpoint: str | None,
    prefix: str | None,
    since: str | None,
    any_name: bool,
    processes: int | None,
    profile: str | None,
    region: str | None,
    caps: Mapping[str, Any],
    dry_run: bool,
    yes: bool,
    report: Path,
) -> int:
    """The exit code of `--engine local`."""
    from tinypics.backfill.estimate import Caps
    from tinypics.cli.backfill import local as machine
    from tinypics.cli.backfill.progress import readable_refusals

    if source is None or output is None:
        raise typer.BadParameter("--engine local works --from a place --to another: name both")
    with readable_refusals():
        job = machine.LocalBackfill.from_options(
            source,
            output,
            (renditions or "128x128").split(","),
            endpoint=endpoint,
            prefix=prefix or "",
            since=machine.parse_since(since),
            any_name=any_name,
            processes=processes,
            profile=profile,
            region=region,
        )
    given = {name: value for name, value in caps.items() if value is not None}
    return machine.backfill(job, Caps(**given), dry_run=dry_run, yes=yes, report_to=report)


def _on_stack(
    where: tuple[bool | None, Path | None, str | None, str | None, str | None],
    job: dict[str, Any],
    keys: Path | None,
    identity: str | None,
    *,
    attach: bool,
    stop: bool,
    dry_run: bool,
    yes: bool,
    report: Path,
) -> int:
    """The exit code of `--engine stack`. `where` has the arguments of `Target.find`."""
    from tinypics.cli.backfill import stack as backfills
    from tinypics.cli.backfill import stack_job
    from tinypics.cli.backfill.progress import readable_refusals
    from tinypics.cli.target import Target

    if attach or stop:
        _refuse("it is not for --attach and --stop", **job, keys=keys, dry_run=dry_run)
        if attach and stop:
            raise typer.BadParameter("--attach or --stop, not both")
        return (backfills.attach if attach else backfills.stop)(Target.find(*where), identity, report)
    _refuse("it is for --attach and --stop only", ID=identity)
    target = Target.find(*where)
    rows = stack_job.read_key_list(keys) if keys else None
    with readable_refusals():
        chosen = stack_job.StackBackfill.from_options(target, job, rows)
    return backfills.start(target, chosen, dry_run=dry_run, yes=yes, report_to=report)
