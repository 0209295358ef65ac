"""The tags of output objects: `team=photos&kind=thumbnail`, as in the header `x-amz-tagging`.

S3 counts the lengths of names and values in UTF-16 (S3 user guide, "Categorizing your objects using tags").
"""

from __future__ import annotations

from typing import Final
from unicodedata import category
from urllib.parse import parse_qsl

from tinypics.errors import InvalidConfiguration

_ALLOWED: Final = "at most %d letters, digits, spaces and + - = . _ : / @"


def parse(name: str, text: str) -> dict[str, str]:
    """Parse the value of the variable `name`. Raises InvalidConfiguration."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=10)
    except ValueError as error:
        raise InvalidConfiguration.expected(name, "at most ten tags like team=photos&kind=thumbnail", text) from error
    tags = dict(pairs)
    if len(tags) < len(pairs):
        raise InvalidConfiguration.expected(name, "each tag once", text)
    for key, tag in pairs:
        if not key or key.lower().startswith("aws:") or _utf_16(key) > 128 or not _is_tag(key):
            raise InvalidConfiguration.expected(name, f"names of tags with {_ALLOWED % 128}, not aws:", key)
        if _utf_16(tag) > 256 or not _is_tag(tag):
            raise InvalidConfiguration.expected(name, f"values of tags with {_ALLOWED % 256}", tag)
    return tags


def _utf_16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _is_tag(text: str) -> bool:
    return all(c in "_.:/=+-@" or category(c)[0] in "LNZ" for c in text)
