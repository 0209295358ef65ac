"""Pictures are decoded in a process of its own: a crash, a hang or a bomb in a decoder costs one picture.

The process is forked when the function starts, before there are threads, connections or credentials in memory, and
kept: a picture costs two messages more. Its source lies in a file in memory, which both have open and which may still
be growing. A process that died is replaced with the next picture. What it says is checked as any input from outside.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import threading
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from tinypics import errors
from tinypics.codecs import FORMATS
from tinypics.errors import DecoderCrashed, PermanentError, StoreUnavailable, TimeLimitExceeded, TinypicsError
from tinypics.later import load_later
from tinypics.limits import MIB, Limits
from tinypics.stream import Arriving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinypics.download import Download
    from tinypics.rendition import Rendition
    from tinypics.results import Resized

_LENGTH = 4  # bytes, before each message
_MOST = 2**20  # bytes of a message; the pictures themselves come after it


class Guard:
    """`resize_all` in another process; one picture at a time."""

    def __init__(self) -> None:
        self._process: int | None = None
        self._line: socket.socket | None = None
        self._turn = threading.Lock()
        self._begin()

    def resize_all(self, source: Download, renditions: Sequence[Rendition], limits: Limits) -> Resized:
        """As `tinypics.resize_all`.

        :raises DecoderCrashed: the process ended, or said what it cannot say.
        :raises TimeLimitExceeded: more than `limits.cpu_seconds` of processor time.
        """
        with self._turn:
            if self._process is None or os.waitpid(self._process, os.WNOHANG)[0]:  # it ended while nobody asked
                self._begin()
            try:
                answer = self._ask(source, renditions, limits)
            except (EOFError, ConnectionError):
                raise _last_words(self._end(), limits) from None
            except (KeyError, TypeError, ValueError, AttributeError):
                self._end()
                raise DecoderCrashed("the decoder's process answered what cannot be") from None
            except BaseException:  # a deadline: it is not known any more what comes next
                self._end()
                raise
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """End the process."""
        with self._turn:
            self._end()

    def _begin(self) -> None:
        ours, its = socket.socketpair()
        with warnings.catch_warnings():
            # Later ones are forked beside threads. Of those the new process has none, and uses nothing of theirs.
            warnings.simplefilter("ignore", DeprecationWarning)
            process = os.fork()
        if process == 0:
            ours.close()
            _serve(its)
        its.close()
        if self._line is not None:
            self._line.close()
        self._process, self._line = process, ours

    def _end(self) -> int:
        """Kill the process, if it is not dead yet; its status, as `os.wait` has it."""
        if self._process is None or self._line is None:
            return 0
        process, self._process = self._process, None
        self._line.close()
        self._line = None
        with suppress(ProcessLookupError):
            # One that is dying of itself shall say of what.
            found, status = os.waitpid(process, os.WNOHANG)
            if found:
                return status
            os.kill(process, signal.SIGKILL)
        return os.waitpid(process, 0)[1]

    def _ask(self, source: Download, renditions: Sequence[Rendition], limits: Limits) -> Resized | Exception:
        assert self._line is not None  # noqa: S101 - `resize_all` began
        line, news = self._line, source.follow()
        try:
            asked = {"size": source.size, "renditions": list(map(str, renditions)), "limits": vars(limits)}
            _send(line, asked, [source.fd, news])
        finally:
            os.close(news)
        while "tail" in (said := _received(line)[0]):
            end = source.tail(int(said["tail"]))
            line.sendall(len(end).to_bytes(_LENGTH, "little") + end)
        source.waited = float(said["waited"])
        return _error(said, source) if "error" in said else _resized(line, said, renditions, limits)


def _error(said: dict[str, Any], source: Download) -> Exception:
    """What was raised there."""
    kind, message = getattr(errors, str(said["error"]), None), str(said["message"])
    if isinstance(kind, type) and issubclass(kind, PermanentError):
        return kind(message)
    if kind is StoreUnavailable:
        try:
            source.check()
        except TinypicsError as error:
            return error
    return RuntimeError(message)


def _resized(line: socket.socket, said: dict[str, Any], renditions: Sequence[Rendition], limits: Limits) -> Resized:
    from tinypics.results import Output, Resized, Source

    made = []
    for rendition, facts in zip(renditions, said["outputs"], strict=True):
        name, wide, high, count = str(facts["format"]), *(int(facts[key]) for key in ("width", "height", "bytes"))
        if not (name in FORMATS and 0 < max(wide, high) <= limits.output_side and 0 < count <= limits.memory):
            raise ValueError
        data = _exactly(line, count)
        made.append(Output(rendition, data, name, wide, high, tuple(map(str, facts["dropped"]))))
    return Resized(tuple(made), Source(**said["source"]), {key: float(ms) for key, ms in said["timings_ms"].items()})


def _last_words(status: int, limits: Limits) -> PermanentError:
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        return TimeLimitExceeded(
            f"decoding took more than {limits.cpu_seconds} s of processor time, which is all that one picture may take"
        )
    how = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else f"exit code {status >> 8}"
    return DecoderCrashed(f"the decoder crashed on this picture ({how})")


# What follows runs in the other process.

# Pillow imports them for what decoding and encoding do not need: a fifth of the instructions of a cold start.
_SELDOM = ("PIL.ExifTags", "PIL.TiffTags", "subprocess", "traceback")


class _Followed(Arriving):
    """The source, of which messages on the pipe `news` say how much is there."""

    def __init__(self, size: int, fd: int, news: int, line: socket.socket) -> None:
        super().__init__(size, fd)
        self._news = news
        self._line = line
        self._arrived = 0

    def _wait(self, end: int) -> None:
        while self._arrived < end:
            found = os.read(self._news, 8 * 512)
            if not found:
                # One of ours: any other that a decoder meets while it reads says that the picture is corrupt.
                raise StoreUnavailable("the source did not come whole")
            self._arrived = int.from_bytes(found[-8:], "little")

    def tail(self, count: int) -> bytes:
        _send(self._line, {"tail": count})
        return _exactly(self._line, int.from_bytes(_exactly(self._line, _LENGTH), "little"))

    def close(self) -> None:
        os.close(self.fd)
        os.close(self._news)


def _serve(line: socket.socket) -> NoReturn:
    """Work on one picture after the other, until the other end is closed."""
    try:
        _leave_everything()
        load_later(*_SELDOM)
        import tinypics.resize  # noqa: F401 - while the function itself loads what it needs

        base = _memory()
        while True:
            asked, files = _received(line, most=2)
            source = _Followed(int(asked["size"]), files[0], files[1], line)
            try:
                said, outputs = _work(source, asked, base)
            finally:
                source.close()
            _send(line, said)
            for data in outputs:
                line.sendall(data)
    except (EOFError, ConnectionError):
        os._exit(0)
    except BaseException:  # noqa: BLE001 - never back into the function's own code
        os._exit(1)


def _work(source: _Followed, asked: dict[str, Any], base: int) -> tuple[dict[str, Any], list[bytes]]:
    """The answer, and the pictures that follow it."""
    from tinypics.resize import resize_all

    limits = Limits(**asked["limits"])
    try:
        _confine(limits, base)
        resized = resize_all(source, asked["renditions"], limits)
    except TinypicsError as error:
        return {"error": error.name, "message": error.message, "waited": source.waited}, []
    except MemoryError:
        message = f"this needs more memory than the {limits.memory // MIB:,} MiB that are allowed"
        return {"error": "ImageTooLarge", "message": message, "waited": source.waited}, []
    except Exception:  # noqa: BLE001 - a mistake of ours: the other process raises it
        import traceback

        return {"error": "unforeseen", "message": traceback.format_exc(), "waited": source.waited}, []
    outputs = [
        {
            "format": output.format,
            "width": output.width,
            "height": output.height,
            "bytes": len(output.data),
            "dropped": output.dropped,
        }
        for output in resized.outputs
    ]
    said = {"outputs": outputs, "source": vars(resized.source), "timings_ms": resized.timings_ms}
    return said | {"waited": source.waited}, [output.data for output in resized.outputs]


def _leave_everything() -> None:
    """What this process has no use for: the function's standard files, its signals, and its credentials."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    os.environ.clear()
    with suppress(OSError, ValueError, IndexError):  # Linux: what the process was started with stays readable
        with open("/proc/self/stat", "rb") as file:  # noqa: PTH123 - pathlib takes a while to load
            start, end = map(int, file.read().rpartition(b")")[2].split()[47:49])
        with open("/proc/self/mem", "r+b", buffering=0) as memory:  # noqa: PTH123
            memory.seek(start)
            memory.write(bytes(end - start))


_STACKS = 64 * MIB  # of a decoder's threads


def _confine(limits: Limits, base: int) -> None:
    """So much more memory than at first, so much more processor time than now; then a MemoryError, or the end."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(spent.ru_utime + spent.ru_stime) + 1 + limits.cpu_seconds
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if base:
        most = base + limits.memory + _STACKS
        resource.setrlimit(resource.RLIMIT_DATA, (most, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def _memory() -> int:
    """Bytes that count against RLIMIT_DATA, which on Linux are all that this process alone can write to; else 0."""
    with suppress(OSError), open("/proc/self/statm", "rb") as file:  # noqa: PTH123
        return int(file.read().split()[5]) * resource.getpagesize()
    return 0


def _send(line: socket.socket, message: dict[str, Any], files: Sequence[int] = ()) -> None:
    data = json.dumps(message).encode()
    socket.send_fds(line, [len(data).to_bytes(_LENGTH, "little")], list(files))
    line.sendall(data)


def _received(line: socket.socket, most: int = 0) -> tuple[Any, list[int]]:
    """A message, and the files that came with it. Raises EOFError at the end of the line."""
    length, files, _, _ = socket.recv_fds(line, _LENGTH, most) if most else (_exactly(line, _LENGTH), [], 0, None)
    if not length:
        raise EOFError
    length += _exactly(line, _LENGTH - len(length))
    count = int.from_bytes(length, "little")
    if count > _MOST:
        raise ValueError
    return json.loads(_exactly(line, count)), list(files)


def _exactly(line: socket.socket, count: int) -> bytes:
    found = bytearray(count)
    view = memoryview(found)
    while view:
        arrived = line.recv_into(view)
        if not arrived:
            raise EOFError
        view = view[arrived:]
    return bytes(found)
