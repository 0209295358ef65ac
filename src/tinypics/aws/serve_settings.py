"""The serving function's environment variables: those of `settings`, and its own."""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from tinypics.aws.settings import OUTPUT_BUCKET, RENDITIONS, SOURCE_BUCKETS, TAGS, Settings, like, require
from tinypics.aws.settings import READERS as SHARED
from tinypics.delivery import keys
from tinypics.delivery.outputs import ON_DEMAND_TAG
from tinypics.errors import InvalidConfiguration, InvalidRequest
from tinypics.urls.address import AUTO_FORMATS
from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tinypics.image.rendition import Rendition

DYNAMIC_RENDITIONS = "TINYPICS_DYNAMIC_RENDITIONS"
AUTO = "TINYPICS_AUTO_FORMATS"
SIGNING_SECRET = "TINYPICS_SIGNING_SECRET"  # noqa: S105 - the name of a variable
ORIGIN_SECRET = "TINYPICS_ORIGIN_SECRET"  # noqa: S105 - the name of a variable
DEFAULT_PICTURE = "TINYPICS_DEFAULT_PICTURE"

_MAX_TAGS = 9  # S3 allows ten for an object, and one is ours


@value
class ServeSettings:
    """The outputs that may be made, and their buckets. `renditions` are the listed ones by label.

    With `secret`, the ARN (or the name) of the keys of signatures, any signed address may be made. `default_picture`
    is the key of an object in the output bucket, which is sent instead of the text of an error. `origin_secret` is the
    header without which a request is refused, because it did not come through CloudFront.
    """

    stack: Settings
    source_bucket: str
    output_bucket: str
    renditions: Mapping[str, Rendition] = MappingProxyType({})
    auto_formats: tuple[str, ...] = ()
    secret: str | None = None
    default_picture: str | None = None
    origin_secret: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> ServeSettings:
        """Read the variables; an empty one counts as unset. Raises InvalidConfiguration for the first invalid one."""
        stack = Settings.from_environment(environment)
        if len(stack.handling.tags) > _MAX_TAGS:
            allowed = f'at most {_MAX_TAGS} tags, because outputs on demand have "{"=".join(ON_DEMAND_TAG)}", too'
            raise InvalidConfiguration.expected(TAGS, allowed, len(stack.handling.tags))
        if len(stack.source_buckets) != 1:
            raise InvalidConfiguration.expected(SOURCE_BUCKETS, "one bucket", ", ".join(sorted(stack.source_buckets)))
        (source_bucket,) = stack.source_buckets
        found = {name: reader(name, text) for name, reader in READERS.items() if (text := environment.get(name))}
        listed = {each.label: each for each in (*stack.renditions, *found.get(DYNAMIC_RENDITIONS, ()))}
        return cls(
            stack=stack,
            source_bucket=source_bucket,
            output_bucket=require(OUTPUT_BUCKET, stack.output_bucket, "the name of a bucket"),
            renditions=listed,
            auto_formats=found.get(AUTO, AUTO_FORMATS[-1:]),
            secret=found.get(SIGNING_SECRET),
            default_picture=found.get(DEFAULT_PICTURE),
            origin_secret=found.get(ORIGIN_SECRET),
        )


def load(environment: Mapping[str, str] = os.environ) -> ServeSettings | InvalidConfiguration:
    """The settings, or the error, which each answer then reports."""
    try:
        return ServeSettings.from_environment(environment)
    except InvalidConfiguration as error:
        return error.with_traceback(None)


def _formats(name: str, text: str) -> tuple[str, ...]:
    given = tuple(text.split(","))
    if given not in (AUTO_FORMATS, AUTO_FORMATS[-1:]):
        raise InvalidConfiguration.expected(name, f"{AUTO_FORMATS[-1]} or {','.join(AUTO_FORMATS)}", text)
    return given


def _key(name: str, text: str) -> str:
    try:
        return keys.check(text, name)
    except InvalidRequest as error:
        raise InvalidConfiguration(error.message) from error


READERS: Final[dict[str, Callable[[str, str], Any]]] = {
    DYNAMIC_RENDITIONS: SHARED[RENDITIONS],
    AUTO: _formats,
    SIGNING_SECRET: like(r"[A-Za-z0-9/_+=.@:-]+", "the ARN or the name of a secret"),
    DEFAULT_PICTURE: _key,
    ORIGIN_SECRET: lambda _, text: text,  # any text: a message about it would put it into the log
}
"""The parser of each variable of its own: from the name, for messages, and the text to the value."""
