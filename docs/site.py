"""Adds pages and linked files from outside of docs/ to the site, and the address at which each page can be edited.

`mkdocs.yml` names this module as a hook. The site contains every file that a page links to: no relative link is broken.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tinypics import install

if TYPE_CHECKING:
    from mkdocs.structure.files import Files

PROJECT: Final = Path(__file__).parents[1]
PAGES: Final = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "benchmarks.md": "bench/README.md",
}
_LINK: Final = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#]+)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages from outside of docs/, and all files that pages link to."""
    from mkdocs.structure.files import File

    for name, path in PAGES.items():
        files.append(File.generated(config, name, content=(PROJECT / path).read_text(encoding="utf-8")))
    for page in [file for file in files if file.src_uri.endswith(".md")]:
        for target in linked(page.src_uri):
            place = address(target)
            if files.get_file_from_path(place) is None and target.is_file():
                files.append(File.generated(config, place, content=target.read_bytes()))
    return files


def on_pre_page(page: Any, **_: Any) -> Any:
    """Point the edit button to the page's source, which mkdocs cannot know for a page from outside of docs/."""
    page.edit_url = f"{install.REPOSITORY}/edit/main/{written(page.file.src_uri).relative_to(PROJECT).as_posix()}"
    return page


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Rewrite links to the addresses in the site. A folder has no page, so its link becomes plain text."""
    source = page.file.src_uri
    markdown = re.sub(
        r"\[([^\]]*)\]\((?!\w+:|#)([^)#]+)\)",
        lambda link: link[1] if resolved(source, link[2]).is_dir() else link[0],
        markdown,
    )
    return _LINK.sub(lambda link: address(resolved(source, link[1])), markdown)


def written(page: str) -> Path:
    """The source file of a page of the site."""
    return PROJECT / PAGES.get(page, f"docs/{page}")


def resolved(page: str, link: str) -> Path:
    return (written(page).parent / link).resolve()


def linked(page: str) -> list[Path]:
    return [resolved(page, link) for link in _LINK.findall(written(page).read_text(encoding="utf-8"))]


def address(target: Path) -> str:
    """The address of a file of the project in the site."""
    path = target.relative_to(PROJECT).as_posix()
    pages = {path: page for page, path in PAGES.items()}
    return pages.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else f"files/{path}")
