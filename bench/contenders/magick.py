"""ImageMagick's command, one thread: its time has the start of a process in it, as its users' time has."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from typing import Any


def resize(data: bytes, wanted: list[dict[str, Any]]) -> list[bytes]:
    return [_made(data, each) for each in wanted]


@cache
def program() -> str | None:
    """ImageMagick 7 or 6, if there is one; other programs have the name `convert`, too."""
    for name in ("magick", "convert"):
        path = shutil.which(name)
        if path and b"ImageMagick" in subprocess.run([path, "-version"], capture_output=True, check=False).stdout:
            return path
    return None


def _made(data: bytes, each: dict[str, Any]) -> bytes:
    size = f"{each['width']}x{each['height']}"
    quality = ["-quality", str(each["quality"])] if each["quality"] else []
    command = [str(program()), "-define", f"jpeg:size={size}", "-", "-auto-orient", "-thumbnail", f"{size}!"]
    command += ["-strip", *quality, f"{each['format']}:-"]
    environment = os.environ | {"MAGICK_THREAD_LIMIT": "1"}
    return subprocess.run(command, input=data, capture_output=True, check=True, env=environment).stdout
