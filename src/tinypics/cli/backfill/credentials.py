"""S3 of any vendor, for backfills on this machine: listings, and credentials for the workers."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from botocore.config import Config

from tinypics.cli.target import readable_errors
from tinypics.stack.clients import aws_session
from tinypics.stack.listing import list_objects
from tinypics.store.s3 import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

    import boto3

    from tinypics.store.location import Location
    from tinypics.store.objects import Listed

_TRIES = Config(retries={"mode": "standard", "max_attempts": 5})
_OTHERS = Config(signature_version="s3v4", s3={"addressing_style": "path"})
_NO_PROXY = Config(proxies={})  # no proxy can reach loopback


@readable_errors()
def session(profile: str | None, region: str | None) -> boto3.Session:
    return aws_session(profile, region)


def list_source(session: boto3.Session, location: Location) -> Iterator[Listed]:
    config = _TRIES
    if location.endpoint:
        config = config.merge(_OTHERS).merge(_NO_PROXY if is_loopback(location.endpoint) else Config())
    client = session.client("s3", endpoint_url=location.endpoint, config=config)
    with readable_errors():
        yield from list_objects(client, location.name, location.prefix)


@contextlib.contextmanager
def in_environment(session: boto3.Session) -> Iterator[None]:
    """Processes that are started in the block use the session's credentials and region.

    They are passed in the environment, the only place where the store client reads them. If they expire, the run fails;
    the next run continues it.
    """
    found: dict[str, str | None] = {}
    if session.region_name:
        found["AWS_REGION"] = session.region_name
    if credentials := session.get_credentials():
        frozen = credentials.get_frozen_credentials()
        found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"] = frozen.access_key, frozen.secret_key
        found["AWS_SESSION_TOKEN"] = frozen.token
    before = {name: os.environ.get(name) for name in found}
    try:
        _set(found)
        yield
    finally:
        _set(before)


def _set(variables: dict[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
