"""Hatchling's hook: puts the native module into wheels and editable installs, where it can be compiled.

`TINYPICS_NATIVE` decides: `0` makes a pure wheel, `x86_64` or `arm64` a manylinux wheel for that processor of Lambda.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import platform_tags

_PLATFORMS = {"x86_64": "manylinux_2_17_x86_64", "arm64": "manylinux_2_17_aarch64"}


class Native(BuildHookInterface):  # type: ignore[type-arg]
    """Compiles by `build.py`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and tag the wheel. An editable install has the module beside its sources."""
        if version == "editable":
            self._compiled(Path(self.root, "src", "tinypics"))
            return
        self._folder = tempfile.TemporaryDirectory()
        if module := self._compiled(Path(self._folder.name), os.environ.get("TINYPICS_NATIVE", "")):
            platform = _PLATFORMS.get(os.environ.get("TINYPICS_NATIVE", "")) or next(platform_tags())
            build_data["force_include"][str(module)] = f"tinypics/{module.name}"
            build_data["pure_python"], build_data["tag"] = False, f"cp311-abi3-{platform}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove the compiled module, which the wheel contains by now."""
        if version != "editable":
            self._folder.cleanup()

    def _compiled(self, folder: Path, target: str = "") -> Path | None:
        script = str(Path(self.root, "src", "native", "build.py"))
        options = ["--target", target] if target in _PLATFORMS else []
        # A failing compiler has said why, and the wheel works without the module, except one for a given processor.
        subprocess.run([sys.executable, script, str(folder), *options], check=bool(options))  # noqa: S603
        found = next(folder.glob("_native.*.so"), None)
        if options and found is None:
            raise RuntimeError(f"expected a native module for {target}, got none")
        return found
