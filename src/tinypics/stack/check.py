"""The checker of a deployed stack's two buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinypics.aws import events
from tinypics.verify.checker import Checker

if TYPE_CHECKING:
    from tinypics.aws.settings import Settings
    from tinypics.delivery.resizing import Resizer
    from tinypics.stack.clients import Cloud
    from tinypics.stack.deployed import Stack


def make_checker(
    cloud: Cloud, stack: Stack, settings: Settings, resize_all: Resizer, *, prefix: str = "", threads: int = 1
) -> Checker:
    """A checker of the sources that start with `prefix`. `resize_all` decodes in a sandbox."""
    return Checker(
        source=cloud.bucket(stack.source_bucket),
        output=cloud.bucket(settings.output_bucket or stack.output_bucket),
        request_of=lambda listed: events.parse(
            events.upload(stack.source_bucket, listed.key, size=listed.size), settings
        ),
        limits=settings.limits,
        handling=settings.handling,
        resize_all=resize_all,
        prefix=prefix,
        output_prefix=settings.output_prefix,
        threads=threads,
    )
