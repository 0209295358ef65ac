"""S3 buckets, with the credentials, region and endpoint of the environment."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from tinypics.store.s3 import s3_bucket

if TYPE_CHECKING:
    from tinypics.store.bucket import Bucket

CERTIFICATES = (
    "/etc/pki/tls/certs/ca-bundle.crt",  # Amazon Linux, which Lambda runs on
    "/etc/ssl/certs/ca-certificates.crt",  # Debian
)


def trust_one_file() -> None:
    """Set `SSL_CERT_FILE`, so that clients read the system's certificates from one file only.

    By default, each client (one per bucket) reads that file and then every file beside it (rustls-native-certs, "Which
    certificates"), which takes as long as loading the client.
    """
    if not (os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")):
        for path in filter(os.path.exists, CERTIFICATES):
            os.environ["SSL_CERT_FILE"] = path
            return


@cache
def open_bucket(name: str) -> Bucket:
    """The client of a bucket, cached for warm invocations.

    It makes at most five attempts within about a second, with jitter. After that the workflow's Retry (or the queue)
    waits, because waiting there costs nothing.
    """
    trust_one_file()
    return s3_bucket(
        name,
        timeouts={
            "connect_timeout": timedelta(seconds=3),
            "read_timeout": timedelta(seconds=5),  # between two reads
            "timeout": timedelta(seconds=30),
        },
        retries={
            "max_retries": 4,
            "retry_timeout": timedelta(seconds=10),
            "backoff": {"init_backoff": timedelta(milliseconds=50), "max_backoff": timedelta(seconds=2), "base": 2},
        },
    )
