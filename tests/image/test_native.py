"""The native kernels: the level of the processor, the switch, and a module of another revision."""

from __future__ import annotations

import ast
import hashlib
import platform
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.pictures import encoded, photo
from tinypics import resize
from tinypics.image import native as module
from tinypics.image.native import REVISION, SWITCH, KernelFault, kernels

CPU = Path("/proc/cpuinfo")
SOURCES = Path(module.__file__).parents[2]
INTERFACES = {2: "20d325e5ce41"}
"""The current revision, and the hash of its interface. A change of the interface needs another revision."""


@pytest.fixture
def native() -> Any:
    if kernels() is None:
        pytest.skip(f"the native module was not compiled, or {SWITCH} is 0")
    return kernels()


@pytest.mark.skipif(not CPU.exists(), reason="Linux shows what the processor has")
def test_the_level_is_that_of_the_processor(native: Any) -> None:
    """Wrong levels give the same pixels, only later, so that no other test can see them."""
    flags = next((line.split() for line in CPU.read_text().splitlines() if line.startswith("flags")), [])
    expected = {"x86_64": 2 if "avx2" in flags else int("sse4_1" in flags), "aarch64": 1}
    assert native.level() == expected.get(platform.machine(), 0)


@pytest.mark.parametrize(("setting", "used"), [("0", "False"), ("1", None), (None, None)])
def test_a_variable_switches_the_module_off(native: Any, setting: str | None, used: str | None) -> None:
    program = "from tinypics.image.native import kernels; print(kernels() is not None)"
    variables = {} if setting is None else {SWITCH: setting}
    ran = subprocess.run([sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == (used or "True")


def test_both_sides_have_the_revision_of_the_interface() -> None:
    stub = ast.parse((SOURCES / "tinypics" / "_native.pyi").read_text())
    for part in ast.walk(stub):  # without the words
        if isinstance(part, ast.FunctionDef):
            part.body = []
    interface = "".join(ast.unparse(part) for part in stub.body if isinstance(part, ast.FunctionDef))
    header = (SOURCES / "native" / "module.h").read_text()
    assert re.findall(r"#define MODULE_REVISION (\d+)", header) == [str(REVISION)]
    assert {REVISION: hashlib.sha256(interface.encode()).hexdigest()[:12]} == INTERFACES


@pytest.mark.parametrize("other", [{}, {"revision": lambda: REVISION + 1}])
def test_a_module_of_other_sources_is_not_used(monkeypatch: pytest.MonkeyPatch, other: dict[str, Any]) -> None:
    monkeypatch.delenv(SWITCH, raising=False)
    monkeypatch.setattr(module, "import_module", lambda _: SimpleNamespace(**other))
    assert kernels.__wrapped__() is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("call", ["jpeg_takes", "jpeg_new", "png_new", "png_feed", "png_rows", "resample"])
def test_a_wrong_call_is_not_a_damaged_picture(
    native: Any, monkeypatch: pytest.MonkeyPatch, kind: str, call: str
) -> None:
    """With TypeError, as for a function that has got another argument."""
    names = ("level", "jpeg_takes", "jpeg_new", "jpeg_feed", "png_new", "png_feed", "png_rows", "resample")
    faulty = SimpleNamespace(**{name: getattr(native, name) for name in names} | {call: lambda: None})
    monkeypatch.setattr(module, "kernels", lambda: faulty)
    data = encoded(photo((200, 160)), kind)
    if call.startswith(("jpeg", "png")) and not call.startswith(kind.lower()):
        assert resize(data, "20x").width == 20
    else:
        with pytest.raises(KernelFault):
            resize(data, "20x")
