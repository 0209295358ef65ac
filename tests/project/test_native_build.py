"""The build of the native module: with the machine's compiler, with none, with a failing one; and its headers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

pytestmark = pytest.mark.release

SOURCES = Path(__file__).parents[2] / "src" / "native"
MISSING = "No native module, because there is no C compiler (CC, cc) that can make it. "

needs_a_compiler = pytest.mark.skipif(not shutil.which("cc"), reason="needs a C compiler: cc")


def build(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SOURCES / "build.py"), str(folder)]
    return subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)


@needs_a_compiler
def test_it_compiles_without_warnings_and_to_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        ran = build(tmp_path / name, CFLAGS="-Werror -Wpedantic")
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
        (module,) = (tmp_path / name).iterdir()
        made.append(module.read_bytes())
    assert made[0] == made[1]


def test_a_missing_compiler_is_reported_in_one_line_and_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "_native.abi3.so").write_bytes(b"of older sources")
    ran = build(tmp_path, CC=str(tmp_path / "cc"))
    assert (ran.returncode, ran.stderr, ran.stdout.count("\n")) == (0, "", 1)
    assert ran.stdout.startswith(MISSING)
    assert not list(tmp_path.iterdir())


@needs_a_compiler
def test_a_failing_compiler_is_an_error_with_its_message(tmp_path: Path) -> None:
    ran = build(tmp_path, CFLAGS="--no-such-option")
    assert ran.returncode != 0
    assert "--no-such-option" in ran.stderr
    assert not list(tmp_path.iterdir())


def test_the_switch_leaves_the_module_out(tmp_path: Path) -> None:
    ran = build(tmp_path, TINYPICS_NATIVE="0")
    assert (ran.returncode, ran.stdout, list(tmp_path.iterdir())) == (0, "", [])


@needs_a_compiler
def test_the_declarations_are_those_of_python(tmp_path: Path) -> None:
    """A compiler refuses two different declarations of one name; types are compared by size and last field."""
    headers = Path(sysconfig.get_path("include"))
    if not (headers / "Python.h").exists():
        pytest.skip(f"needs the headers of this Python: {headers}/Python.h")
    text = (SOURCES / "abi.h").read_text()
    functions = text[text.index("void Py_IncRef") : text.index("#endif", text.index("void Py_IncRef"))]
    ours, types = tmp_path / "ours.c", {"Py_buffer": "internal", "PyMethodDef": "ml_doc", "PyModuleDef": "m_free"}
    places = "".join(f"sizeof({name}), offsetof({name}, {last}), " for name, last in types.items())
    tail = f"const size_t facts[] = {{{places}METH_VARARGS, METH_NOARGS, PYTHON_ABI_VERSION}};\n"
    tail += 'int main(void) { for (unsigned i = 0; i < sizeof facts / sizeof *facts; i++) printf("%zu ", facts[i]); }'
    said = []
    for head in ('#include "abi.h"\n', f"#define Py_LIMITED_API 0x030B0000\n#include <Python.h>\n{functions}\n"):
        ours.write_text(f"#include <stddef.h>\n#include <stdio.h>\n{head}{tail}\n")
        program = tmp_path / "facts"
        command = ["cc", "-std=c11", "-Werror", f"-I{SOURCES}", f"-I{headers}", "-o", str(program), str(ours)]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
        said.append(subprocess.run([program], capture_output=True, text=True, check=True).stdout)
    assert said[0] == said[1]
