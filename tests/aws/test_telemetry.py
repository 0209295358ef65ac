from __future__ import annotations

import json
import time
from types import SimpleNamespace

import pytest

from tinypics.aws import telemetry

CONTEXT = SimpleNamespace(aws_request_id="r-1")


@pytest.mark.parametrize(("status", "level"), [("SUCCESS", "INFO"), ("RETRY", "WARN"), ("FAILED", "ERROR")])
def test_a_line_is_one_json_object_whatever_the_key(
    capsys: pytest.CaptureFixture[str], status: str, level: str
) -> None:
    key = "a\nb\x1b[31m\u202e\u2028.jpg"
    telemetry.record({"status": status, "source_key": key}, started=time.perf_counter(), context=CONTEXT)
    out = capsys.readouterr().out
    assert out.isascii()
    (text,) = out.splitlines()
    line = json.loads(text)
    assert (line["source_key"], line["level"], line["request_id"]) == (key, level, "r-1")
    assert line["duration_ms"] >= 0


def test_an_error_without_a_name_leaves_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError) as caught:
        {}["surprise"]
    telemetry.unforeseen(caught.value, CONTEXT)
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["error"]) == ("ERROR", "KeyError")
    assert "test_telemetry.py" in line["traceback"]


def test_only_the_first_line_of_an_environment_is_a_cold_start(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(telemetry._environment, "cold", True)
    for _ in range(2):
        telemetry.record({"status": "SUCCESS"}, started=time.perf_counter(), context=None)
    assert [json.loads(line)["cold_start"] for line in capsys.readouterr().out.splitlines()] == [True, False]
