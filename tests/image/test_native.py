"""The native kernels: the level of the processor, and the switch."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tinypics.image.native import SWITCH, kernels

CPU = Path("/proc/cpuinfo")


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
