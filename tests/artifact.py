"""The artifact as on Lambda: built by the recipe of `sam build`, read-only, with the packages of Lambda's runtime."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROJECT = Path(__file__).parents[1]
SDK = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")
"""boto3 and its dependencies, which Lambda's Python runtime contains."""
CLIENT = ("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py")
"""The runtime interface client, which calls the handler on Lambda, and its dependencies."""


@contextmanager
def built() -> Iterator[Path]:
    """A read-only folder with the artifact, which every user can read. Asserts that nothing was written to it."""
    # Outside of pytest's own folder, which other users cannot enter.
    with tempfile.TemporaryDirectory(prefix="tinypics-artifact-") as name:
        folder = Path(name)
        variables = ["ARCH=native", f"PYTHON={sys.executable}", f"ARTIFACTS_DIR={folder}"]
        command = ["make", "--no-print-directory", "-C", str(PROJECT / "src"), "build-ResizeFunction", *variables]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
        paths = [folder, *folder.rglob("*")]
        for path in paths:
            path.chmod(0o555 if path.is_dir() else 0o444)
        before = _state(folder)
        try:
            yield folder
            assert _state(folder) == before, "something was written to the artifact"
        finally:
            for path in filter(Path.is_dir, paths):
                path.chmod(0o755)


def _state(folder: Path) -> dict[Path, tuple[int, int, int]]:
    found = {path: path.stat() for path in folder.rglob("*")}
    return {path: (facts.st_mode, facts.st_size, facts.st_mtime_ns) for path, facts in found.items()}


def link(names: Sequence[str], folder: Path) -> None:
    """Link packages of this environment into a folder."""
    for name in names:
        found = importlib.util.find_spec(name)
        assert found is not None
        assert found.origin is not None
        place = Path(found.origin)
        place = place.parent if place.name == "__init__.py" else place
        (folder / place.name).symlink_to(place)
