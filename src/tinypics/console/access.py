"""Access control of the console: only a browser on this computer with the token, from the console's own page.

The console has all rights of the user's credentials, so no other web page may reach it:

- it listens on loopback, and accepts only its own `Host`, which prevents DNS rebinding;
- every request, static files included, needs the token: first in the address that the terminal printed, then as a
  cookie, `HttpOnly` and `SameSite=Strict`;
- a request that changes something must have the console's own `Origin`, and cross-site requests are refused.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_READING = ("GET", "HEAD")
_OWN = ("same-origin", "none")  # none: the user typed the address, or opened it from a terminal


class AccessControl:
    """Refuses requests from other pages with 403, and sets the page's Content-Security-Policy."""

    def __init__(self, app: ASGIApp, *, origin: str, token: str, stores: Iterable[str]) -> None:
        """`origin` is the console's own address; `stores` are the origins of S3, for uploads and images."""
        self._app = app
        self._origin = origin
        self._host = urlsplit(origin).netloc
        self._token = token
        self._cookie = f"tinypics-{urlsplit(origin).port}"  # cookies are shared between ports
        places = " ".join(sorted({"'self'", *stores}))
        self._policy = "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                f"img-src {places} blob: data:",
                f"connect-src {places}",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
                "require-trusted-types-for 'script'",
                "trusted-types 'none'",
            )
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        given = self._given(scope)
        refusal = self._refusal(scope, headers, given)
        app = PlainTextResponse(refusal + "\n", 403) if refusal else self._app

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._seal(MutableHeaders(scope=message), remember=bool(given) and not refusal)
            await send(message)

        await app(scope, receive, answer)

    def _given(self, scope: Scope) -> str:
        """The token in the query, which is accepted only for the page itself."""
        if scope["path"] != "/":
            return ""
        query = parse_qs(str(scope["query_string"], "latin-1"))
        return query.get("token", [""])[0]

    def _refusal(self, scope: Scope, headers: Headers, given: str) -> str | None:
        if headers.get("host") != self._host:
            return f"This is {self._origin}, and answers to no other name."
        if not (self._is_token(given) or self._is_token(self._kept(headers))):
            return "Open the address that the terminal printed, with its token: tinypics up, or tinypics console."
        if scope["method"] not in _READING and headers.get("origin") != self._origin:
            return "Only the console's own page may change something."
        if headers.get("sec-fetch-site", "none") not in _OWN and not given:
            return "Only the console's own page may ask."
        return None

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self._token.encode())

    def _kept(self, headers: Headers) -> str:
        """The console's own cookie. Other servers on this host may have set cookies, too, even malformed ones."""
        pairs = (part.strip().partition("=") for part in headers.get("cookie", "").split(";"))
        return next((value for name, _, value in pairs if name == self._cookie), "")

    def _seal(self, headers: MutableHeaders, *, remember: bool) -> None:
        if remember:
            headers.append("Set-Cookie", f"{self._cookie}={self._token}; Path=/; HttpOnly; SameSite=Strict")
        headers["Content-Security-Policy"] = self._policy
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"  # the first address has the token
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Cache-Control"] = "no-store"
