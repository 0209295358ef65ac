"""The advice to install an extra leads to the source of this installation; the pages lead to the repository."""

from __future__ import annotations

import json
import re
import tomllib
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from tinypics import install

PROJECT = Path(__file__).parents[1]
GIT = {"url": "https://git.example.org/fork.git", "vcs_info": {"vcs": "git", "commit_id": "0" * 40}}


def recorded(monkeypatch: pytest.MonkeyPatch, origin: object) -> None:
    text = None if origin is None else json.dumps(origin)
    monkeypatch.setattr(metadata, "distribution", lambda _: SimpleNamespace(read_text=lambda _: text))


@pytest.mark.parametrize(
    ("origin", "source"),
    [
        (GIT, "git+https://git.example.org/fork.git"),
        (
            GIT | {"vcs_info": {"vcs": "git", "commit_id": "0" * 40, "requested_revision": "v1"}},
            "git+https://git.example.org/fork.git@v1",
        ),
        ({"url": "file:///home/me/clone", "dir_info": {"editable": True}}, "file:///home/me/clone"),
        ({"url": "file:///tmp/a.whl", "archive_info": {}}, "file:///tmp/a.whl"),
        (None, f"git+{install.REPOSITORY}"),
    ],
    ids=["git", "a tag", "a clone", "a wheel", "not recorded"],
)
def test_an_extra_comes_from_the_source_of_this_installation(
    monkeypatch: pytest.MonkeyPatch, origin: object, source: str
) -> None:
    recorded(monkeypatch, origin)
    assert install.command("heif") == f'pip install "tinypics[heif] @ {source}"'


def test_without_an_installation_it_comes_from_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    assert install.command("heif") == f'pip install "tinypics[heif] @ git+{install.REPOSITORY}"'


def test_the_address_of_the_repository_is_the_same_everywhere() -> None:
    addresses = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["urls"].values()
    assert all(address.startswith(install.REPOSITORY) for address in addresses)
    texts = [PROJECT / "README.md", PROJECT / "mkdocs.yml", PROJECT / "template.yaml", *PROJECT.glob("docs/*.md")]
    named = {match[0] for path in texts for match in re.finditer(r"https://[\w.]*/tinypics/tinypics", path.read_text())}
    assert named == {install.REPOSITORY}


def test_no_text_installs_tinypics_from_an_index() -> None:
    texts = [
        *PROJECT.glob("*.md"),
        *PROJECT.glob("docs/*.md"),
        *PROJECT.glob("src/**/*.py"),
        *PROJECT.glob("src/**/*.js"),
    ]
    for path in texts:
        assert not re.search(r"pip install [\"']?tinypics(?!\[\w+\] @|\[\{extra\}\] @| @)", path.read_text()), path
