"""The build finds a CPython of Lambda's version, or prints the cost if there is none."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import bytecode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

pytestmark = pytest.mark.release

SOURCE = Path(__file__).parents[2] / "src"
MADE_UP = "3.99"  # a version that no machine has, so that only the fakes count
MAGIC = (3571).to_bytes(2, "little") + b"\r\n"  # of CPython 3.13 since its last beta
NEVER_CHECKED = (0b01).to_bytes(4, "little")  # PEP 552


class Fakes:
    """Fake programs that report their version, and log calls for compiling."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log = root / "log"
        self.environment = {"PATH": str(root / "bin"), "PYENV_ROOT": str(root / "pyenv"), "HOME": str(root)}

    def program(self, path: str, script: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return file

    def python(self, path: str, identity: str = f"CPython {MADE_UP}.1") -> Path:
        compiled = f'*compileall*) echo "{path}" >>"{self.log}" ;;'
        return self.program(path, f'case "$*" in {compiled} *) echo "{identity}" ;; esac')

    def uv(self, *, found: Path | None = None, installs: Path | None = None) -> None:
        """A fake uv that finds `found`, and `installs` after an installation."""
        known = self.root / "known"
        known.write_text(f"{found}\n" if found else "")
        find = f'*" python find {MADE_UP} "*) cat "{known}" ;;'
        install = f'*" python install {MADE_UP} "*) echo "{installs}" >"{known}"; echo uv >>"{self.log}" ;;'
        self.program("bin/uv", f'PATH=/usr/bin:/bin; case " $* " in {find} {install} esac')

    def run(self, *options: str, version: str = MADE_UP, **variables: str) -> subprocess.CompletedProcess[str]:
        return compiled_with(self.environment | variables, "--version", version, *options)

    def used(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


def compiled_with(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SOURCE / "bytecode.py"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def fakes(tmp_path: Path) -> Fakes:
    return Fakes(tmp_path)


# --- Selection


def test_the_first_of_the_ways_that_has_one_is_taken(fakes: Fakes) -> None:
    ways = {
        "named": fakes.python("named"),
        "path": fakes.python(f"bin/python{MADE_UP}"),
        "pyenv": fakes.python(f"pyenv/versions/{MADE_UP}.2/bin/python"),
        "uv": fakes.python("managed/python"),
    }
    fakes.uv(found=ways["uv"])
    assert fakes.run("folder", COMPILER=str(ways["named"])).returncode == 0
    for way in ("path", "pyenv", "uv"):
        ran = fakes.run("folder")
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
        ways[way].unlink()
    assert fakes.used() == [str(path.relative_to(fakes.root)) for path in ways.values()]


@pytest.mark.parametrize(
    "identity",
    [
        "CPython 3.11.7",
        "CPython 3.9.9",
        f"CPython {MADE_UP}0.1",
        f"CPython {MADE_UP}.0a4",
        f"CPython {MADE_UP}.0 free-threaded",
        f"PyPy {MADE_UP}.1",
        "",
    ],
)
def test_any_other_than_a_cpython_of_that_version_is_passed_over_without_a_word(fakes: Fakes, identity: str) -> None:
    fakes.python(f"bin/python{MADE_UP}", identity)
    fakes.python(f"pyenv/versions/{MADE_UP}.1/bin/python", identity)
    fakes.uv(found=fakes.python("managed/python"))
    ran = fakes.run("folder")
    assert (ran.returncode, ran.stdout, ran.stderr, fakes.used()) == (0, "", "", ["managed/python"])


SHIM = f"echo 'pyenv: python{MADE_UP}: command not found' >&2; exit 127"


def test_a_shim_that_does_not_run_hides_no_other(fakes: Fakes) -> None:
    fakes.program(f"shims/python{MADE_UP}", SHIM)
    fakes.python(f"bin/python{MADE_UP}")
    ran = fakes.run("folder", PATH=f"{fakes.root}/shims:{fakes.root}/nowhere:{fakes.root}/bin")
    assert (ran.returncode, ran.stdout, ran.stderr, fakes.used()) == (0, "", "", [f"bin/python{MADE_UP}"])


def test_the_newest_of_pyenvs_that_runs_is_taken(fakes: Fakes) -> None:
    for patch in ("9", "10"):
        fakes.python(f"pyenv/versions/{MADE_UP}.{patch}/bin/python")
    fakes.program(f"pyenv/versions/{MADE_UP}.11/bin/python", SHIM)
    assert fakes.run("folder").returncode == 0
    assert fakes.used() == [f"pyenv/versions/{MADE_UP}.10/bin/python"]


def test_the_interpreter_of_the_build_counts(tmp_path: Path) -> None:
    """A Python of this version is enough: the build needs no path, no pyenv and no uv."""
    (tmp_path / "module.py").write_text("")
    version = "{}.{}".format(*sys.version_info)
    ran = compiled_with({"PATH": "", "HOME": str(tmp_path)}, "--version", version, str(tmp_path))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert Path(importlib.util.cache_from_source(str(tmp_path / "module.py"))).exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("old", "CPython 3.11.7"),
        ("free", f"CPython {MADE_UP}.0 free-threaded"),
        ("broken", "which does not run"),
        ("/nowhere/python", "which is no program"),
    ],
)
def test_a_wrong_compiler_is_an_error_even_where_there_is_a_right_one(fakes: Fakes, given: str, said: str) -> None:
    fakes.python(f"bin/python{MADE_UP}")
    fakes.python("bin/old", "CPython 3.11.7")
    fakes.python("bin/free", f"CPython {MADE_UP}.0 free-threaded")
    fakes.program("bin/broken", SHIM)
    ran = fakes.run("folder", COMPILER=given)
    assert (ran.returncode, ran.stdout, fakes.used()) == (1, "", [])
    assert ran.stderr == f"COMPILER: expected CPython {MADE_UP}, got {given}: {said}\n"


def test_a_compiler_that_fails_fails_the_build(fakes: Fakes) -> None:
    fakes.program(f"bin/python{MADE_UP}", f'case "$*" in *compileall*) exit 3 ;; *) echo CPython {MADE_UP}.0 ;; esac')
    assert fakes.run("folder").returncode == 3


# --- Without a compiler


def test_uv_downloads_one_only_when_it_may(fakes: Fakes) -> None:
    fakes.uv(installs=fakes.python("managed/python"))
    assert "INSTALL_COMPILER=yes" in fakes.run("folder").stdout
    assert fakes.used() == []
    assert fakes.run("folder", INSTALL_COMPILER="yes").stdout == ""
    assert fakes.used() == ["uv", "managed/python"]
    assert fakes.run("folder").stdout == ""  # it is installed now


def test_a_failed_download_is_reported_and_the_build_continues(fakes: Fakes) -> None:
    fakes.program("bin/uv", "echo 'error: no network' >&2; exit 1")
    ran = fakes.run("folder", INSTALL_COMPILER="yes")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("error: no network\nNo bytecode: ")


@pytest.fixture
def build(fakes: Fakes) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The recipe, with a pip that installs nothing, without the native module, and with a minimal path."""
    for name in ("cp", "rm", "find", "sh"):
        (fakes.root / "bin").mkdir(exist_ok=True)
        (fakes.root / "bin" / name).symlink_to(str(shutil.which(name)))
    python = fakes.program("python", f'case "$*" in *"-m pip"*) ;; *) exec {sys.executable} "$@" ;; esac')
    make = str(shutil.which("make"))

    def built(*targets: str, **variables: str) -> subprocess.CompletedProcess[str]:
        folder = fakes.root / "built"
        folder.mkdir(exist_ok=True)
        given = [f"PYTHON={python}", f"ARTIFACTS_DIR={folder}", f"VERSION={MADE_UP}"]
        command = [make, "--no-print-directory", "-C", str(SOURCE), *targets, *given]
        # Otherwise each test would install Zig, of 100 MB, into its own folder.
        environment = fakes.environment | {"TINYPICS_NATIVE": "0"} | variables
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return built


def test_the_notice_about_the_cost_is_printed_once_where_sam_shows_it(
    build: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    ran = build("build-ResizeFunction", "build-ApiFunction")
    assert (ran.returncode, ran.stderr) == (0, "")  # `sam build` discards standard error
    assert ran.stdout.count("No bytecode: ") == 1
    assert "more than twice" in ran.stdout
    for way in (f"uv python install {MADE_UP}", "INSTALL_COMPILER=yes", f"COMPILER=/path/to/python{MADE_UP}"):
        assert way in ran.stdout
    assert build("compiler").stdout.count("No bytecode: ") == 1
    assert "No bytecode" not in build("build-ResizeFunction", "QUIET=--quiet").stdout


def test_the_recipe_fails_on_a_wrong_compiler(build: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    ran = build("build-ResizeFunction", COMPILER=sys.executable)
    assert ran.returncode != 0
    assert f"COMPILER: expected CPython {MADE_UP}, got {sys.executable}: " in ran.stderr


# --- With the Pythons of this machine

VERSION = re.findall(r"^VERSION := (.+)$", (SOURCE / "Makefile").read_text(), re.MULTILINE)[0]
NOWHERE = {"PATH": "/nowhere", "HOME": "/nowhere", "PYENV_ROOT": "/nowhere"}


@pytest.fixture(scope="module")
def real() -> Path:
    found = bytecode.find(VERSION)
    if found is None:
        pytest.skip(f"no CPython {VERSION} is on this machine")
    return Path(found)


def by_compiler(real: Path, scratch: Path) -> dict[str, str]:
    return {"COMPILER": str(real)}


def by_path(real: Path, scratch: Path) -> dict[str, str]:
    (scratch / f"python{VERSION}").symlink_to(real)
    return {"PATH": str(scratch)}


def by_pyenv(real: Path, scratch: Path) -> dict[str, str]:
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    if not list(root.glob(f"versions/{VERSION}.*/bin/python")):
        pytest.skip(f"pyenv has no {VERSION} here")
    return {"PYENV_ROOT": str(root)}


def by_uv(real: Path, scratch: Path) -> dict[str, str]:
    """A folder as uv installs it: uv goes by the names of its folders, and runs the Python in them."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the names of uv's folders are those of Linux here")
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        pytest.skip("there is no uv here")
    says = [str(real), "-c", "import platform; print(platform.python_version(), platform.machine())"]
    version, machine = subprocess.run(says, capture_output=True, text=True, check=True).stdout.split()
    folder = scratch / f"cpython-{version}-linux-{machine}-gnu" / "bin"
    folder.mkdir(parents=True)
    (folder / f"python{VERSION}").symlink_to(real)
    shim = Fakes(scratch).program(f"python{VERSION}", SHIM)  # uv fails on it if it searches the path
    return {"PATH": f"{shim.parent}:{Path(uv).parent}", "UV_PYTHON_INSTALL_DIR": str(scratch), "HOME": str(scratch)}


@pytest.mark.parametrize("way", [by_compiler, by_path, by_pyenv, by_uv])
def test_every_module_gets_bytecode_that_lambda_takes(
    real: Path, tmp_path: Path, way: Callable[[Path, Path], dict[str, str]]
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    built = tmp_path / "built"
    shutil.copytree(SOURCE / "tinypics", built, ignore=shutil.ignore_patterns("__pycache__"))
    ran = compiled_with(NOWHERE | way(real, scratch), "--version", VERSION, str(built))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    expected = {
        path.parent / "__pycache__" / f"{path.stem}.cpython-{VERSION.replace('.', '')}.pyc"
        for path in built.rglob("*.py")
    }
    assert expected == set(built.rglob("*.pyc"))
    assert {path.read_bytes()[:8] for path in expected} == {MAGIC + NEVER_CHECKED}
