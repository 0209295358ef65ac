"""A release has every file with its checksum, in archives of the same bytes, and names its version in each place."""

from __future__ import annotations

import hashlib
import re
import tomllib
import zipfile
from pathlib import Path

import pytest

import tinypics
from release import gather
from tests import transformed
from tinypics import install

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def build(tmp_path: Path) -> Path:
    for name in ("dist", *(f"lambda-{each}/tinypics" for each in gather.ARCHITECTURES)):
        (tmp_path / name).mkdir(parents=True)
    for name in (f"tinypics-{tinypics.__version__}.tar.gz", f"tinypics-{tinypics.__version__}-py3-none-any.whl"):
        (tmp_path / "dist" / name).write_text(name)
    (tmp_path / "sbom.json").write_text("{}")
    for each in gather.ARCHITECTURES:
        (tmp_path / f"lambda-{each}" / "lambda_function.py").write_text("a = 1\n")
        (tmp_path / f"lambda-{each}" / "tinypics" / "b.so").write_bytes(bytes(99))
        (tmp_path / f"lambda-{each}" / "tinypics" / "b.so").chmod(0o700)
    return tmp_path


def test_it_has_every_file_with_its_checksum(build: Path) -> None:
    files = gather.gather(build, build / "release")
    names = [path.name for path in files]
    version = tinypics.__version__
    assert set(names) == {
        *(f"tinypics-{version}.tar.gz", f"tinypics-{version}-py3-none-any.whl", "sbom.json", "SHA256SUMS"),
        *(f"tinypics-{version}-lambda-{each}.zip" for each in ("arm64", "x86_64")),
    }
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in files[:-1]]
    assert files[-1].read_text().splitlines() == sums


def test_the_same_files_give_the_same_archive_whatever_their_times(build: Path) -> None:
    folder = build / "lambda-arm64"
    gather.pack(folder, build / "a.zip")
    text = (folder / "lambda_function.py").read_bytes()
    (folder / "lambda_function.py").unlink()
    (folder / "lambda_function.py").write_bytes(text)
    gather.pack(folder, build / "b.zip")
    assert (build / "a.zip").read_bytes() == (build / "b.zip").read_bytes()


def test_every_user_can_read_the_files_of_an_archive(build: Path) -> None:
    gather.pack(build / "lambda-arm64", build / "a.zip")
    with zipfile.ZipFile(build / "a.zip") as archive:
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
    assert modes == {"lambda_function.py": 0o644, "tinypics/b.so": 0o755}


@pytest.mark.parametrize("left", [[], ["tinypics-0.0.9.tar.gz"]])
def test_packages_of_another_version_are_refused(build: Path, left: list[str]) -> None:
    for path in (build / "dist").iterdir():
        path.unlink()
    for name in left:
        (build / "dist" / name).touch()
    with pytest.raises(SystemExit, match=f"expected packages of {tinypics.__version__}, got {(left or ['none'])[0]}"):
        gather.gather(build, build / "release")


def test_an_address_that_nobody_can_reach_is_named_before_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "REPOSITORY", "https://forge.example/a/b")
    assert gather.steps(Path("r")).startswith("First set REPOSITORY in src/tinypics/install.py")
    monkeypatch.setattr(install, "REPOSITORY", "https://git.example.org/a/b")
    assert gather.steps(Path("r")).startswith("To publish")


def test_the_application_repository_accepts_the_metadata_of_the_template() -> None:
    """SAM developer guide, "AWS SAM template Metadata section properties"."""
    facts = transformed.written()["Metadata"]["AWS::ServerlessRepo::Application"]
    assert facts["SemanticVersion"] == tinypics.__version__
    assert re.fullmatch(r"[a-zA-Z0-9-]{1,140}", facts["Name"])
    assert 1 <= len(facts["Description"]) <= 256
    assert re.fullmatch(r"(?=.{1,127}$)[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?", facts["Author"])
    assert len(facts["Labels"]) <= 10
    assert all(re.fullmatch(r"[a-zA-Z0-9+\-_:/@]{1,127}", label) for label in facts["Labels"])
    assert all((PROJECT / facts[name]).is_file() for name in ("LicenseUrl", "ReadmeUrl"))
    assert facts["SourceCodeUrl"] == install.REPOSITORY


def test_the_first_line_of_the_readme_has_the_facts_of_the_package() -> None:
    facts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    line = next(line for line in (PROJECT / "README.md").read_text().splitlines() if line.startswith("[Version"))
    version, python, _, licence = line.split(" · ")
    assert version == f"[Version {tinypics.__version__}](CHANGELOG.md)"
    assert f">={python.split()[1]}" == facts["requires-python"]
    assert licence == f"[{facts['license']}](LICENSE)"


def test_the_forge_builds_a_tag_by_the_commands_of_the_project() -> None:
    text = (PROJECT / ".github" / "workflows" / "release.yml").read_text()
    targets = re.findall(r"run: make (\w+)", text)
    assert targets == ["release", "notes"]
    makefile = (PROJECT / "Makefile").read_text()
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
