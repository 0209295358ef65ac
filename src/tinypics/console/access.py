"""Who may talk to the console: a browser on this computer that was given the token, from the console's own page.

The console can do whatever the user's credentials can, so no other web page may reach it:

- it listens on loopback, and answers only to its own name (`Host`), so that no other name can be made to lead here;
- every request, static files included, needs the token: once in the address that the terminal printed, then as a cookie
  that scripts cannot read and that no other site's request carries;
- a request that changes something must come from its own page (`Origin`), and none may come from another site.
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
_OWN = ("same-origin", "none")  # none: typed, or opened from a terminal


class AccessControl:
    """Refuses with 403 what is not from the console's own page, and tells browsers how little that page may do."""

    def __init__(self, app: ASGIApp, *, origin: str, token: str, stores: Iterable[str]) -> None:
        """`origin` is our own address; `stores` are the origins that pictures are sent to and shown from."""
        self._app = app
        self._origin = origin
        self._host = urlsplit(origin).netloc
        self._token = token
        self._cookie = f"tinypics-{urlsplit(origin).port}"  # cookies do not tell ports apart
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
        """The token of the address, which only the page itself may have."""
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
        """Our own cookie. Other servers of this host have left theirs there, too, and not all of them well-formed."""
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
