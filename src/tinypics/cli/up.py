"""`tinypics up`: the whole stack on this computer, until Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import shlex
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError
from rich.text import Text

from tinypics.cli.interrupts import interrupted_by
from tinypics.cli.logs import PAUSES, show
from tinypics.cli.shell import command, relative
from tinypics.cli.target import DATA, Target, find_nearest, readable_errors
from tinypics.cli.terminal import CommandFailed, Misused, err, out, plain, size
from tinypics.console.server import DEFAULT_PORT, PortTaken, listen, serving
from tinypics.local import deploy
from tinypics.local.emulator import HOST, EmulatorError
from tinypics.local.parameters import parse_parameters
from tinypics.local.remembered import Remembered
from tinypics.stack.clients import Cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tinypics.local.emulator import Emulator
    from tinypics.local.pidfile import PidFile
    from tinypics.stack.deployed import Stack

EVENT = Path("events", "resize.json")
_MIN_FREE = 200 * 10**6  # bytes: a large picture, its copy in the function, and its outputs
SAMPLE = "yourImage.jpg"  # the key that the event names
WELCOME = "Open it in a browser and drop a photo on the page: a moment later its thumbnail is there."


@readable_errors()
def up(port: int, data: Path | None, parameters: list[str], console_port: int | None, *, forget: bool) -> None:
    """Start, deploy, print the addresses, follow the logs; stop on Ctrl-C, SIGTERM or SIGHUP."""
    project = find_nearest(deploy.TEMPLATE, Path.cwd())
    if not (project / deploy.TEMPLATE).exists():
        raise CommandFailed(f"There is no {deploy.TEMPLATE} here or above: run this in a clone of Tinypics.")
    folder = data or project / DATA
    try:
        before = Remembered() if forget else Remembered.read(folder)
        usual = before.console_port or DEFAULT_PORT
        now = replace(before, parameters=before.parameters | _parse_parameters(parameters, project))
        with (
            interrupted_by(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as raise_lost_interrupt,
            listen(console_port, usual) as listener,
            err.status("Starting") as status,
            deploy.running(folder, project, port, now.parameters, now.api_id) as (emulator, pid_file),
            serving(
                Cloud.local(pid_file.endpoint, pid_file.region),
                pid_file.stack,
                listener,
                now.token,
                command("backfill", *_where(data)),
            ) as console,
        ):
            status.stop()
            _remember(folder, now, console_port, usual, console)
            _print_addresses(pid_file, folder, console)
            _print_tries(pid_file, project, folder, data, now.parameters.get("Prefix", ""))
            out.print("\nThe function's log shows here:", style="dim")
            _follow(emulator, pid_file, raise_lost_interrupt)
    except deploy.WrongParameters as error:
        kept = _describe(before.parameters)
        hint = [f"Remembered from an earlier start: {kept}; --forget drops them (make up FORGET=1)."] if kept else []
        raise _usage_error(error.reasons + hint) from None
    except (EmulatorError, deploy.DeployError, PortTaken) as error:
        raise CommandFailed(str(error)) from error
    except OSError as error:  # a full disk names no file
        raise CommandFailed(f"{plain(error.filename or folder)}: {error.strerror or error}") from error
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):  # the terminal may be closed
            err.print(f"Stopped. Pictures stay in {folder}.")


def _remember(folder: Path, now: Remembered, asked: int | None, usual: int, console: str) -> None:
    """Keep the choices for the next start, and say which of them were kept and which port is another."""
    port = urlsplit(console).port
    if asked is None and port != usual:
        err.print(f"Port {usual} is taken by another program: the console is on {port}.", style="yellow")
    kept = now.console_port if asked is None and now.console_port else port
    replace(now, console_port=kept).write(folder)
    if now.parameters:
        out.print(
            f"Parameters: {plain(_describe(now.parameters))} (kept for the next start; --forget drops them)",
            style="dim",
        )


def _describe(parameters: Mapping[str, str]) -> str:
    return " ".join(f"{name}={shlex.quote(value)}" for name, value in parameters.items())


def _parse_parameters(texts: list[str], project: Path) -> dict[str, str]:
    given, wrong = parse_parameters(texts)
    if wrong:
        try:
            deploy.check_parameters(project, given, f"http://{HOST}")
        except deploy.WrongParameters as error:
            wrong += error.reasons
        raise _usage_error(wrong)
    return given


def _usage_error(wrong: list[str]) -> Misused:
    return Misused("\n".join([*map(plain, wrong), "Nothing was started."]))


def _follow(emulator: Emulator, pid_file: PidFile, raise_lost_interrupt: Callable[[], None]) -> None:
    target = Target(Cloud.local(pid_file.endpoint, pid_file.region), pid_file.stack)
    log = target.log(time.time())
    warned = False
    while True:
        raise_lost_interrupt()
        emulator.check()
        warned = warned or _warn_about_space(emulator.data)
        try:
            show(log)
        except BotoCoreError:
            time.sleep(1)  # the socket of a killed process closes a moment before the process exits
            emulator.check()
            raise
        time.sleep(target.pause * PAUSES)


def _warn_about_space(folder: Path) -> bool:
    """Say once that the disk is nearly full: the emulator then keeps objects in memory only, or starts no function."""
    free = shutil.disk_usage(folder).free
    if free >= _MIN_FREE:
        return False
    left = f"The disk of {plain(folder)} has only {size(free)} left."
    err.print(f"{left} When it is full, uploads fail, or are lost at the end.", style="yellow")
    return True


def _print_addresses(pid_file: PidFile, folder: Path, console: str) -> None:
    rest = f" Ctrl-C stops it; pictures stay in {relative(folder)}.\n"
    out.print(Text("Tinypics is up.", "bold green") + Text(rest))
    out.print(Text("  Console    ", "dim") + Text(console, "bold"))
    out.print(Text(f"{'':13}{WELCOME}\n", "dim"))
    for name, value in _addresses(pid_file):
        out.print(Text(f"  {name:<11}", "dim") + Text(value))


def _print_tries(pid_file: PidFile, project: Path, folder: Path, data: Path | None, prefix: str) -> None:
    """Commands for a sample picture, which this stack resizes."""
    event, sample = relative(_sample_event(pid_file.stack, project, folder, prefix)), relative(_sample_picture(folder))
    where = _where(data)
    below = ("--prefix", prefix) if prefix else ()
    out.print("\nThree things to try, one after the other, in another terminal:\n")
    out.print(f"  {command('put', sample, *below, *where)}")
    out.print(f"  {command('run', event, *where)}")
    if pid_file.stack.api_url:
        out.print(f"  curl --data {shlex.quote(f'@{event}')} {pid_file.stack.api_url}/resize")
    else:
        out.print(f"  {command('invoke', event, *where)}")


def _where(data: Path | None) -> tuple[str, ...]:
    """The options of a command for the stack in the folder that the user named."""
    return ("--data", str(data)) if data else ()


def _addresses(pid_file: PidFile) -> list[tuple[str, str]]:
    stack = pid_file.stack
    places = [
        (
            "Endpoint",
            f"{pid_file.endpoint}  (AWS_ENDPOINT_URL for any AWS tool; region {pid_file.region}, key and secret: test)",
        ),
        ("Upload to", f"s3://{stack.source_bucket}"),
        ("Thumbnails", f"s3://{stack.output_bucket}"),
        ("Function", stack.function),
        ("Workflow", stack.state_machine),
    ]
    return [*places, ("API", f"{stack.api_url}/resize")] if stack.api_url else places


def _sample_event(stack: Stack, project: Path, folder: Path, prefix: str) -> Path:
    """The clone's event; a file in the data folder if this stack has other buckets, or watches a prefix."""
    usual = json.loads((project / EVENT).read_bytes())
    own = {"bucket": stack.source_bucket, "key": prefix + SAMPLE, "dest_bucket": stack.output_bucket}
    event = usual | own
    if event == usual:
        return project / EVENT
    file = folder / EVENT.name
    file.write_text(json.dumps(event, indent=2) + "\n")
    return file


def _sample_picture(folder: Path) -> Path:
    """A sample picture."""
    sample = folder / SAMPLE
    if not sample.exists():
        from PIL import Image

        ramp = Image.linear_gradient("L").resize((1200, 800))
        Image.merge("RGB", (ramp, ramp.rotate(180), Image.radial_gradient("L").resize((1200, 800)))).save(sample)
    return sample
