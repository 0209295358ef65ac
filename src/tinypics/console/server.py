"""The console's server: on 127.0.0.1 only, in a thread, during a `with` block."""

from __future__ import annotations

import contextlib
import errno
import secrets
import socket
import threading
from typing import TYPE_CHECKING

import uvicorn

from tinypics.console.app import build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinypics.stack.clients import Cloud
    from tinypics.stack.deployed import Stack

HOST = "127.0.0.1"
DEFAULT_PORT = 4567
_GRACE = 2  # seconds for open requests to finish at a stop


class PortTaken(Exception):
    """The requested port cannot be used. `str(error)` tells what to do."""


@contextlib.contextmanager
def serving(
    cloud: Cloud,
    stack: Stack,
    listener: socket.socket | None = None,
    token: str | None = None,
    backfill: str = "tinypics backfill",
) -> Iterator[str]:
    """Serve the console during the block, whose value is the address to open, with its token (None: a new one).

    `listener` None: at any free port. `backfill` is the command of that name for this stack, which the user may copy.
    """
    with listener or listen(0) as listener:
        origin = f"http://{HOST}:{listener.getsockname()[1]}"
        token = token or secrets.token_urlsafe(24)
        config = uvicorn.Config(
            build(cloud, stack, origin, token, backfill),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="console", daemon=True)
        thread.start()
        try:
            yield f"{origin}/?token={token}"
        finally:
            server.should_exit = True
            thread.join(_GRACE * 3)


def listen(port: int | None = None, usual: int = DEFAULT_PORT) -> socket.socket:
    """The console's socket. `port` None: the `usual` one, or any free one if that is taken; 0: any free one.

    :raises PortTaken: the port cannot be used.
    """
    wanted = usual if port is None else port
    try:
        return _bind(wanted)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and port is None:
            return _bind(0)
        raise PortTaken(
            f"Port {wanted} cannot be used for the console: {error.strerror}. Choose another; 0 finds a free one."
        ) from None


def _bind(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen()  # from now on a browser waits, instead of a refused connection
    except OSError:
        listener.close()
        raise
    return listener
