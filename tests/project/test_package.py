"""The package: reproducible, complete, typed, and with the public names of the docs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import tinypics
from tinypics import install

PROJECT = Path(__file__).parents[2]

PROBE = """
import sys
sys.path.insert(0, sys.argv[1])
sys.modules |= dict.fromkeys(("boto3", "obstore", "pi_heif"))  # as if no extra were installed
import importlib.metadata, pathlib, tinypics
assert pathlib.Path(tinypics.__file__).is_relative_to(sys.argv[1])
found = importlib.metadata.distribution("tinypics")
assert found.version == tinypics.__version__
assert (pathlib.Path(tinypics.__file__).parent / "py.typed").exists()
import io
from PIL import Image
made = io.BytesIO()
Image.new("RGB", (64, 48)).save(made, "PNG")
assert tinypics.resize(made.getvalue(), "16x16").width == 16
assert not {"typer", "rich"} & set(sys.modules)
pathlib.Path(sys.argv[2], "a.png").write_bytes(made.getvalue())
(script,) = found.entry_points
for command in (["resize", "a.png", "--to", "8x8", "--out", "small"], ["logs"]):
    sys.argv[1:] = command
    try:
        script.load()()
    except SystemExit as end:
        print(end.code)
"""


def build(folder: Path, *options: str, native: str = "0") -> dict[str, Path]:
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder), *options]
    variables = {"SOURCE_DATE_EPOCH": "1790000000", "TINYPICS_NATIVE": native}
    subprocess.run(command, check=True, capture_output=True, cwd=PROJECT, env=os.environ | variables)
    return {path.suffix: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return build(tmp_path_factory.mktemp("dist"))


@pytest.mark.release
def test_the_same_sources_give_the_same_bytes(built: dict[str, Path], tmp_path: Path) -> None:
    again = build(tmp_path)
    assert {kind: path.read_bytes() for kind, path in built.items()} == {
        kind: path.read_bytes() for kind, path in again.items()
    }
    assert set(built) == {".whl", ".gz"}


@pytest.mark.release
@pytest.mark.skipif(not shutil.which("cc"), reason="needs a C compiler: cc")
def test_a_wheel_has_the_native_module_where_it_compiles(built: dict[str, Path], tmp_path: Path) -> None:
    wheels = [build(tmp_path / name, "-t", "wheel", native="1")[".whl"] for name in ("one", "two")]
    assert wheels[0].read_bytes() == wheels[1].read_bytes()
    assert re.fullmatch(r"tinypics-[\d.]+-cp311-abi3-\w+_\w+\.whl", wheels[0].name)
    assert built[".whl"].name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheels[0]) as native, zipfile.ZipFile(built[".whl"]) as pure:
        added = set(native.namelist()) - set(pure.namelist())
        assert added == {"tinypics/_native.abi3.so"}
        assert native.getinfo("tinypics/_native.abi3.so").external_attr >> 16 & 0o444 == 0o444


@pytest.mark.release
def test_the_wheel_has_the_package_and_the_sdist_its_sources(built: dict[str, Path]) -> None:
    modules = {str(path.relative_to(PROJECT / "src")) for path in (PROJECT / "src" / "tinypics").rglob("*.py")}
    with zipfile.ZipFile(built[".whl"]) as wheel:
        names = set(wheel.namelist())
    assert {name for name in names if name.endswith(".py")} == modules
    assert any(name.endswith("licenses/LICENSE") for name in names)
    with tarfile.open(built[".gz"]) as sdist:
        top = {name.split("/", 2)[1] for name in sdist.getnames() if "/" in name}
    assert top >= {"src", "README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "PKG-INFO"}
    assert top >= {
        "template.yaml",
        "monitoring.yaml",
        "cdn.yaml",
        "step-function-definition.json",
        "backfill-definition.json",
    }
    assert not top & {"bench", "tests", "docs"}
    with tarfile.open(built[".gz"]) as sdist:
        sources = {name for name in sdist.getnames() if "/src/native/" in name or name.endswith(".so")}
    assert {name.rsplit("/", 1)[1] for name in sources} == {
        path.name for path in (PROJECT / "src" / "native").iterdir() if path.is_file()
    }


@pytest.mark.release
def test_it_works_without_extras_and_says_which_one_is_missing(built: dict[str, Path], tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*pip, "--target", str(tmp_path), str(built[".whl"])], check=True, capture_output=True)
    folder = tmp_path / "pictures"
    folder.mkdir()
    command = [sys.executable, "-I", "-c", PROBE, str(tmp_path), str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    # pip records the address of what it installed, here the wheel.
    advice = f'This command needs boto3: pip install "tinypics[local] @ {built[".whl"].as_uri()}"'
    assert ran.stdout.splitlines()[-2:] == ["0", advice], ran.stderr
    assert (folder / "small" / "a.png").exists()


@pytest.mark.parametrize(
    ("module", "command", "extra"),
    [
        ("boto3", ["logs"], "local"),
        ("obstore", ["backfill", "--engine", "local", "--from", ".", "--to", "small"], "aws"),
    ],
)
def test_a_command_whose_extra_is_missing_names_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str, command: list[str], extra: str
) -> None:
    program = f"import sys; sys.modules[{module!r}] = None; from tinypics.cli import main; main()"
    monkeypatch.chdir(tmp_path)
    ran = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr.strip()) == (
        1,
        f"This command needs {module}: {install.command(extra)}",
    )


def test_the_module_is_the_command() -> None:
    ran = subprocess.run([sys.executable, "-m", "tinypics", "--version"], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout.strip()) == (0, f"tinypics {tinypics.__version__}")


def test_the_version_has_one_place_and_its_release_notes() -> None:
    pyproject = (PROJECT / "pyproject.toml").read_text()
    assert 'dynamic = ["version"]' in pyproject
    assert not re.search(r"^version = \"", pyproject, re.MULTILINE)
    headings = re.findall(r"^## (.+)$", (PROJECT / "CHANGELOG.md").read_text(), re.MULTILINE)
    released = headings[1:] if headings[0] == "Unreleased" else headings
    versions = [re.fullmatch(r"(\d+\.\d+\.\d+) \(\d{4}-\d\d-\d\d\)", heading) for heading in released]
    assert all(versions)
    # The notes of this version are the section Unreleased until its release.
    assert headings[0] == "Unreleased" or headings[0].startswith(f"{tinypics.__version__} (")


def test_every_extra_is_on_the_page() -> None:
    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    page = (PROJECT / "docs" / "library.md").read_text()
    assert set(re.findall(r"^\| `tinypics\[(\w+)\]` \|", page, re.MULTILINE)) == set(extras)


def test_every_public_name_has_a_home() -> None:
    assert set(tinypics._HOMES) == set(tinypics.__all__)


def test_every_public_name_is_there_and_in_the_reference() -> None:
    reference = (PROJECT / "docs" / "library.md").read_text().split("## Reference", 1)[1]
    for name in tinypics.__all__:
        assert getattr(tinypics, name).__doc__
        assert f"::: tinypics.{tinypics._HOMES[name]}.{name}\n" in reference or tinypics._HOMES[name] == "errors"
