"""Buckets of S3, with the credentials, region and endpoint of the environment."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import cache

from obstore.store import S3Store

from tinypics.store.bucket import Bucket
from tinypics.store.partitions import s3_endpoint

CERTIFICATES = (
    "/etc/pki/tls/certs/ca-bundle.crt",  # Amazon Linux, which Lambda runs on
    "/etc/ssl/certs/ca-certificates.crt",  # Debian
)


def trust_one_file() -> None:
    """Have the store's client read the system's certificates once, from one file.

    Left alone, each client (one a bucket) reads that file and then every file beside it (rustls-native-certs, "Which
    certificates"), which takes as long as loading the client.
    """
    if not (os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")):
        for path in filter(os.path.exists, CERTIFICATES):
            os.environ["SSL_CERT_FILE"] = path
            return


@cache
def open_bucket(name: str) -> Bucket:
    """The bucket of that name: one client each, kept warm.

    At most five tries within about a second, with jitter between them: beyond that the workflow's own Retry (or the
    queue) waits, and waiting there costs nothing.
    """
    trust_one_file()
    # The endpoint itself is read from the environment by the client. A bucket with a host name of its own needs DNS,
    # which a local endpoint does not have.
    local = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    endpoint = None if local else s3_endpoint(name, os.environ.get("AWS_REGION", ""))
    store = S3Store(
        name,
        config={"aws_endpoint_url_s3": endpoint} if endpoint else {},
        virtual_hosted_style_request=not local,
        client_options={
            "allow_http": bool(local and local.startswith("http://")),
            "connect_timeout": timedelta(seconds=3),
            "read_timeout": timedelta(seconds=5),  # without a byte
            "timeout": timedelta(seconds=30),
        },
        retry_config={
            "max_retries": 4,
            "retry_timeout": timedelta(seconds=10),
            "backoff": {"init_backoff": timedelta(milliseconds=50), "max_backoff": timedelta(seconds=2), "base": 2},
        },
    )
    return Bucket(name, store)
