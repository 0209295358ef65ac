"""The list of public names of docs/library.md, from the code: `make pages` writes it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

import tinypics

SOURCE: Final = Path(tinypics.__file__).parent


def listing() -> str:
    """Every public name with its signature from the source; the errors as a list."""
    shown = [line for name in tinypics.__all__ for line in _name(name)]
    errors = [node.name for node in _module("errors").body if isinstance(node, ast.ClassDef)]
    return "\n".join(["```text", *shown, "", "tinypics.errors: " + ", ".join(errors), "```"])


def _module(name: str) -> ast.Module:
    return ast.parse((SOURCE / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8"))


def _name(name: str) -> list[str]:
    for node in _module(tinypics._HOMES[name]).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return [f"tinypics.{_signature(node)}"]
        if isinstance(node, ast.ClassDef) and node.name == name:
            bases = ", ".join(map(ast.unparse, node.bases))
            return [f"tinypics.{name}" + (f"({bases})" if bases else ""), *_members(node)]
    raise LookupError(name)


def _members(node: ast.ClassDef) -> list[str]:
    lines = []
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and not ast.unparse(item.target).startswith("_"):
            lines.append(f"    {ast.unparse(item)}")
        elif isinstance(item, ast.FunctionDef) and not item.name.startswith("_"):
            kinds = [ast.unparse(each) for each in item.decorator_list]
            lines.append("    " + (f"{item.name} -> {_returned(item)}" if "property" in kinds else _signature(item)))
    return lines


def _signature(node: ast.FunctionDef) -> str:
    return f"{node.name}({ast.unparse(node.args)}) -> {_returned(node)}"


def _returned(node: ast.FunctionDef) -> str:
    return ast.unparse(node.returns) if node.returns else "None"
