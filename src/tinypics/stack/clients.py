"""Clients for AWS or for the emulator. Only this module knows the differences between the two."""

from __future__ import annotations

import functools
import os
import threading
from typing import TYPE_CHECKING, Any, Self

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, InvalidConfigError
from obstore.auth.boto3 import Boto3CredentialProvider

from tinypics.store.s3 import s3_bucket

if TYPE_CHECKING:
    from tinypics.store.bucket import Bucket

_TIMEOUTS = Config(connect_timeout=5, retries={"mode": "standard", "max_attempts": 3})
# Signature version 4, at the bucket's regional address: the global one redirects, which breaks uploads of browsers.
_SIGNING = Config(
    signature_version="s3v4", s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}
)
# An invocation may take 15 minutes without a byte of response; a client with a shorter timeout would repeat it.
_INVOCATIONS = Config(read_timeout=905, tcp_keepalive=True)
_LOCAL = Config(
    signature_version="s3v4",
    s3={"addressing_style": "path"},  # no name lookup for bucket.localhost
    inject_host_prefix=False,  # nor for sync-localhost
    proxies={},  # no proxy can reach loopback
)
_creating = threading.Lock()  # because a session cannot create clients in two threads at once


class Cloud:
    """boto3 clients of one account and region, or of the emulator at `endpoint`."""

    def __init__(self, session: boto3.Session, endpoint: str | None = None) -> None:
        self.endpoint = endpoint
        self._session = session
        self._config = _TIMEOUTS.merge(_LOCAL) if endpoint else _TIMEOUTS
        self._clients: dict[str, Any] = {}

    @classmethod
    def local(cls, endpoint: str, region: str) -> Self:
        """The emulator at `endpoint`. The user's AWS settings are not read, so they need not be valid."""
        return cls(_local_session(region), endpoint)

    @classmethod
    def aws(cls, profile: str | None, region: str | None) -> Self:
        """AWS, or the endpoint in `AWS_ENDPOINT_URL`, with the usual profile and region."""
        return cls(aws_session(profile, region))

    def client(self, service: str) -> Any:
        """One for each service, because creating it takes 20 ms of CPU time.

        Threads may share it (boto3's guide, "Multithreading or multiprocessing with clients").
        """
        if service not in self._clients:
            config = self._config.merge(_INVOCATIONS) if service == "lambda" else self._config
            self._clients.setdefault(service, self._create(service, config))  # perhaps another thread was first
        return self._clients[service]

    def presigner(self) -> Any:
        """A client of S3 with presigned URLs that a browser can use."""
        config = self._config if self.endpoint else self._config.merge(_SIGNING)
        return self._create("s3", config)

    def _create(self, service: str, config: Config) -> Any:
        with _creating:
            try:
                return self._session.client(service, endpoint_url=self.endpoint, config=config)
            except BotoCoreError:
                raise
            except ValueError as error:  # botocore's class for an invalid endpoint
                allowed = "AWS_ENDPOINT_URL, or endpoint_url of the profile: expected a URL like http://127.0.0.1:4566"
                raise InvalidConfigError(error_msg=f"{allowed}. {error}") from None

    @property
    def region(self) -> str:
        return str(self._session.region_name)

    def known_regions(self) -> list[str]:
        """The regions of all partitions, as this version of boto3 knows them."""
        partitions = self._session.get_available_partitions()
        return [each for name in partitions for each in self._session.get_available_regions("cloudformation", name)]

    def bucket(self, name: str) -> Bucket:
        """The store client of a bucket, as in the function."""
        credentials = Boto3CredentialProvider(self._session)
        return s3_bucket(name, endpoint=self.endpoint, region=self.region, credentials=credentials)


def aws_session(profile: str | None, region: str | None) -> boto3.Session:
    """A session with the usual profile and region. The AWS CLI reads AWS_REGION, too, which boto3 does not."""
    return boto3.Session(profile_name=profile, region_name=region or os.environ.get("AWS_REGION"))


@functools.cache
def _local_session(region: str) -> boto3.Session:
    """One session for all clients, because each session reads the descriptions of its services again."""
    unset = (None, None, None, None)
    settings = dict.fromkeys(("profile", "config_file", "credentials_file"), unset)
    bare = botocore.session.Session(session_vars=settings)
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.Session(botocore_session=bare, region_name=region, **keys)
