"""One word for one thing, and sentences that begin with their subject."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

PROJECT = Path(__file__).parents[2]
ITSELF = Path(__file__).resolve()
PYTHON = sorted(
    path
    for pattern in (
        "src/**/*.py",
        "tests/**/*.py",
        "bench/**/*.py",
        "docs/*.py",
        "examples/**/*.py",
        "audit/*.py",
        "release/*.py",
        "edge/*.py",
    )
    for path in PROJECT.glob(pattern)
)
SCRIPTS = sorted([*PROJECT.glob("src/**/*.js"), *PROJECT.glob("edge/*.js"), *PROJECT.glob("examples/**/*.mjs")])
PAGES = [*(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "bench/README.md"))]
PAGES += sorted(PROJECT.glob("docs/*.md"))
COMMENTED = [
    PROJECT / name
    for name in (
        *(
            "template.yaml",
            "monitoring.yaml",
            "cdn.yaml",
            "samconfig.toml",
            "pyproject.toml",
            "mkdocs.yml",
            "audit/checkov.yaml",
        ),
        *("Makefile", "src/Makefile", ".ci/run", ".github/workflows/test.yml", ".github/workflows/release.yml"),
    )
]
DEFINITIONS = sorted(PROJECT.glob("*-definition.json"))

# By phrase: the term of the field that readers know.
WORDS = {
    r"shall come again": "is redelivered",
    r"did not come whole": "was cut short",
    r"doing \w+ again does only what is missing": "is idempotent",
    r"goes on from": "continues with the pagination token",
    r"somebody else was faster": "a conflict",
    r"hands? (?:out|over) the (?:work|keys)": "submits tasks",
    r"for ever": "endlessly",
    r"(?:decoders?|decoding|pictures?) (?:\w+ )?apart": "in the sandbox",
    r"(?:come|comes|came) to a halt": "hangs",
    r"(?:write|writes|wrote|written) down": "log or record",
    r"what (?:becomes|became) of": "the outcome, the result",
    r"puts? right": "repairs",
    r"by a twin|a twin's": "a concurrent invocation",
    r"passing reasons?": "a transient error",
    r"for good": "permanently",
    r"processor'?s? time": "CPU time",
    r"process that decodes": "the worker",
    r"(?:the|an|local) engine": "the emulator",
    r"whoever|whichever way": "a noun",
    r"strangers?'?": "untrusted input",
    r"tried again": "retried",
    r"in hand": "in progress",
    r"held against": "compared with",
}
ANY = re.compile(rf"(?<![\w-])(?:{'|'.join(WORDS)})(?![\w-])", re.IGNORECASE)


class Prose(NamedTuple):
    """Text for people, and where it begins."""

    place: str
    text: str


def comments(path: Path) -> Iterator[Prose]:
    """Every comment; one of several lines as one text."""
    begin, following, lines = 0, 0, list[str]()
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type != tokenize.COMMENT:
            continue
        line = token.start[0]
        whole = not token.line[: token.start[1]].strip()
        if lines and not (whole and line == following):
            yield _prose(path, begin, lines)
            lines = []
        begin = begin if lines else line
        following = line + 1 if whole else 0
        lines.append(token.string)
    if lines:
        yield _prose(path, begin, lines)


def _prose(path: Path, line: int, lines: list[str]) -> Prose:
    text = " ".join(re.sub(r"^#+:?\s*(?:(?:noqa|type|pragma)\b[^-]*(?:- )?)?", "", each) for each in lines)
    return Prose(f"{path.relative_to(PROJECT)}:{line}", text)


def strings(path: Path) -> tuple[list[Prose], list[Prose]]:
    """Strings that are statements (docstrings, also those below a constant), and all others (messages)."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    statements = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    docstrings, messages = list[Prose](), list[Prose]()
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            prose = Prose(f"{path.relative_to(PROJECT)}:{node.lineno}", node.value)
            (docstrings if id(node) in statements else messages).append(prose)
    return docstrings, messages


def found(prose: Prose) -> list[str]:
    text = " ".join(prose.text.split())
    return [
        f'{prose.place}: "{match[0]}": say "{better}"'
        for match in ANY.finditer(text)
        for phrase, better in WORDS.items()
        if re.fullmatch(phrase, match[0], re.IGNORECASE)
    ]


def riddles(prose: Prose) -> list[str]:
    """Statements whose subject is a relative clause."""
    starts = re.finditer(
        r"(?:^|[.:;!?]\s+|\n\s*\n\s*)((?:what|who|whoever|whatever)\b[^.?!]*[.?!]?)", prose.text, re.IGNORECASE
    )
    return [f"{prose.place}: {start[1][:60]}" for start in starts if not start[1].endswith("?")]


def named(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def paragraphs(page: str) -> str:
    """The sentences of a page in Markdown: without code, tables and headings, each list item as a paragraph."""
    page = re.sub(r"^( *)(```|~~~).*?^\1\2$", "", page, flags=re.MULTILINE | re.DOTALL)
    page = re.sub(r"^(?:#|\||<!--|!\[).*$", "\n", page, flags=re.MULTILINE)
    return re.sub(r"^ *(?:[-*]|\d+\.) +(?:\*\*)?", "\n", page, flags=re.MULTILINE)


def notes(path: Path) -> Iterator[Prose]:
    """Comments and descriptions of a file that is neither Python nor Markdown."""
    text = path.read_text(encoding="utf-8")
    blocks = re.finditer(r"^(?:[ \t]*@?#.*\n)+|(?<=\S)[ \t]+#+ .*|(?<=Description: ).*", text, re.MULTILINE)
    for block in blocks:
        words = re.sub(r"\n?[ \t]*@?#+[ \t]*", " ", block[0]).strip(' "\n')
        yield Prose(f"{named(path)}:{text.count(chr(10), 0, block.start()) + 1}", words)


def remarks(node: Any) -> Iterator[str]:
    """The comments of a workflow definition."""
    if isinstance(node, dict):
        yield from (text for name, text in node.items() if name == "Comment")
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from remarks(each)


@pytest.mark.parametrize("path", PYTHON, ids=named)
def test_python_uses_the_terms_of_the_field_and_begins_sentences_with_their_subject(path: Path) -> None:
    docstrings, messages = strings(path)
    explanations = [*comments(path), *docstrings]
    assert not [each for text in explanations for each in riddles(text)]
    phrases = messages if path != ITSELF else []  # this file has the phrases themselves
    assert not [each for text in (*explanations, *phrases) for each in found(text)]


@pytest.mark.parametrize("path", SCRIPTS, ids=named)
def test_the_pages_scripts_use_the_terms_of_the_field(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not found(Prose(path.name, text))
    for comment in re.findall(r"(?:^\s*|\s)(?://|/\*\*?) (.*?)(?:\*/)?$", text, re.MULTILINE):
        assert not riddles(Prose(path.name, comment))


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_pages_use_the_terms_of_the_field_and_begin_sentences_with_their_subject(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not found(Prose(named(path), text))
    assert not riddles(Prose(named(path), paragraphs(text)))


@pytest.mark.parametrize("path", COMMENTED, ids=named)
def test_templates_and_recipes_use_the_terms_of_the_field(path: Path) -> None:
    assert not found(Prose(named(path), path.read_text(encoding="utf-8")))
    assert not [each for text in notes(path) for each in riddles(text)]


@pytest.mark.parametrize("path", DEFINITIONS, ids=named)
def test_comments_of_definitions_use_the_terms_of_the_field(path: Path) -> None:
    prose = [Prose(named(path), text) for text in remarks(json.loads(path.read_text(encoding="utf-8")))]
    assert prose
    assert not [each for text in prose for each in (*found(text), *riddles(text))]


def test_a_phrase_of_the_list_is_found_in_comments_and_strings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.PROJECT", tmp_path)
    path = tmp_path / "module.py"
    path.write_text(
        '"""Starts well. What decodes a picture goes here."""\n'
        "engine = 1  # noqa: S101 - who waits, waits for a passing\n"
        "# a comment of two lines that came to\n"
        "# a halt\n"
        'message = f"it failed for {engine} good, and for good"\n'
    )
    docstrings, messages = strings(path)
    explanations = [*comments(path), *docstrings]
    assert [each for text in explanations for each in riddles(text)] == [
        "module.py:2: who waits, waits for a passing",
        "module.py:1: What decodes a picture goes here.",
    ]
    assert [each for text in (*explanations, *messages) for each in found(text)] == [
        'module.py:3: "came to a halt": say "hangs"',
        'module.py:5: "for good": say "permanently"',
    ]


def test_a_sentence_of_a_page_is_found_wherever_it_begins() -> None:
    page = """# What it costs

Whoever asks,
asks. What is
asked? Plain text
| What a cell says | is no sentence |
- **What an item says** counts.
1. Who is second, waits.

```console
What a program prints.
```
"""
    assert [each.removeprefix("page: ") for each in riddles(Prose("page", paragraphs(page)))] == [
        *("Whoever asks,\nasks.", "What an item says** counts.", "Who is second, waits.")
    ]


def test_a_comment_and_a_description_of_a_template_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.PROJECT", tmp_path)
    path = tmp_path / "template.yaml"
    path.write_text(
        "# Who waits, waits, because of\n"
        "# what follows.\n"
        "Name: a # what it is\n"
        "    Description: Fine. What follows is not.\n"
    )
    assert [each for text in notes(path) for each in riddles(text)] == [
        "template.yaml:1: Who waits, waits, because of what follows.",
        "template.yaml:3: what it is",
        "template.yaml:4: What follows is not.",
    ]
    assert list(remarks({"States": {"A": {"Comment": "a"}, "B": [{"Comment": "b"}]}})) == ["a", "b"]
