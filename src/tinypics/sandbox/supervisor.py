"""Pictures are decoded in a sandboxed worker process: a crash, a hang or a decompression bomb costs one picture.

The worker is forked when the function starts, before there are threads and connections, and kept: a picture costs two
more messages. Both processes have the source open as a file in memory, which may still be growing. Replies of the
worker are validated like any untrusted input. If the worker dies, a new one is started with `posix_spawn`: a fork would
copy our credentials into it.

A worker may be killed or stopped from outside, or be worn out by earlier pictures. So a fresh one tries again, and only
a second failure is the picture's. A worker that has used up the CPU time of one picture is not retried: its time
counts only its own work.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tinypics import errors
from tinypics.errors import DecoderCrashed, PermanentError, StoreUnavailable, TimeLimitExceeded, TinypicsError
from tinypics.image.formats import FORMATS
from tinypics.image.native import SWITCH
from tinypics.sandbox.protocol import MAX_BLOCK, Channel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinypics.image.limits import Limits
    from tinypics.image.rendition import Rendition
    from tinypics.image.results import Resized
    from tinypics.store.download import Download

_MAX_TEXT = 10_000  # characters of the worker's error message that are kept
_HANG_TIMEOUT = 10.0  # seconds without a reply after which the worker's CPU use is watched for as long
_IDLE = 0.01  # Below this share of CPU the worker counts as hung.
_KEPT_VARIABLES = ("LD_LIBRARY_PATH", "MALLOC_", SWITCH)  # The interpreter, its allocator and decoding need them.


class Sandbox:
    """`resize_all` in a worker process, one picture at a time."""

    def __init__(self, *, fork: bool = True) -> None:
        """Without `fork`, the first picture spawns the worker, which then shares no memory with this process."""
        self._lock = threading.Lock()
        self._pid: int | None = None
        self._warm = False  # whether this worker has had a picture before
        self._channel, theirs = Channel.pair()
        if not fork:
            theirs.close()
            return
        with warnings.catch_warnings():
            # Python warns of a fork where there are threads, as in tests. The worker uses no lock of another thread.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._pid = os.fork()
        if self._pid == 0:
            try:
                from tinypics.sandbox import worker

                worker.serve(theirs)
            finally:
                os._exit(1)  # on any exception: the worker must never return into the function's own code
        theirs.close()

    def resize_all(self, source: Download, renditions: Sequence[Rendition], limits: Limits) -> Resized:
        """As `tinypics.resize_all`.

        :raises DecoderCrashed: two workers died, or sent an invalid reply.
        :raises TimeLimitExceeded: a worker used more than `limits.cpu_seconds` of CPU time, or two hung.
        """
        with self._lock:
            reply, again = self._try(source, renditions, limits)
            if again:
                self._kill()
                reply, _ = self._try(source, renditions, limits)
        if isinstance(reply, Exception):
            try:
                raise reply
            finally:
                del reply  # its traceback has this frame, which would keep it, and the source, until a collection
        return reply

    def _try(
        self, source: Download, renditions: Sequence[Rendition], limits: Limits
    ) -> tuple[Resized | Exception, bool]:
        """The reply, or the picture's failure; and whether the worker may be its cause."""
        if not self._is_alive():
            self._channel.close()
            self._channel, self._pid = _spawn_worker()
            self._warm = False
        warm, self._warm = self._warm, True
        try:
            reply, out_of_memory = self._request(source, renditions, limits)
        except (EOFError, ConnectionError):
            error = _exit_error(self._kill(), limits)
            return error, not isinstance(error, TimeLimitExceeded)
        except TimeoutError:
            self._kill()
            return TimeLimitExceeded("decoding hung: it used no CPU time, and waited for no input"), True
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
            self._kill()
            return DecoderCrashed("the decoder sent an invalid reply"), True
        except BaseException:  # The deadline may have interrupted a message, so the socket is out of step.
            self._kill()
            raise
        return reply, out_of_memory and warm

    def close(self) -> None:
        """Kill the worker."""
        with self._lock:
            self._kill()

    def _is_alive(self) -> bool:
        with suppress(ChildProcessError):  # already reaped
            return self._pid is not None and not os.waitpid(self._pid, os.WNOHANG)[0]
        return False

    def _kill(self) -> int:
        """Kill the worker, unless it is dead; its exit status as of `os.wait`."""
        pid, self._pid = self._pid, None
        self._channel.close()
        with suppress(ChildProcessError, ProcessLookupError):
            if pid is not None:
                # If the worker is already dead, its status has the cause. SIGKILL would hide it.
                found, status = os.waitpid(pid, os.WNOHANG)
                if not found:
                    os.kill(pid, signal.SIGKILL)
                    _, status = os.waitpid(pid, 0)
                return status
        return 0

    def _request(
        self, source: Download, renditions: Sequence[Rendition], limits: Limits
    ) -> tuple[Resized | Exception, bool]:
        """The reply, and whether the worker ran out of memory."""
        channel, progress = self._channel, source.follow()
        try:
            request = {"size": source.size, "renditions": list(map(str, renditions)), "limits": vars(limits)}
            channel.send_message(request, [source.fd, progress])
        finally:
            os.close(progress)
        reply = self._receive_reply(source)
        if "tail" in reply:  # The worker may ask for the file's end, once.
            channel.send_block(source.tail(_check_number(reply["tail"], MAX_BLOCK)))
            reply = self._receive_reply(source)
        source.wait_seconds = _check_time(reply["wait_seconds"])
        if "error" in reply:
            return _reported_error(reply, source), bool(reply.get("out_of_memory"))
        return _receive_outputs(channel, reply, renditions, limits), False

    def _receive_reply(self, source: Download) -> dict[str, Any]:
        """The next message. Raises TimeoutError if the worker hangs."""
        assert self._pid is not None  # noqa: S101 - `resize_all` began
        used: float | None = None
        while not self._channel.wait(_HANG_TIMEOUT):
            before, used = used, _cpu_seconds(self._pid)
            if before is not None and used - before < _IDLE * _HANG_TIMEOUT:
                raise TimeoutError
            if not source.ended:  # A worker that waits for the download uses no CPU, either.
                used = None
        return dict(self._channel.receive_message()[0])


def _spawn_worker() -> tuple[Channel, int]:
    """A channel to a new worker, and its pid. The worker shares no memory, files or environment with this process."""
    ours, theirs = Channel.pair()
    script = f"import sys; sys.path[:] = {sys.path!r}; from tinypics.sandbox import worker; worker.start()"
    variables = {name: value for name, value in os.environ.items() if name.startswith(_KEPT_VARIABLES)}
    files = [(os.POSIX_SPAWN_DUP2, theirs.fileno(), 0)]
    try:
        command = [sys.executable, "-ISc", script]
        # Until the worker has its own handlers, Ctrl-C would print a traceback of it.
        blocked = {signal.SIGINT}
        return ours, os.posix_spawn(sys.executable, command, variables, file_actions=files, setsigmask=blocked)
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()


def _cpu_seconds(pid: int) -> float:
    """CPU time that another process has used so far."""
    try:
        return time.clock_gettime(~pid << 3 | 2)  # the clock id of clock_getcpuclockid(3) on Linux
    except OSError:  # not Linux: assume that the worker is always busy
        return time.monotonic()


def _reported_error(reply: dict[str, Any], source: Download) -> Exception:
    """The exception that the worker reports."""
    kind, message = getattr(errors, str(reply["error"]), None), str(reply["message"])[-_MAX_TEXT:]
    if isinstance(kind, type) and issubclass(kind, PermanentError):
        return kind(message)
    if kind is StoreUnavailable:
        try:
            source.check()
        except TinypicsError as error:
            return error
    return RuntimeError(message)


def _receive_outputs(
    channel: Channel, reply: dict[str, Any], renditions: Sequence[Rendition], limits: Limits
) -> Resized:
    from tinypics.image.results import Output, Resized, Source

    outputs, room = [], limits.memory
    for rendition, facts in zip(renditions, reply["outputs"], strict=True):
        width, height = (_check_number(facts[side], limits.output_side) for side in ("width", "height"))
        count = _check_number(facts["bytes"], room)
        room -= count
        dropped = tuple(map(_check_word, facts["dropped"]))
        name = _check_format(facts["format"])
        data = channel.receive_bytes(count)
        outputs.append(Output(rendition, data, name, width, height, dropped, _check_colour(facts["colour"])))
    source = {name: _check_number(number, 2**63) for name, number in reply["source"].items() if name != "format"}
    timings = {_check_word(step): _check_time(ms) for step, ms in reply["timings_ms"].items()}
    return Resized(tuple(outputs), Source(format=_check_format(reply["source"]["format"]), **source), timings)


# Validate the worker's reply: anything unexpected is a ValueError.


def _check_number(value: Any, limit: int) -> int:
    if type(value) is not int or not 0 < value <= limit:
        raise ValueError
    return value


def _check_time(value: Any) -> float:
    if not 0 <= value < 2**31:  # also refuses NaN
        raise ValueError
    return float(value)


def _check_word(value: Any) -> str:
    if not (isinstance(value, str) and len(value) < 32 and value.isascii() and value.replace("-", "").isalpha()):
        raise ValueError
    return value


def _check_format(value: Any) -> str:
    if value not in FORMATS:
        raise ValueError
    return str(value)


def _check_colour(value: Any) -> str | None:
    if value is None:
        return None
    if not (isinstance(value, str) and len(value) == 7 and value[0] == "#" and not value[1:].strip("0123456789abcdef")):
        raise ValueError
    return value


def _exit_error(status: int, limits: Limits) -> PermanentError:
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        return TimeLimitExceeded(
            f"decoding took more than {limits.cpu_seconds} s of CPU time, which is the limit for one picture"
        )
    how = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else f"exit code {status >> 8}"
    return DecoderCrashed(f"the decoder crashed on this picture ({how})")
