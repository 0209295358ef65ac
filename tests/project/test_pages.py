"""The generated parts of the pages are current."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
MARK = "[[[" + "cog"


def test_the_generated_parts_of_the_pages_are_current() -> None:
    pages = [path for path in sorted(PROJECT.glob("docs/*.md")) if MARK in path.read_text(encoding="utf-8")]
    assert {path.stem for path in pages} >= {"formats", "library", "operating", "costs", "scaling"}
    pages.append(PROJECT / "cdn.yaml")
    command = [sys.executable, "-m", "cogapp", "--check", "--diff", "-I", ".", "-n", "utf-8", *map(str, pages)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    advice = "run `make pages`, and say in CHANGELOG.md if a public name changed"
    assert done.returncode == 0, f"{advice}\n{done.stdout}{done.stderr}"
