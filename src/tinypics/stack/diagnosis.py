"""Why a picture has its outputs, or has none: every fact about one key, and the steps that help."""

from __future__ import annotations

import difflib
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from botocore.exceptions import ClientError

from tinypics.delivery import keys, layouts
from tinypics.delivery.request import Request
from tinypics.errors import TinypicsError, UnsupportedFormat
from tinypics.image import formats
from tinypics.stack import attempts
from tinypics.stack.executions import RUNNING
from tinypics.stack.listing import list_objects
from tinypics.stack.notifications import EVENTBRIDGE, read_notifications
from tinypics.stack.troubleshooting import advice
from tinypics.store.objects import Conflict, Listed, unquoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinypics.aws.settings import Settings
    from tinypics.stack.clients import Cloud
    from tinypics.stack.deployed import Stack
    from tinypics.verify.checker import Checker

ABSENT, COMPLETE = "absent", "complete"
_LOG_DAYS: Final = 1  # of a source that is gone, so its date is not known
_MAX_LINES: Final = 10
_MAX_NEAR: Final = 3
_MAX_LISTED: Final = 1000


class Command(Protocol):
    """Writes a command of this program for the user's shell."""

    def __call__(self, name: str, *options: str, arguments: Sequence[str] = ()) -> str: ...


def download(command: Command, key: str, outputs: Sequence[tuple[str, str]]) -> str:
    """The command that downloads the first of `outputs`, each a rendition and its key, beside the original."""
    rendition, output = outputs[0]
    name = key.rpartition("/")[2]
    options = ("--out", f"thumbnail-{name}") if output.rpartition("/")[2] == name else ()
    return command("get", *options, arguments=[key, rendition] if len(outputs) > 1 else [key])


@dataclass(slots=True)
class Diagnosis:
    """The facts about one key. `state` is a verdict's (`complete`, `wrong`, an error's name, ...), or `absent`.

    `source` is None if there is no such object; `near` then has keys that are like it, and `made_from` the source whose
    output has this key. `events` is the target of the bucket's events: `eventbridge`, `queue`, `none`, or `unknown` if
    they may not be read. `outputs` has each rendition of the stack's recipe with its key, and whether it is there and
    current.
    """

    key: str
    source_bucket: str
    output_bucket: str
    recipe: list[str]
    source: dict[str, Any] | None = None
    near: list[str] = field(default_factory=list)
    made_from: str | None = None
    events: str = "unknown"
    state: str = ABSENT
    error: str = ""
    message: str = ""
    outputs: list[dict[str, Any]] = field(default_factory=list)
    executions: list[attempts.Attempt] = field(default_factory=list)
    log: list[attempts.Attempt] = field(default_factory=list)
    conclusion: str = ""
    steps: list[str] = field(default_factory=list)


def diagnose(cloud: Cloud, stack: Stack, settings: Settings, checker: Checker, key: str, command: Command) -> Diagnosis:
    """Read all facts about `key`, and conclude. Changes nothing. `command` writes the commands of the steps."""
    found = Diagnosis(key, stack.source_bucket, checker.output.name, list(map(str, settings.renditions)))
    listed = _read_source(cloud, found)
    if listed is None:
        found.near = near_keys(cloud, stack.source_bucket, key)
        possible = keys.possible_sources(key.removeprefix(checker.output_prefix))
        found.made_from = next((each for each in possible if each != key and checker.source.head(each)), None)
    found.events = _event_target(cloud, stack)
    _check_outputs(found, checker, listed)
    since = listed.modified if listed and listed.modified else datetime.now(UTC) - timedelta(days=_LOG_DAYS)
    if listed:
        found.executions = attempts.executions(cloud, stack, key, since)
    lines = attempts.log_lines(cloud, stack, key, since - attempts.EARLY)
    found.log = list(lines)[-_MAX_LINES:]
    found.conclusion, found.steps = _conclude(found, settings, command)
    return found


def near_keys(cloud: Cloud, bucket: str, key: str) -> list[str]:
    """Up to three keys that look like `key`, of the first thousand in its folder."""
    folder = key[: key.rfind("/") + 1]
    listed = itertools.islice(list_objects(cloud.client("s3"), bucket, folder), _MAX_LISTED)
    by_small = {each.key.lower(): each.key for each in listed if each.key != key}
    return [by_small[small] for small in difflib.get_close_matches(key.lower(), by_small, n=_MAX_NEAR)]


def _read_source(cloud: Cloud, found: Diagnosis) -> Listed | None:
    """The source, if it is there. Only its first bytes are read, to tell its format."""
    s3 = cloud.client("s3")
    try:
        response = s3.get_object(Bucket=found.source_bucket, Key=found.key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
            raise
        return None
    with response["Body"] as body:
        head = body.read(formats.HEAD)
    try:
        content = formats.sniff(head).name
    except UnsupportedFormat as error:
        content = error.message
    modified, etag = response["LastModified"], unquoted(response["ETag"])
    found.source = {
        "bytes": response["ContentLength"],
        "modified": modified.isoformat(),
        "etag": etag,
        "content": content,
    }
    return Listed(found.key, response["ContentLength"], etag, modified)


def _event_target(cloud: Cloud, stack: Stack) -> str:
    if stack.uploads:
        return "queue"
    try:
        return "eventbridge" if EVENTBRIDGE in read_notifications(cloud.client("s3"), stack.source_bucket) else "none"
    except ClientError:
        return "unknown"  # reading them needs a permission of its own


def _check_outputs(found: Diagnosis, checker: Checker, listed: Listed | None) -> None:
    if listed:
        verdict = checker.examine(listed)
        found.state = verdict.state
        if verdict.refusal:
            found.error, found.message = verdict.refusal.name, verdict.refusal.message
        elif verdict.findings:
            found.message = verdict.findings[0].reason
    try:
        request = checker.request_of(listed or Listed(found.key, 0, ""))
        if not isinstance(request, Request):
            found.message = request.reason
            return
        layout = layouts.layout_of(request, checker.output, checker.handling)
        existing = layout.confirm(layout.look())
    except (TinypicsError, Conflict):
        return  # the verdict has the error
    stored = {item.key: item for item in existing.outputs}
    is_current = (
        listed is not None
        and existing.source_etag == listed.etag
        and (request.in_folder or existing.recipe == request.recipe)
    )
    for rendition, key in zip(request.renditions, layout.output_keys, strict=True):
        item = stored.get(key)
        facts = {name: getattr(item, name) for name in ("width", "height", "format", "bytes")} if item else {}
        state = {"there": item is not None, "current": item is not None and is_current}
        found.outputs.append({"rendition": str(rendition), "key": key, **state, **facts})


# --- Conclusions: one sentence, and the commands or steps that help.


def _conclude(found: Diagnosis, settings: Settings, command: Command) -> tuple[str, list[str]]:
    repair = command("verify", "--fix", "--prefix", found.key)
    if found.source is None:
        return _conclude_absent(found, repair, command)
    if not found.key.startswith(settings.prefix):
        return f"This stack resizes only keys that start with {settings.prefix}.", []
    if found.state == COMPLETE:
        return "Every output is there and current.", [
            download(command, found.key, [(each["rendition"], each["key"]) for each in found.outputs]),
            "If it looks wrong, change its rendition in the console's page Try it.",
        ]
    if found.error:
        return f"It cannot be resized: {found.error}: {found.message}", [advice(found.error).do]
    if found.state not in ("wrong", "gone"):
        return f"It has no outputs: {found.message or found.state}.", []
    last = _last_attempt(found)
    if last and last.status == RUNNING:
        return "Its execution is running.", ["Wait for a moment, and ask again."]
    if last and last.error:
        return f"Its last attempt failed: {last.error}: {last.message}", [advice(last.error).do, repair]
    if found.events == "none":
        connect = command("connect", arguments=[found.source_bucket])
        return "Its bucket sends no events, so its upload started nothing.", [connect, repair]
    if last is None:
        return f"Nothing worked on it: {found.message}. It may be older than the stack.", [repair]
    return f"Its outputs are not current: {found.message}.", [repair]


def _conclude_absent(found: Diagnosis, repair: str, command: Command) -> tuple[str, list[str]]:
    if any(output["there"] for output in found.outputs):
        return f"The source is gone from {found.source_bucket}, and outputs of it are left.", [repair]
    if found.made_from:
        source = found.made_from
        return f"This is the key of an output; its source is {source}.", [command("why", arguments=[source])]
    near = f" Similar keys: {', '.join(found.near)}." if found.near else ""
    return f"{found.source_bucket} has no such key.{near}", [command("ls")]


def _last_attempt(found: Diagnosis) -> attempts.Attempt | None:
    """The latest of its executions and log lines."""
    return max([*found.executions, *found.log], key=lambda attempt: attempt.at, default=None)
