"""The keys of signatures, from Secrets Manager by one signed request (AWS Signature Version 4).

The SDK would need 400 ms to load. Secrets Manager charges for each request, so a process keeps the keys for ten
minutes.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from tinypics.errors import AccessDenied, InvalidConfiguration, InvalidRequest, StoreUnavailable
from tinypics.store.s3 import domain
from tinypics.urls.address import key_ring
from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KEPT: Final = 600.0  # seconds
_AGAIN: Final = 60.0  # seconds until an unknown key id is looked for again
_TIMEOUT: Final = 5.0  # seconds
_TRANSIENT: Final = ("ThrottlingException", "InternalServiceError", "InternalServiceErrorException")
_MAX_BYTES: Final = 2**20  # of an answer; a secret has at most 64 KiB


class SigningKeys:
    """The keys of one secret, kept in memory. `read` returns its JSON document."""

    def __init__(self, read: Callable[[str], str], clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    def ring(self, secret: str, identity: str) -> Mapping[str, str]:
        """The keys by id. An id that is not among them is looked for again, but at most once a minute in vain."""
        now = self._clock()
        kept = self._kept.get(secret)
        if kept and now - kept.read_at < KEPT and (identity in kept.ring or now - kept.missed_at < _AGAIN):
            return kept.ring
        try:
            ring = key_ring(self._read(secret))
        except InvalidRequest as error:
            raise InvalidConfiguration(error.message) from None
        missed_at = kept.missed_at if kept else -_AGAIN
        self._kept[secret] = _Kept(ring, now, missed_at if identity in ring else now)
        return ring


@value
class _Kept:
    """Keys, the time when they were read, and the last time when they lacked the requested one."""

    ring: Mapping[str, str]
    read_at: float
    missed_at: float


def read_secret(secret: str) -> str:
    """The text of a secret, by its ARN or its name. Raises AccessDenied and StoreUnavailable."""
    region = os.environ.get("AWS_REGION", "us-east-1")
    endpoint = os.environ.get("AWS_ENDPOINT_URL_SECRETS_MANAGER") or os.environ.get("AWS_ENDPOINT_URL")
    address = urlsplit(endpoint or f"https://secretsmanager.{region}.{domain(region)}")
    body = json.dumps({"SecretId": secret}).encode()
    secure = address.scheme == "https"
    connection = (http.client.HTTPSConnection if secure else http.client.HTTPConnection)(
        address.netloc, timeout=_TIMEOUT
    )
    try:
        connection.request("POST", "/", body, _signed_headers(address.netloc, region, body, time.gmtime()))
        answer = connection.getresponse()
        text = answer.read(_MAX_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise StoreUnavailable(f"Secrets Manager: {type(error).__name__}") from error
    finally:
        connection.close()
    try:
        document = dict(json.loads(text))
    except (ValueError, TypeError, RecursionError):
        document = {}
    kind = str(document.get("__type", "")).rpartition("#")[2]
    if answer.status >= 500 or kind in _TRANSIENT:
        raise StoreUnavailable(f"Secrets Manager answered {answer.status} {kind}".rstrip())
    found = document.get("SecretString")
    if answer.status != 200 or not isinstance(found, str):
        raise AccessDenied(f"the secret of signatures cannot be read: Secrets Manager answered {answer.status} {kind}")
    return found


def _signed_headers(host: str, region: str, body: bytes, now: time.struct_time) -> dict[str, str]:
    """The headers of a request to Secrets Manager ("Create a signed AWS API request" in the IAM user guide)."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", now)
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": host,
        "x-amz-date": stamp,
        "x-amz-target": "secretsmanager.GetSecretValue",
    }
    if token := os.environ.get("AWS_SESSION_TOKEN"):
        headers["x-amz-security-token"] = token
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{stamp[:8]}/{region}/secretsmanager/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{os.environ.get('AWS_SECRET_ACCESS_KEY', '')}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    credential = f"{os.environ.get('AWS_ACCESS_KEY_ID', '')}/{scope}"
    proof = hmac.digest(key, text.encode(), "sha256").hex()
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={proof}"
    return headers
