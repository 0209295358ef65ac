"""The function's environment variables, read and validated once, when the handler's module is loaded."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final

from tinypics.delivery import keys
from tinypics.delivery.outputs import Handling
from tinypics.errors import InvalidConfiguration, InvalidRequest
from tinypics.image.limits import Limits
from tinypics.image.rendition import Rendition, check_distinct
from tinypics.values import replace, value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PREFIX = "TINYPICS_PREFIX"
SOURCE_BUCKETS = "TINYPICS_SOURCE_BUCKETS"
OUTPUT_BUCKET = "TINYPICS_OUTPUT_BUCKET"
OUTPUT_BUCKETS = "TINYPICS_OUTPUT_BUCKETS"
OUTPUT_PREFIX = "TINYPICS_OUTPUT_PREFIX"
CACHE_CONTROL = "TINYPICS_CACHE_CONTROL"
STORAGE_CLASS = "TINYPICS_STORAGE_CLASS"
TAGS = "TINYPICS_TAGS"
URL_BASE = "TINYPICS_URL_BASE"
SIZES = "TINYPICS_SIZES"
FOLLOW_DELETES = "TINYPICS_FOLLOW_DELETES"
RENDITIONS = "TINYPICS_RENDITIONS"
BACKFILL_BUCKET = "TINYPICS_BACKFILL_BUCKET"
STATE_MACHINE = "TINYPICS_STATE_MACHINE"
API_URL = "TINYPICS_API_URL"
MEMORY_MB = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"  # set by Lambda itself

# Defaults if no buckets are configured: the project's own two names, never "any bucket".
_SOURCE_BUCKETS = frozenset({"original-pics"})
_OUTPUT_BUCKETS = frozenset({"tiny-pics"})

# The share of the function's memory for one picture, without the interpreter, the store client and the source's copy.
_PICTURE_SHARE = 0.6
_WHOLE_PROCESSOR = 1769  # MB at which Lambda gives one vCPU; less memory gives a proportional share

STORAGE_CLASSES: Final = ("STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR")
"""S3's storage classes with immediate access, so that a browser can load the objects."""


@value
class Settings:
    """Defaults for fields that an event omits, and the limits of this function.

    `renditions` are those of an upload. With `in_folder` (several renditions, or a named one) the outputs are below the
    source's key; otherwise the single output has the source's key. `output_prefix` is prepended to either. `prefix`
    is the key prefix of the uploads that the stack watches; the function itself accepts any key.

    An event may only name buckets of `source_buckets` and `output_buckets`, even if the function's role allows more:
    permission to send events gives no access to other buckets. `backfill_bucket` has the run logs of backfills.
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
        """Read the variables; an empty one counts as unset. Raises InvalidConfiguration for the first invalid one."""
        found = {name: reader(name, text) for name, reader in READERS.items() if (text := environment.get(name))}
        sources, bucket = found.get(SOURCE_BUCKETS, ()), found.get(OUTPUT_BUCKET)
        prefix, output_prefix = found.get(PREFIX, ""), found.get(OUTPUT_PREFIX, "")
        if output_prefix and sources[:1] == (bucket,) and prefix.startswith(output_prefix):
            allowed = f"keys outside of the output prefix {output_prefix}, because both buckets are one"
            raise InvalidConfiguration.expected(PREFIX, allowed, prefix)
        renditions = found.get(RENDITIONS, cls.renditions)
        return cls(
            prefix=prefix,
            source_buckets=frozenset(sources) or _SOURCE_BUCKETS,
            output_bucket=bucket,
            output_buckets=frozenset({*found.get(OUTPUT_BUCKETS, ()), *filter(None, [bucket])}) or _OUTPUT_BUCKETS,
            output_prefix=output_prefix,
            renditions=renditions,
            in_folder=_in_folder(renditions),
            handling=Handling(
                cache_control=found.get(CACHE_CONTROL),
                storage_class=found.get(STORAGE_CLASS),
                tags=found.get(TAGS, {}),
                url_base=found.get(URL_BASE, ""),
                sizes=found.get(SIZES, ""),
                follow_deletes=found.get(FOLLOW_DELETES, True),
            ),
            limits=_limits(found[MEMORY_MB]) if MEMORY_MB in found else Limits(),
            backfill_bucket=found.get(BACKFILL_BUCKET),
        )

    def listed(self, label: str) -> Rendition | None:
        """The rendition with that name or text form; None if uploads make none like it."""
        return next((each for each in self.renditions if each.label == label), None)

    def with_renditions(self, renditions: Sequence[str]) -> Settings:
        """The same settings with other renditions, in the matching layout. Raises InvalidRequest."""
        made = tuple(map(Rendition.parse, renditions))
        check_distinct(made, "renditions")
        return replace(self, renditions=made, in_folder=_in_folder(made))


def load(environment: Mapping[str, str] = os.environ) -> Settings | InvalidConfiguration:
    """The settings, or the error: a function that raises while it is loaded could answer no event with the reason."""
    try:
        return Settings.from_environment(environment)
    except InvalidConfiguration as error:
        return error.with_traceback(None)


def require_valid(loaded: Settings | InvalidConfiguration) -> Settings:
    """The settings. Raises InvalidConfiguration if they could not be loaded."""
    if isinstance(loaded, Settings):
        return loaded
    raise InvalidConfiguration(loaded.message)  # a new one, because each raise adds to a traceback


def require(variable: str, text: str | None, allowed: str) -> str:
    """The text of a variable that only some functions need. Raises InvalidConfiguration if it is not set."""
    if not text:
        raise InvalidConfiguration.expected(variable, allowed, None)
    return text


def _in_folder(renditions: Sequence[Rendition]) -> bool:
    return len(renditions) > 1 or renditions[0].name is not None


def _limits(megabytes: int) -> Limits:
    # About half a minute at every memory size, so that one slow picture cannot use up the time of its batch.
    seconds = max(1, min(Limits.cpu_seconds, Limits.cpu_seconds * megabytes // _WHOLE_PROCESSOR))
    return Limits(memory=int(megabytes * 2**20 * _PICTURE_SHARE), cpu_seconds=seconds)


# --- Parsers of a variable's text, which is not empty. They raise InvalidConfiguration.


def like(pattern: str, allowed: str) -> Callable[[str, str], str]:
    """A parser of texts that match the pattern."""

    def reader(name: str, text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise InvalidConfiguration.expected(name, allowed, text)
        return text

    return reader


# Names and numbers are in every environment. They are parsed without patterns, whose compilation costs a cold start.
def _bucket(name: str, text: str) -> str:
    if not (text.isascii() and text.translate(_OTHER_IN_BUCKETS).isalnum()):
        raise InvalidConfiguration.expected(name, "the name of a bucket", text)
    return text


_OTHER_IN_BUCKETS: Final = str.maketrans("", "", "._-")


def _buckets(name: str, text: str) -> tuple[str, ...]:
    """Buckets, separated by commas, by name or by ARN."""
    return tuple(_bucket(name, part.rpartition(":")[2]) for part in map(str.strip, text.split(",")) if part)


def _key_start(name: str, text: str) -> str:
    try:
        keys.check(f"{text}x")
    except InvalidRequest as error:
        raise InvalidConfiguration.expected(name, "what an object key can start with, like photos/", text) from error
    return text


def _folder(name: str, text: str) -> str:
    if not text.endswith("/"):
        raise InvalidConfiguration.expected(name, "a path that ends with a slash, like thumbs/", text)
    return _key_start(name, text)


def _renditions(name: str, text: str) -> tuple[Rendition, ...]:
    try:
        made = tuple(Rendition.parse(part.strip(" ")) for part in text.split(","))
        check_distinct(made, "renditions")
    except InvalidRequest as error:
        raise InvalidConfiguration(f"{name}: {error}") from error
    return made


def _tags(name: str, text: str) -> dict[str, str]:
    from tinypics.aws import tags  # few stacks set tags

    return tags.parse(name, text)


def _flag(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise InvalidConfiguration.expected(name, "true or false", text)
    return text == "true"


def _megabytes(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10) or int(text) < 128:
        raise InvalidConfiguration.expected(name, "a whole number of MB, at least 128", text)
    return int(text)


READERS: Final[dict[str, Callable[[str, str], Any]]] = {
    PREFIX: _key_start,
    SOURCE_BUCKETS: _buckets,
    OUTPUT_BUCKET: _bucket,
    OUTPUT_BUCKETS: _buckets,
    OUTPUT_PREFIX: _folder,
    CACHE_CONTROL: like("[!-~]([ -~]*[!-~])?", "a header in printable ASCII, like public, max-age=86400"),
    STORAGE_CLASS: like("|".join(STORAGE_CLASSES), ", ".join(STORAGE_CLASSES)),
    TAGS: _tags,
    URL_BASE: like(
        r"(https://[A-Za-z0-9.-]+|http://(localhost|127\.0\.0\.1))(:[0-9]+)?/([A-Za-z0-9._~!$&'()*+;=:@%/-]*/)?",
        "an https address that ends with a slash, like https://cdn.example.com/",
    ),
    SIZES: like("[!-~]([ -~]{0,498}[!-~])?", "the attribute sizes in printable ASCII, like (max-width: 600px) 100vw"),
    FOLLOW_DELETES: _flag,
    RENDITIONS: _renditions,
    BACKFILL_BUCKET: _bucket,
    STATE_MACHINE: like(r"arn:[a-z-]+:states:[^ ]+:stateMachine:[^ ]+", "the ARN of a workflow"),
    API_URL: like(r"https?://[!-~]+", "an address like https://example.com"),
    MEMORY_MB: _megabytes,
}
"""The parser of each variable: from the name, for messages, and the text to the value."""
