"""Print a template with every condition true, because checkov skips policies that contain an `Fn::If`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tinypics.local.template import read_template

_NOTHING = {"Ref": "AWS::NoValue"}


def on(node: Any) -> Any:
    """`node` with each `Fn::If` replaced by its value for a true condition."""
    if isinstance(node, dict):
        if "Fn::If" in node:
            return on(node["Fn::If"][1])
        return {key: on(value) for key, value in node.items() if on(value) != _NOTHING}
    return [on(value) for value in node if on(value) != _NOTHING] if isinstance(node, list) else node


if __name__ == "__main__":
    json.dump(on(read_template(Path(sys.argv[1]))), sys.stdout, indent=1)
