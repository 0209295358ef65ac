"""The table of errors of docs/operating.md, from the code: `make pages` writes it."""

from __future__ import annotations

from tinypics.stack.troubleshooting import ADVICE


def table() -> str:
    rows = [
        f"| `{name}` | {advice.happened} | {advice.do} | {'yes' if advice.retry else 'no'} |"
        for name, advice in ADVICE.items()
    ]
    return "\n".join(["| error | what happened | what to do | retry after that |", "|---|---|---|---|", *rows])
