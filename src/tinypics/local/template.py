"""Reads a template, with intrinsic functions in their long form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from samtranslator.yaml_helper import intrinsics_multi_constructor

if TYPE_CHECKING:
    from pathlib import Path


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml's takes a seventh of the time
    pass


_Loader.add_multi_constructor("!", intrinsics_multi_constructor)


def read_template(path: Path) -> dict[str, Any]:
    """The template in the file `path`, with `{"Ref": "Name"}` for `!Ref Name`."""
    found: dict[str, Any] = yaml.load(path.read_text(), Loader=_Loader)  # noqa: S506 - a safe loader
    return found
