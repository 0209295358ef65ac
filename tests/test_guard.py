"""What happens in the decoder's process stays there, but for its answer."""

from __future__ import annotations

import contextlib
import faulthandler
import io
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tinypics import guard as module
from tinypics import headers
from tinypics.download import Download
from tinypics.errors import (
    CorruptImage,
    DeadlineExceeded,
    DecoderCrashed,
    ImageTooLarge,
    SourceChanged,
    StoreUnavailable,
    TimeLimitExceeded,
)
from tinypics.guard import Guard
from tinypics.limits import MIB, Limits
from tinypics.rendition import Rendition
from tinypics.resize import resize_all
from tinypics.store import Stat

WANTED = [Rendition.parse("40x30"), Rendition.parse("20x-webp")]
EVIL = (66, 11)
"""The size of a picture whose decoder does what `harm` says."""


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
    return Download(stat, chunks(), lambda start, end: data[start:end], contextlib.nullcontext)


@pytest.fixture
def harmed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[], Any]], Guard]]:
    """A guard whose process does this to itself when it reads the header of an EVIL picture."""
    guards = []

    def start(harm: Callable[[], Any]) -> Guard:
        read = headers.read

        def reading(source: Any, limits: Limits) -> Any:
            header = read(source, limits)
            if header.size == EVIL:
                harm()
            return header

        monkeypatch.setattr(headers, "read", reading)
        guards.append(Guard())
        return guards[0]

    yield start
    guards[0].close()


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    guard = Guard()
    yield guard
    guard.close()


@pytest.mark.parametrize(
    ("format", "options"), [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("WEBP", {}), ("GIF", {})]
)
def test_the_pictures_are_the_same(guard: Guard, format: str, options: dict[str, Any]) -> None:
    data = picture(format, (1200, 900), **options)
    there, here = guard.resize_all(arriving(data), WANTED, Limits()), resize_all(data, WANTED)
    assert there.outputs == here.outputs
    assert there.source == here.source
    assert there.timings_ms.keys() == here.timings_ms.keys()


def test_of_a_large_progressive_jpeg_it_asks_for_the_tail(guard: Guard) -> None:
    noise = Image.merge("RGB", [Image.effect_noise((3000, 2400), 80) for _ in "RGB"])
    buffer = io.BytesIO()
    noise.save(buffer, "JPEG", quality=90, progressive=True)
    source = arriving(buffer.getvalue())
    asked = []
    tail = source.tail
    source.tail = lambda count: asked.append(count) or tail(count)  # type: ignore[func-returns-value,method-assign]
    assert guard.resize_all(source, WANTED[:1], Limits()).outputs[0].width == 40
    assert asked == [2]


def test_errors_keep_their_names_and_messages(guard: Guard) -> None:
    with pytest.raises(CorruptImage, match="decoded"):
        guard.resize_all(arriving(picture()[:2000]), WANTED, Limits())
    with pytest.raises(ImageTooLarge, match="at most 1,000 are allowed"):
        guard.resize_all(arriving(picture()), WANTED, Limits(pixels=1000))


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"])
def test_a_source_that_does_not_come_whole_is_the_stores_fault(guard: Guard, format: str, lenient: bool) -> None:
    """Also where the decoder is in the middle of it: a broken transfer is no corrupt picture, and is tried again."""
    buffer = io.BytesIO()
    Image.effect_noise((900, 700), 80).convert("RGB").save(buffer, format)
    data, limits = buffer.getvalue(), Limits(lenient=lenient)
    half = len(data) // 2
    assert half > 2 * 64 * 1024
    for error in (StoreUnavailable("the cable"), SourceChanged("another one")):
        with pytest.raises(type(error), match=str(error)):
            guard.resize_all(arriving(data[:half], len(data), error), WANTED, limits)
    with pytest.raises(StoreUnavailable, match=f"ended after {half:,} of"):
        guard.resize_all(arriving(data[:half], len(data)), WANTED, limits)


def eat_memory() -> None:
    found = []
    while True:
        found.append(bytes(64 * MIB))


def hang() -> None:
    while True:
        pass


def crash() -> None:
    faulthandler.disable()  # pytest's
    os.kill(os.getpid(), signal.SIGSEGV)


def stumble() -> None:
    raise KeyError("a mistake")


@pytest.mark.parametrize(
    ("harm", "error", "says"),
    [
        (crash, DecoderCrashed, "SIGSEGV"),
        (lambda: os._exit(7), DecoderCrashed, "exit code 7"),
        (hang, TimeLimitExceeded, "more than 1 s of processor time"),
        (eat_memory, ImageTooLarge, "more memory than the 300 MiB"),
        (stumble, RuntimeError, "(?s)Traceback.*KeyError: 'a mistake'"),
    ],
)
def test_harm_costs_one_picture(
    harmed: Callable[[Callable[[], Any]], Guard], harm: Callable[[], None], error: type[Exception], says: str
) -> None:
    guard = harmed(harm)
    limits = Limits(cpu_seconds=1, memory=300 * MIB)
    for _ in range(2):
        assert len(guard.resize_all(arriving(picture()), WANTED, limits).outputs) == 2
        with pytest.raises(error, match=says):
            guard.resize_all(arriving(picture(size=EVIL)), WANTED, limits)
    assert len(guard.resize_all(arriving(picture()), WANTED, limits).outputs) == 2


def test_a_deadline_in_the_middle_ends_the_process_and_not_the_next_picture(
    harmed: Callable[[Callable[[], Any]], Guard],
) -> None:
    guard = harmed(hang)

    def exceeded(*_: object) -> None:
        raise DeadlineExceeded("now")

    before = signal.signal(signal.SIGALRM, exceeded)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(DeadlineExceeded):
            guard.resize_all(arriving(picture(size=EVIL)), WANTED, Limits())
    finally:
        signal.signal(signal.SIGALRM, before)
    assert guard._process is None
    assert len(guard.resize_all(arriving(picture()), WANTED, Limits()).outputs) == 2


def test_a_process_that_ended_while_nobody_asked_is_replaced(guard: Guard) -> None:
    assert guard._process is not None
    os.kill(guard._process, signal.SIGKILL)
    os.waitid(os.P_PID, guard._process, os.WEXITED | os.WNOWAIT)
    assert len(guard.resize_all(arriving(picture()), WANTED, Limits()).outputs) == 2


@pytest.mark.parametrize(
    "answer",
    [
        {"format": "exe", "width": 1, "height": 1, "bytes": 1, "dropped": []},
        {"format": "jpeg", "width": 10**6, "height": 1, "bytes": 1, "dropped": []},
        {"format": "jpeg", "width": 1, "height": 1, "bytes": 10**12, "dropped": []},
        {"format": "jpeg", "width": "x", "height": 1, "bytes": 1, "dropped": []},
        {"format": "jpeg"},
    ],
)
def test_an_answer_that_cannot_be_is_a_crash(monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]) -> None:
    said = {"outputs": [answer], "waited": 0, "source": {}, "timings_ms": {}}
    monkeypatch.setattr(module, "_work", lambda *_: (said, []))
    guard = Guard()
    with pytest.raises(DecoderCrashed, match="what cannot be"):
        guard.resize_all(arriving(picture()), WANTED[:1], Limits())
    guard.close()


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="Linux shows what a process was started with")
def test_the_process_has_no_credentials_and_no_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(*_: object) -> tuple[dict[str, Any], list[bytes]]:
        files = sorted(str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.exists())
        message = f"{dict(os.environ)} {Path('/proc/self/environ').read_bytes().strip(bytes(1))!r} {files[:3]}"
        return {"error": "CorruptImage", "message": message, "waited": 0}, []

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setattr(module, "_work", told)
    guard = Guard()
    with pytest.raises(CorruptImage, match=r"^\{\} b'' ") as found:
        guard.resize_all(arriving(picture()), WANTED, Limits())
    assert found.value.message.count("/dev/null") == 3
    guard.close()
    assert guard._process is None
