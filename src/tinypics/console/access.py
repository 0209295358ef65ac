"""Access control of the console: only a browser on this computer with the token, from the console's own page.

The console has all rights of the user's credentials, so no other web page may reach it:

- it listens on loopback, and accepts only its own `Host`, which prevents DNS rebinding;
- every request, static files included, needs the token: first in the address that the terminal printed, then as a
  cookie, `HttpOnly` and `SameSite=Strict`;
- a request that changes something must have the console's own `Origin`, and cross-site requests are refused.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, Response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SAFE_METHODS = ("GET", "HEAD")
_OWN_SITES = ("same-origin", "none")  # none: the user typed the address, or opened it from a terminal


# The page of a refusal can load nothing, not even the console's own style sheet, which needs the token.
_STYLE = (
    ":root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif;"
    "background:light-dark(#f6f6f3,#131312);color:light-dark(#1d1c19,#edece8)}"
    "main{max-width:34rem;margin:18vh auto;padding:0 24px}h1{font-size:1.4rem}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_REFUSAL = (
    '<!doctype html><html lang="en"><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Tinypics</title>'
    f"<style>{_STYLE}</style><main><h1>This address does not open the console</h1><p>%s</p></main></html>"
)
_REFUSAL_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"


class AccessControl:
    """An ASGI middleware: answers requests of other pages with 403, and sets the page's Content-Security-Policy."""

    def __init__(self, app: ASGIApp, *, origin: str, token: str, stores: Iterable[str]) -> None:
        """`origin` is the console's own address; `stores` are the origins of S3, for uploads and images."""
        self._app = app
        self._origin = origin
        self._host = urlsplit(origin).netloc
        self._token = token
        self._cookie = f"tinypics-{urlsplit(origin).port}"  # cookies are shared between ports
        sources = " ".join(sorted({"'self'", *stores}))
        self._policy = "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                f"img-src {sources} blob: data:",
                f"connect-src {sources}",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
                "require-trusted-types-for 'script'",
                "trusted-types 'none'",
            )
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        given = self._query_token(scope)
        refusal = self._refusal(scope, headers, given)
        app = _refused(headers, refusal) if refusal else self._app

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add_headers(MutableHeaders(scope=message), remember=bool(given) and not refusal)
            await send(message)

        await app(scope, receive, answer)

    def _query_token(self, scope: Scope) -> str:
        """The token in the query, which is accepted only for the page itself."""
        if scope["path"] != "/":
            return ""
        query = parse_qs(str(scope["query_string"], "latin-1"))
        return query.get("token", [""])[0]

    def _refusal(self, scope: Scope, headers: Headers, given: str) -> str | None:
        if headers.get("host") != self._host:
            return f"This console answers to {self._origin} only, and to no other name."
        if not (self._is_token(given) or self._is_token(self._cookie_token(headers))):
            return "Open the address that the terminal printed, with its token: tinypics up, or tinypics console."
        if scope["method"] not in _SAFE_METHODS and headers.get("origin") != self._origin:
            return "Only the console's own page may change anything."
        if headers.get("sec-fetch-site", "none") not in _OWN_SITES and not given:
            return "Only the console's own page may send requests."
        return None

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self._token.encode())

    def _cookie_token(self, headers: Headers) -> str:
        """The token in the console's own cookie. Other servers on this host also set cookies, even malformed ones."""
        pairs = (part.strip().partition("=") for part in headers.get("cookie", "").split(";"))
        return next((value for name, _, value in pairs if name == self._cookie), "")

    def _add_headers(self, headers: MutableHeaders, *, remember: bool) -> None:
        if remember:
            headers.append("Set-Cookie", f"{self._cookie}={self._token}; Path=/; HttpOnly; SameSite=Strict")
        headers.setdefault("Content-Security-Policy", self._policy)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"  # the first address has the token
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Cache-Control"] = "no-store"


def _refused(headers: Headers, reason: str) -> Response:
    """The answer to a refused request: a page for a browser's address line, else a line of text."""
    if "text/html" in headers.get("accept", ""):
        return HTMLResponse(_REFUSAL % html.escape(reason), 403, {"Content-Security-Policy": _REFUSAL_POLICY})
    return PlainTextResponse(reason + "\n", 403)
