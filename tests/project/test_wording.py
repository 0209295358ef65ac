"""One word for one thing, and sentences that begin with their subject."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PROJECT = Path(__file__).parents[2]
SOURCES = sorted((PROJECT / "src").rglob("*.py"))
SCRIPTS = sorted((PROJECT / "src").rglob("*.js"))
PAGES = [PROJECT / "README.md", PROJECT / "template.yaml", *sorted((PROJECT / "docs").glob("*.md"))]

# By phrase: the term of the field that readers know.
EVERYWHERE = {
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
    r"what becomes of": "the outcome, the result",
    r"puts? right": "repairs",
    r"by a twin|a twin's": "a concurrent invocation",
}
# Pages of docs/ still have some of these.
SOURCE = EVERYWHERE | {
    r"passing reasons?": "a transient error",
    r"for good": "permanently",
    r"processor'?s? time": "CPU time",
    r"process that decodes": "the worker",
    r"(?:the|an|local) engine": "the emulator",
    r"what became of": "the outcome, the result",
    r"whoever|whichever way": "a noun",
    r"strangers?'?": "untrusted input",
    r"tried again": "retried",
    r"in hand": "in progress",
    r"held against": "compared with",
}


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


def strings(path: Path, *, docstrings: bool) -> Iterator[Prose]:
    """Strings that are statements (docstrings, also those below a constant), or all others (messages)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and (id(node) in statements) == docstrings:
            yield Prose(f"{path.relative_to(PROJECT)}:{node.lineno}", node.value)


def explanations(path: Path) -> Iterator[Prose]:
    yield from comments(path)
    yield from strings(path, docstrings=True)


def found(prose: Prose, words: dict[str, str]) -> list[str]:
    text = " ".join(prose.text.split())
    return [
        f'{prose.place}: "{match[0]}": say "{better}"'
        for phrase, better in words.items()
        for match in re.finditer(rf"(?<![\w-]){phrase}(?![\w-])", text, re.IGNORECASE)
    ]


def riddles(prose: Prose) -> list[str]:
    """Statements whose subject is a relative clause."""
    starts = re.finditer(
        r"(?:^|[.:;!?]\s+|\n\s*\n\s*)((?:what|who|whoever|whatever)\b[^.?!]*[.?!]?)", prose.text, re.IGNORECASE
    )
    return [f"{prose.place}: {start[1][:60]}" for start in starts if not start[1].endswith("?")]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PROJECT / "src")))
def test_the_source_uses_the_terms_of_the_field(path: Path) -> None:
    prose = [*explanations(path), *strings(path, docstrings=False)]
    assert not [each for text in prose for each in found(text, SOURCE)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PROJECT / "src")))
def test_sentences_of_the_source_begin_with_their_subject(path: Path) -> None:
    assert not [each for text in explanations(path) for each in riddles(text)]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_the_pages_scripts_use_the_terms_of_the_field(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not found(Prose(path.name, text), SOURCE)
    for comment in re.findall(r"(?:^\s*|\s)(?://|/\*\*?) (.*?)(?:\*/)?$", text, re.MULTILINE):
        assert not riddles(Prose(path.name, comment))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_pages_use_the_terms_of_the_field(path: Path) -> None:
    prose = Prose(str(path.relative_to(PROJECT)), path.read_text(encoding="utf-8"))
    assert not found(prose, EVERYWHERE)


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
    assert [each for text in explanations(path) for each in riddles(text)] == [
        "module.py:2: who waits, waits for a passing",
        "module.py:1: What decodes a picture goes here.",
    ]
    prose = [*explanations(path), *strings(path, docstrings=False)]
    assert [each for text in prose for each in found(text, SOURCE)] == [
        'module.py:3: "came to a halt": say "hangs"',
        'module.py:5: "for good": say "permanently"',
    ]
