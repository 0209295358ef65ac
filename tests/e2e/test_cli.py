"""The stack commands at a terminal: real processes, real signals, a real emulator."""

from __future__ import annotations

import io
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.waiting import eventually
from tinypics.cli.app import app
from tinypics.local.emulator import running_emulator
from tinypics.stack.clients import Cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typer.testing import Result

    from tests.local_stack import LocalStack
    from tinypics.local.pidfile import PidFile

pytestmark = pytest.mark.e2e

PROJECT = Path(__file__).parents[2]
EVENT = {"bucket": "original-pics", "key": "cli.jpg", "dest_bucket": "tiny-pics", "width": 128, "height": 128}


NEXT = ("invoke", "-")
"""The next invocation. On a busy machine the emulator writes the line of one with those of the next."""


def group(pgid: int) -> list[str]:
    listed = subprocess.run(["ps", "-eo", "pgid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    fields = [line.split(None, 2) for line in listed.splitlines()]
    return [field[2] for field in fields if field[0] == str(pgid) and not field[1].startswith("Z")]


def picture(path: Path, width: int = 1200, height: int = 800) -> Path:
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(path, quality=95)
    return path


@contextmanager
def up(data: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`tinypics up` as a process, ready for use."""
    command = [sys.executable, "-m", "tinypics", "up", "--port", "0", "--data", str(data), *options]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            eventually(lambda: running_emulator(data) or process.poll() is not None)
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.communicate(timeout=120)


def facts_of(data: Path) -> PidFile:
    facts = running_emulator(data)
    assert facts
    return facts


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tinypics", *arguments], cwd=PROJECT, capture_output=True, text=True, check=False
    )


# --- up


@pytest.mark.parametrize("parameters", [(), ("Prefix=in/", "SourceBucket=photos")])
def test_up_prints_three_things_to_try_and_each_works_as_printed(tmp_path: Path, parameters: tuple[str, ...]) -> None:
    data = tmp_path / "my data"
    with up(data, *(word for each in parameters for word in ("--parameter", each))) as process:
        assert process.stdout
        printed = "".join(itertools.takewhile(lambda line: "shows here" not in line, process.stdout))
        facts = facts_of(data)
        top = "".join(printed.splitlines(keepends=True)[: 4 if parameters else 3])
        console = re.findall(r"http://127\.0\.0\.1:\d+/\?token=\S+", top)
        with urllib.request.urlopen(console[0]) as page:  # among the first lines, where it is easy to find
            assert page.status == 200
        for place in (facts.endpoint, facts.stack.source_bucket, "tiny-pics", facts.stack.api_url):
            assert str(place) in printed
        things = [line.strip() for line in printed.split("to try")[1].splitlines()[1:] if line.strip()]
        assert [re.findall(r" (put|run|--data) ", thing)[0] for thing in things] == ["put", "run", "--data"]
        for thing in things if shutil.which("curl") else things[:2]:
            done = subprocess.run(thing, shell=True, cwd=PROJECT, capture_output=True, text=True, check=False)  # noqa: S602
            assert done.returncode == 0, done.stderr
            assert not re.search(r"error", done.stdout), done.stdout
        line = process.stdout.readline()
        assert re.search(r"✓ (in/)?yourImage.jpg  1200×800 jpeg .* → 128×128 jpeg", line)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_up_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with up(tmp_path) as process:
        facts = facts_of(tmp_path)
        process.send_signal(number)
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0
        assert "Traceback" not in said
    assert not group(facts.pid)
    assert not (tmp_path / "engine.json").exists()


def test_nothing_is_left_when_the_terminal_is_closed(tmp_path: Path) -> None:
    ours, terminal = os.openpty()
    take = (  # its own terminal, like a shell's child
        "import fcntl, os, sys, termios;"
        "fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
        "os.execv(sys.executable, sys.orig_argv[3:])"
    )
    command = [sys.executable, "-m", "tinypics", "up", "--port", "0", "--data", str(tmp_path)]
    with subprocess.Popen(
        [sys.executable, "-c", take, *command],
        cwd=PROJECT,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    ) as process:
        try:
            os.close(terminal)
            facts = eventually(lambda: running_emulator(tmp_path))
            shown = b""
            while b"shows here" not in shown:
                shown += os.read(ours, 4096)
            os.close(ours)
            assert process.wait(120) == 0
        finally:
            process.kill()
    assert not group(facts.pid)


def test_nothing_is_left_when_up_is_killed(tmp_path: Path) -> None:
    with up(tmp_path) as process:
        facts = facts_of(tmp_path)
        assert command("put", str(picture(tmp_path / "cli.jpg")), "--data", str(tmp_path)).returncode == 0
        assert len(group(facts.pid)) >= 2  # the emulator and a Lambda worker
        process.kill()
    eventually(lambda: not group(facts.pid))
    with up(tmp_path):
        assert command("logs", "--data", str(tmp_path)).returncode == 0


def test_a_taken_port_is_refused_with_advice(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        done = command("up", "--port", port, "--data", str(tmp_path))
    assert done.returncode == 1
    assert f"Port {port} is taken by another program" in done.stderr
    assert "--port N" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_emulator_of_the_same_folder_is_refused(stack: LocalStack) -> None:
    done = command("up", "--port", "0", "--data", str(stack.data))
    assert done.returncode == 1
    assert f"runs already: {facts_of(stack.data).endpoint}" in " ".join(done.stderr.split())


def test_a_killed_emulator_is_reported_and_keeps_its_pictures(tmp_path: Path) -> None:
    sample = picture(tmp_path / "cli.jpg")
    with up(tmp_path) as process:
        assert command("put", str(sample), "--data", str(tmp_path)).returncode == 0
        os.kill(facts_of(tmp_path).pid, signal.SIGKILL)
        _, said = process.communicate(timeout=120)
        assert process.returncode == 1
        assert "was killed by SIGKILL" in said
    with up(tmp_path):
        facts = facts_of(tmp_path)
        s3 = Cloud.local(facts.endpoint, facts.region).client("s3")
        assert s3.get_object(Bucket="original-pics", Key="cli.jpg")["Body"].read() == sample.read_bytes()
        thumbnail = s3.get_object(Bucket="tiny-pics", Key="cli.jpg")
        assert (thumbnail["ContentType"], Image.open(io.BytesIO(thumbnail["Body"].read())).size) == (
            "image/jpeg",
            (128, 128),
        )
        assert command("put", str(picture(tmp_path / "new.jpg")), "--data", str(tmp_path)).returncode == 0
        s3.head_object(Bucket="tiny-pics", Key="new.jpg")


def test_up_needs_a_clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["up"])
    assert result.exit_code == 1
    assert "no template.yaml here or above" in result.stderr


def test_parameters_reach_the_template(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["up", "--parameter", "Renditions"]).exit_code == 2
    options = ["WorkflowType=EXPRESS", "Api=off", "Renditions=64x64,thumb=32x32"]
    with up(tmp_path, *(word for option in options for word in ("--parameter", option))):
        assert facts_of(tmp_path).stack.api_url is None
        good, bad = picture(tmp_path / "cli.jpg"), tmp_path / "bad.jpg"
        bad.write_text("not a picture")
        put = CliRunner().invoke(app, ["put", str(good), str(bad), "--data", str(tmp_path)])
        assert put.exit_code == 1
        assert re.search(r"✓ cli\.jpg .* → 64×64 jpeg .*, 32×32 jpeg", put.stdout)
        assert "✗ bad.jpg  UnsupportedFormat" in put.stdout
        run = CliRunner().invoke(app, ["run", "-", "--data", str(tmp_path)], input=json.dumps(EVENT))
        assert (run.exit_code, json.loads(run.stdout)["width"]) == (0, 128)


# --- invoke, run, put, logs


def test_uploads_that_go_through_a_queue_are_waited_for_too(tmp_path: Path) -> None:
    with up(tmp_path, "--parameter", "Trigger=queue"):
        bad = tmp_path / "bad.jpg"
        bad.write_text("not a picture")
        put = CliRunner().invoke(app, ["put", str(picture(tmp_path / "cli.jpg")), str(bad), "--data", str(tmp_path)])
        assert "✓ cli.jpg" in put.stdout
        assert "✗ bad.jpg  UnsupportedFormat" in put.stdout
        assert put.exit_code == 1


@pytest.fixture
def cli(stack: LocalStack) -> Callable[..., Result]:
    def run(name: str, *arguments: str, **options: Any) -> Result:
        return CliRunner().invoke(app, [name, *arguments, "--data", str(stack.data)], **options)

    return run


def test_put_waits_for_the_thumbnail(cli: Callable[..., Result], stack: LocalStack, tmp_path: Path) -> None:
    folder = tmp_path / "日本"
    folder.mkdir()
    done = cli("put", str(picture(folder / "写真+a b.jpg")), "--prefix", "cli/")
    assert done.exit_code == 0, done.output
    assert "✓ cli/写真+a b.jpg  1200×800 jpeg" in done.stdout
    assert stack.s3.head_object(Bucket="original-pics", Key="cli/写真+a b.jpg")["ContentType"] == "image/jpeg"
    stack.s3.head_object(Bucket="tiny-pics", Key="cli/写真+a b.jpg")


def test_a_second_put_prints_the_second_result(cli: Callable[..., Result], tmp_path: Path) -> None:
    sample = picture(tmp_path / "twice.jpg", 1201, 801)
    assert "✓ twice.jpg  1201×801 jpeg" in cli("put", str(sample)).stdout
    again = cli("put", str(sample))
    assert again.exit_code == 0
    assert "✓ twice.jpg  skipped: the outputs are current" in again.stdout


def test_put_of_a_large_file_in_parts(cli: Callable[..., Result], tmp_path: Path) -> None:
    large = picture(tmp_path / "large.jpg", 800, 600)
    with large.open("ab") as file:
        file.write(bytes(9 * 2**20))  # bytes after a JPEG's end are ignored
    done = cli("put", str(large))
    assert done.exit_code == 0, done.output


def test_put_tells_of_failures_by_name_without_waiting(
    cli: Callable[..., Result], stack: LocalStack, tmp_path: Path
) -> None:
    text, cut, good = tmp_path / "text.png", tmp_path / "cut.jpg", picture(tmp_path / "good.jpg")
    text.write_text("hello")
    cut.write_bytes(good.read_bytes()[:900])
    done = cli("put", str(text), str(cut), str(good), "--timeout", "60")
    assert done.exit_code == 1
    assert "✗ text.png  UnsupportedFormat: " in done.stdout
    assert "✗ cut.jpg  CorruptImage: " in done.stdout
    assert "✓ good.jpg" in done.stdout
    assert stack.s3.head_object(Bucket="original-pics", Key="text.png")["ContentType"] == "image/png"


def test_put_refuses_two_files_of_one_key(cli: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    done = cli("put", str(picture(tmp_path / "a.jpg")), str(picture(tmp_path / "sub" / "a.jpg")))
    assert done.exit_code == 2
    assert "2 files would have the key a.jpg" in " ".join(done.stderr.split())


@pytest.mark.parametrize("name", ["invoke", "run"])
def test_an_event_succeeds_or_fails_by_name(
    cli: Callable[..., Result], stack: LocalStack, tmp_path: Path, name: str
) -> None:
    stack.s3.upload_file(str(picture(tmp_path / "cli.jpg")), "original-pics", "cli.jpg")
    event = tmp_path / "event.json"
    event.write_text(json.dumps(EVENT))
    done = cli(name, str(event))
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert {key: answer[key] for key in ("status", "source_bucket", "dest_bucket", "width", "height")} == {
        "status": "SUCCESS",
        "source_bucket": "original-pics",
        "dest_bucket": "tiny-pics",
        "width": 128,
        "height": 128,
    }
    failed = cli(name, "-", input=json.dumps(EVENT | {"width": 0}))
    assert failed.exit_code == 1
    answer = json.loads(failed.stdout)
    assert (answer["status"], answer["error"]) == ("FAILED", "InvalidRequest")
    assert "width" in answer["message"]


def test_run_shows_the_states_as_they_pass(cli: Callable[..., Result], stack: LocalStack, tmp_path: Path) -> None:
    stack.s3.upload_file(str(picture(tmp_path / "cli.jpg")), "original-pics", "cli.jpg")
    done = cli("run", "-", input=json.dumps(EVENT))
    assert re.findall(r"\d s  (\w+)", done.stderr) == ["ResizeImage", "CheckStatus", "Succeeded"]
    done = cli("run", "-", input=json.dumps(EVENT | {"key": "missing.jpg"}))
    assert re.findall(r"\d s  (\w+)", done.stderr) == ["ResizeImage", "CheckStatus", "Failed"]
    assert "FAILED SourceNotFound" in done.stderr


@pytest.mark.parametrize("name", ["invoke", "run"])
@pytest.mark.parametrize(
    ("event", "said"), [("missing.json", "No such file"), ("-", "is not JSON: Expecting value")], ids=["file", "json"]
)
def test_an_event_that_cannot_be_read_is_a_usage_error(
    cli: Callable[..., Result], name: str, event: str, said: str
) -> None:
    done = cli(name, event, input="nonsense")
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.split())


def test_logs_has_one_line_for_each_picture(cli: Callable[..., Result], tmp_path: Path) -> None:
    key = f"logs-{time.time_ns()}"
    cli("put", str(picture(tmp_path / "a.jpg")), "--prefix", f"{key}/")

    def look() -> list[str]:
        done = cli("logs", "--since", "1h")
        assert done.exit_code == 0
        found = [line for line in done.stdout.splitlines() if key in line]
        if not found:
            cli(*NEXT, input="{}")
        return found

    lines = eventually(look)
    assert len(lines) == 1
    assert re.match(
        rf"\d\d:\d\d:\d\d ✓ {key}/a\.jpg  1200×800 jpeg [\d.]+ kB → 128×128 jpeg [\d.]+ (kB|bytes)", lines[0]
    )
    assert cli("logs", "--since", "yesterday").exit_code == 2


def test_logs_follow_until_interrupted(stack: LocalStack, cli: Callable[..., Result], tmp_path: Path) -> None:
    follow = [sys.executable, "-m", "tinypics", "logs", "--follow", "--since", "1m", "--data", str(stack.data)]
    with subprocess.Popen(follow, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert cli("put", str(picture(tmp_path / "followed.jpg"))).exit_code == 0
            cli(*NEXT, input="{}")
            assert process.stdout
            assert any("✓ followed.jpg" in line for line in process.stdout)
        finally:
            process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert "Traceback" not in said


def test_the_way_to_aws_with_the_usual_environment(
    stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.facts.endpoint)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    (tmp_path / "config").write_text(
        "[profile pics]\nregion = us-east-1\naws_access_key_id = test\naws_secret_access_key = test\n"
    )
    sample = str(picture(tmp_path / "aws.jpg"))
    done = CliRunner().invoke(app, ["put", sample, "--profile", "pics"])
    assert done.exit_code == 0, done.output
    assert "✓ aws.jpg" in done.stdout
    done = CliRunner().invoke(app, ["run", "-", "--profile", "pics"], input=json.dumps(EVENT | {"key": "aws.jpg"}))
    assert (done.exit_code, json.loads(done.stdout)["status"]) == (0, "SUCCESS")
    done = CliRunner().invoke(app, ["logs", "--profile", "pics", "--stack", "other"])
    assert done.exit_code == 1
    assert "DescribeStacks: ValidationError: Stack with id other does not exist" in " ".join(done.stderr.split())


def test_without_an_emulator_local_says_how_to_start_one(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["logs", "--local", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert "start it with `tinypics up`" in " ".join(done.stderr.split())
