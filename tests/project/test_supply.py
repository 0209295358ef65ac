"""The artifact has only pinned packages; every threat on the security page has its test."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PINNED = [
    "src/requirements.txt",
    "requirements-dev.txt",
    "bench/requirements.txt",
    *(f"audit/{n}.txt" for n in ("policies", "supply")),
]
NODE = ["bench/node", "audit"]
SECURITY = (PROJECT / "docs" / "security.md").read_text()


@pytest.mark.parametrize("name", PINNED)
def test_every_pinned_version_has_its_hashes(name: str) -> None:
    text = (PROJECT / name).read_text()
    requirements = re.findall(r"^([A-Za-z0-9][^\n]*(?:\n {4}[^\n]*)*)", text, re.MULTILINE)
    assert requirements
    for requirement in requirements:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z,-]+\])?==[\w.]+( ;[^\\]+)?\s*\\", requirement), requirement[:80]
        assert "--hash=sha256:" in requirement
    assert not re.search(r"https?://|--(extra-)?index-url [^-]|--find-links", text.split("\n", 2)[2])


@pytest.mark.parametrize("folder", NODE)
def test_every_pinned_package_of_npm_has_its_hash_and_no_address(folder: str) -> None:
    text = (PROJECT / folder / "package-lock.json").read_text()
    lock = json.loads(text)
    wanted = json.loads((PROJECT / folder / "package.json").read_text())["dependencies"]
    assert lock["packages"].pop("")["dependencies"] == wanted
    assert all(re.fullmatch(r"[\d.]+", version) for version in wanted.values())
    assert all(package["integrity"].startswith("sha512-") for package in lock["packages"].values())
    assert "://" not in text


def test_what_ships_is_installed_by_hash_from_wheels_alone() -> None:
    recipe = (PROJECT / "src" / "Makefile").read_text()
    assert "--require-hashes --only-binary :all:" in recipe
    assert "--requirement requirements.txt" in recipe


def test_only_named_packages_ship() -> None:
    names = set(re.findall(r"^([a-z0-9-]+)==", (PROJECT / "src" / "requirements.txt").read_text(), re.MULTILINE))
    pyproject = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    project = pyproject["project"]
    extras = project["optional-dependencies"]
    named = [*project["dependencies"], *extras["aws"], *extras["heif"]]
    ships = pyproject["dependency-groups"]["function"]
    assert set(named) - set(ships) == {"tinypics[heif]", "rich>=15", "typer>=0.29"}  # of the command line
    assert set(ships) <= set(named)
    direct = {each.partition(">=")[0] for each in ships}
    assert direct <= names
    assert names - direct <= {"typing-extensions"}  # for obstore, on old Pythons


@pytest.mark.parametrize("path", sorted((PROJECT / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.name)
def test_a_forges_workflow_pins_its_actions_by_commit_and_may_only_read(path: Path) -> None:
    text = path.read_text()
    actions = re.findall(r"uses: *(.*)", text)
    assert actions
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action) for action in actions)
    assert re.findall(r"permissions:.*(?:\n +.*)*", text) == ["permissions:\n  contents: read"]


def test_only_the_console_signs_addresses() -> None:
    signers = [
        path.relative_to(PROJECT / "src").as_posix()
        for path in (PROJECT / "src").rglob("*.py")
        if re.search(r"generate_presigned|obstore\.sign|sign_async", path.read_text())
    ]
    assert signers == ["tinypics/console/pictures.py"]


def rows() -> dict[str, str]:
    """The last cell of every row of the page's tables, by the first cell."""
    found = re.findall(r"^\| ([^|]+) \|.*\| ([^|]+) \|$", SECURITY, re.MULTILINE)
    return {first: last for first, last in found if last != "test" and not first.startswith("-")}


def test_every_threat_has_its_row() -> None:
    assert {f"T{number}" for number in range(1, 19)} < set(rows())


@pytest.mark.parametrize(("threat", "tests"), rows().items(), ids=lambda text: text[:30])
def test_every_row_names_tests_that_exist(threat: str, tests: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", tests)
    assert named
    for path, test in named:
        tree = ast.parse((PROJECT / path).read_text())
        assert test in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, (path, test)
