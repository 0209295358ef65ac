"""Feeds broken pictures to `resize`: every outcome must be an Output or a named error, within 10 s and 1 GB.

    .venv/bin/python tests/fuzz/fuzz_resize.py --minutes 5
    .venv/bin/python tests/fuzz/fuzz_resize.py --replay 12345      # one input again, with its traceback

Input number n always has the same bytes, made from small real pictures of every format by flipping, cutting, doubling
and splicing. A child process with its own limits does the work, so that a crash, a hang or too much memory ends only
the child and is attributed to its input. The exit code is 1 for any outcome but an Output or a named error.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import resource
import subprocess
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

import tinypics  # noqa: E402
from tests import avif  # noqa: E402
from tests import pictures as p  # noqa: E402
from tests.heic import heic  # noqa: E402
from tests.image.test_colour_spaces import HDR_CURVES, curve, iccp, profile  # noqa: E402
from tests.image.test_depth import tables  # noqa: E402
from tests.image.test_jxl import WRAPPER, sized  # noqa: E402
from tests.image.test_unusual_tiffs import RGB, page, pages, tiff  # noqa: E402
from tinypics.image import icc, press  # noqa: E402
from tinypics.image.limits import Limits  # noqa: E402

CPU_SECONDS: Final = 10
MEMORY: Final = 1 << 30  # in addition to the child's memory at its start
BATCH: Final = 400
RECIPES: Final = (
    ("128x128",),
    ("64x", "32x32-webp", "16x16-contain-png"),
    ("48x48-entropy-gif",),
    ("48x48-attention-auto-keepall",),
    ("40x-trim10-linear-rotate90-avif",),
    ("300x300-outside-enlarge-keepicc",),
    ("x24-webp-lossless-flip",),
    ("30x-nearest-png", "90x60-enlarge-nearest-avif-keepcopyright"),
)


def seeds() -> list[bytes]:
    """Small real pictures of every format and many of its variants."""
    photo, flat = p.photo((72, 56)), p.quadrants((40, 30))
    alpha = photo.copy()
    alpha.putalpha(Image.linear_gradient("L").resize(photo.size))
    moving = p.animation(3)
    motion: dict[str, Any] = {"save_all": True, "append_images": moving[1:], "duration": [20, 30, 40], "loop": 2}
    icc = p.srgb_profile()
    grey16 = Image.linear_gradient("L").resize((48, 48)).convert("I;16")
    exif = p.full_exif()
    made = [
        p.encoded(photo, "JPEG", exif=exif, icc_profile=icc),
        p.encoded(photo, "JPEG", progressive=True, subsampling=0),
        p.encoded(photo.convert("L"), "JPEG", restart_marker_blocks=2),
        p.encoded(photo.convert("CMYK"), "JPEG"),
        p.encoded(photo.convert("CMYK"), "JPEG", progressive=True),
        p.encoded(flat, "PNG", icc_profile=icc, exif=exif),
        p.encoded(alpha, "PNG"),
        p.encoded(flat.quantize(7), "PNG", transparency=1),
        p.encoded(flat.convert("1"), "PNG"),
        p.encoded(grey16, "PNG"),
        p.png((16, 16), 6, 16, [bytes(range(128)) for _ in range(16)]),
        p.png((24, 16), 2, 8, p.adam7(np.asarray(photo.crop((0, 0, 24, 16)))), interlaced=True),
        p.encoded(moving[0], "PNG", **motion),
        p.encoded(flat.quantize(16), "GIF"),
        p.encoded(moving[0], "GIF", disposal=2, **motion),
        p.encoded(photo, "WEBP", icc_profile=icc, exif=exif),
        p.encoded(alpha, "WEBP"),
        p.encoded(alpha, "WEBP", lossless=True),
        p.encoded(moving[0], "WEBP", **motion),
        p.encoded(photo, "AVIF", exif=exif),
        p.encoded(alpha, "AVIF"),
        p.encoded(moving[0], "AVIF", **motion),
        p.encoded(photo, "TIFF", exif=exif),
        p.encoded(photo, "TIFF", compression="tiff_lzw"),
        p.encoded(photo, "TIFF", compression="tiff_adobe_deflate", tiled=True),
        p.encoded(photo, "TIFF", compression="jpeg"),
        p.encoded(photo.convert("CMYK"), "TIFF", compression="packbits"),
        p.encoded(grey16, "TIFF"),
        p.encoded(flat.convert("1"), "TIFF", compression="group4"),
        p.encoded(photo, "BMP"),
        p.encoded(flat.quantize(16), "BMP"),
        p.encoded(alpha, "ICO", sizes=[(16, 16), (48, 48)]),
        p.encoded(flat, "ICO", sizes=[(16, 16)], bitmap_format="bmp"),
        p.encoded(photo, "JPEG2000"),
        p.encoded(alpha, "JPEG2000", no_jp2=True),
    ]
    phone = ROOT.parent / "shared" / "images" / "iphone-2.heic"
    return [*made, *unusual(photo), *([phone.read_bytes()] if phone.exists() else ())]


def unusual(photo: Image.Image) -> list[bytes]:
    """Files that modules of ours read instead of Pillow, or change before it reads them."""
    spaces = [curve(1.0), HDR_CURVES["pq"]]
    profiles = [*(profile(each, icc.SRGB) for each in spaces), tables(b"RGB ", 1.8), press.profile()]
    ramp = [bytes(range(128)) for _ in range(16)]
    p3 = (31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000)
    spots = {"disposal": 2, "save_all": True, "duration": [0, 20, 30], "transparency": 0}
    frames = [Image.new("P", (20, 20), number) for number in range(3)]
    layouts: list[tuple[str, dict[str, Any]]] = [
        ("u2", {"planar": True}), ("u2", {"planar": True, "deflate": True, "tile": 16}), ("u4", {"order": ">"}),
        ("f4", {"extra": {339: [3] * 4, 338: [1]}}), ("f4", {"extra": {339: [3] * 4, 317: [3]}, "deflate": True}),
        ("f2", {"extra": {339: [3] * 4}, "planar": True}), ("i1", {"extra": {339: [2] * 4}}),
        ("u1", {"extra": {338: [2]}}), ("i2", {"extra": {339: [2] * 4, 317: [2]}, "deflate": True, "tile": 16}),
    ]  # fmt: skip
    bits: dict[int, Any] = {258: [12] * 3, 259: [1], 262: [2], 277: [3]}
    levels = np.arange(16 * 16 * 4).reshape(16, 16, 4)
    return [
        sized(64, 48, *[(0, 1)] * 20),
        WRAPPER + p.box(b"jxlc", sized(640, 480)),
        *(p.encoded(photo, "JPEG", icc_profile=each) for each in profiles[:3]),
        p.encoded(photo.convert("CMYK"), "JPEG", icc_profile=profiles[3]),
        *(p.png((16, 16), 6, 16, ramp, [iccp(each)]) for each in profiles[:3]),
        *(
            p.png((16, 16), 2, 8, [row[:48] for row in ramp], [chunk])
            for chunk in (
                (b"gAMA", (100_000).to_bytes(4)),
                (b"cHRM", b"".join(each.to_bytes(4) for each in p3)),
                (b"cICP", b"\x09\x10\0\1"),
            )
        ),
        *(p.png((16, 16), 0, each, [row[: 2 * each] for row in ramp], [(b"tRNS", b"\0\1")]) for each in (2, 4)),
        p.png((16, 16), 2, 16, [row[:96] for row in ramp], [iccp(profiles[0]), (b"tRNS", bytes(range(6)))]),
        avif.ramp(12, transfer=16, primaries=9),
        avif.ramp(10, transfer=18),
        p.encoded(frames[0], "GIF", append_images=frames[1:], **spots),
        p.gif_of_frames(3, (0, 0)),
        p.gif_of_frames(3, (12, 9)),
        *(tiff((levels % 250).astype(kind), RGB, **options) for kind, options in layouts),
        pages([(bits, (16, 16), [bytes(range(96)) * 12], 16, 0)]),
        pages([page((200, 0, 0), (40, 30), subfile=1), page((0, 0, 200), (160, 120))]),
        heic(photo.resize((64, 32)), transfer=16, primaries=9),
        heic(Image.linear_gradient("L").resize((64, 32)).convert("I;16"), 10, transfer=16),
    ]


def mutated(number: int, corpus: list[bytes]) -> bytes:
    """Input number `number`. Most changes affect the header, which decides most."""
    dice = random.Random(number)
    data = bytearray(corpus[number % len(corpus)])
    for _ in range(dice.choice((1, 1, 2, 3, 8, 30))):
        if not data:
            break
        reach = len(data) if dice.random() < 0.4 else min(len(data), 600)
        at, span = dice.randrange(reach), dice.choice((1, 2, 4, 16, 200))
        kind = dice.randrange(9)
        if kind < 2:
            data[at] ^= 1 << dice.randrange(8)
        elif kind < 4:
            data[at] = dice.choice((0, 1, 2, 3, 4, 8, 16, 0x7F, 0x80, 0xFE, 0xFF))
        elif kind == 4:
            value = dice.choice((0, 1, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 30_000))
            data[at : at + 4] = value.to_bytes(4, dice.choice(("big", "little")))
        elif kind == 5:
            del data[at : at + span]
        elif kind == 6:
            data[at:at] = data[at : at + span] * dice.choice((1, 2, 50))
        elif kind == 7:
            other = corpus[dice.randrange(len(corpus))]
            start = dice.randrange(len(other))
            data[at : at + span] = other[start : start + span]
        else:
            del data[dice.randrange(len(data)) :]
    return bytes(data)


def attempt(number: int, corpus: list[bytes]) -> str:
    """The name of the outcome. Exceptions that are not allowed propagate."""
    data = mutated(number, corpus)
    dice = random.Random(-number)
    recipe, limits = dice.choice(RECIPES), Limits(lenient=dice.random() < 0.3)
    try:
        resized = tinypics.resize_all(data, recipe, limits)
    except tinypics.TinypicsError as error:
        if isinstance(error.__cause__, MemoryError):
            raise AssertionError("memory ran out where the cost model had let it pass") from error  # noqa: TRY004
        return error.name
    for output in resized.outputs:
        shown = Image.open(io.BytesIO(output.data))
        assert shown.size == (output.width, output.height)
        shown.load()
    return "Output"


def child(first: int, count: int) -> None:
    """Process a batch. Reports each input before it runs, and its outcome."""
    corpus = seeds()
    for data in corpus:
        if not data.startswith((b"\xff\x0a", WRAPPER)):  # headers only: no decoder is installed
            tinypics.resize(data, "16x16-webp")  # load every plugin before setting the limits
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    for number in range(first, first + count):
        spent = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (int(spent) + CPU_SECONDS + 1, hard))
        print(json.dumps({"next": number}), flush=True)
        try:
            outcome = attempt(number, corpus)
        except Exception:  # noqa: BLE001  what escapes is what is looked for
            outcome = "ESCAPED"
            print(json.dumps({"escaped": number, "trace": traceback.format_exc()[-3000:]}), flush=True)
        took = sum(resource.getrusage(resource.RUSAGE_SELF)[:2]) - spent
        print(json.dumps({"done": number, "outcome": outcome, "seconds": round(took, 2)}), flush=True)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=1.0)
    options.add_argument("--start", type=int, default=0, help="number of the first input")
    options.add_argument("--replay", type=int, help="try this one input in this process")
    options.add_argument("--child", type=int, nargs=2, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.child:
        child(*chosen.child)
        return 0
    if chosen.replay is not None:
        print(attempt(chosen.replay, seeds()))
        return 0
    return watch(chosen.minutes, chosen.start)


def watch(minutes: float, start: int) -> int:
    outcomes: Counter[str] = Counter()
    findings: list[str] = []
    slowest, end, number = (0.0, -1), time.monotonic() + 60 * minutes, start
    while time.monotonic() < end:
        command = [sys.executable, __file__, "--child", str(number), str(BATCH)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as worker:
            said, complaint = worker.communicate(timeout=BATCH * (CPU_SECONDS + 5))
        lines = [json.loads(line) for line in said.splitlines()]
        for line in lines:
            if "done" in line:
                outcomes[line["outcome"]] += 1
                slowest = max(slowest, (line["seconds"], line["done"]))
            elif "escaped" in line:
                findings.append(f"{line['escaped']}: {line['trace']}")
        number += BATCH
        if worker.returncode:
            last = max((line["next"] for line in lines if "next" in line), default=number)
            outcomes["KILLED"] += 1
            findings.append(f"{last}: the child ended with {worker.returncode}: {complaint[-2000:]}")
            number = last + 1
        print(time.strftime("%H:%M:%S"), number, dict(outcomes), "slowest", slowest, flush=True)
    for finding in findings:
        print("FOUND", finding)
    print(
        f"{sum(outcomes.values())} inputs from {start}: {dict(outcomes)}; {len(findings)} findings; slowest {slowest}"
    )
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
