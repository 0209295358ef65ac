"""The sandboxed worker. It gets a picture, limits and a socket, and nothing else (see `supervisor`)."""

from __future__ import annotations

import os
import resource
import signal
from contextlib import suppress
from typing import Any, NoReturn

from tinypics.errors import StoreUnavailable, TinypicsError
from tinypics.image.limits import MIB, Limits
from tinypics.image.native import SWITCH
from tinypics.image.stream import GrowingFile
from tinypics.sandbox.lazy_import import import_lazily
from tinypics.sandbox.protocol import Channel

# Pillow imports these modules, but decoding and encoding rarely use them: a quarter of a cold start's instructions.
LAZY_MODULES = ("PIL.ExifTags", "PIL.ImageMode", "PIL.TiffTags", "subprocess", "traceback")


def start() -> NoReturn:
    """Run in a spawned process, whose standard input is the socket."""
    serve(Channel.from_descriptor(os.dup(0)))


def serve(channel: Channel) -> NoReturn:
    """Work on one picture after another, until the supervisor closes the socket."""
    try:
        _allocate_apart()
        _isolate(channel)
        import_lazily(*LAZY_MODULES)
        with suppress(Exception):  # `_resize` reports the error
            import tinypics.image.pipeline  # noqa: F401 - in parallel with the function's own imports

        base = _private_memory()
        while True:
            _answer(channel, base)
            _return_memory()
    except (EOFError, ConnectionError):
        os._exit(0)
    except BaseException:  # noqa: BLE001 - nobody reads this process's standard error
        os._exit(1)


def _answer(channel: Channel, base: int) -> None:
    """Work on one picture, and keep nothing of it."""
    request, files = channel.receive_message(max_files=2)
    source = FollowedFile(int(request["size"]), files[0], files[1], channel)
    try:
        reply, outputs = _resize(source, request, base)
    finally:
        source.close()
    channel.send_message(reply)
    for data in outputs:
        channel.send_bytes(data)


_LARGE = 1 << 20  # bytes of an allocation that is returned as soon as it is freed; template.yaml sets the same
_M_MMAP_THRESHOLD = -3  # malloc.h


def _allocate_apart() -> None:
    """Keep glibc from raising its threshold: freed pictures would stay in its heaps, some of which it cannot trim."""
    if "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        import ctypes

        with suppress(AttributeError):  # not glibc
            ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)


def _return_memory() -> None:
    """Return what small allocations have left in glibc's heaps."""
    import ctypes  # after the first picture, so that it delays none

    with suppress(AttributeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)


def _resize(source: FollowedFile, request: dict[str, Any], base: int) -> tuple[dict[str, Any], list[bytes]]:
    """The reply, and the pictures that follow it."""
    limits = Limits(**request["limits"])
    try:
        from tinypics.image.pipeline import resize_all

        _limit_resources(limits, base)
        resized = resize_all(source, request["renditions"], limits)
    except TinypicsError as error:
        return {"error": error.name, "message": error.message, "wait_seconds": source.wait_seconds}, []
    except MemoryError:
        message = f"this needs more memory than the {limits.memory // MIB:,} MiB that are allowed"
        reply = {"error": "ImageTooLarge", "message": message, "wait_seconds": source.wait_seconds}
        return reply | {"out_of_memory": True}, []
    except Exception:  # noqa: BLE001 - a bug of ours, which the supervisor raises
        import traceback

        return {"error": "unforeseen", "message": traceback.format_exc(), "wait_seconds": source.wait_seconds}, []
    outputs = [
        {
            "format": output.format,
            "width": output.width,
            "height": output.height,
            "bytes": len(output.data),
            "dropped": output.dropped,
            "colour": output.colour,
        }
        for output in resized.outputs
    ]
    reply = {"outputs": outputs, "source": vars(resized.source), "timings_ms": resized.timings_ms}
    return reply | {"wait_seconds": source.wait_seconds}, [output.data for output in resized.outputs]


def _isolate(channel: Channel) -> None:
    """Drop everything that decoding does not need: the function's files, signal handlers and credentials."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    # Redirect, do not close: a finalizer could close a reused descriptor.
    for number in {0, 1, 2, *map(int, _list_folder("/proc/self/fd"))} - {channel.fileno(), nowhere}:
        os.dup2(nowhere, number)
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    for name in os.environ.keys() - {SWITCH}:
        del os.environ[name]
    with suppress(OSError, ValueError, IndexError):  # Linux keeps the initial environment readable: overwrite it
        with open("/proc/self/stat", "rb") as file:  # noqa: PTH123 - pathlib takes a while to load
            start, end = map(int, file.read().rpartition(b")")[2].split()[47:49])
        with open("/proc/self/mem", "r+b", buffering=0) as memory:  # noqa: PTH123
            memory.seek(start)
            memory.write(bytes(end - start))


def _list_folder(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - pathlib takes a while to load
    except OSError:  # not Linux
        return []


_STACKS = 64 * MIB  # of a decoder's threads


def _limit_resources(limits: Limits, base: int) -> None:
    """Limit memory and CPU time for one picture. Over the first, Python raises MemoryError; over the second, SIGXCPU.

    `base` is the worker's memory before its first picture. No file may grow, not even the source's in memory.
    """
    spent = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(spent.ru_utime + spent.ru_stime) + 1 + limits.cpu_seconds
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    for forbidden in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):
        resource.setrlimit(forbidden, (0, 0))
    if base:
        limit = base + limits.memory + _STACKS
        resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def _private_memory() -> int:
    """Bytes that count against RLIMIT_DATA, which on Linux are the private writable ones; 0 elsewhere."""
    with suppress(OSError), open("/proc/self/statm", "rb") as file:  # noqa: PTH123
        return int(file.read().split()[5]) * resource.getpagesize()
    return 0


class FollowedFile(GrowingFile):
    """The source, while it is downloaded. Messages on the pipe `progress` have the number of bytes that arrived."""

    def __init__(self, size: int, fd: int, progress: int, channel: Channel) -> None:
        super().__init__(size, fd)
        self._progress = progress
        self._channel = channel
        self._arrived = 0

    def _wait(self, end: int) -> None:
        while self._arrived < end:
            found = os.read(self._progress, 8 * 512)
            if not found:
                # An error of ours, because any other error while reading means a corrupt picture.
                raise StoreUnavailable("the source's download was cut short")
            self._arrived = int.from_bytes(found[-8:], "little")

    def tail(self, count: int) -> bytes:
        self._channel.send_message({"tail": count})
        return self._channel.receive_block()[0]

    def close(self) -> None:
        os.close(self.fd)
        os.close(self._progress)
