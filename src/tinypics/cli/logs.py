"""`tinypics logs`: the function's JSON log lines as plain text, one line per picture."""

from __future__ import annotations

import contextlib
import json
import re
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer
from rich.text import Text

from tinypics.cli.target import readable_errors
from tinypics.cli.terminal import out, plain, size

if TYPE_CHECKING:
    from tinypics.cli.target import Target
    from tinypics.stack.logs import Tail

_AGE = re.compile(r"(\d{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
PAUSES = 5  # the target's pauses between two polls, because each poll reads all recent lines
_PLATFORM = ("START ", "END ", "REPORT ", "INIT_START ", "INIT_REPORT ")
_MARKS = {"SUCCESS": ("✓", "green"), "FAILED": ("✗", "red"), "RETRY": ("↻", "yellow")}


@readable_errors()
def logs(target: Target, since: float, *, follow: bool) -> None:
    """Print the lines of the last `since` seconds; with `follow`, also new ones."""
    log = target.log(time.time() - since)
    show(log)
    while follow:
        time.sleep(target.pause * PAUSES)
        show(log)


def parse_age(text: str, option: str = "--since") -> float:
    """Parse an age into seconds: "10m" is 600. Raises typer.BadParameter, which names the option."""
    if not (match := _AGE.fullmatch(text)):
        raise typer.BadParameter(f"{option}: expected a number and s, m, h or d, like 10m, got {plain(text)}")
    return int(match[1]) * _SECONDS[match[2]]


def show(log: Tail) -> None:
    """Print new lines about a picture, or about a failure of the function itself."""
    for line in log.lines():
        if text := render(line.text):
            at = datetime.fromtimestamp(line.at / 1000).astimezone()
            out.print(Text(f"{at:%H:%M:%S} ", "dim") + text)


def render(text: str) -> Text | None:
    """One line for the terminal; None if the log line is not about a picture."""
    try:
        document = json.loads(text)
    except ValueError:
        return None if not text.strip() or text.startswith(_PLATFORM) else Text(plain(text.rstrip()), "dim")
    if not isinstance(document, dict):
        return Text(plain(text.rstrip()), "dim")
    if document.get("status") in _MARKS:
        with contextlib.suppress(KeyError, TypeError):  # a line of an older or newer version
            return picture_line(document)
    if str(document.get("type", "")).startswith("platform."):
        status = document.get("record", {}).get("status", "success")
        return None if status == "success" else Text(f"✗ the function ended with {plain(status)}", "red")
    return Text(plain(document.get("message", text.strip())), "dim")


def picture_line(document: dict[str, Any]) -> Text:
    """A function's answer, or its log line, as one line."""
    mark, colour = _MARKS[document["status"]]
    line = Text(f"{mark} ", colour) + Text(plain(document.get("source_key", "?")), "bold")
    if document["status"] != "SUCCESS":
        return line + Text(f"  {plain(document.get('error'))}: {plain(document.get('message'))}", colour)
    if "reason" in document:  # no output was made: the event was skipped, or outputs were deleted with their source
        what = "skipped" if document.get("skipped") else f"removed {', '.join(map(plain, document['removed']))}"
        return line + Text(f"  {what}: {plain(document['reason'])}", "dim")
    stored = document.get("renditions") or [document]
    made = ", ".join(f"{item['width']}×{item['height']} {item['format']} {size(item['bytes'])}" for item in stored)
    source = document["source"]
    line += Text(f"  {source['width']}×{source['height']} {source['format']} {size(source['bytes'])} → {made}")
    took = document.get("duration_ms") or sum(document.get("timings_ms", {}).values())
    return line + Text(f"  {took:.0f} ms{' (cold start)' if document.get('cold_start') else ''}", "dim")
