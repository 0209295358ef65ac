"""A function as Lambda runs it: the built artifact under AWS's runtime client, with only Lambda's environment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.runtime.api import WITHIN, RuntimeApi, runtime_api
from tests.transformed import resources, template
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

USER = 993  # as on Lambda
READ_ALL = 2  # CAP_DAC_READ_SEARCH (capabilities(7))
_START = "import sys; sys.path[:0] = sys.argv[2:]; from awslambdaric.__main__ import main; main(sys.argv)"


@dataclass(frozen=True)
class Invocation:
    """The outcome of one event: the answer or the error, and the log lines.

    `lines` are ours, one for each record; `runtime_lines` come from AWS's client, which logs for the SDK as well.
    """

    answer: Any
    error: dict[str, Any] | None
    lines: list[dict[str, Any]]
    runtime_lines: list[dict[str, Any]]


class Function:
    """A running function."""

    def __init__(self, process: subprocess.Popen[bytes], api: RuntimeApi, log: Path) -> None:
        self.process = process
        self._api = api
        self._log = log
        self._read = 0  # bytes of the log

    def invoke(self, event: object, *, left: float = WITHIN) -> Invocation:
        """Send an event and wait for its outcome. The function has `left` seconds."""
        return self.outcome(self.send(event, left=left))

    def send(self, event: object, *, left: float = WITHIN) -> str:
        return self._api.send(event, left=left)

    def outcome(self, request_id: str) -> Invocation:
        said = self._api.said()
        assert said.request_id == request_id
        lines = self.logged()
        ours = [line for line in lines if "status" in line]
        theirs = [line for line in lines if "status" not in line]
        assert {line["request_id"] for line in ours} | {line["requestId"] for line in theirs} <= {request_id}
        raised = said.kind == "error"
        return Invocation(None if raised else said.document, said.document if raised else None, ours, theirs)

    def logged(self) -> list[dict[str, Any]]:
        """The new lines of the log: JSON objects, none of which contains another as a string."""
        with self._log.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        self._read += len(text)
        assert text.endswith(b"\n") or not text
        lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
        for line in lines:
            assert {"timestamp", "level"} <= line.keys()  # otherwise Lambda wraps the line in another object
            assert not any(isinstance(value, str) and value.lstrip().startswith("{") for value in line.values())
        return lines

    def wait_until_idle(self) -> None:
        """Wait until the function asks for the next event: from then on Lambda may freeze it."""
        assert self._api.idle.wait(WITHIN), "the function asks for no event"

    @property
    def worker(self) -> int:
        """The worker process."""
        (worker,) = [pid for pid, state in self.group().items() if pid != self.process.pid and state != "Z"]
        return worker

    def group(self) -> dict[int, str]:
        """The function's processes with their states (proc_pid_stat(5))."""
        found = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                state, _, group = path.read_text().rpartition(") ")[2].split()[:3]
                if int(group) == self.process.pid:
                    found[int(path.parent.name)] = state
        return found

    def signal(self, number: int) -> None:
        """Signal all processes of the function."""
        os.killpg(self.process.pid, number)


@contextmanager
def running(name: str, path: Sequence[Path], environment: Mapping[str, str], log: Path) -> Iterator[Function]:
    """Run the function that the template calls `name`; it waits for its first event.

    `path` has the folders of modules, the artifact first. `environment` is added to Lambda's own variables.
    """
    properties = resources("AWS::Lambda::Function")[name]
    python = [sys.executable, "-I", "-S", "-c", _START, properties["Handler"], *map(str, path)]
    with runtime_api() as api, log.open("wb") as output:
        process = subprocess.Popen(
            [*_unprivileged(), *python],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=path[0],
            env=_lambda(properties, api.address, path[0]) | dict(environment),
            start_new_session=True,
        )
        try:
            eventually(lambda: api.idle.is_set() or process.poll() is not None)
            assert process.poll() is None, log.read_text()
            yield Function(process, api, log)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _lambda(properties: Mapping[str, Any], api: str, root: Path) -> dict[str, str]:
    """Lambda's own variables (developer guide, "Defined runtime environment variables")."""
    return {
        "_HANDLER": properties["Handler"],
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{properties['Runtime']}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": _value(properties["MemorySize"]),
        "AWS_LAMBDA_FUNCTION_NAME": "tinypics",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": properties["LoggingConfig"]["LogFormat"],
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/tinypics",
        "AWS_LAMBDA_LOG_LEVEL": "INFO",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/01/[$LATEST]0123456789abcdef0123456789abcdef",
        "AWS_LAMBDA_RUNTIME_API": api,
        "AWS_REGION": "us-east-1",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SESSION_TOKEN": "test",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": str(root),
        "LANG": "en_US.UTF-8",
        "LD_LIBRARY_PATH": f"{root}:{root}/lib",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "TZ": ":UTC",
    }


def variables(name: str, **given: str) -> dict[str, str]:
    """A function's environment by the template: literals, the defaults of parameters, and for all else `given`."""
    wanted = resources("AWS::Lambda::Function")[name]["Environment"]["Variables"]
    assert given.keys() <= wanted.keys()
    return {variable: given[variable] if variable in given else _value(value) for variable, value in wanted.items()}


def _value(written: object) -> str:
    if isinstance(written, dict):
        written = template()["Parameters"][written["Ref"]]["Default"]
    return str(written)


def _unprivileged() -> list[str]:
    """A command prefix that drops root privileges, if there are any.

    The user may still read every file, if root may (not so in every container), because Python may be in root's home.
    """
    if os.geteuid():
        return []
    own = int(Path("/proc/self/status").read_text().partition("CapEff:")[2].split()[0], 16)
    kept = "-all,+dac_read_search" if own >> READ_ALL & 1 else "-all"
    user = [f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs"]
    return ["setpriv", *user, f"--inh-caps={kept}", f"--ambient-caps={kept}"]
