"""The doctor's advice for a CDN that treats some addresses wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tinypics.aws.settings import Settings
from tinypics.cli import doctor
from tinypics.image.rendition import Rendition

SETTINGS = Settings(renditions=(Rendition.parse("8x"), Rendition.parse("16x")), in_folder=True)
ETAG = "5d41402abc4b2a76b9719d911017c592"
RIGHT = {"Content-Type": "image/jpeg", "ETag": '"1"', "Cache-Control": "public, max-age=31536000, immutable"}

Answer = tuple[int, dict[str, str]]


def right(path: str, headers: Any) -> Answer:
    return (304 if headers.get("If-None-Match") else 200), RIGHT


@contextmanager
def served(answer: Callable[[str, Any], Answer]) -> Iterator[str]:
    """A server with these answers to decoded paths; its address."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers = answer(unquote(self.path), self.headers)
            self.send_response(status)
            for name, value in ({"Content-Length": "0"} | headers).items():
                self.send_header(name, value)
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def examined(answer: Callable[[str, Any], Answer], patience: float = 0) -> list[str]:
    """The advice for a CDN with these answers."""
    findings = doctor.Findings()
    with served(answer) as base, pytest.MonkeyPatch.context() as patch:
        patch.setattr(doctor, "_PATIENCE", patience)
        for name in doctor.NAMES:
            doctor._check(SETTINGS, base, f"doctor/{name}", name, ETAG, findings)
    findings.conclude()
    return [*findings.advice]


def test_nothing_is_to_do_for_a_cdn_that_is_right() -> None:
    assert examined(right) == []


def test_every_path_arrives_encoded_once() -> None:
    seen: set[str] = set()

    def remember(path: str, headers: Any) -> Answer:
        seen.add(path.partition("?v=")[0])
        return right(path, headers)

    examined(remember)
    assert seen == {f"/doctor/{name}/8x.jpg" for name in doctor.NAMES}


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        (lambda _, __: (403, {}), doctor.NOTHING),
        (lambda path, headers: (403, {}) if "+" in path or " " in path else right(path, headers), doctor.ODD),
        (lambda path, headers: (200, RIGHT | {"Cache-Control": "max-age=60"}), doctor.VERSION),
        (lambda path, headers: (200, RIGHT | {"X-Amz-Meta-Tinypics-Size": "1"}), doctor.LEAK),
        (lambda _, __: (200, RIGHT), doctor.REVALIDATION),
        (lambda path, headers: (200, RIGHT | {"Content-Type": "application/xml"}), doctor.NOTHING),
    ],
)
def test_the_advice_fits_the_fault(answer: Callable[[str, Any], Answer], advice: str) -> None:
    found = examined(answer)
    assert advice in found
    assert not {doctor.NOTHING, doctor.ODD} & set(found) - {advice}


def test_a_key_that_only_s3_serves_needs_another_way_to_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """CloudFront's signature for a path with a space or a plus may be wrong: the function's URL answers 403."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    asked: set[str] = set()

    def unsigned(path: str, headers: Any) -> Answer:
        key = path.partition("?")[0]
        first = key not in asked
        asked.add(key)
        return (403, {}) if first and ("+" in key or " " in key) else right(path, headers)

    assert examined(unsigned, patience=60) == [doctor.UNSIGNED]


def test_without_the_function_every_key_is_late_and_nothing_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    asked: set[str] = set()

    def stored_later(path: str, headers: Any) -> Answer:
        key = path.partition("?")[0]
        first = key not in asked
        asked.add(key)
        return (403, {}) if first else right(path, headers)

    assert examined(stored_later, patience=60) == []


def test_an_address_where_nothing_listens_is_a_failure() -> None:
    with served(right) as base:
        closed = base
    assert doctor.ask(urlsplit(closed)).status == 0


@pytest.mark.parametrize(
    "base", ["img.example.com", "ftp://img.example.com/", "http://[", "http://h:99999/", "https://"]
)
def test_another_text_than_an_address_is_refused(base: str) -> None:
    assert not doctor._is_address(base)
