"""The only constructor of S3 clients: it knows the addresses of AWS's regions, of other vendors, and of loopback."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import obstore
from obstore.store import S3Store

from tinypics.errors import DestinationNotFound, SourceNotFound
from tinypics.store.bucket import Bucket, translated
from tinypics.store.threads import interruptible

if TYPE_CHECKING:
    from collections.abc import Callable

    from obstore.store import ClientConfig, RetryConfig, S3Config, S3CredentialProvider

# object_store uses `BUCKET.s3.REGION.amazonaws.com` in every region, which is right in the partitions `aws` and
# `aws-us-gov` only.
_DOMAIN: Final = "amazonaws.com"
_DOMAINS: Final = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "eu-isoe-": "cloud.adc-e.uk",
    "us-isof-": "csp.hci.ic.gov",
}
"""Domains of the other partitions, by prefix of the region. tests/store/test_s3.py compares them with botocore's
partitions.json."""

_LOOPBACK: Final = ("localhost", "127.", "[::1]")


def s3_bucket(
    name: str,
    *,
    endpoint: str | None = None,
    region: str | None = None,
    credentials: S3CredentialProvider | None = None,
    timeouts: ClientConfig | None = None,
    retries: RetryConfig | None = None,
) -> Bucket:
    """A new client of a bucket. The environment supplies the endpoint, region and credentials that are not given.

    Without `timeouts` and `retries`, those of object_store apply.
    """
    endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
    client: ClientConfig = {**(timeouts or {}), "allow_http": bool(endpoint and endpoint.startswith("http://"))}
    if endpoint and is_loopback(endpoint):
        # `proxy_url` overrides the proxy of the environment, and `proxy_excludes` keeps loopback from using it.
        client |= {"proxy_url": endpoint, "proxy_excludes": "localhost,127.0.0.1,::1"}
    # Virtual-hosted addresses need DNS, which an endpoint on this computer does not have.
    config: S3Config = {"virtual_hosted_style_request": not endpoint, "disable_bulk_delete": True}
    if address := endpoint or s3_endpoint(name, region):
        config["aws_endpoint_url_s3"] = address  # takes precedence over the environment

    def store(retries: RetryConfig | None, headers: dict[str, str]) -> S3Store:
        options: ClientConfig = {**client, "default_headers": headers} if headers else client
        return S3Store(
            name, config=config, client_options=options, retry_config=retries, credential_provider=credentials
        )

    return S3Bucket(name, store(retries, {}), lambda headers: store({"max_retries": 0}, headers))


class S3Bucket(Bucket):
    """Its deletes are conditional: "How to perform conditional deletes" in the S3 user guide.

    Such a request needs `s3:DeleteObject` and `s3:GetObject` ("Enforce conditional deletes on Amazon S3 buckets").
    Stores of other vendors may ignore the condition, so callers look at the object first.
    """

    def __init__(self, name: str, store: S3Store, without_retries: Callable[[dict[str, str]], S3Store]) -> None:
        super().__init__(name, store)
        self._without_retries = without_retries

    def delete(self, key: str, *, etag: str | None = None) -> None:
        # The client has no condition for a delete, but constant headers, which it signs. So each version has a client
        # of its own: 7 ms of CPU time, and a connection.
        store = self._without_retries({"If-Match": f'"{etag}"'} if etag is not None else {})
        with suppress(SourceNotFound):  # S3 answers 404 only to a conditional delete, or if there is no such bucket
            missing = SourceNotFound if etag is not None else DestinationNotFound
            with translated(f"bucket {self.name} to remove from", missing=missing), self._conflicts(key):
                interruptible(lambda: obstore.delete(store, key))


def s3_endpoint(bucket: str, region: str) -> str | None:
    """`https://BUCKET.s3.REGION.DOMAIN`; None if the client's default is right."""
    found = domain(region)
    return f"https://{bucket}.s3.{region}.{found}" if found != _DOMAIN else None


def domain(region: str) -> str:
    """The domain of the endpoints of a region."""
    return next((each for prefix, each in _DOMAINS.items() if region.startswith(prefix)), _DOMAIN)


def is_loopback(endpoint: str) -> bool:
    """Whether the endpoint is on this computer, which no proxy can reach."""
    scheme, _, host = endpoint.partition("://")
    return scheme in ("http", "https") and host.startswith(_LOOPBACK)
