"""`tinypics resize` as a process."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.waiting import PATIENCE
from tinypics.cli.app import app

if TYPE_CHECKING:
    from typer.testing import Result


def resize(*arguments: object, **options: bytes) -> Result:
    return CliRunner().invoke(app, ["resize", *map(str, arguments)], **options)  # type: ignore[arg-type]


def picture(path: Path, size: tuple[int, int] = (300, 200)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.linear_gradient("L").resize(size).convert("RGB").save(path)
    return path


def size_of(source: Path | io.BytesIO) -> tuple[int, int]:
    with Image.open(source) as image:
        image.load()
        return image.size


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b.png"):
        picture(tmp_path / "photos" / name)
    return tmp_path / "photos"


def test_a_folder_with_a_summary(photos: Path, tmp_path: Path) -> None:
    done = resize(photos, "--to", "64x64", "--out", tmp_path / "out", "--jobs", 1)
    assert done.exit_code == 0, done.output
    first, second, *rest = done.stdout.splitlines()
    assert re.match(r".*/photos/a\.jpg → .*/out/a\.jpg  64×64 jpeg \d+ bytes$", first)
    assert " → " in second
    assert [line.split() for line in rest][:2] == [["Files", "2"], ["Resized", "2"]]
    assert rest[-1].split() == ["Written", "to", str(tmp_path / "out")]
    assert "Failed" not in done.stdout
    assert size_of(tmp_path / "out" / "b.png") == (64, 64)


def test_a_broken_file_does_not_stop_the_rest(photos: Path, tmp_path: Path) -> None:
    (photos / "broken\x1b[31m.jpg").write_text("hello")
    (photos / "notes.txt").write_text("hello")
    done = resize(photos, "--to", "64x64", "--out", tmp_path / "out")
    assert done.exit_code == 1
    table = {line[:24].strip(): line[24:].strip() for line in done.stdout.splitlines()}
    assert (table["Resized"], table["Skipped, not pictures"], table["Failed"], table["UnsupportedFormat"]) == (
        ("2", "1", "1", "1")
    )
    assert "broken\\x1b[31m.jpg: UnsupportedFormat: " in done.stderr
    assert "notes.txt" not in done.stderr


def test_json_has_the_result_of_each_file(photos: Path, tmp_path: Path) -> None:
    (photos / "broken.jpg").write_text("hello")
    done = resize(photos, "--to", "64x64-webp", "--out", tmp_path / "out", "--json")
    document = json.loads(done.stdout)
    results = {Path(item["source"]).name: item for item in document["results"]}
    written = results["a.jpg"]["written"][0]
    assert written | {"bytes": 0} == {
        "path": str(tmp_path / "out" / "a.jpg.webp"),
        "format": "webp",
        "width": 64,
        "height": 64,
        "bytes": 0,
    }
    assert results["broken.jpg"]["error"] == "UnsupportedFormat"
    assert {key: document[key] for key in ("files", "resized", "skipped", "failed", "failures")} == {
        "files": 3,
        "resized": 2,
        "skipped": 0,
        "failed": 1,
        "failures": {"UnsupportedFormat": 1},
    }
    assert document["bytes_out"] == sum(item["written"][0]["bytes"] for item in results.values() if "written" in item)
    assert document["bytes_in"] == sum((photos / name).stat().st_size for name in ("a.jpg", "b.png"))


def test_json_has_dropped_parts_and_lenient_accepts_half_a_picture(tmp_path: Path) -> None:
    cut = tmp_path / "cut.jpg"
    whole = picture(tmp_path / "whole.jpg", (1200, 800)).read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    assert resize(cut, "--to", "64x64", "--out", tmp_path / "out").exit_code == 1
    done = resize(cut, "--to", "64x64", "--out", tmp_path / "out", "--lenient", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["results"][0]["written"][0]["dropped"] == ["missing-data"]


def test_standard_input_to_standard_output(photos: Path) -> None:
    done = resize("-", "--to", "64x64", "--out", "-", input=(photos / "a.jpg").read_bytes())
    assert done.exit_code == 0
    assert size_of(io.BytesIO(done.stdout_bytes)) == (64, 64)
    done = resize(photos / "a.jpg", "--to", "x50-png", "--out", "-")
    assert size_of(io.BytesIO(done.stdout_bytes)) == (75, 50)


@pytest.mark.parametrize(
    ("source", "data", "said"),
    [("-", b"hello", "UnsupportedFormat: "), ("missing.jpg", b"", "SourceNotFound: no such file: missing.jpg")],
)
def test_a_stream_that_is_no_picture(source: str, data: bytes, said: str) -> None:
    done = resize(source, "--to", "64x64", "--out", "-", input=data)
    assert (done.exit_code, done.stdout_bytes) == (1, b"")
    assert said in done.stderr


def test_a_folder_that_cannot_be_written_is_reported_once(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = resize(photos, "--to", "64x", "--out", photos / "a.jpg" / "out")
    assert done.exit_code == 2
    assert "--out: expected a folder" in done.stderr
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write into any folder
    done = resize(photos, "--to", "64x", "--out", tmp_path / "new" / "out")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"--out: {tmp_path} is read-only, or it belongs to another user.\n"


def test_a_folder_without_files_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = resize(str(tmp_path / "empty"), "--to", "64x", "--out", str(tmp_path / "out"))
    assert (done.exit_code, done.stderr.partition(".")[0]) == (1, "There are no files to resize")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.jpg", "--to", "0x0", "--out", "out"], "width"),
        (["a.jpg", "--to", "large", "--out", "out"], '"large"'),
        (["a.jpg", "--to", "64x", "--to", "64x", "--out", "out"], "each rendition once"),
        (["-", "--to", "64x", "--out", "out"], "one stream holds one picture"),
        (["a.jpg", "b.jpg", "--to", "64x", "--out", "-"], "one stream holds one picture"),
        (["-", "--to", "64x", "--to", "32x", "--out", "-"], "one stream holds one picture"),
        (["a.jpg", "--to", "64x"], "--out"),
        (["a.jpg", "--out", "out"], "--to"),
        (["--to", "64x", "--out", "out"], "PATH"),
        (["a.jpg", "--to", "64x", "--out", "pyproject.toml"], "is a file"),
        (["a.jpg", "--to", "64x", "--out", "out", "--name", "{size}.{ext}"], "fields {stem}, {name}"),
        (["a.jpg", "--to", "64x", "--out", "out", "--name", "{stem.{ext}"], 'got "{stem.{ext}"'),
        (["a.jpg", "--to", "64x", "--out", "out", "--name", "{stem}.webp"], ".{ext} at the end"),
        (["a.jpg", "--to", "64x", "--out", "out", "--name", "../{stem}.{ext}"], "a path below --out"),
        (["a.jpg", "--to", "64x", "--to", "32x", "--out", "out", "--name", "{stem}.{ext}"], "several renditions"),
        (["a.jpg", "b.jpg", "--to", "64x", "--out", "out", "--name", "{width}.{ext}"], "{stem} or {name}"),
        (["a.jpg", "a.png", "--to", "64x", "--out", "out", "--name", "{stem}.{ext}"], "a.jpg and a.png have one stem"),
        (["-", "--to", "64x", "--out", "-", "--name", "{stem}.{ext}"], "a folder, with --name"),
    ],
)
def test_a_command_that_is_not_understood(arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    monkeypatch.setenv("COLUMNS", "500")  # otherwise the message is wrapped
    done = resize(*arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert not Path("out").exists()


@pytest.mark.process
def test_ctrl_c_leaves_whole_files_only(tmp_path: Path) -> None:
    source = picture(tmp_path / "in" / "0.jpg", (4000, 3000)).read_bytes()
    for index in range(1, 60):
        (tmp_path / "in" / f"{index}.jpg").write_bytes(source)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "tinypics", "resize", str(tmp_path / "in"), "--to", "2000x", "--out", str(out)]
    with subprocess.Popen(
        [*command, "--jobs", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        while not list(out.glob("*.jpg")):
            assert process.poll() is None
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)  # to the whole process group, as the terminal does
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "every written file is complete" in said
    assert "Traceback" not in said
    done = sorted(path.name for path in out.iterdir())
    assert 1 <= len(done) < 60
    for name in done:
        assert size_of(out / name) == (2000, 1500)


def test_nothing_of_aws_is_imported(photos: Path, tmp_path: Path) -> None:
    script = f"""
import sys
for name in ("boto3", "botocore", "obstore", "ministack", "samtranslator"):
    sys.modules[name] = None  # as if it were not installed
from tinypics.cli import main
sys.argv = ["tinypics", "resize", {str(photos)!r}, "--to", "64x64", "--out", {str(tmp_path / "out")!r}]
if __name__ == "__main__":
    main()
"""
    file = tmp_path / "run.py"
    file.write_text(script)
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert size_of(tmp_path / "out" / "a.jpg") == (64, 64)
