"""Code of the functions as cdn.yaml has it (`make pages`): CloudFormation takes it only from the template."""

from __future__ import annotations

from pathlib import Path


def function(name: str) -> str:
    """The property `FunctionCode` with a file of this folder, indented for a resource's properties."""
    code = (Path(__file__).parent / name).read_text(encoding="utf-8")
    kind = "!Sub |" if "${" in code else "|"
    lines = (f"        {line}" if line.strip() else line for line in code.splitlines(keepends=True))
    return f"      FunctionCode: {kind}\n{''.join(lines)}"
