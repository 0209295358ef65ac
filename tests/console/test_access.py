"""Only the console's own page, opened with the token, can read from the console or write to it."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.console.conftest import Page

pytestmark = pytest.mark.e2e

PATHS = ("/", "/static/app.js", "/static/icon.svg", "/api/stack", "/api/executions", "/nothing")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("cookie", ["", "tinypics-{port}=wrong", "tinypics-1={token}", '"=;;'])
def test_every_address_needs_the_token(page: Page, path: str, cookie: str) -> None:
    port = page.origin.rpartition(":")[2]
    answer = page.ask("GET", path, Cookie=cookie.format(port=port, token=page.token))
    assert answer.status == 403
    assert b"with its token" in answer.body
    assert "Set-Cookie" not in answer.headers


def test_a_browser_without_the_token_gets_a_page_that_can_load_nothing(page: Page) -> None:
    answer = page.ask("GET", "/", Cookie="", Accept="text/html,*/*;q=0.8")
    assert (answer.status, answer.headers.get_content_type()) == (403, "text/html")
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert policy[0] == "default-src 'none'"
    style = re.search(b"<style>(.*)</style>", answer.body)
    assert style is not None
    allowed = base64.b64encode(hashlib.sha256(style[1]).digest()).decode()
    assert [part for part in policy if "-src" in part][1:] == [f"style-src 'sha256-{allowed}'"]


def test_the_printed_address_opens_the_page_and_leaves_a_cookie_that_only_it_can_use(page: Page) -> None:
    answer = page.ask("GET", f"/?token={page.token}", Cookie="")
    assert (answer.status, answer.headers.get_content_type()) == (200, "text/html")
    cookie, *flags = answer.headers["Set-Cookie"].split("; ")
    assert cookie == page.cookie
    assert set(flags) == {"Path=/", "HttpOnly", "SameSite=Strict"}


def test_cookies_of_other_servers_on_this_host_do_no_harm(page: Page) -> None:
    assert page.ask("GET", "/api/stack", Cookie=f'a/b="c; =;{page.cookie}; tinypics-1=x').status == 200


def test_a_token_in_another_address_or_a_wrong_one_opens_nothing(page: Page) -> None:
    assert page.ask("GET", f"/api/stack?token={page.token}", Cookie="").status == 403
    wrong = page.ask("GET", "/?token=" + "x" * len(page.token), Cookie="")
    assert (wrong.status, wrong.headers["Set-Cookie"]) == (403, None)


@pytest.mark.parametrize(
    "host", ["localhost:{port}", "evil.example:{port}", "127.0.0.1", "[::]", "127.0.0.1:{port}.evil.example"]
)
def test_it_answers_to_no_other_name(page: Page, host: str) -> None:
    answer = page.ask("GET", "/api/stack", Host=host.format(port=page.origin.rpartition(":")[2]))
    assert answer.status == 403
    assert b"no other name" in answer.body


@pytest.mark.parametrize("origin", ["", "null", "http://evil.example", "http://127.0.0.1:1"])
def test_only_the_own_page_changes_something(page: Page, origin: str) -> None:
    before = len(page.get("/api/executions")["items"])
    answer = page.ask("POST", "/api/executions", {"event": {"bucket": "b", "key": "k"}}, Origin=origin)
    assert answer.status == 403
    assert len(page.get("/api/executions")["items"]) == before


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_no_other_site_asks_even_with_the_cookie(page: Page, site: str) -> None:
    assert page.ask("GET", "/api/stack", Sec_Fetch_Site=site).status == 403
    assert page.ask("GET", "/static/app.js", Sec_Fetch_Site=site).status == 403
    assert page.ask("GET", "/api/stack", Sec_Fetch_Site="same-origin").status == 200


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/api/stack", "/nothing"])
def test_every_answer_tells_browsers_how_little_the_page_may_do(page: Page, path: str) -> None:
    for cookie in (page.cookie, ""):
        headers = page.ask("GET", path, Cookie=cookie).headers
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert policy["connect-src"].split() == ["'self'", page.stack.facts.endpoint]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in headers


def test_there_are_no_web_sockets(page: Page) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13", "Sec_WebSocket_Key": "x"}
    assert page.ask("GET", "/api/stack", **upgrade).status != 101


def test_files_beside_the_static_ones_are_not_served(page: Page) -> None:
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py"):
        assert page.ask("GET", path).status in (400, 404)
