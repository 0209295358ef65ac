"""The program that `check` runs in the emulated interpreter, with only the artifact: `guest.py ARTIFACT PYTHON`.

The first line of output describes the interpreter. Then each line of input is an event, or `null` to end the worker.
For each event there is a line with its answer, among the log lines of the handler.
"""

import importlib.util
import json
import os
import platform
import sys
from importlib.machinery import SourceFileLoader
from typing import Any

NEVER_CHECKED = b"\1\0\0\0"  # PEP 552


def without_bytecode(folder: str) -> list[str]:
    """The modules whose bytecode this interpreter does not accept, or only after checking the source."""
    modules = [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names]  # noqa: PTH118
    return [path for path in modules if path.endswith(".py") and not _compiled(path)]


def _compiled(path: str) -> bool:
    try:
        with open(importlib.util.cache_from_source(path), "rb") as file:  # noqa: PTH123
            return file.read(8) == importlib.util.MAGIC_NUMBER + NEVER_CHECKED
    except OSError:
        return False


def refuse_sources(folder: str) -> None:
    """Make imports from `folder` fail if they must compile, because Lambda cannot store the bytecode."""
    compiled = SourceFileLoader.source_to_code

    def refused(self: SourceFileLoader, data: Any, path: Any, **options: Any) -> Any:
        if os.fspath(path).startswith(folder):
            raise ImportError(f"{path} has no bytecode")
        return compiled(self, data, path, **options)

    SourceFileLoader.source_to_code = refused  # type: ignore[method-assign, assignment]


def main(artifact: str, python: str) -> None:
    sys.path.insert(0, artifact)
    sys.executable = python  # starts a new worker; the kernel cannot run programs of this processor itself
    refuse_sources(artifact)
    about = {"python": platform.python_version(), "machine": platform.machine()}
    print(json.dumps(about | {"without_bytecode": without_bytecode(artifact)}), flush=True)
    for line in sys.stdin:
        import lambda_function  # only if there is an event: the line above may be the end

        event = json.loads(line)
        if event is None:
            lambda_function.SANDBOX.close()
            continue
        answer = lambda_function.lambda_handler(event, None)
        decoders = sorted(name for name in sys.modules if name.split(".")[0] in ("PIL", "pi_heif"))
        print(json.dumps({"answer": answer, "decoders": decoders}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
