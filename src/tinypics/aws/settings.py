"""What the function's environment says, read and checked once, when the module that holds the handler is loaded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tinypics.delivery import Handling
from tinypics.errors import InvalidRequest
from tinypics.limits import Limits
from tinypics.rendition import Rendition
from tinypics.values import replace, value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PREFIX = "TINYPICS_PREFIX"
SOURCE_BUCKETS = "TINYPICS_SOURCE_BUCKETS"
OUTPUT_BUCKET = "TINYPICS_OUTPUT_BUCKET"
OUTPUT_BUCKETS = "TINYPICS_OUTPUT_BUCKETS"
OUTPUT_PREFIX = "TINYPICS_OUTPUT_PREFIX"
CACHE_CONTROL = "TINYPICS_CACHE_CONTROL"
STORAGE_CLASS = "TINYPICS_STORAGE_CLASS"
TAGS = "TINYPICS_TAGS"
URL_BASE = "TINYPICS_URL_BASE"
FOLLOW_DELETES = "TINYPICS_FOLLOW_DELETES"
RENDITIONS = "TINYPICS_RENDITIONS"
BACKFILL_BUCKET = "TINYPICS_BACKFILL_BUCKET"
STATE_MACHINE = "TINYPICS_STATE_MACHINE"
API_URL = "TINYPICS_API_URL"
MEMORY_MB = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"  # set by Lambda itself

# Without a list: the two buckets that the project is named for, never "any".
_SOURCE_BUCKETS = frozenset({"original-pics"})
_OUTPUT_BUCKETS = frozenset({"tiny-pics"})

# What is left for one picture after the interpreter, the store client and the copy of the source.
_PICTURE_SHARE = 0.6
_WHOLE_PROCESSOR = 1769  # MB for which Lambda gives one; a function with less has that share of it


@value
class Settings:
    """Defaults for what an event leaves out, and the limits of this function.

    `renditions` holds what an upload becomes; with `in_folder` each goes below the source's key (several renditions,
    or a named one), else the only one has the source's key. `output_prefix` stands before either. `prefix` is what the
    keys start with whose uploads the stack watches; the function itself takes any key that it is given.

    `source_buckets` and `output_buckets` are the only ones that an event may name, whatever the function's role allows:
    whoever can send events is not thereby trusted with every bucket. `backfill_bucket` is where a backfill writes down
    what became of each picture.
    """

    prefix: str = ""
    source_buckets: frozenset[str] = _SOURCE_BUCKETS
    output_bucket: str | None = None
    output_buckets: frozenset[str] = _OUTPUT_BUCKETS
    output_prefix: str = ""
    renditions: tuple[Rendition, ...] = (Rendition(width=128, height=128),)
    in_folder: bool = False
    handling: Handling = Handling()
    limits: Limits = Limits()
    backfill_bucket: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Raises InvalidRequest that names the variable and the part of it that is not allowed."""
        renditions = _renditions(environment.get(RENDITIONS, "128x128"))
        output_bucket = environment.get(OUTPUT_BUCKET) or None
        limits = Limits()
        if megabytes := environment.get(MEMORY_MB):
            # Half a minute at every size: what hangs is ended, and named, before it takes the time of a whole batch.
            seconds = max(1, min(limits.cpu_seconds, limits.cpu_seconds * int(megabytes) // _WHOLE_PROCESSOR))
            limits = Limits(memory=int(int(megabytes) * 2**20 * _PICTURE_SHARE), cpu_seconds=seconds)
        return cls(
            prefix=environment.get(PREFIX, ""),
            source_buckets=_names(environment.get(SOURCE_BUCKETS, "")) or _SOURCE_BUCKETS,
            output_bucket=output_bucket,
            output_buckets=_names(f"{environment.get(OUTPUT_BUCKETS, '')},{output_bucket or ''}") or _OUTPUT_BUCKETS,
            output_prefix=environment.get(OUTPUT_PREFIX, ""),
            renditions=renditions,
            in_folder=_in_folder(renditions),
            handling=Handling(
                cache_control=environment.get(CACHE_CONTROL) or None,
                storage_class=environment.get(STORAGE_CLASS) or None,
                tags=_tags(environment.get(TAGS, "")),
                url_base=environment.get(URL_BASE, ""),
                follow_deletes=_flag(FOLLOW_DELETES, environment.get(FOLLOW_DELETES, "true")),
            ),
            limits=limits,
            backfill_bucket=environment.get(BACKFILL_BUCKET) or None,
        )

    def of(self, renditions: Sequence[str]) -> Settings:
        """The same with other renditions, in the places that the stack's own would have. Raises InvalidRequest."""
        made = tuple(map(Rendition.parse, renditions))
        return replace(self, renditions=made, in_folder=_in_folder(made))


def _in_folder(renditions: Sequence[Rendition]) -> bool:
    return len(renditions) > 1 or renditions[0].name is not None


def _names(text: str) -> frozenset[str]:
    """Buckets, separated by commas, by name or by ARN."""
    return frozenset(filter(None, (name.strip().rpartition(":")[2] for name in text.split(","))))


def _renditions(text: str) -> tuple[Rendition, ...]:
    try:
        return tuple(Rendition.parse(part.strip()) for part in text.split(","))
    except InvalidRequest as error:
        raise InvalidRequest(f"{RENDITIONS}: {error}") from error


def _tags(text: str) -> dict[str, str]:
    """`team=photos&kind=thumbnail`, as in the `x-amz-tagging` header; S3 takes at most ten."""
    if not text:
        return {}
    from urllib.parse import parse_qsl

    try:
        return dict(parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=10))
    except ValueError as error:
        raise InvalidRequest.expected(TAGS, "at most ten tags like team=photos&kind=thumbnail", text) from error


def _flag(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise InvalidRequest.expected(name, "true or false", text)
    return text == "true"
