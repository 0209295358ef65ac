"""Compile `tinypics._native`: `build.py FOLDER` with this machine's C compiler, `--target` for another processor.

The module is optional: without a compiler this prints one line, and Tinypics works without the module, only slower.
This script runs on any Python 3.8 or later, because `sam build` must work on machines that have nothing else.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

NAME = "_native.abi3.so"
_SOURCES = Path(__file__).resolve().parent
# Without contraction to fused multiply-add, all processors round alike.
_FLAGS = ["-std=c11", "-O3", "-fPIC", "-fvisibility=hidden", "-ffp-contract=off", "-Wall", "-Wextra", "-shared"]
# Zig's C compiler as a wheel: it compiles for every processor, and needs no headers and no libraries of the machine.
_ZIG = _SOURCES / "zig.txt"
# manylinux_2_17 (PEP 600): Lambda's Amazon Linux 2023 and every current distribution can load it.
_TARGETS = {"x86_64": "x86_64-linux-gnu.2.17", "arm64": "aarch64-linux-gnu.2.17"}
_LINKED = ["-s", "-Wl,--build-id=none"]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, help=f"where to write {NAME}")
    parser.add_argument("--target", choices=_TARGETS, help="compile for this processor of Lambda, with Zig")
    asked = parser.parse_args()
    output = asked.folder.resolve() / NAME
    if output.exists():
        output.unlink()
    if os.environ.get("TINYPICS_NATIVE") == "0":
        return 0
    compiler = _zig(asked.target) if asked.target else _machines()
    if not compiler:
        missing = "Zig cannot be installed" if asked.target else "there is no C compiler (CC, cc) that can make it"
        print(f"No native module, because {missing}. Resizes work without, but take more CPU time.")
        return 0
    return _compile(compiler, output)


def _machines() -> list[str]:
    """The machine's C compiler, for the Python that runs this; empty if there is none, or Python has no stable ABI."""
    stable = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")
    command = shlex.split(os.environ.get("CC", "cc"))
    if os.name != "posix" or not stable or not command or not shutil.which(command[0]):
        return []
    return [*command, *(["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else _LINKED)]


def _zig(target: str) -> list[str]:
    """Zig as a compiler for `target`: the installed one, or one that pip installs for the user. Empty if that fails."""
    version = re.search(r"ziglang==([\d.]+)", _ZIG.read_text())
    assert version  # noqa: S101
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tinypics"
    folder = Path(os.environ.get("ZIG_FOLDER") or cache / f"ziglang-{version[1]}")
    if not (folder / "ziglang").exists():
        print(f"Zig {version[1]}, a C compiler: installing it into {folder} (100 MB), only this once.", flush=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            command += ["--require-hashes", "--only-binary", ":all:", "--requirement", str(_ZIG), "--target", made]
            if subprocess.run(command, check=False).returncode:  # noqa: S603
                return []
            folder.mkdir(exist_ok=True)
            (Path(made) / "ziglang").rename(folder / "ziglang")
    os.environ.update(ZIG_GLOBAL_CACHE_DIR=str(folder / "cache"), ZIG_LOCAL_CACHE_DIR=str(folder / "cache"))
    return [str(folder / "ziglang" / "zig"), "cc", "-target", _TARGETS[target], *_LINKED]


def _compile(compiler: list[str], output: Path) -> int:
    sources = sorted(path.name for path in _SOURCES.glob("*.c"))
    flags = [*_FLAGS, *shlex.split(os.environ.get("CFLAGS", ""))]
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        made = Path(folder) / NAME
        # Relative names, so that the folder of the sources is not in the module.
        ran = subprocess.run([*compiler, *flags, "-o", str(made), *sources, "-lm"], check=False, cwd=_SOURCES)  # noqa: S603
        if not ran.returncode:
            made.replace(output)
    return ran.returncode


if __name__ == "__main__":
    sys.exit(main())
