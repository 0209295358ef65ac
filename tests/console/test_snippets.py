"""The pasted snippets do exactly what the form says, for every key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tinypics.console.snippets import snippets
from tinypics.stack.deployed import Stack

STACK = Stack("in", "out", "f", "arn:aws:states:eu-west-1:1:stateMachine:resize", "/log", "https://a.example/it's")
KEYS = (
    "plain.jpg",
    'it\'s a "quote".jpg',
    "$(touch pwned).jpg",
    "`touch pwned`.jpg",
    "'; touch pwned; '.jpg",
    "a\\b\\'c.jpg",
    "%s {x} ${HOME} !! ~ * ?.jpg",
    "ümläut 日本語 \u202egnp.jpg",
    "-rf --help.jpg",
    '""" + __import__("os").system("touch pwned") + """.jpg',
    "new\nline\r\ttab.jpg",
    "@file.jpg",
)
RECORDER = f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n"


def event(key: str) -> dict[str, object]:
    return {"bucket": "in", "key": key, "width": 1, "lenient": True, "renditions": [{"width": 2}], "dest_key": None}


def argument(arguments: list[str], name: str) -> str:
    return arguments[arguments.index(name) + 1]


@pytest.fixture
def shell(tmp_path: Path) -> Path:
    """A folder of fake `aws` and `curl` commands that print their arguments."""
    for name in ("aws", "curl"):
        (tmp_path / name).write_text(RECORDER)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def arguments_of(command: str, folder: Path) -> list[str]:
    path = f"{folder}{os.pathsep}{os.defpath}"
    ran = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, check=True, cwd=folder, env={"PATH": path}
    )
    assert {file.name for file in folder.iterdir()} == {"aws", "curl"}
    found: list[str] = json.loads(ran.stdout)
    return found


@pytest.mark.table
@pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:4566"])
@pytest.mark.parametrize("key", KEYS)
def test_shell_commands_pass_the_event_as_one_word(key: str, endpoint: str | None, shell: Path) -> None:
    found = snippets(event(key), STACK, "eu-west-1", endpoint)
    aws = arguments_of(found["aws"], shell)
    assert aws[:2] == ["stepfunctions", "start-execution"]
    assert json.loads(argument(aws, "--input")) == event(key)
    assert argument(aws, "--state-machine-arn") == STACK.state_machine
    assert ("--endpoint-url" in aws) == bool(endpoint)
    curl = arguments_of(found["curl"], shell)
    assert curl[0] == f"{STACK.api_url}/resize"
    assert json.loads(argument(curl, "--data-raw")) == event(key)
    assert ("--aws-sigv4" in curl) == (not endpoint)  # on AWS calls are signed


@pytest.mark.table
@pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:4566"])
@pytest.mark.parametrize("key", KEYS)
def test_the_program_starts_the_workflow_with_the_event(key: str, endpoint: str | None, tmp_path: Path) -> None:
    (tmp_path / "boto3.py").write_text(
        "import json\n"
        "class client:\n"
        "    def __init__(self, *given, **named): self.given = [given, named]\n"
        "    def start_execution(self, **named):\n"
        "        print(json.dumps([*self.given, named]))\n"
        "        return {'executionArn': 'arn'}\n"
    )
    (tmp_path / "program.py").write_text(snippets(event(key), STACK, "eu-west-1", endpoint)["python"])
    ran = subprocess.run(
        [sys.executable, "program.py"], capture_output=True, text=True, check=True, cwd=tmp_path
    )  # fmt: skip
    service, client, started = json.loads(ran.stdout.splitlines()[0])
    assert (service, started["stateMachineArn"]) == (["stepfunctions"], STACK.state_machine)
    assert json.loads(started["input"]) == event(key)
    assert client["region_name"] == "eu-west-1"
    assert client.get("endpoint_url") == endpoint
    assert not (tmp_path / "pwned").exists()


def test_json_is_the_event_and_curl_needs_an_api() -> None:
    stack = Stack("in", "out", "f", "arn", "/log", None)
    found = snippets(event("k"), stack, "eu-west-1", None)
    assert json.loads(found["json"]) == event("k")
    assert "curl" not in found
