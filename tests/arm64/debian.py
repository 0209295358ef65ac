"""Download a CPython for arm64 and its dependencies from Debian: `python -m tests.arm64.debian FOLDER VERSION`.

It runs apt with a separate state below the folder, so that the machine does not change and the user need not be root.
It uses the mirrors of the machine's own sources, the first that has the release, and checks signatures with the
machine's keys.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

RELEASE = "trixie"  # which has Python 3.13
ARCHITECTURE = "arm64"
EMULATOR = "qemu-aarch64-static"
_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def main(folder: Path, version: str) -> None:
    """Make `folder/root`, a tree that contains this Python, and `folder/python`, which runs it."""
    for needed, where in {"apt-get": "apt", "dpkg": "dpkg", EMULATOR: "qemu-user-static"}.items():
        if not shutil.which(needed):
            sys.exit(f"{needed} is not on the path: this needs Debian's package {where}")
    shutil.rmtree(folder, ignore_errors=True)  # an earlier, incomplete download
    folder.mkdir(parents=True)
    # libpython3.13-stdlib depends on all packages but the C++ library of Pillow's and libheif's wheels.
    packages = fetched(folder / "apt", [f"python{version}-minimal", f"libpython{version}-stdlib", "libstdc++6"])
    root = folder / "root"
    for name in ("lib", "bin"):  # another of Debian's packages makes these links
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for package in packages:
        subprocess.run(["dpkg", "-x", package, root], check=True)
    python = folder / "python"
    here = "${0%/*}/root"
    python.write_text(f'#!/bin/sh\nexec {shutil.which(EMULATOR)} -L "{here}" "{here}/usr/bin/python{version}" "$@"\n')
    python.chmod(0o755)
    shutil.rmtree(folder / "apt")
    said = subprocess.run([python, "-V"], check=True, capture_output=True, text=True).stdout.strip()
    print(f"{folder}: {said} for {ARCHITECTURE}, from {len(packages)} packages")


def fetched(state: Path, packages: list[str]) -> list[Path]:
    """Download the packages and their dependencies from the first mirror that has them."""
    install = ["install", "--download-only", "--yes", "--no-install-recommends", *packages]
    for mirror in mirrors():
        apt = ["apt-get", "-qq", *options(state, mirror)]
        commands = ([*apt, "update", "--error-on=any"], [*apt, *install])
        if all(subprocess.run(command, check=False).returncode == 0 for command in commands):
            return sorted((state / "archives").glob("*.deb"))
    sys.exit(f"none of apt's sources on this machine has {', '.join(packages)} in Debian's {RELEASE}")


def mirrors() -> list[str]:
    """The machine's sources, in the order in which apt reads them."""
    command = ["apt-get", "update", "--print-uris"]
    uris = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return list(dict.fromkeys(re.findall(r"^'(.+)/dists/[^']+/InRelease' ", uris, re.MULTILINE)))


def options(state: Path, mirror: str) -> list[str]:
    """Configure apt for an empty system of the other architecture, with one source."""
    shutil.rmtree(state, ignore_errors=True)
    for name in ("lists/partial", "archives/partial", "none"):
        (state / name).mkdir(parents=True)
    (state / "status").touch()
    keys = f" [signed-by={_KEYS}]" if _KEYS.exists() else ""
    (state / "sources.list").write_text(f"deb{keys} {mirror} {RELEASE} main\n")
    settings = {
        "APT::Architecture": ARCHITECTURE,
        "APT::Architectures": ARCHITECTURE,
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Dir::State": state,
        "Dir::State::status": state / "status",
        "Dir::Cache": state,
        "Dir::Etc::sourcelist": state / "sources.list",
        "Dir::Etc::sourceparts": state / "none",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": state / "none",
    }
    return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2])
