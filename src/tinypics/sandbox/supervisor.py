"""Pictures are decoded in a sandboxed worker process: a crash, a hang or a decompression bomb costs one picture.

The worker is forked when the function starts, before there are threads and connections, and kept: a picture costs two
more messages. Both processes have the source open as a file in memory, which may still be growing. Replies of the
worker are validated like any untrusted input. If the worker dies, the next picture starts a new one with `posix_spawn`:
a fork would copy our credentials into it.
"""

from __future__ import annotations

import _socket as socket  # `socket` builds enumerations of 300 constants, which takes 4 ms of a cold start
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
from tinypics.sandbox.protocol import LENGTH, MOST, exactly, received, send

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinypics.image.limits import Limits
    from tinypics.image.rendition import Rendition
    from tinypics.image.results import Resized
    from tinypics.store.download import Download

_SHOWN = 10_000  # characters of the worker's error message that are kept
_PATIENCE = 10.0  # seconds to wait for an answer before checking the worker's CPU time
_IDLE = 0.01  # Below this share of CPU the worker counts as hung.
_PASSED_ON = ("LD_LIBRARY_PATH", "MALLOC_")  # variables that the interpreter and its allocator need


class Sandbox:
    """`resize_all` in a worker process, one picture at a time."""

    def __init__(self, *, fork: bool = True) -> None:
        """Without `fork`, the first picture spawns the worker, which then shares no memory with this process."""
        self._turn = threading.Lock()
        self._process: int | None = None
        self._line, its = socket.socketpair()
        if not fork:
            its.close()
            return
        with warnings.catch_warnings():
            # Python warns of a fork where there are threads, as in tests. The worker uses no lock of another thread.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process = os.fork()
        if self._process == 0:
            try:
                from tinypics.sandbox import worker

                worker.serve(its)
            finally:
                os._exit(1)  # on any exception: the worker must never return into the function's own code
        its.close()

    def resize_all(self, source: Download, renditions: Sequence[Rendition], limits: Limits) -> Resized:
        """As `tinypics.resize_all`.

        :raises DecoderCrashed: the worker died, or sent an invalid reply.
        :raises TimeLimitExceeded: the worker used more than `limits.cpu_seconds` of CPU time, or hung.
        """
        with self._turn:
            if not self._is_alive():
                self._line.close()
                self._line, self._process = _started()
            try:
                answer = self._ask(source, renditions, limits)
            except (EOFError, ConnectionError):
                raise _last_words(self._end(), limits) from None
            except TimeoutError:
                self._end()
                raise TimeLimitExceeded("decoding hung: it used no CPU time, and waited for no input") from None
            except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
                self._end()
                raise DecoderCrashed("the decoder sent an invalid reply") from None
            except BaseException:  # The deadline may have interrupted a message, so the socket is out of step.
                self._end()
                raise
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """Kill the worker."""
        with self._turn:
            self._end()

    def _is_alive(self) -> bool:
        with suppress(ChildProcessError):  # already reaped
            return self._process is not None and not os.waitpid(self._process, os.WNOHANG)[0]
        return False

    def _end(self) -> int:
        """Kill the worker, unless it is dead; its exit status as of `os.wait`."""
        process, self._process = self._process, None
        self._line.close()
        with suppress(ChildProcessError, ProcessLookupError):
            if process is not None:
                # If the worker is already dead, its status has the cause. SIGKILL would hide it.
                found, status = os.waitpid(process, os.WNOHANG)
                if not found:
                    os.kill(process, signal.SIGKILL)
                    _, status = os.waitpid(process, 0)
                return status
        return 0

    def _ask(self, source: Download, renditions: Sequence[Rendition], limits: Limits) -> Resized | Exception:
        line, news = self._line, source.follow()
        try:
            asked = {"size": source.size, "renditions": list(map(str, renditions)), "limits": vars(limits)}
            send(line, asked, [source.fd, news])
        finally:
            os.close(news)
        said = self._heard(source)
        if "tail" in said:  # The worker may ask for the file's end, once.
            end = source.tail(_number(said["tail"], MOST))
            line.sendall(len(end).to_bytes(LENGTH, "little") + end)
            said = self._heard(source)
        source.waited = _time(said["waited"])
        return _error(said, source) if "error" in said else _resized(line, said, renditions, limits)

    def _heard(self, source: Download) -> dict[str, Any]:
        """The next message. Raises TimeoutError if the worker hangs."""
        assert self._process is not None  # noqa: S101 - `resize_all` began
        self._line.settimeout(_PATIENCE)
        before: float | None = None
        while True:
            try:
                self._line.recv(1, socket.MSG_PEEK)
                break
            except TimeoutError:
                now = _worked(self._process)
                if before is not None and now - before < _IDLE * _PATIENCE:
                    raise
                before = now if source.ended else None  # A worker that waits for the download uses no CPU, either.
        return dict(received(self._line)[0])


def _started() -> tuple[socket.socket, int]:
    """A socket to a new worker, and its pid. The worker shares no memory, files or environment with this process."""
    ours, its = socket.socketpair()
    script = f"import sys; sys.path[:] = {sys.path!r}; from tinypics.sandbox import worker; worker.start()"
    found = {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}
    files = [(os.POSIX_SPAWN_DUP2, its.fileno(), 0)]
    try:
        return ours, os.posix_spawn(sys.executable, [sys.executable, "-ISc", script], found, file_actions=files)
    except OSError:
        ours.close()
        raise
    finally:
        its.close()


def _worked(process: int) -> float:
    """CPU time that another process has used so far, in seconds."""
    try:
        return time.clock_gettime(~process << 3 | 2)  # the clock id of clock_getcpuclockid(3) on Linux
    except OSError:  # not Linux: assume that the worker is always busy
        return time.monotonic()


def _error(said: dict[str, Any], source: Download) -> Exception:
    """The exception that the worker reports."""
    kind, message = getattr(errors, str(said["error"]), None), str(said["message"])[-_SHOWN:]
    if isinstance(kind, type) and issubclass(kind, PermanentError):
        return kind(message)
    if kind is StoreUnavailable:
        try:
            source.check()
        except TinypicsError as error:
            return error
    return RuntimeError(message)


def _resized(line: socket.socket, said: dict[str, Any], renditions: Sequence[Rendition], limits: Limits) -> Resized:
    from tinypics.image.results import Output, Resized, Source

    made, room = [], limits.memory
    for rendition, facts in zip(renditions, said["outputs"], strict=True):
        wide, high = (_number(facts[side], limits.output_side) for side in ("width", "height"))
        count = _number(facts["bytes"], room)
        room -= count
        dropped = tuple(map(_word, facts["dropped"]))
        name = _format(facts["format"])
        made.append(Output(rendition, exactly(line, count), name, wide, high, dropped, _colour(facts["colour"])))
    source = {name: _number(number, 2**63) for name, number in said["source"].items() if name != "format"}
    timings = {_word(step): _time(ms) for step, ms in said["timings_ms"].items()}
    return Resized(tuple(made), Source(format=_format(said["source"]["format"]), **source), timings)


# Validate the worker's reply: anything unexpected is a ValueError.


def _number(said: Any, most: int) -> int:
    if type(said) is not int or not 0 < said <= most:
        raise ValueError
    return said


def _time(said: Any) -> float:
    if not 0 <= said < 2**31:  # also refuses NaN
        raise ValueError
    return float(said)


def _word(said: Any) -> str:
    if not (isinstance(said, str) and len(said) < 32 and said.isascii() and said.replace("-", "").isalpha()):
        raise ValueError
    return said


def _format(said: Any) -> str:
    if said not in FORMATS:
        raise ValueError
    return str(said)


def _colour(said: Any) -> str | None:
    if said is None:
        return None
    if not (isinstance(said, str) and len(said) == 7 and said[0] == "#" and not said[1:].strip("0123456789abcdef")):
        raise ValueError
    return said


def _last_words(status: int, limits: Limits) -> PermanentError:
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        return TimeLimitExceeded(
            f"decoding took more than {limits.cpu_seconds} s of CPU time, which is the limit for one picture"
        )
    how = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else f"exit code {status >> 8}"
    return DecoderCrashed(f"the decoder crashed on this picture ({how})")
