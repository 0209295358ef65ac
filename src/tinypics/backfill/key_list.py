"""Lists of keys: read from a file, written for the stack."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


class Row(NamedTuple):
    """One row of a list of keys; fields that the list omits are empty."""

    bucket: str
    key: str
    error: str


def read_keys(path: Path) -> Iterator[Row]:
    """Read a list of keys: a `report.csv`, any CSV file with a column `key`, or JSON lines with a `key`.

    Raises OSError, and ValueError with the number of the first invalid row.
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
    """Write a list of keys for `read_keys` and the backfill workflow: JSON lines, in ASCII.

    Not CSV, in which Step Functions treats a backslash as an escape character, and most other readers do not.
    """
    return "".join(json.dumps({"bucket": bucket, "key": key}) + "\n" for key in keys).encode()
