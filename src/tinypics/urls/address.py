"""Addresses of outputs: `https://HOST/KEY/RENDITION.EXT`, with `?v=` the version and `?s=` a signature.

`.auto` instead of an extension is the best format that the browser takes. The version, the first eight characters of
the source's ETag, lets caches keep the answer. A signature allows an output that the stack does not list. It holds for
the key, the name (`RENDITION.EXT`) and the last second `e`, all as text, so any language can sign:
`examples/addresses.json` has vectors.
"""

from __future__ import annotations

import hmac
import json
import re
import time
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import unquote

from tinypics.delivery import keys
from tinypics.errors import InvalidRequest
from tinypics.image.options import NAME
from tinypics.image.rendition import Rendition
from tinypics.store.objects import unquoted
from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MAX_BYTES: Final = 8192
"""Of a path or a query: CloudFront's limit of a whole URL ("Quotas" in its developer guide)."""

AUTO_FORMATS: Final = ("avif", "webp")
"""The extensions that `.auto` becomes for a browser that accepts them, the best one first."""

PARAMETERS: Final = ("v", "s", "e", "r")
"""Version, signature, its last second, and the mark of an address that the serving function has redirected to."""

_VERSION: Final = "[0-9a-f]{8}"
_DAY: Final = 86_400
_DIGEST_BYTES: Final = 16  # of HMAC-SHA256: 22 characters
_BASE: Final = r"(https?://[A-Za-z0-9.-]+(:[0-9]+)?)?(/[A-Za-z0-9._~!$&'()*+;=:@%/-]*)?"


def url(
    key: str,
    rendition: Rendition | str,
    *,
    base: str,
    version: str | None = None,
    secret: str | Mapping[str, str] | None = None,
    expires: datetime | float | None = None,
) -> str:
    """The address of an output: `url("photos/cat.jpg", "800x-webp", base="https://cdn.example.com/")`.

    `rendition` is a `Rendition`, its text form, or its name with an extension: `800x.auto`, `hero.webp`. `base` is the
    address that the stack shows as output `UrlBase`. `version` is the source's ETag, as the upload's answer has it.
    `secret` signs the address: the JSON document of Secrets Manager, or a mapping from key ids to keys. `expires` is
    the time (or the seconds since 1970) until which the output may be made; it is rounded up to whole days, so that
    the addresses of one day are one entry in a cache.

    :raises InvalidRequest: naming the argument, what is allowed and what was given.
    """
    keys.check(key)
    if not base or not re.fullmatch(_BASE, base):
        raise InvalidRequest.expected("base", "an address like https://cdn.example.com/", base)
    if expires is not None and secret is None:
        raise InvalidRequest.expected("expires", "nothing without a secret, because only a signature ends", expires)
    name = name_of(key, rendition)
    path = keys.check(f"{key}/{name}")
    query: dict[str, str] = {}
    if version is not None:
        if not re.match(_VERSION, unquoted(version)):
            raise InvalidRequest.expected("version", "the ETag of the source, which begins with 8 hex digits", version)
        query["v"] = unquoted(version)[:8]
    if secret is not None:
        ring = key_ring(secret)
        identity, last = max(ring), _whole_days(expires)
        query["s"] = identity + signature(key, name, last, ring[identity])
        query |= {"e": last} if last else {}
    return join(base, path, query)


def join(base: str, key: str, query: Mapping[str, str]) -> str:
    """The address of a stored object by its own key. The parameters in `query` need no encoding."""
    parameters = "&".join(f"{field}={text}" for field, text in query.items())
    return f"{base.rstrip('/')}/{keys.in_address(key)}" + (f"?{parameters}" if parameters else "")


def name_of(key: str, rendition: Rendition | str) -> str:
    """The last part of the address: the rendition's label and an extension.

    :raises InvalidRequest: `rendition` is neither a rendition nor a name with the extension of an output.
    """
    if isinstance(rendition, str):
        label, _, extension = rendition.rpartition(".")
        if label and "=" not in rendition and extension in keys.EXTENSIONS:
            return f"{canonical(label)}.{extension}"
        rendition = Rendition.parse(rendition)
    return keys.listed_output(key, rendition).removeprefix(f"{key}/")


def canonical(label: str) -> str:
    """The label of the rendition with this text form, or `label` itself if it can be a rendition's name."""
    try:
        return Rendition.parse(label).label
    except InvalidRequest:
        if re.fullmatch(NAME, label):
            return label
        raise


def key_ring(secret: str | Mapping[str, str]) -> Mapping[str, str]:
    """The keys of signatures by their ids. Several are valid during a rotation; the highest id signs."""
    allowed = 'a JSON document like {"1": "a long random text"}, with ids of one letter or digit'
    ring: object = secret
    if isinstance(secret, str):
        try:
            ring = json.loads(secret)
        except (ValueError, RecursionError):
            ring = None
    if not (isinstance(ring, dict) and ring and all(_is_id(each) and _is_key(ring[each]) for each in ring)):
        raise InvalidRequest(f"secret: expected {allowed}, got something else")  # and no quote of a secret
    return ring


def _is_id(identity: object) -> bool:
    return isinstance(identity, str) and re.fullmatch("[A-Za-z0-9]", identity) is not None


def _is_key(text: object) -> bool:
    return isinstance(text, str) and len(text) >= _DIGEST_BYTES


def signature(key: str, name: str, expires: str, secret: str) -> str:
    """22 characters. `key` is decoded and not normalised, `name` is `LABEL.EXT`, `expires` digits or empty."""
    text = f"tinypics1\n{key}\n{name}\n{expires}"
    digest = hmac.digest(secret.encode(), text.encode(), "sha256")[:_DIGEST_BYTES]
    return urlsafe_b64encode(digest).decode().rstrip("=")


def _whole_days(expires: datetime | float | None) -> str:
    if expires is None:
        return ""
    seconds = expires if isinstance(expires, int | float) else expires.timestamp()
    if not 0 < seconds < 10**11:
        raise InvalidRequest.expected("expires", "a time, or seconds since 1970", expires)
    return str(int(-(-seconds // _DAY) * _DAY))


@value
class Address:
    """A parsed address, without the host: the object key, the rendition's label and the extension."""

    key: str
    label: str
    extension: str
    version: str | None = None
    signature: str = ""
    expires: str = ""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return f"{self.label}.{self.extension}"

    @classmethod
    def parse(cls, path: str, query: str = "", *, encoded: bool = True) -> Self:
        """Parse the path (with its slash in front) and the query.

        A "+" in the path is one: callers that follow S3 encode it. Only `PARAMETERS` count, and a `v` that no ETag
        begins with is none.

        :raises InvalidRequest: the path is not the form KEY/RENDITION.EXT, or a parameter is repeated.
        """
        text = decoded(path, encoded=encoded)
        key, _, name = text.rpartition("/")
        label, _, extension = name.rpartition(".")
        if not label or extension not in keys.EXTENSIONS or canonical(label) != label:
            raise InvalidRequest.expected("address", "KEY/RENDITION.EXT, like cat.jpg/800x-webp.webp", text)
        found = parameters(query)
        return cls(keys.check(key), label, extension, found.get("v"), found.get("s", ""), found.get("e", ""))

    def is_signed(self, ring: Mapping[str, str], now: float | None = None) -> bool:
        """Whether a key of `ring` has signed this address, and it has not expired.

        The signature of an address with `.auto` is valid for the extensions that it becomes, too.
        """
        identity, given = self.signature[:1], self.signature[1:]
        if identity not in ring or not given.isascii():
            return False
        if self.expires and not (re.fullmatch("[0-9]{1,11}", self.expires) and self.expires_in(now) > 0):
            return False
        names = [self.name]
        if self.extension in AUTO_FORMATS:
            names.append(f"{self.label}.{keys.AUTO}")
        right = (signature(self.key, name, self.expires, ring[identity]) for name in names)
        return any(hmac.compare_digest(each, given) for each in right)

    def expires_in(self, now: float | None = None) -> float:
        """Seconds until `expires`, which has digits."""
        return int(self.expires) - (time.time() if now is None else now)


def decoded(path: str, *, encoded: bool) -> str:
    """The key of the object that a path names. Raises InvalidRequest if it can be none."""
    if len(path) > MAX_BYTES:
        raise InvalidRequest.expected("address", f"a path of at most {MAX_BYTES} bytes", path)
    try:
        text = unquote(path, errors="strict") if encoded else path
    except UnicodeDecodeError as error:
        raise InvalidRequest.expected("address", "percent-encoded UTF-8", path) from error
    return keys.check(text.removeprefix("/"), "address")


def parameters(query: str) -> dict[str, str]:
    """The valid ones of `PARAMETERS`. Raises InvalidRequest for a repeated one.

    Messages do not quote the query: they are logged, and it may have a signature.
    """
    if len(query) > MAX_BYTES:
        raise InvalidRequest.expected("address", f"a query of at most {MAX_BYTES} bytes", len(query))
    found: dict[str, str] = {}
    for pair in query.split("&"):
        field, _, text = pair.partition("=")
        if field in PARAMETERS:
            if field in found:
                raise InvalidRequest.expected("address", f"the parameter {field} once", f"{field} again")
            found[field] = unquote(text)
    if not re.fullmatch(_VERSION, found.get("v", "")):
        found.pop("v", None)
    return found
