from __future__ import annotations

import json
import time
from types import SimpleNamespace

import pytest

from tinypics.aws import telemetry

CONTEXT = SimpleNamespace(aws_request_id="r-1")


@pytest.mark.parametrize(("status", "level"), [("SUCCESS", "INFO"), ("RETRY", "WARN"), ("FAILED", "ERROR")])
def test_a_line_is_one_json_object_for_every_key(capsys: pytest.CaptureFixture[str], status: str, level: str) -> None:
    key = "a\nb\x1b[31m\u202e\u2028.jpg"
    telemetry.record({"status": status, "source_key": key}, CONTEXT)
    out = capsys.readouterr().out
    assert out.isascii()
    (text,) = out.splitlines()
    line = json.loads(text)
    assert (line["source_key"], line["level"], line["request_id"]) == (key, level, "r-1")


def test_an_error_without_a_name_leaves_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError) as caught:
        raise KeyError("surprise")
    telemetry.record_unexpected(caught.value, CONTEXT)
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["error"]) == ("ERROR", "KeyError")
    assert "test_telemetry.py" in line["traceback"]


def test_only_the_first_picture_of_an_environment_pays_for_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(telemetry._environment, "cold", True)
    started = time.perf_counter()
    bills = [telemetry.bill(started=started, loaded_ms=60_000, context=CONTEXT) for _ in range(2)]
    assert [bill["cold_start"] for bill in bills] == [True, False]
    assert bills[0]["billed_ms"] > 60_000 > bills[1]["billed_ms"] >= bills[1]["duration_ms"]


def test_gb_seconds_are_time_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(telemetry._environment, "cold", False)
    monkeypatch.setattr(time, "perf_counter", lambda: 100.0)
    bill = telemetry.bill(started=99.5, loaded_ms=0, context=SimpleNamespace(memory_limit_in_mb="2048"))
    assert (bill["billed_ms"], bill["memory_mb"], bill["gb_seconds"]) == (500, 2048, 1.0)
    assert telemetry.bill(started=99.5, loaded_ms=0, context=None)["gb_seconds"] == 0
