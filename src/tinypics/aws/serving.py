"""Serve what is stored; make, once, what may be made. Alone, this does all that CloudFront does in front of it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

from tinypics.aws import http
from tinypics.aws.http import HttpRequest, Reply
from tinypics.aws.wanted import resolve
from tinypics.delivery import reconcile
from tinypics.delivery.outputs import ON_DEMAND, RECIPE, SOURCE, SOURCE_ETAG
from tinypics.delivery.result import Result
from tinypics.errors import SourceNotFound, SourceTooLarge, StoreUnavailable, TinypicsError
from tinypics.urls.address import parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tinypics.aws.serve_settings import ServeSettings
    from tinypics.aws.signing_keys import SigningKeys
    from tinypics.aws.wanted import Wanted
    from tinypics.delivery.resizing import Resizer
    from tinypics.store.bucket import Bucket
    from tinypics.store.objects import Stat

_PICTURED = (404, 415)
"""Statuses that the default picture is sent with: those that are about one source."""


class Server:
    """Replies to requests, with the settings and the resources of one function."""

    def __init__(
        self,
        settings: ServeSettings,
        open_bucket: Callable[[str], Bucket],
        resize_all: Resizer,
        signing_keys: SigningKeys,
    ) -> None:
        self._settings = settings
        self._open_bucket = open_bucket
        self._resize_all = resize_all
        self._signing_keys = signing_keys

    def reply(self, request: HttpRequest, facts: dict[str, object]) -> Reply:
        """The reply to a request. `facts` gets the fields of its log line.

        Nothing is read from a bucket for an address that is neither listed nor signed.

        :raises TinypicsError: see `failure`.
        """
        secret = self._settings.origin_secret
        if secret and not request.proves(secret):
            return http.text(403, "direct", "only CloudFront may ask here", "max-age=60")
        if request.method not in ("GET", "HEAD"):
            return http.text(405, "method", "expected GET or HEAD", "max-age=3600", allow="GET, HEAD")
        path, accept = request.path, request.header("accept")
        wanted = resolve(path, request.query, encoded=request.is_encoded, accept=accept, settings=self._settings)
        facts |= {"key": wanted.requests[0].key, "name": wanted.name}
        if not (wanted.listed or self._is_signed(wanted)):
            return http.text(403, "refused", "neither listed nor signed: this is not made", "max-age=60")
        reply = self._stored(wanted, request, "stored", facts)
        if reply is None:
            made = self._make(wanted)
            reply = self._stored(wanted, request, "twin" if made.skipped else "made", facts)
        if reply is None:
            raise StoreUnavailable(f'object "{wanted.key}" was removed after it was made')
        return reply

    def failure(self, error: TinypicsError) -> Reply:
        """The reply to a request that failed: a sentence, or the default picture."""
        reply, key = http.failure(error), self._settings.default_picture
        if key is None or reply.status not in _PICTURED:
            return reply
        try:
            with closing(self._output_bucket.open(key, max_bytes=http.MAX_BODY)) as download:
                content_type = download.stat.metadata.get("Content-Type", "application/octet-stream")
                return reply.with_picture(download.read_all(), content_type)
        except TinypicsError:
            return reply

    @property
    def _output_bucket(self) -> Bucket:
        return self._open_bucket(self._settings.output_bucket)

    def _is_signed(self, wanted: Wanted) -> bool:
        address, secret = wanted.address, self._settings.secret
        if not (address and address.signature and secret):
            return False
        return address.is_signed(self._signing_keys.ring(secret, address.signature[:1]))

    def _make(self, wanted: Wanted) -> Result:
        """Make the output of the first request whose source exists."""
        stack = self._settings.stack
        missing: SourceNotFound | None = None
        for request in wanted.requests:
            try:
                outcome = reconcile.run(request, self._open_bucket, stack.limits, stack.handling, self._resize_all)
            except SourceNotFound as error:
                missing = missing or error
            else:
                assert isinstance(outcome, Result)  # noqa: S101 - `Gone` is for requests that follow their source
                return outcome
        raise missing or SourceNotFound("no source")

    def _stored(self, wanted: Wanted, request: HttpRequest, outcome: str, facts: dict[str, object]) -> Reply | None:
        """The reply with the stored output; None if it has to be made."""
        given = parameters(request.query)
        try:
            download = self._output_bucket.open(wanted.key, max_bytes=http.MAX_BODY)
        except SourceNotFound:
            return None
        except SourceTooLarge:
            return _redirect(given, outcome)
        with closing(download):
            stat = download.stat
            if SOURCE not in stat.metadata:
                raise SourceNotFound(f'object "{wanted.key}" is no output')
            if ON_DEMAND in stat.metadata and stat.metadata.get(RECIPE) != wanted.requests[0].recipe:
                return None  # its name has another meaning now
            facts["source_etag"] = stat.metadata.get(SOURCE_ETAG, "")
            headers = _headers(wanted, stat, given)
            if _matches(request.header("if-none-match"), stat.etag):
                return Reply(304, outcome, headers)
            return Reply(200, outcome, headers, download.read_all())


def _headers(wanted: Wanted, stat: Stat, given: Mapping[str, str]) -> dict[str, str]:
    # A 304 has the type as well: Lambda would add application/json, which a cache may put into its stored answer.
    headers = {"content-type": stat.metadata.get("Content-Type", "application/octet-stream"), "etag": f'"{stat.etag}"'}
    headers["cache-control"] = _cache_control(wanted, stat, given)
    return headers | ({"vary": "Accept"} if wanted.varies else {})


def _cache_control(wanted: Wanted, stat: Stat, given: Mapping[str, str]) -> str:
    """The object's own header, if it has one. Otherwise caches keep only an address with the right version.

    A page can know a new version before its outputs are written. Caches would keep the old picture under it.
    """
    if own := stat.metadata.get("Cache-Control"):
        return own
    immutable = given.get("v") == stat.metadata.get(SOURCE_ETAG, "")[:8]
    if wanted.listed or not (wanted.address and wanted.address.expires):
        return http.YEAR if immutable else http.SHORT
    left = max(0, int(wanted.address.expires_in()))
    return f"public, max-age={left if immutable else min(60, left)}"


def _redirect(given: Mapping[str, str], outcome: str) -> Reply:
    """Send the client to the same address, which CloudFront then finds in the bucket; but only once."""
    if "r" in given:
        sentence = f"the picture has more than {http.MAX_BODY:,} bytes, which only CloudFront can send"
        return http.text(502, "too_large", sentence, "max-age=10")
    query = "&".join(f"{name}={quote(text)}" for name, text in {**given, "r": "1"}.items())
    return http.text(302, outcome, "see the same address", "no-store", location=f"?{query}")


def _matches(condition: str, etag: str) -> bool:
    """Whether a header `If-None-Match` has the ETag (RFC 9110, section 13.1.2: a weak comparison)."""
    tags = (each.strip().removeprefix("W/") for each in condition.split(","))
    return any(each in ("*", f'"{etag}"') for each in tags)
