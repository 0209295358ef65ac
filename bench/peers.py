"""The contenders: their commands, and whether they are installed."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.contenders import magick

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT: Final = Path(__file__).parents[1]
BUILD: Final = ROOT / "build" / "bench"
"""Peers, generated pictures and raw results, outside of git."""
NODE_MODULES: Final = BUILD / "node" / "node_modules"
_VIPS_PYTHON: Final = BUILD / "venv" / "bin" / "python"
_NODE: Final = shutil.which("node")
_HERE: Final = ROOT / "bench"
# Like Lambda, set the path explicitly and skip the site directories.
_PYTHON: Final = [sys.executable, "-S", "-P"]
_PATHS: Final = [str(ROOT / "src"), str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]


@dataclass(frozen=True, slots=True)
class Contender:
    """`command` gets one or two more arguments: see `bench/child.py` and `bench/runtime.py`."""

    name: str
    label: str
    command: Sequence[str]
    there: Callable[[], bool] = lambda: True
    event: tuple[tuple[str, Any], ...] = ()  # additional fields of its events
    in_file: bool = False  # it keeps the source in an in-memory file, which the memory of its processes excludes

    def environment(self) -> dict[str, str]:
        """Excludes the user's own environment."""
        python = str(ROOT) if self.name == "vips" else os.pathsep.join(_PATHS)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(BUILD),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": python,
            "NODE_PATH": str(NODE_MODULES),
        }


def _library(name: str, label: str, function: str = "resize", module: str | None = None, **given: Any) -> Contender:
    python = [str(_VIPS_PYTHON), "-P"] if name == "vips" else _PYTHON
    return Contender(name, label, [*python, str(_HERE / "child.py"), module or name, function], **given)


def _handler(name: str, label: str, module: str, **given: Any) -> Contender:
    return Contender(name, label, [*_PYTHON, str(_HERE / "runtime.py"), module], **given)


def _node() -> bool:
    return bool(_NODE) and (NODE_MODULES / "sharp").is_dir()


LIBRARIES: Final = (
    _library("ours", "tinypics"),
    Contender("sharp", "sharp", [_NODE or "node", str(_HERE / "node" / "sharp.cjs")], there=_node),
    _library("vips", "pyvips", there=_VIPS_PYTHON.exists),
    _library("magick", "ImageMagick", there=lambda: magick.program() is not None),
    _library("tutorial", "Pillow, `resize()`", "resize", "pillow"),
    _library("thumbnail", "Pillow, `thumbnail()`", "thumbnail", "pillow"),
)
HANDLERS: Final = (
    _handler("ours", "tinypics", "lambda_function", in_file=True),
    _handler("sequential", "tinypics, sequential", "bench.contenders.sequential", in_file=True),
    _handler("tutorial", "tutorial function, `resize()`", "bench.contenders.tutorial"),
    _handler(
        "thumbnail", "tutorial function, `thumbnail()`", "bench.contenders.tutorial", event=(("thumbnail", True),)
    ),
    Contender("node", "Node function, sharp", [_NODE or "node", str(_HERE / "node" / "runtime.cjs")], there=_node),
)
SERVED: Final = _handler("served", "tinypics, made on demand", "bench.contenders.served")
PARTS: Final = Contender("parts", "tinypics under a profiler", [*_PYTHON, str(_HERE / "parts.py")])
PROFILED: Final = _handler("profiled", "tinypics under a profiler", "bench.contenders.profiled")


def versions() -> dict[str, str]:
    """Pinned versions of the peers, and the installed version of ImageMagick."""
    package: dict[str, str] = json.loads((_HERE / "node" / "package.json").read_text())["dependencies"]
    pins = (_HERE / "requirements.txt").read_text().split()
    found = {"ImageMagick": version} if (version := magick.version()) else {}
    return package | dict(pin.split("==") for pin in pins if pin.startswith("pyvips")) | found
