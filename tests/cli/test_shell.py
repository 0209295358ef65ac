"""Printed commands, as a shell reads them."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import pytest

from tinypics.cli import shell
from tinypics.cli.target import Target
from tinypics.stack.clients import Cloud
from tinypics.stack.deployed import Stack
from tinypics.stack.diagnosis import download

if TYPE_CHECKING:
    from pathlib import Path

STACK = Stack("in", "out", "f", "arn", "/log", None)


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ([("", "x/cat.jpg")], ["--out", "thumbnail-cat.jpg", "x/cat.jpg"]),
        ([("", "x/cat.jpg.webp")], ["x/cat.jpg"]),
        ([("800x", "x/cat.jpg/800x.jpg"), ("thumb", "x/cat.jpg/thumb.jpg")], ["x/cat.jpg", "800x"]),
    ],
)
def test_a_download_needs_a_rendition_of_several_and_never_the_name_of_the_original(
    outputs: list[tuple[str, str]], words: list[str]
) -> None:
    command = download(Target(Cloud.aws(None, "us-east-1"), STACK).command, "x/cat.jpg", outputs)
    assert command.split() == ["tinypics", "get", *words]


def test_how_to_call_it_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "my env" / "tinypics"
    program.parent.mkdir()
    program.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(program)])
    monkeypatch.setenv("PATH", "/nowhere")
    assert shell.program() == "'my env/tinypics'"
    monkeypatch.setenv("PATH", str(program.parent))
    assert shell.program() == "tinypics"
    monkeypatch.setattr(sys, "argv", ["/x/tinypics/__main__.py"])
    assert shell.program() == f"{sys.executable} -m tinypics"
    monkeypatch.setattr(sys, "argv", ["/x/pytest/__main__.py"])
    assert shell.program() == "tinypics"


@pytest.mark.parametrize("key", ["a b.jpg", "it's.jpg", '"$(HOME)".jpg', "-v.jpg", "--", "日本/`x`;&|.jpg", "*?[a]~!#"])
def test_a_shell_reads_a_key_as_it_is(key: str) -> None:
    target = Target(Cloud.aws(None, "us-east-1"), STACK, ("--data", "my data"))
    words = shlex.split(target.command("why", "--json", arguments=[key]))
    assert words[:5] == ["tinypics", "why", "--json", "--data", "my data"]
    assert words[5:] == (["--", key] if key.startswith("-") else [key])
