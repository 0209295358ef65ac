"""The function's log lines of a period, up to a given number."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from tinypics.stack.logs import document, pages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PAGES = 50  # pages to read; some may be empty


def read(
    logs: Any, group: str, start: int, end: int | None, most: int
) -> tuple[list[tuple[int, dict[str, Any]]], bool]:
    """(milliseconds since 1970, document) of the lines that are JSON objects, the oldest first; and whether the list is
    complete. Reads at most `most` lines of any kind.
    """
    documents: list[tuple[int, dict[str, Any]]] = []
    left = most
    for page, more in itertools.islice(pages(logs, group, start, end), _PAGES):
        documents += [(line.at, found) for line in page[:left] if (found := document(line.text))]
        if not more:
            return documents, len(page) <= left
        left -= len(page)
        if left <= 0:
            break
    return documents, False


def belongs(line: Mapping[str, Any], key: str, answers: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a line is about an execution for `key` with these `answers`. It was written during the execution.

    The line of an answer has all fields of the answer. An attempt that raised has no answer, so its key decides.
    """
    if line.get("status") in ("SUCCESS", "FAILED"):
        return any(answer.items() <= line.items() for answer in answers)
    return line.get("source_key") == key
