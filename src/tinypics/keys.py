"""Object keys: which can be read, and where outputs go.

A key is at most 1,024 bytes of UTF-8 (S3 user guide, "Naming Amazon S3 objects").
"""

from __future__ import annotations

import re

from tinypics.errors import InvalidRequest

MAX_BYTES = 1024

# The object-store client speaks paths, not bytes: it drops a leading slash (and would then read another object), and
# refuses empty, "." and ".." segments and ASCII control characters. Better said before a call than after it.
_UNREADABLE = re.compile(r"^/|//|(?:^|/)\.{1,2}(?:/|$)|[\x00-\x1f\x7f]")


def check(key: str, field: str = "key") -> str:
    """`key` itself, if it can name an object that is read or written here; else `InvalidRequest`."""
    if not key:
        raise InvalidRequest.expected(field, "an object key", key)
    try:
        size = len(key.encode())
    except UnicodeEncodeError as error:
        raise InvalidRequest.expected(field, "valid Unicode", key) from error
    if size > MAX_BYTES:
        raise InvalidRequest.expected(field, f"at most {MAX_BYTES} bytes of UTF-8", f"{size} bytes: {key}")
    if _UNREADABLE.search(key) or key.endswith("/"):
        raise InvalidRequest.expected(
            field, 'an object key without control characters, empty, "." or ".." parts, or a slash at either end', key
        )
    return key


def is_folder_marker(key: str, size: int | None) -> bool:
    """Whether this is the empty object that consoles make for a folder: nothing to resize. `size` None: not known."""
    return key.endswith("/") and not size


def single_output(source_key: str, *, extension: str | None) -> str:
    """The key of the one output: the source's own, with `extension` appended when the format changed.

    Appended, not replaced: `IMG_1.HEIC` and `IMG_1.PNG` must not both become `IMG_1.jpg`.
    """
    return check(f"{source_key}.{extension}" if extension else source_key, "dest_key")


def listed_output(source_key: str, label: str, extension: str) -> str:
    """The key of one output of several: below the source's key, named after its rendition."""
    return check(f"{source_key}/{label}.{extension}", "dest_key")
