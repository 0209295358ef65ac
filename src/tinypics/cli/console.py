"""`tinypics console`: the web console of a stack, until Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

from rich.text import Text

from tinypics.cli.interrupts import interrupted_by
from tinypics.cli.target import readable_errors
from tinypics.cli.terminal import CommandFailed, err, out, plain
from tinypics.console.server import PortTaken, listen, serving

if TYPE_CHECKING:
    from tinypics.cli.target import Target


@readable_errors()
def serve(target: Target, port: int | None) -> None:
    """Print the address, and serve the console until Ctrl-C, SIGTERM or SIGHUP."""
    target.client("stepfunctions").describe_state_machine(stateMachineArn=target.stack.state_machine)  # permission?
    try:
        with (
            interrupted_by(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as raise_lost_interrupt,
            listen(port) as listener,
            serving(target.cloud, target.stack, listener, backfill=target.command("backfill")) as address,
        ):
            out.print(Text(f"The console of {plain(target.stack.state_machine)}. Ctrl-C stops it.\n"))
            out.print(Text("  ") + Text(address, "bold"))
            idle = threading.Event()
            while not idle.wait(1):
                raise_lost_interrupt()
    except PortTaken as error:
        raise CommandFailed(str(error)) from error
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):  # the terminal may be closed
            err.print("Stopped.")
