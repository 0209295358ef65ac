"""One log line as the terminal shows it."""

from __future__ import annotations

import json

import pytest
import typer

from tinypics.cli.logs import parse_age, render

SUCCESS = {
    "status": "SUCCESS",
    "source_key": "a.jpg",
    "width": 128,
    "height": 96,
    "format": "webp",
    "bytes": 4096,
    "source": {"width": 4032, "height": 3024, "format": "jpeg", "bytes": 4_200_000, "etag": "e"},
    "timings_ms": {"fetch": 10.4, "decode": 20.0},
}
STORED = {"dest_key": "k", "width": 800, "height": 600, "format": "jpeg", "bytes": 90_000}


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (SUCCESS, "✓ a.jpg  4032×3024 jpeg 4.2 MB → 128×96 webp 4.1 kB  30 ms"),
        (
            SUCCESS | {"duration_ms": 99.6, "cold_start": True},
            "✓ a.jpg  4032×3024 jpeg 4.2 MB → 128×96 webp 4.1 kB  100 ms (cold start)",
        ),
        (
            SUCCESS | {"renditions": [STORED, STORED | {"width": 9}]},
            "✓ a.jpg  4032×3024 jpeg 4.2 MB → 800×600 jpeg 90.0 kB, 9×600 jpeg 90.0 kB  30 ms",
        ),
        ({"status": "SUCCESS", "skipped": True, "reason": "a folder", "source_key": "x/"}, "✓ x/  skipped: a folder"),
        ({"status": "FAILED", "error": "CorruptImage", "message": "cut", "source_key": "a"}, "✗ a  CorruptImage: cut"),
        (
            {"status": "SUCCESS", "skipped": False, "reason": "gone", "source_key": "a", "removed": ["a", "b"]},
            "✓ a  removed a, b: gone",
        ),
        ({"status": "FAILED", "error": "InvalidRequest", "message": "no key"}, "✗ ?  InvalidRequest: no key"),
        ({"status": "RETRY", "error": "SourceChanged", "message": "x", "source_key": "a"}, "↻ a  SourceChanged: x"),
        ({"status": "SUCCESS", "source_key": "a", "message": "of another version"}, "of another version"),
        ({"level": "ERROR", "message": "out of order", "stackTrace": []}, "out of order"),
        ({"type": "platform.report", "record": {"status": "timeout"}}, "✗ the function ended with timeout"),
        ({"type": "platform.report", "record": {"status": "success"}}, None),
        ({"type": "platform.start", "record": {}}, None),
        ([1], "[1]"),
    ],
)  # fmt: skip
def test_a_json_line(line: object, text: str | None) -> None:
    rendered = render(json.dumps(line))
    assert (rendered.plain if rendered else None) == text


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("START RequestId: 1 Version: $LATEST\n", None),
        ("END RequestId: 1", None),
        ("REPORT RequestId: 1\tDuration: 1 ms", None),
        ("\n", None),
        ("  File \"x.py\", line 1\n", '  File "x.py", line 1'),
    ],
)  # fmt: skip
def test_a_line_that_is_no_json(line: str, text: str | None) -> None:
    rendered = render(line)
    assert (rendered.plain if rendered else None) == text


def test_a_key_cannot_write_into_the_terminal() -> None:
    rendered = render(json.dumps(SUCCESS | {"source_key": "\x1b[31m\u202egpj.exe\n"}))
    assert rendered
    assert rendered.plain.startswith("✓ \\x1b[31m\\u202egpj.exe\\n  ")


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("10m", 600), ("2h", 7200), ("7d", 604800)])
def test_an_age(text: str, seconds: float) -> None:
    assert parse_age(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "-1m", "1.5h", "9999999s", "10M"])
def test_an_age_that_is_none(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="like 10m"):
        parse_age(text)
