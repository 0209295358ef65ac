"""ImageMagick's command, one thread. Its time includes the start of a process, as for its users."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from typing import Any


def resize(data: bytes, wanted: list[dict[str, Any]]) -> list[bytes]:
    whole_frames = ["-coalesce"] if data[:4] == b"GIF8" else []
    return [_made(data, each, whole_frames) for each in wanted]


def program() -> str | None:
    """ImageMagick 7 or 6, if there is one."""
    found = _found()
    return found[0] if found else None


def version() -> str | None:
    found = _found()
    return found[1] if found else None


@cache
def _found() -> tuple[str, str] | None:
    for name in ("magick", "convert"):
        path = shutil.which(name)
        if not path:
            continue
        said = subprocess.run([path, "-version"], capture_output=True, check=False, text=True).stdout
        if said.startswith("Version: ImageMagick "):  # other programs are named `convert`, too
            return path, said.split()[2]
    return None


def _made(data: bytes, each: dict[str, Any], before: list[str]) -> bytes:
    size = f"{each['width']}x{each['height']}"
    quality = ["-quality", str(each["quality"])] if each["quality"] else []
    command = [str(program()), "-define", f"jpeg:size={size}", "-", *before, "-auto-orient", "-thumbnail", f"{size}!"]
    command += ["-strip", *quality, f"{each['format']}:-"]
    environment = os.environ | {"MAGICK_THREAD_LIMIT": "1"}
    return subprocess.run(command, input=data, capture_output=True, check=True, env=environment).stdout
