"""Requests to a function URL (payload format 2.0), and replies: status, headers and caching of every outcome."""

from __future__ import annotations

import hmac
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from tinypics.errors import (
    REFUSED,
    AccessDenied,
    DestinationNotFound,
    InvalidConfiguration,
    InvalidRequest,
    LoopRefused,
    SourceNotFound,
    TransientError,
)
from tinypics.values import replace, value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinypics.errors import TinypicsError

MAX_BODY: Final = 4_400_000
"""Bytes of a picture. An answer has at most 6 MB, in which a picture is base64 (Lambda developer guide, "Quotas")."""

ORIGIN_HEADER: Final = "x-tinypics-origin"
"""With OriginAuth=secret, the header that only CloudFront sends."""

YEAR: Final = "public, max-age=31536000, immutable"
SHORT: Final = "public, max-age=60, stale-while-revalidate=300"

# A picture that is opened as a page can do nothing, and pages of other origins may show it.
_SECURITY: Final = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
}

_STATUSES: Final = (
    (InvalidRequest, 400, 3600),
    (LoopRefused, 400, 3600),
    (SourceNotFound, 404, 10),
    # CloudFront caches a 415 with a max-age, but neither a 413 nor a 422, which would run the function for each view
    # (its developer guide, "How CloudFront processes and caches HTTP 4xx and 5xx status codes from your origin").
    *((each, 415, 60) for each in REFUSED),
    (AccessDenied, 502, 10),
    (DestinationNotFound, 502, 10),
    (InvalidConfiguration, 502, 10),
)

_SENTENCES: Final = {404: "there is no such picture", 502: "the stack is not set up right: its log has the reason"}

# The message reaches the visitor, so it does not quote the event, which has the secret of CloudFront.
_NO_REQUEST: Final = "event: expected a request to the function's URL, got something else"


@value
class HttpRequest:
    """One request. Names of `headers` are in lower case, and `path` has a slash in front."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]

    @classmethod
    def parse(cls, event: Any) -> HttpRequest:
        """Raises InvalidRequest for another event than that of a function URL; drops headers that are no text."""
        try:
            texts = (event["requestContext"]["http"]["method"], event["rawPath"], event["rawQueryString"])
            headers = {name: text for name, text in event["headers"].items() if _is_text(text)}
        except (KeyError, TypeError, AttributeError) as error:
            raise InvalidRequest(_NO_REQUEST) from error
        if not all(map(_is_text, texts)):
            raise InvalidRequest(_NO_REQUEST)
        return cls(*texts, headers)

    def proves(self, secret: str) -> bool:
        """Whether the header that CloudFront adds has this secret."""
        return hmac.compare_digest(self.header(ORIGIN_HEADER).encode(), secret.encode())

    @property
    def is_encoded(self) -> bool:
        """Whether the path is percent-encoded: CloudFront's is, and the emulator decodes that of a direct request."""
        return "(cloudfront)" in self.header("via").lower()

    def header(self, name: str) -> str:
        """Its text; "" if there is none."""
        return self.headers.get(name, "")


def _is_text(given: object) -> bool:
    """Whether it is a string that UTF-8 can encode. JSON can also have lone surrogates."""
    try:
        return isinstance(given, str) and given.encode() is not None
    except UnicodeEncodeError:
        return False


@value
class Reply:
    """One reply. `outcome` is for logs."""

    status: int
    outcome: str
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""

    def to_event(self) -> dict[str, Any]:
        """The answer of the function (Lambda developer guide, "Invoking Lambda function URLs")."""
        import base64

        headers = _SECURITY | dict(self.headers)
        body = base64.b64encode(self.body).decode()
        return {"statusCode": self.status, "headers": headers, "body": body, "isBase64Encoded": True}

    def with_picture(self, data: bytes, content_type: str) -> Reply:
        """The same error, shown as a picture, for ten seconds at most: it must not outlive its cause."""
        headers = {"content-type": content_type, "cache-control": "max-age=10"}
        return replace(self, headers={**self.headers, **headers}, body=data)


def text(status: int, outcome: str, sentence: str, cache_control: str, **headers: str) -> Reply:
    """A reply of one sentence."""
    named = {name.replace("_", "-"): each for name, each in headers.items()}
    common = {"content-type": "text/plain; charset=utf-8", "cache-control": cache_control}
    return Reply(status, outcome, {**common, **named}, f"{sentence}\n".encode(errors="replace"))


def failure(error: TinypicsError) -> Reply:
    """The reply to a request that failed. Messages that name buckets stay in the log."""
    if isinstance(error, TransientError):
        return text(503, error.name, "please retry", "no-store", retry_after="2")
    for kind, status, seconds in _STATUSES:
        if isinstance(error, kind):
            sentence = _SENTENCES.get(status, error.message)
            return text(status, error.name, sentence, f"max-age={seconds}", x_tinypics_error=error.name)
    return unexpected()


def unexpected() -> Reply:
    """The reply to an error that nothing foresaw."""
    return text(500, "unexpected", "an unexpected error: the log has it", "max-age=10")
