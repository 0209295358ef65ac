"""Feeds random and broken input to the native kernels under the address and undefined-behaviour sanitizers.

    .venv/bin/python tests/fuzz/fuzz_native.py --minutes 5
    .venv/bin/python tests/fuzz/fuzz_native.py --kernel jpeg --replay 12345      # one input again

Each kernel is a program of its own (`native/`), compiled with this machine's C compiler, without Python. "glue" is the
whole module, compiled the same way and called by Python (`glue.py`). Input number n is always the same. The exit code
is 1 if a sanitizer finds a fault, or if input in pieces gives another result.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from PIL import Image  # noqa: E402

from tests import pictures as p  # noqa: E402

PROGRAMS: Final = Path(__file__).parent / "native"
GLUE: Final = Path(__file__).parent / "glue.py"
KERNELS: Final = ROOT / "src" / "native"
SANITIZED: Final = ("-g", "-O1", "-std=c11", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
SOURCES: Final = {
    "jpeg": ("jpeg.c", "jpeg_colours.c", "jpeg_huffman.c", "jpeg_parts.c", "jpeg_scan.c"),
    "png": ("png.c", "png_filters.c", "png_rows.c"),
    "resample": ("resample.c", "filter.c", "kernels.c", "kernels_x86.c", "kernels_neon.c", "cpu.c"),
}


def jpegs() -> list[bytes]:
    """Small JPEGs of every kind that the reader takes, and some that it declines."""
    photo = p.photo((72, 56))
    images = (photo, photo.convert("L"), photo.resize((33, 17)), Image.effect_noise((64, 48), 120).convert("RGB"))
    ways = (
        *({"subsampling": each} for each in range(3)),
        *({"progressive": True, "subsampling": each} for each in (0, 2)),
        {"restart_marker_blocks": 2},
        {"restart_marker_rows": 1, "subsampling": 0},
        {"optimize": True, "quality": 95},
        {"quality": 100, "subsampling": 0},
        {"quality": 5},
    )
    found = [p.encoded(image, "JPEG", **way) for way in ways for image in images]
    return [*found, *long_jpegs(), p.encoded(photo.convert("CMYK"), "JPEG")]


def long_jpegs() -> list[bytes]:
    """Some with enough bytes to be read in several parts, of long and of short blocks."""
    noise = Image.blend(Image.effect_noise((208, 160), 120).convert("RGB"), p.photo((208, 160)), 0.4)
    page = Image.new("RGB", (800, 640), (255, 255, 250))
    page.paste(noise, (300, 200))
    ways = ({"subsampling": 0}, {"subsampling": 2, "quality": 95}, {"optimize": True, "restart_marker_rows": 8})
    return [p.encoded(image, "JPEG", **way) for way in ways for image in (noise, noise.convert("L"), page)]


SEEDS: Final = {"jpeg": jpegs, "png": list, "resample": list, "glue": jpegs}
"""The programs of the others make their input: inflated rows of a PNG, and pixels."""


def build(kernel: str, folder: Path) -> Path:
    """Compile the program of a kernel with its sanitizers."""
    program = folder / f"fuzz_{kernel}"
    files = [PROGRAMS / "fuzz.c", PROGRAMS / f"fuzz_{kernel}.c", *(KERNELS / name for name in SOURCES[kernel])]
    command: list[str | Path] = [
        os.environ.get("CC", "cc"),
        *SANITIZED,
        f"-I{PROGRAMS}",
        f"-I{KERNELS}",
        "-o",
        program,
        *files,
    ]
    subprocess.run(command, check=True)
    return program


def build_module(folder: Path) -> Path:
    """Compile the module with the same sanitizers, by its own build."""
    # A library has no symbols of the sanitizers, which are loaded before Python.
    flags = {"CFLAGS": " ".join(SANITIZED), "TINYPICS_NATIVE": "1"}
    subprocess.run([sys.executable, KERNELS / "build.py", folder], check=True, env=os.environ | flags)
    return folder / "_native.abi3.so"


def sanitizer() -> str:
    """The address sanitizer's library, which must be the first of a process."""
    command = [os.environ.get("CC", "cc"), "-print-file-name=libasan.so"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def run(kernel: str, seconds: float, first: int, folder: Path) -> int:
    """Run one kernel's program; returns its exit code."""
    seeds: list[Path] = []
    for number, data in enumerate(SEEDS[kernel]()):
        seeds.append(folder / f"{number}.{kernel}")
        seeds[-1].write_bytes(data)
    # The seeds stay in memory until the end.
    options = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}
    if kernel == "glue":
        options |= {"LD_PRELOAD": sanitizer(), "PYTHONMALLOC": "malloc"}  # so that it sees Python's buffers, too
        program: list[str | Path] = [sys.executable, GLUE, build_module(folder)]
    else:
        program = [build(kernel, folder)]
    return subprocess.run([*program, str(seconds), str(first), *seeds], check=False, env=options).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5, help="CPU minutes for each kernel (5)")
    parser.add_argument("--kernel", choices=SEEDS, help="this one only")
    parser.add_argument(
        "--first", type=int, default=int(time.time()) << 20, help="number of the first input (the time)"
    )
    parser.add_argument("--replay", type=int, metavar="NUMBER", help="this input only")
    asked = parser.parse_args()
    failed = 0
    for kernel in [asked.kernel] if asked.kernel else SEEDS:
        first = asked.first if asked.replay is None else asked.replay
        print(f"{kernel}, from input {first}:", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            failed |= run(kernel, 0 if asked.replay is not None else 60 * asked.minutes, first, Path(folder)) != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
