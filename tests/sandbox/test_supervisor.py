"""Effects of the worker stay in its process, except for its reply."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import importlib.util
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.waiting import eventually
from tinypics.errors import (
    CorruptImage,
    DeadlineExceeded,
    DecoderCrashed,
    ImageTooLarge,
    SourceChanged,
    StoreUnavailable,
    TimeLimitExceeded,
    UnsupportedFormat,
)
from tinypics.image import native
from tinypics.image.headers import reader
from tinypics.image.limits import MIB, Limits
from tinypics.image.pipeline import resize_all
from tinypics.image.rendition import Rendition
from tinypics.sandbox import supervisor as module
from tinypics.sandbox import worker
from tinypics.sandbox.protocol import Channel
from tinypics.sandbox.supervisor import Sandbox
from tinypics.store import download
from tinypics.store.download import Download
from tinypics.store.objects import Stat

pytestmark = pytest.mark.process

WANTED = [Rendition.parse("40x30"), Rendition.parse("20x-webp")]
EVIL = (66, 11)
"""The size of a picture whose decoder runs `harm`."""


def picture(format: str = "JPEG", size: tuple[int, int] = (400, 300), **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.radial_gradient("L").resize(size).convert("RGB").save(buffer, format, **options)
    return buffer.getvalue()


def arriving(data: bytes, size: int | None = None, error: Exception | None = None) -> Download:
    def chunks() -> Iterator[bytes]:
        for start in range(0, len(data), 1000):
            yield data[start : start + 1000]
        if error:
            raise error

    stat = Stat("etag", len(data) if size is None else size, None, {})
    return Download(stat, chunks(), lambda start, end: [data[start:end]], contextlib.nullcontext)


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The replaced workers' process ids. They are forks of this process, so that its patches apply to them, too."""
    started: list[int] = []

    def fork() -> tuple[Channel, int]:
        sandbox = Sandbox()
        assert sandbox._pid is not None
        started.append(sandbox._pid)
        return sandbox._channel, sandbox._pid

    monkeypatch.setattr(module, "_spawn_worker", fork)
    return started


@pytest.fixture
def harmed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[], Any]], Sandbox]]:
    """A sandbox whose worker runs this when it reads the header of an EVIL picture."""
    guards = []

    def start(harm: Callable[[], Any]) -> Sandbox:
        read = reader.read

        def reading(source: Any, limits: Limits) -> Any:
            header = read(source, limits)
            if header.size == EVIL:
                harm()
            return header

        monkeypatch.setattr(reader, "read", reading)
        guards.append(Sandbox())
        return guards[0]

    yield start
    guards[0].close()


INTERRUPTED = """
import os, signal, sys
os.kill(os.getpid(), signal.SIGINT)
sys.path.pop(0)
del sys.modules["resource"]
import resource
"""


def test_ctrl_c_prints_no_traceback_of_a_worker_that_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It gets the signal while it imports `resource`."""
    (tmp_path / "resource.py").write_text(INTERRUPTED)
    monkeypatch.syspath_prepend(tmp_path)
    sandbox = Sandbox(fork=False)
    with pytest.raises(DecoderCrashed):
        sandbox.resize_all(arriving(picture()), WANTED, Limits())
    sandbox.close()
    assert capfd.readouterr().err == ""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    sandbox.close()


@pytest.mark.parametrize(
    ("format", "options"), [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("WEBP", {}), ("GIF", {})]
)
def test_the_pictures_are_the_same(sandbox: Sandbox, format: str, options: dict[str, Any]) -> None:
    data = picture(format, (1200, 900), **options)
    there, here = sandbox.resize_all(arriving(data), WANTED, Limits()), resize_all(data, WANTED)
    assert there.outputs == here.outputs
    assert there.source == here.source
    assert there.timings_ms.keys() == here.timings_ms.keys()


def test_of_a_large_progressive_jpeg_it_asks_for_the_tail(sandbox: Sandbox) -> None:
    noise = Image.merge("RGB", [Image.effect_noise((3000, 2400), 80) for _ in "RGB"])
    buffer = io.BytesIO()
    noise.save(buffer, "JPEG", quality=90, progressive=True)
    source = arriving(buffer.getvalue())
    asked = []
    tail = source.tail
    source.tail = lambda count: asked.append(count) or tail(count)  # type: ignore[func-returns-value,method-assign]
    assert sandbox.resize_all(source, WANTED[:1], Limits()).outputs[0].width == 40
    assert asked == [2]


def test_errors_keep_their_names_and_messages(sandbox: Sandbox) -> None:
    with pytest.raises(CorruptImage, match="decoded"):
        sandbox.resize_all(arriving(picture()[:2000]), WANTED, Limits())
    with pytest.raises(ImageTooLarge, match="at most 1,000 are allowed"):
        sandbox.resize_all(arriving(picture()), WANTED, Limits(pixels=1000))


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"])
def test_a_source_that_does_not_come_whole_is_the_stores_fault(sandbox: Sandbox, format: str, lenient: bool) -> None:
    """Also in the middle of decoding: a broken transfer is not a corrupt picture, and is retried."""
    buffer = io.BytesIO()
    Image.effect_noise((900, 700), 80).convert("RGB").save(buffer, format)
    data, limits = buffer.getvalue(), Limits(lenient=lenient)
    half = len(data) // 2
    assert half > 2 * 64 * 1024
    for error in (StoreUnavailable("the cable"), SourceChanged("another one")):
        with pytest.raises(type(error), match=str(error)):
            sandbox.resize_all(arriving(data[:half], len(data), error), WANTED, limits)
    with pytest.raises(StoreUnavailable, match=f"ended after {half:,} of"):
        sandbox.resize_all(arriving(data[:half], len(data)), WANTED, limits)


def eat_memory() -> None:
    found = []
    while True:
        found.append(bytes(64 * MIB))


def hang() -> None:
    while True:
        pass


def sleep() -> None:
    signal.pause()


def crash() -> None:
    faulthandler.disable()  # of pytest
    os.kill(os.getpid(), signal.SIGSEGV)


def stumble() -> None:
    raise KeyError("a mistake")


@pytest.mark.parametrize(
    ("harm", "error", "says"),
    [
        (crash, DecoderCrashed, "SIGSEGV"),
        (lambda: os._exit(7), DecoderCrashed, "exit code 7"),
        (hang, TimeLimitExceeded, "more than 1 s of CPU time"),
        (sleep, TimeLimitExceeded, "decoding hung"),
        (lambda: Path(f"/proc/self/fd/{os.memfd_create('x')}").write_bytes(b"a"), RuntimeError, "File too large"),
        (eat_memory, ImageTooLarge, "more memory than the 300 MiB"),
        (stumble, RuntimeError, "(?s)Traceback.*KeyError: 'a mistake'"),
    ],
)
def test_harm_costs_one_picture(
    harmed: Callable[[Callable[[], Any]], Sandbox],
    forked: list[int],
    monkeypatch: pytest.MonkeyPatch,
    harm: Callable[[], None],
    error: type[Exception],
    says: str,
) -> None:
    monkeypatch.setattr(module, "_HANG_TIMEOUT", 0.5)
    sandbox = harmed(harm)
    limits = Limits(cpu_seconds=1, memory=300 * MIB)
    assert len(sandbox.resize_all(arriving(picture()), WANTED, limits).outputs) == 2
    with pytest.raises(error, match=says):
        sandbox.resize_all(arriving(picture(size=EVIL)), WANTED, limits)
    for _ in range(2):
        assert len(sandbox.resize_all(arriving(picture()), WANTED, limits).outputs) == 2


FAULTY = (1111, 800)
"""The size of a picture at which the module of `faulty` writes to an address that nobody has."""


@pytest.fixture
def faulty(tmp_path: Path) -> Any:
    """The native module, compiled with a fault in its JPEG reader."""
    sources, header = tmp_path / "native", "jpeg_feed(struct jpeg *jpeg, const uint8_t *data, size_t size) {\n"
    shutil.copytree(Path(__file__).parents[2] / "src" / "native", sources)
    code = (sources / "jpeg.c").read_text()
    assert code.count(header) == 1
    fault = f"    if (jpeg->width == {FAULTY[0]}) *(volatile char *)(size_t)size = 0;\n"
    (sources / "jpeg.c").write_text(code.replace(header, header + fault))
    command = [sys.executable, str(sources / "build.py"), str(tmp_path)]
    subprocess.run(command, env=os.environ | {"CFLAGS": "-O0"}, check=True, capture_output=True)
    built = next(tmp_path.glob("*.so"), None)
    if built is None:
        pytest.skip("this machine has no C compiler, or TINYPICS_NATIVE is 0")
    spec = importlib.util.spec_from_file_location("faulty._native", built)
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_a_fault_in_the_native_module_costs_one_picture(
    faulty: Any, forked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native, "kernels", lambda: faulty)
    sandbox = Sandbox()
    for lost in (2, 4):  # a second worker tries again
        assert len(sandbox.resize_all(arriving(picture(size=(1110, 800))), WANTED, Limits()).outputs) == 2
        with pytest.raises(DecoderCrashed, match="SIGSEGV"):
            sandbox.resize_all(arriving(picture(size=FAULTY)), WANTED, Limits())
        assert len(sandbox.resize_all(arriving(picture(size=(1110, 800))), WANTED, Limits()).outputs) == 2
        assert len(forked) == lost
    sandbox.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_worker_that_is_ended_from_outside_is_no_fault_of_the_picture(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """It waits for bytes at that moment."""
    monkeypatch.setattr(module, "_HANG_TIMEOUT", 0.3)
    data, struck = picture(size=(1200, 900)), []

    def chunks() -> Iterator[bytes]:
        yield data[:1000]
        while not waits(sandbox._pid):
            time.sleep(0.01)
        assert sandbox._pid is not None
        struck.append(sandbox._pid)
        os.kill(sandbox._pid, number)
        yield data[1000:]

    sandbox.resize_all(arriving(picture()), WANTED, Limits())
    source = Download(Stat("etag", len(data), None, {}), chunks(), lambda *_: [], contextlib.nullcontext)
    resized = sandbox.resize_all(source, WANTED, Limits())
    assert resized.outputs == resize_all(data, WANTED).outputs
    assert len(struck) == 1
    assert sandbox._pid not in struck


def waits(process: int | None) -> bool:
    """Whether it has read the first bytes of a picture, and sleeps in a read of the pipe."""
    folder = Path(f"/proc/{process}")
    state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
    open_files = [str(file.readlink()) for file in (folder / "fd").iterdir()]
    return state == "S" and any("source" in file for file in open_files)


def test_a_picture_whose_bytes_a_killed_worker_took_is_fetched_again(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, data = reader.read, picture("PNG", (1200, 900))

    def reading(source: Any, limits: Limits) -> Any:
        source.read_all()
        os.kill(os.getpid(), signal.SIGKILL)
        return read(source, limits)

    with monkeypatch.context() as patched:
        patched.setattr(reader, "read", reading)
        killed = Sandbox()
    assert killed.resize_all(arriving(data), WANTED, Limits()).outputs == resize_all(data, WANTED).outputs
    killed.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP, signal.SIGXCPU])
def test_only_the_second_failure_is_the_pictures_unless_it_used_up_its_time(
    harmed: Callable[[Callable[[], Any]], Sandbox], forked: list[int], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(module, "_HANG_TIMEOUT", 0.2)
    sandbox = harmed(lambda: os.kill(os.getpid(), number))
    with pytest.raises(DecoderCrashed if number == signal.SIGKILL else TimeLimitExceeded):
        sandbox.resize_all(arriving(picture(size=EVIL)), WANTED, Limits())
    assert len(forked) == (0 if number == signal.SIGXCPU else 1)


def out_of_memory() -> None:
    raise MemoryError


def test_a_warm_worker_without_memory_is_replaced_and_a_fresh_one_is_believed(
    harmed: Callable[[Callable[[], Any]], Sandbox], forked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = harmed(out_of_memory)
    with pytest.raises(ImageTooLarge, match="more memory"):
        sandbox.resize_all(arriving(picture(size=EVIL)), WANTED, Limits())
    assert forked == []
    with pytest.raises(ImageTooLarge, match="more memory"):
        sandbox.resize_all(arriving(picture(size=EVIL)), WANTED, Limits())
    assert len(forked) == 1
    monkeypatch.undo()
    assert len(sandbox.resize_all(arriving(picture(size=EVIL)), WANTED, Limits()).outputs) == 2


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux tells what a process has")
def test_an_idle_worker_has_returned_the_memory_of_its_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the allocator's setting in template.yaml, too."""
    monkeypatch.delenv("MALLOC_MMAP_THRESHOLD_", raising=False)
    sandbox = Sandbox(fork=False)
    large = [picture(format, (3000, 2400)) for format in ("JPEG", "PNG", "WEBP", "AVIF")]

    def private() -> int:
        # Having answered this one, the worker is done with the one before.
        sandbox.resize_all(arriving(picture()), WANTED, Limits())
        resident, shared = map(int, Path(f"/proc/{sandbox._pid}/statm").read_text().split()[1:3])
        return (resident - shared) * os.sysconf("SC_PAGESIZE")

    for data in large:  # loads the libraries
        sandbox.resize_all(arriving(data), [Rendition.parse("800x")], Limits())
    pid, grown = sandbox._pid, []
    for data in large:
        sandbox.resize_all(arriving(data), [Rendition.parse("2400x-png")], Limits())
        grown.append(private())
    assert sandbox._pid == pid
    sandbox.close()
    assert max(grown) < 32 * MIB, grown


def test_a_worker_that_waits_for_a_slow_store_does_not_hang(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HANG_TIMEOUT", 0.05)
    data, waited = picture(), threading.Event()
    timed_out = []

    def cpu_seconds(process: int) -> float:
        timed_out.append(process)
        if len(timed_out) == 4:
            waited.set()
        return time.monotonic() if waited.is_set() else 0.0  # with all bytes, it works

    monkeypatch.setattr(module, "_cpu_seconds", cpu_seconds)

    def chunks() -> Iterator[bytes]:
        yield data[:1000]
        waited.wait(60)
        yield data[1000:]

    source = Download(Stat("etag", len(data), None, {}), chunks(), lambda *_: [], contextlib.nullcontext)
    assert len(sandbox.resize_all(source, WANTED, Limits()).outputs) == 2
    assert len(timed_out) >= 4


def test_a_process_that_cannot_start_is_no_fault_of_the_picture(
    harmed: Callable[[Callable[[], Any]], Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tinypics.image.pipeline", None)
    sandbox = harmed(lambda: None)
    monkeypatch.undo()
    with pytest.raises(RuntimeError, match=r"import of tinypics\.image\.pipeline halted"):
        sandbox.resize_all(arriving(picture()), WANTED, Limits())


def test_a_process_that_cannot_be_replaced_is_tried_again_with_the_next_picture(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.close()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", "/there/is/none")
        with pytest.raises(FileNotFoundError):
            sandbox.resize_all(arriving(picture()), WANTED, Limits())
    assert len(sandbox.resize_all(arriving(picture()), WANTED, Limits()).outputs) == 2


def test_without_files_in_memory_it_is_one_without_a_name(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: str) -> int:
        raise PermissionError

    monkeypatch.setattr(download.os, "memfd_create", refused)  # type: ignore[attr-defined]
    assert len(sandbox.resize_all(arriving(picture()), WANTED, Limits()).outputs) == 2


def test_three_hundred_pictures_leave_no_file_open_and_no_process(sandbox: Sandbox) -> None:
    """Valid pictures, invalid ones, and some that end the worker."""
    good, bad = picture(size=(16, 12)), b"no picture"

    def turn(number: int) -> None:
        if number % 50 == 25:
            assert sandbox._pid is not None
            os.kill(sandbox._pid, signal.SIGKILL)
        try:
            sandbox.resize_all(arriving((good, bad)[number % 2]), WANTED[:1], Limits())
        except (UnsupportedFormat, DecoderCrashed):
            assert number % 2

    def files() -> int:
        gc.collect()
        return len(list(Path("/proc/self/fd").iterdir()))

    turn(0)
    before = files()
    for number in range(300):
        turn(number)
    eventually(lambda: files() <= before)  # when the threads of all downloads have ended
    assert sandbox._pid is not None
    children = Path(f"/proc/self/task/{threading.main_thread().native_id}/children").read_text().split()
    assert children.count(str(sandbox._pid)) == 1
    states = [Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] for child in children]
    assert "Z" not in states


def test_a_deadline_in_the_middle_ends_the_process_and_not_the_next_picture(
    harmed: Callable[[Callable[[], Any]], Sandbox],
) -> None:
    sandbox = harmed(hang)

    def exceeded(*_: object) -> None:
        raise DeadlineExceeded("now")

    before = signal.signal(signal.SIGALRM, exceeded)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(DeadlineExceeded):
            sandbox.resize_all(arriving(picture(size=EVIL)), WANTED, Limits())
    finally:
        signal.signal(signal.SIGALRM, before)
    assert sandbox._pid is None
    assert len(sandbox.resize_all(arriving(picture()), WANTED, Limits()).outputs) == 2


def test_a_process_that_ended_while_nobody_asked_is_replaced(sandbox: Sandbox) -> None:
    assert sandbox._pid is not None
    os.kill(sandbox._pid, signal.SIGKILL)
    os.waitid(os.P_PID, sandbox._pid, os.WEXITED | os.WNOWAIT)
    assert len(sandbox.resize_all(arriving(picture()), WANTED, Limits()).outputs) == 2


@pytest.mark.parametrize(
    "answer",
    [
        {"format": "exe", "width": 1, "height": 1, "bytes": 1, "dropped": []},
        {"format": "jpeg", "width": 10**6, "height": 1, "bytes": 1, "dropped": []},
        {"format": "jpeg", "width": 1, "height": 1, "bytes": 10**12, "dropped": []},
        {"format": "jpeg", "width": 1, "height": 1, "bytes": float("inf"), "dropped": []},
        {"format": "jpeg", "width": "x", "height": 1, "bytes": 1, "dropped": []},
        {"format": "jpeg", "width": -1, "height": 1, "bytes": 1, "dropped": []},
        {"format": "jpeg", "width": 1, "height": 1, "bytes": 1, "dropped": ["a\r\nx-amz-acl: public-read"]},
        {"format": "jpeg"},
        [],
    ],
)
@pytest.mark.usefixtures("forked")
def test_an_output_that_cannot_be_is_a_crash(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    said = {"outputs": [answer], "wait_seconds": 0, "source": SOURCE, "timings_ms": {}}
    is_a_crash(monkeypatch, lambda *_: (said, [b"x"]))


SOURCE = {"format": "jpeg", "width": 1, "height": 1, "bytes": 1, "frames": 1}
OUTPUT = {"format": "jpeg", "width": 1, "height": 1, "bytes": 1, "dropped": ["gain-map"], "colour": "#0a1b2c"}
SAID = {"outputs": [OUTPUT], "wait_seconds": 0.5, "source": SOURCE, "timings_ms": {"decode": 0.5}}


@pytest.mark.parametrize(
    "said",
    [
        {"wait_seconds": float("nan")},
        {"wait_seconds": -1},
        {"timings_ms": {"decode": float("inf")}},
        {"timings_ms": {'"}\n{"status': 1}},
        {"timings_ms": [1]},
        {"source": SOURCE | {"format": "exe"}},
        {"source": SOURCE | {"width": "<script>"}},
        {"source": SOURCE | {"more": 1}},
        {"source": {}},
        {"outputs": [OUTPUT | {"colour": "red"}]},
        {"outputs": [OUTPUT | {"colour": "#12345"}]},
        {"outputs": [OUTPUT | {"colour": "#12345G"}]},
        {"outputs": [OUTPUT | {"colour": "#1234567"}]},
        {"outputs": [OUTPUT | {"colour": ["#123456"]}]},
        {"outputs": [OUTPUT, OUTPUT]},
        {"outputs": []},
        {"tail": -5},
        {"tail": 2**40},
        {"tail": 2},  # repeatedly
    ],
)
@pytest.mark.usefixtures("forked")
def test_an_answer_that_cannot_be_is_a_crash(monkeypatch: pytest.MonkeyPatch, said: dict[str, Any]) -> None:
    is_a_crash(monkeypatch, lambda *_: (SAID | said, [b"x"]))


def test_an_answer_that_can_be_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_resize", lambda *_: (SAID, [b"x"]))
    sandbox = Sandbox()
    resized = sandbox.resize_all(arriving(picture()), WANTED[:1], Limits())
    sandbox.close()
    assert (resized.outputs[0].dropped, resized.outputs[0].colour) == (("gain-map",), "#0a1b2c")


@pytest.mark.usefixtures("forked")
def test_an_answer_without_end_is_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(source: worker.FollowedFile, *_: object) -> tuple[dict[str, Any], list[bytes]]:
        source._channel.send_block(b"[" * 900_000)
        return SAID, [b"x"]

    is_a_crash(monkeypatch, endless)


def is_a_crash(monkeypatch: pytest.MonkeyPatch, resize: Callable[..., Any]) -> None:
    monkeypatch.setattr(worker, "_resize", resize)
    sandbox = Sandbox()
    with pytest.raises(DecoderCrashed, match="invalid reply|crashed"):
        sandbox.resize_all(arriving(picture()), WANTED[:1], Limits())
    sandbox.close()


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="Linux shows what a process has")
def test_the_process_has_no_credentials_and_no_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first worker, which is a fork, and its replacement, whose initial environment is also empty."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()[:2]) as ours:
        os.set_inheritable(ours.fileno(), True)
        sandbox = Sandbox()
        for _ in range(2):
            sandbox.resize_all(arriving(picture()), WANTED, Limits())
            assert sandbox._pid is not None
            process = Path(f"/proc/{sandbox._pid}")
            assert set(process.joinpath("environ").read_bytes().split(b"\0")) <= {b"", b"LC_CTYPE=C.UTF-8"}
            links = [str(each.readlink()) for each in process.joinpath("fd").iterdir()]
            assert len([link for link in links if link != os.devnull]) == 1
            os.kill(sandbox._pid, signal.SIGKILL)
            os.waitid(os.P_PID, sandbox._pid, os.WEXITED | os.WNOWAIT)
        sandbox.close()
    assert sandbox._pid is None


def test_its_own_environment_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(*_: object) -> tuple[dict[str, Any], list[bytes]]:
        return {"error": "CorruptImage", "message": str(dict(os.environ)), "wait_seconds": 0}, []

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.delenv(native.SWITCH, raising=False)  # the one that stays
    monkeypatch.setattr(worker, "_resize", told)
    sandbox = Sandbox()
    with pytest.raises(CorruptImage, match=r"^\{\}$"):
        sandbox.resize_all(arriving(picture()), WANTED, Limits())
    sandbox.close()
