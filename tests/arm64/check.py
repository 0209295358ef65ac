"""Run the artifact for arm64 under an emulator: `python -m tests.arm64.check ARTIFACT PYTHON`.

The handler reads a picture of each source format from the local S3, and writes one of each output format. Each must
look like the output of the same code on this machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from tests.arm64 import kernels
from tests.heic import heic
from tests.pictures import QUADRANTS, corners, encoded, near, opened, photo, quadrants
from tinypics import resize_all
from tinypics.image.formats import FORMATS, OUTPUTS
from tinypics.local.deploy import BUCKETS
from tinypics.local.emulator import REGION, Emulator
from tinypics.stack.clients import Cloud

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinypics.image.formats import Codec
    from tinypics.image.results import Output

SIZE = (96, 64)
WIDE, HIGH = 48, 32
SOURCES, PICTURES = BUCKETS["SourceBucket"], BUCKETS["OutputBucket"]
EVENT = {"bucket": SOURCES, "dest_bucket": PICTURES}
ALIKE = 1.0  # of 255, mean of all samples; 0 here, but vector units may round differently
PATIENCE = 900  # seconds for the whole check, which takes about a minute


class Guest:
    """The handler in an emulated interpreter."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.about = self._line("without_bytecode")

    def answer(self, event: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The answer of the handler, and the decoders that its own process has loaded."""
        self._send(event)
        said = self._line("answer")
        return said["answer"], said["decoders"]

    def end_worker(self) -> None:
        self._send(None)

    def _send(self, message: object) -> None:
        file: IO[str] = self._process.stdin  # type: ignore[assignment]
        with suppress(BrokenPipeError):  # `_line` reports that it exited
            file.write(json.dumps(message) + "\n")
            file.flush()

    def _line(self, name: str) -> dict[str, Any]:
        lines: IO[str] = self._process.stdout  # type: ignore[assignment]
        for line in lines:
            if name in (said := json.loads(line)):
                return dict(said)
        sys.exit(f"the emulated function ended with exit code {self._process.wait()}")


@contextmanager
def emulated(artifact: Path, python: Path, endpoint: str) -> Iterator[Guest]:
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    environment = keys | {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": REGION}
    command = [*map(str, (python, "-I", "-S", Path(__file__).with_name("guest.py"), artifact, python))]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment, cwd=artifact)
    timer = threading.Timer(PATIENCE, process.kill)
    timer.start()
    try:
        yield Guest(process)
    finally:
        timer.cancel()
        process.kill()
        process.communicate()


def source(codec: Codec) -> bytes:
    """A picture in this format, with a colour in each corner and detail in the middle."""
    picture = quadrants(SIZE)
    picture.paste(photo((SIZE[0] // 2, SIZE[1] // 2)), (SIZE[0] // 4, SIZE[1] // 4))
    if codec.name == "heif":
        return heic(picture)
    return encoded(picture, getattr(import_module(codec.plugin), codec.decoder_class).format)


def single(name: str, guest: Guest, s3: Any) -> list[str]:
    """Make the renditions of a picture in this format, one after the other. Returns the differences."""
    started, found, key = time.monotonic(), [], f"picture.{FORMATS[name].extension}"
    data = stored(source(FORMATS[name]), key, s3)
    for output in OUTPUTS:
        answer, decoders = guest.answer(EVENT | {"key": key, "width": WIDE, "height": HIGH, "format": output})
        found += [f"{decoder} is loaded outside of the worker" for decoder in decoders]
        found += faults(answer, [answer], data, [f"{WIDE}x{HIGH}-{output}"], s3)
    return told(name, started, found)


def together(name: str, guest: Guest, s3: Any) -> list[str]:
    """Make all renditions in one request, with a manifest, in a worker that was started instead of forked."""
    started, key, renditions = time.monotonic(), "list", [f"{WIDE}x{HIGH}-{output}" for output in OUTPUTS]
    data = stored(source(FORMATS[name]), key, s3)
    guest.end_worker()
    answer, _ = guest.answer(EVENT | {"key": key, "renditions": renditions})
    found = list(faults(answer, answer.get("renditions", []), data, renditions, s3))
    return told(f"{name}, all at once by a new worker", started, found)


def stored(data: bytes, key: str, s3: Any) -> bytes:
    s3.put_object(Bucket=SOURCES, Key=key, Body=data)
    return data


def told(label: str, started: float, found: list[str]) -> list[str]:
    print(f"{'✗' if found else '✓'} {label} → {', '.join(OUTPUTS)}  {time.monotonic() - started:.1f} s", flush=True)
    return [f"{label}: {fault}" for fault in found]


def faults(
    answer: dict[str, Any], items: list[dict[str, Any]], data: bytes, renditions: list[str], s3: Any
) -> Iterator[str]:
    """Differences of an answer, and of the pictures in it, from those of this machine for the same source."""
    if answer["status"] != "SUCCESS":
        yield f"expected {', '.join(renditions)}, got {answer['error']}: {answer['message']}"
        return
    ours = resize_all(data, renditions)
    about = {name: vars(ours.source)[name] for name in ("format", "width", "height", "bytes")}
    if not about.items() <= answer["source"].items():
        yield f"expected {about}, got {answer['source']}"
    for item, expected in zip(items, ours.outputs, strict=True):
        theirs = s3.get_object(Bucket=PICTURES, Key=item["dest_key"])["Body"].read()
        yield from (f"{expected.format}: {fault}" for fault in unlike(theirs, expected))


def unlike(data: bytes, expected: Output) -> Iterator[str]:
    theirs, ours = opened(data), opened(expected.data)
    if (theirs.format, theirs.size, theirs.mode) != (ours.format, ours.size, ours.mode):
        yield f"expected {ours.format} {ours.size} {ours.mode}, got {theirs.format} {theirs.size} {theirs.mode}"
        return
    apart = np.abs(np.asarray(theirs.convert("RGB"), int) - np.asarray(ours.convert("RGB"), int)).mean()
    if apart > ALIKE:
        yield f"expected the pixels that are made here, got others: {apart:.1f} of 255 apart"
    for colour, right in zip(corners(theirs), QUADRANTS, strict=True):
        if not near(colour, right):
            yield f"expected about {right} in a corner, got {colour}"


def other_kernels(artifact: Path, python: Path) -> Iterator[str]:
    """Differences of the native kernels' results from those of this machine, which are to be the same to the byte."""
    command = [str(path) for path in (python, "-I", "-S", "-B", kernels.__file__, artifact)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    if ran.returncode:
        yield f"the native kernels: {ran.stderr}"
        return
    theirs, ours = json.loads(ran.stdout), kernels.digests()
    if not theirs:
        yield "the artifact has no native kernels"
    if not ours:
        print("native kernels: not compared, because this machine has compiled none")
        return
    differing = sorted(name for name in ours if theirs.get(name) != ours[name])
    yield from (f"native kernels: {name} differs" for name in differing)
    print(f"{'✗' if differing else '✓'} native kernels: {len(ours)} images", flush=True)


def main(artifact: Path, python: Path) -> int:
    """Returns the exit code: 0 if there is no difference."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Emulator.start(Path(folder), 0) as emulator,
        emulated(artifact, python, emulator.endpoint) as guest,
    ):
        s3 = Cloud.local(emulator.endpoint, REGION).client("s3")
        for bucket in (SOURCES, PICTURES):
            s3.create_bucket(Bucket=bucket)
        print(f"{artifact} on CPython {guest.about['python']} for {guest.about['machine']}, emulated", flush=True)
        if missing := guest.about["without_bytecode"]:
            sys.exit(f"{missing[0]} and {len(missing) - 1} others have no bytecode: build with COMPILER={python}")
        found = list(other_kernels(artifact, python))
        for name in (codec.name for codec in FORMATS.values() if codec.bundled):
            found += single(name, guest, s3)
        found += together(next(iter(FORMATS)), guest, s3)
    for fault in found:
        print(fault, file=sys.stderr)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(*(Path(path).resolve() for path in sys.argv[1:])))
