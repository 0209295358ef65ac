"""The artifact as on Lambda: built by the recipe of `sam build`, read-only, with the packages of Lambda's runtime."""

from __future__ import annotations

import fcntl
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
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
def shared(run: Path) -> Iterator[Path]:
    """The artifact, in a folder that every user can read. Asserts that nothing was written to it.

    The first worker of a run builds it, the last removes it; `run` is a folder of all of them.
    """
    place = run / "artifact"
    with (run / "artifact.lock").open("w") as lock, (run / "artifact.users").open("w") as users:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.is_symlink():
            place.symlink_to(_build())
        fcntl.flock(users, fcntl.LOCK_SH)
        fcntl.flock(lock, fcntl.LOCK_UN)
        folder = place.readlink()
        before = _state(folder)
        try:
            yield folder
            assert _state(folder) == before, "something was written to the artifact"
        finally:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with suppress(BlockingIOError):  # another worker uses it
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                place.unlink()
                _remove(folder)


def _build() -> Path:
    # Outside of pytest's own folder, which other users cannot enter.
    folder = Path(tempfile.mkdtemp(prefix="tinypics-artifact-"))
    variables = ["ARCH=native", f"PYTHON={sys.executable}", f"ARTIFACTS_DIR={folder}"]
    command = ["make", "--no-print-directory", "-C", str(PROJECT / "src"), "build-ResizeFunction", *variables]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        shutil.rmtree(folder)
    assert made.returncode == 0, made.stderr
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    return folder


def _remove(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)


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
