"""Lists of keys: read from a file, written for the stack."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


class Row(NamedTuple):
    """Of a list of keys; what the list does not tell is empty."""

    bucket: str
    key: str
    error: str


def read_keys(path: Path) -> Iterator[Row]:
    """A list of keys: a `report.csv`, any CSV file whose first row names a column `key`, or JSON lines with a `key`.

    Raises OSError, and ValueError that names the first row that is none.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = map(json.loads, filter(str.strip, file)) if path.suffix == ".jsonl" else csv.DictReader(file)
        for number, row in enumerate(rows, start=1):
            key = row.get("key") if isinstance(row, dict) else None
            if not isinstance(key, str) or not key:
                names = sorted(filter(None, row)) if isinstance(row, dict) else row
                raise ValueError(f"row {number}: expected a column key with the key of an object, got {names}")
            yield Row(str(row.get("bucket") or ""), key, str(row.get("error") or ""))


def key_lines(bucket: str, keys: Iterable[str]) -> bytes:
    """A list of keys that `read_keys` and the backfill workflow read: JSON lines, in ASCII.

    Not CSV: Step Functions takes a backslash in it for an escape, most others do not.
    """
    return "".join(json.dumps({"bucket": bucket, "key": key}) + "\n" for key in keys).encode()
