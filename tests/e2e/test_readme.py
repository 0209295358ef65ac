"""The session at the top of the README runs as printed, from an empty folder."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.waiting import PATIENCE
from tinypics import install

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.release]

PROJECT = Path(__file__).parents[2]
README = (PROJECT / "README.md").read_text()
START = README.split("## Start\n", 1)[1].split("\n## ", 1)[0]


def session(block: str) -> list[tuple[str, str]]:
    """The commands of a printed session, each with its output."""
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [(command, output) for command, _, output in (part.partition("\n") for part in parts)]


FIRST, SECOND, *_ = (session(block) for block in re.findall(r"```console\n(.*?)```", START, re.DOTALL))


def pattern(printed: str) -> str:
    """`…` stands for any text; ports differ, and sizes of files depend on the versions of the encoders."""
    escaped = re.escape(re.sub(r"(?<=127\.0\.0\.1:)\d+", "…", printed.rstrip("\n"))).replace("…", r"[\s\S]*?")
    return re.sub(r"[\d.\\]+\\ (kB|bytes)", r"[\\d.]+ \1", escaped) + r"\s*"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The clone in which `make up` runs, and the command's output. Only the ports differ from the README."""
    folder = tmp_path_factory.mktemp("empty")
    clone, change, start = (command for command, _ in FIRST)
    assert start == "make up"
    here = folder / change.removeprefix("cd ")
    instead = ["-c", f"url.{PROJECT}.insteadOf={install.REPOSITORY}"]
    subprocess.run(["git", *instead, *clone.split()[1:]], check=True, cwd=folder)
    (here / ".venv").symlink_to(sys.prefix)  # installing takes a minute
    up = re.search(r"^up: setup.*\n((?:\t.*\n)+)", (here / "Makefile").read_text(), re.MULTILINE)
    assert up is not None
    assert "tinypics up" in up[1]
    command = [".venv/bin/tinypics", "up", "--port", "0", "--console-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=here) as process:
        assert process.stdout is not None
        said = ""
        while "log shows here" not in said:
            line = process.stdout.readline()
            assert line, said  # it ended
            said += line
        yield here, said
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)


def test_the_first_start_prints_this(started: tuple[Path, str]) -> None:
    _, said = started
    assert re.search(pattern(FIRST[-1][1]), "\n" + said), said


def test_the_second_terminal_answers_as_printed(started: tuple[Path, str]) -> None:
    for command, printed in SECOND:
        ran = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, cwd=started[0])
        assert re.fullmatch(pattern(printed), ran.stdout), (command, ran.stdout, ran.stderr)
        assert ran.returncode == ("UnsupportedFormat" in printed), (command, ran.stderr)
