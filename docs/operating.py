"""Writes the table of errors of docs/operating.md from the code: `.venv/bin/python docs/operating.py`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tinypics.stack.troubleshooting import ADVICE

PAGE: Final = Path(__file__).with_name("operating.md")
_BETWEEN: Final = re.compile(r"(<!-- errors: .*? -->\n).*?(<!-- end of errors -->)", re.DOTALL)


def table() -> str:
    rows = [
        f"| `{name}` | {advice.happened} | {advice.do} | {'yes' if advice.retry else 'no'} |"
        for name, advice in ADVICE.items()
    ]
    return "\n".join(["| error | what happened | what to do | worth another try then |", "|---|---|---|---|", *rows])


def current(page: str) -> str:
    """`page` with the table of today."""
    return _BETWEEN.sub(lambda found: f"{found[1]}\n{table()}\n\n{found[2]}", page)


if __name__ == "__main__":
    PAGE.write_text(current(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
