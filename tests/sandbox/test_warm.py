"""After a thousand events of every kind, a warm function equals a new one (T15)."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pictures import encoded, huge_png, photo, quadrants, srgb_profile
from tests.transformed import resources
from tinypics import resize_all

pytestmark = pytest.mark.process

SOURCE = Path(__file__).parents[2] / "src"
EVENTS = 1000
DEPLOYED = resources("AWS::Lambda::Function")["ResizeFunction"]["Environment"]["Variables"]
DEPLOYED_MALLOC = {"MALLOC_MMAP_THRESHOLD_": DEPLOYED["MALLOC_MMAP_THRESHOLD_"]}
GOOD = {
    "photo.jpg": encoded(photo((160, 120)), "JPEG", icc_profile=srgb_profile()),
    "progressive.jpg": encoded(photo((160, 120)), "JPEG", progressive=True),
    "a b+c%41.png": encoded(quadrants(mode="RGBA", colours=[(9, 9, 9, alpha) for alpha in (0, 80, 160, 255)]), "PNG"),
    "moving.gif": encoded(quadrants(), "GIF", save_all=True, append_images=[quadrants((64, 48), [9, 8, 7, 6], "P")]),
    "photo.webp": encoded(photo((160, 120)), "WEBP"),
    "photo.tif": encoded(photo((160, 120)), "TIFF"),
    "photo.avif": encoded(photo((64, 48)), "AVIF"),
    "sixteen.png": encoded(quadrants((64, 48), [0, 20_000, 40_000, 65_535], "I;16"), "PNG"),
}
BAD = {
    "bomb.png": (huge_png((50_000, 50_000)), "ImageTooLarge"),
    "cut.jpg": (encoded(photo((160, 120)), "JPEG")[:-900], "CorruptImage"),
    "text.jpg": (b"no picture at all " * 9, "UnsupportedFormat"),
    "nothing.jpg": (b"", "CorruptImage"),
}
PROGRAM = """
import gc, hashlib, json, os, sys, threading
from urllib.parse import quote_plus
import lambda_function
from obstore.store import MemoryStore
from tinypics.store.bucket import Bucket

events, folder = int(sys.argv[1]), sys.argv[2]
files = {name: open(os.path.join(folder, str(number)), "rb").read() for number, name in enumerate(sys.argv[3:])}
stores = {name: Bucket(name, MemoryStore()) for name in ("original-pics", "tiny-pics")}
lambda_function.open_bucket = stores.__getitem__
source, outputs = stores["original-pics"], stores["tiny-pics"]
for name, data in files.items():
    source.put(name, data, attributes={}, replaces=None)


def sqs(body):
    return {"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": json.dumps(body)}]}


def s3(key, bucket="original-pics"):
    where = {"bucket": {"name": bucket}, "object": {"key": quote_plus(key)}}
    return {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": where}]}


def event(number, key):
    direct = {"bucket": "original-pics", "key": key, "dest_bucket": "tiny-pics"}
    return (
        direct | {"width": 64, "height": 48},
        direct | {"renditions": ["64x48", "40x-webp"]},
        s3(key),
        sqs(s3(key)),
        direct | {"bucket": "not-ours", "width": 9, "height": 9},
        direct | {"width": "wide", "height": 9},
        s3("gone/" + key),
        sqs([key, {}]),
    )[number % 8]


def now():
    gc.collect()
    def private(process):
        return int(open(f"/proc/{process}/statm").read().split()[5]) * 4096
    guard = lambda_function.SANDBOX._pid
    return {
        "memory": private("self") + private(guard),
        "files": len(os.listdir("/proc/self/fd")) + len(os.listdir(f"/proc/{guard}/fd")),
        "guard": guard,
    }


# glibc keeps the stacks of ended threads, 8 MiB each: of as many as ran at a time, which depends on the load; at most 5
meet = threading.Barrier(5)
for thread in [threading.Thread(target=meet.wait) for _ in range(5)]:
    thread.start()

made, ended, states, keys = {}, {}, [], list(files)
for number in range(events):
    key = keys[number // 8 % len(keys)]
    answer = lambda_function.lambda_handler(event(number, key), None)
    errors = [answer.get("error"), *(record.get("error") for record in answer.get("records", ()))]
    ended.setdefault(f"{number % 8} {key}", set()).add(str(answer.get("batchItemFailures", errors[-1])))
    for stored in list(outputs.everything("")):
        if not stored["path"].endswith("manifest.json"):
            digest = hashlib.sha256(outputs.open(stored["path"], max_bytes=10**8).read_all()).hexdigest()
            made.setdefault(f"{number % 8} {stored['path']}", set()).add(digest)
        outputs.delete(stored["path"])
    if number % 100 == 99:
        states.append(now())
lists = [{name: sorted(found) for name, found in each.items()} for each in (made, ended)]
print(json.dumps([*lists, states]))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux tells what a process has")
def test_a_thousand_events_leave_nothing_for_the_next(tmp_path: Path) -> None:
    pictures, empty = tmp_path / "pictures", tmp_path / "empty"
    for folder in (pictures, empty):
        folder.mkdir()
    files = GOOD | {name: data for name, (data, _) in BAD.items()}
    for number, data in enumerate(files.values()):
        (pictures / str(number)).write_bytes(data)
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(EVENTS), str(pictures), *files],
        capture_output=True,
        cwd=empty,
        env={
            "TMPDIR": str(empty),
            "HOME": str(empty),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(SOURCE),
            "TINYPICS_OUTPUT_BUCKET": "tiny-pics",
            **DEPLOYED_MALLOC,
        },
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert list(empty.iterdir()) == []
    *lines, last = ran.stdout.splitlines()
    assert len(lines) == EVENTS  # one for each picture
    made, ended, states = json.loads(last)

    for name, data in GOOD.items():
        one, (first, second) = digests(data, "64x48"), digests(data, "64x48", "40x-webp")
        (default,) = digests(data, "128x128")
        resized = resize_all(data, ["64x48"])
        suffix = resized.outputs[0].extension
        own = name if resized.source.format == resized.outputs[0].format else f"{name}.{suffix}"
        assert made[f"0 {own}"] == one
        assert made[f"1 {name}/64x48.{suffix}"] == [first]
        assert made[f"1 {name}/40x-webp.webp"] == [second]
        assert made[f"2 {own}"] == made[f"3 {own}"] == [default]
        assert [ended[f"{kind} {name}"] for kind in range(8)] == [*[["None"]] * 3, ["[]"], *REFUSED]
    for name, (_, error) in BAD.items():
        assert [ended[f"{kind} {name}"] for kind in range(8)] == [*[[error]] * 3, ["[]"], *REFUSED]
        assert not [key for key in made if key[2:].startswith(name)]

    assert len({state["guard"] for state in states}) == 1
    assert states[-1]["files"] <= states[0]["files"] + 1
    before, after = (min(state["memory"] for state in some) for some in (states[2:5], states[-3:]))
    # Once, sooner or later, glibc takes a MiB for the arena of a thread.
    assert after - before < 2**20 + 1024 * EVENTS


REFUSING = """
import os, sys, threading
import lambda_function
from obstore.store import MemoryStore
from tinypics.store.bucket import Bucket

stores = {name: Bucket(name, MemoryStore()) for name in ("original-pics", "tiny-pics")}
lambda_function.open_bucket = stores.__getitem__
for key, data in (("cut.jpg", open(sys.argv[1], "rb").read()), ("text.jpg", b"no picture" * 600_000)):
    stores["original-pics"].put(key, data, attributes={}, replaces=None)
event = {"bucket": "original-pics", "dest_bucket": "tiny-pics", "width": 64, "height": 48}


def used():
    for thread in threading.enumerate():  # a download may still end
        if thread is not threading.main_thread():
            thread.join(60)
    files = os.listdir("/proc/self/fd")
    kept = sum(os.stat(f"/proc/self/fd/{each}").st_size for each in files if named(each).startswith("/memfd:source"))
    resident = int(open("/proc/self/statm").read().split()[1])
    return resident * os.sysconf("SC_PAGESIZE") + kept, len(files)


def named(file):
    try:
        return os.readlink(f"/proc/self/fd/{file}")
    except FileNotFoundError:  # the listing's own
        return ""


for number in range(220):
    answer = lambda_function.lambda_handler(event | {"key": ("cut.jpg", "text.jpg")[number % 2]}, None)
    assert answer["error"] == ("CorruptImage", "UnsupportedFormat")[number % 2], answer
    if number == 20:
        before = used()
after = used()
print(after[0] - before[0], after[1] - before[1], file=sys.stderr)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux tells what a process has")
def test_refused_pictures_leave_neither_memory_nor_files(tmp_path: Path) -> None:
    """Each has 6 MiB, which are freed with the answer and not by a later collection."""
    cut = tmp_path / "cut.jpg"
    data, segment = encoded(photo((160, 120)), "JPEG")[:-900], b"\xff\xef\xff\xff" + bytes(65_533)
    cut.write_bytes(data[:2] + 96 * segment + data[2:])
    program = [sys.executable, "-c", f"import gc; gc.disable(){REFUSING}", str(cut)]
    ran = subprocess.run(
        program,
        capture_output=True,
        cwd=SOURCE,
        check=False,
        env=os.environ | DEPLOYED_MALLOC | {"TINYPICS_OUTPUT_BUCKET": "tiny-pics"},
    )
    assert ran.returncode == 0, ran.stderr.decode()
    grown, files = map(int, ran.stderr.split())
    assert grown < 8 * 2**20
    assert files <= 0


REFUSED = (["AccessDenied"], ["InvalidRequest"], ["None"], ["[]"])
"""The results of the last four kinds of event. A picture that was deleted meanwhile is not an error."""


def digests(data: bytes, *renditions: str) -> list[str]:
    return [hashlib.sha256(output.data).hexdigest() for output in resize_all(data, renditions).outputs]
