"""Compile the modules of a build with the CPython that Lambda runs: `bytecode.py --version 3.13 FOLDER...`.

The build runs this script (see Makefile); the artifact does not contain it. Lambda's folder is read-only, so a module
without bytecode is compiled again at every cold start. Lambda's CPython loads only bytecode of its own version.
This script runs on any Python 3.8 or later, because it must build on machines that have nothing else.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# PyPy has another name, and an alpha another version. A free-threaded build has neither, so it says so itself.
_IDENTITY = """
import platform, sysconfig
free = ["free-threaded"] if sysconfig.get_config_var("Py_GIL_DISABLED") else []
print(platform.python_implementation(), platform.python_version(), *free)
"""
_TIMEOUT = 60  # seconds, for a program to print its version or a list
_DOWNLOAD = 600  # seconds

_MISSING = """\
No bytecode: no CPython {version} was found (COMPILER, the path, pyenv, uv).
The function works without, but each cold start takes more than twice the CPU time. Any of these changes it:
  uv python install {version}, or pyenv install {version}
  INSTALL_COMPILER=yes: the build runs the first of them, which downloads it
  COMPILER=/path/to/python{version}: one that is somewhere else
"""


class WrongCompiler(Exception):
    """COMPILER is not a CPython of the required version."""


def find(version: str) -> str | None:
    """The interpreter to compile with: `COMPILER` if it is set, else the first CPython of that version.

    :raises WrongCompiler: `COMPILER` is set and cannot be used.
    """
    given = os.environ.get("COMPILER")
    if not given:
        return next((path for path in _candidates(version) if _is(version, _identity(path))), None)
    found = shutil.which(given)
    identity = _identity(found) if found else ""
    if found and _is(version, identity):
        return found
    problem = identity or ("which does not run" if found else "which is no program")
    raise WrongCompiler(f"COMPILER: expected CPython {version}, got {given}: {problem}")


def _candidates(version: str) -> Iterator[str]:
    yield sys.executable
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        # Try all on the PATH: pyenv puts a shim there for each version, which only runs if that version is selected.
        if found := shutil.which(f"python{version}", path=folder):
            yield found
    root = Path(os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv"))  # noqa: PTH111 - never raises
    yield from (str(path / "bin" / "python") for path in sorted(root.glob(f"versions/{version}*"), key=_age))
    if uv := shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent)):
        # Managed interpreters only, because uv fails at a shim of pyenv that does not run.
        known = [uv, "python", "find", version, "--managed-python", "--no-project", "--offline"]
        yield from _output(known)
        if os.environ.get("INSTALL_COMPILER") == "yes":
            _install(uv, version)
            yield from _output(known)


def _age(path: Path) -> list[int]:
    """Sorts 3.13.10 before 3.13.9."""
    return [-int(number) for number in re.findall(r"\d+", path.name)]


def _install(uv: str, version: str) -> None:
    command = [uv, "python", "install", version, "--no-bin"]
    try:
        # `sam build` shows standard output alone.
        subprocess.run(  # noqa: S603
            command, check=False, timeout=_DOWNLOAD, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT
        )
    except subprocess.TimeoutExpired:
        print(f"{' '.join(command)}: not done after {_DOWNLOAD} seconds")


def _identity(path: str) -> str:
    """The interpreter's name and version, and `free-threaded`; empty if it does not run, or is not Python."""
    return next(iter(_output([path, "-ISc", _IDENTITY])), "")


def _is(version: str, identity: str) -> bool:
    return bool(re.fullmatch(rf"CPython {re.escape(version)}\.\d+\+?", identity))


def _output(command: Sequence[str]) -> list[str]:
    """The lines that the program prints; none if it fails."""
    try:
        ran = subprocess.run(  # noqa: S603
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TIMEOUT, check=True
        )
    except (OSError, UnicodeError, subprocess.SubprocessError):
        return []
    return ran.stdout.splitlines()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="*")
    parser.add_argument("--version", help="of CPython; else this interpreter compiles")
    parser.add_argument("--quiet", action="store_true", help="print nothing if there is no compiler")
    asked = parser.parse_args()
    try:
        compiler = find(asked.version) if asked.version else sys.executable
    except WrongCompiler as error:
        print(error, file=sys.stderr)
        return 1
    if compiler is None:
        if not asked.quiet:
            print(_MISSING.format(version=asked.version), end="")
        return 0
    # Unchecked, because a zip changes the files' modification times.
    command = [compiler, "-IS", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    return subprocess.run([*command, *asked.folders], check=False).returncode if asked.folders else 0  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
