"""`tinypics connect`: let an existing bucket send its events to EventBridge, and keep its other notifications."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

import typer

from tinypics import prices
from tinypics.cli.target import readable_errors
from tinypics.cli.terminal import CommandFailed, out, plain
from tinypics.errors import InvalidRequest
from tinypics.stack.notifications import EVENTBRIDGE, read_notifications

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinypics.cli.target import Target

# The field with the destination, by kind (S3 API reference, "NotificationConfiguration").
_DESTINATIONS: Final = {
    "TopicConfigurations": ("topic", "TopicArn"),
    "QueueConfigurations": ("queue", "QueueArn"),
    "LambdaFunctionConfigurations": ("function", "LambdaFunctionArn"),
}


@readable_errors()
def connect(target: Target, bucket: str, *, dry_run: bool, yes: bool) -> int:
    """Show the change, ask, write it, and read it back. 0 if the bucket sends its events to EventBridge, else 1."""
    _check_stack(target, bucket)
    s3 = target.client("s3")
    found = read_notifications(s3, bucket)
    if EVENTBRIDGE in found:
        out.print(f"{plain(bucket)} sends its events to EventBridge already. There is nothing to change.")
        return 0
    kept = list(_describe(found))
    out.print(f"Notifications of {plain(bucket)}:")
    for line in kept:
        out.print(f"  keep  {plain(line)}")
    price = f" (${prices.EVENT * 1e6:,.2f} for a million events)" if target.cloud.endpoint is None else ""
    out.print(f"  add   EventBridge  all events{price}")
    if dry_run:
        return 1
    if not yes:
        typer.confirm("Change it?", abort=True)
    # S3 has no conditional write for notifications, so this only narrows the window for a lost change.
    if read_notifications(s3, bucket) != found:
        raise CommandFailed("The notifications were changed in the meantime. Nothing was written: run it again.")
    # Without this, S3 would refuse the change because of an old destination that is gone, and send a test event to each
    # (S3 API reference, PutBucketNotificationConfiguration).
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=found | {EVENTBRIDGE: {}}, SkipDestinationValidation=True
    )
    after = read_notifications(s3, bucket)
    if EVENTBRIDGE not in after or sorted(_describe(after)) != sorted(kept):
        raise CommandFailed(f"S3 shows other notifications than were written. Compare them:\n{_read_command(bucket)}")
    out.print(f"{plain(bucket)} sends its events to EventBridge. Its next upload is resized.", style="green")
    return 0


def _check_stack(target: Target, bucket: str) -> None:
    if bucket != target.stack.source_bucket:
        expected = f"{target.stack.source_bucket}, the source bucket of this stack"
        raise CommandFailed(
            f"{plain(InvalidRequest.expected('BUCKET', expected, bucket))}.\n"
            f"Deploy the stack with CreateBuckets=output SourceBucket={plain(bucket)} first."
        )
    if target.stack.uploads:
        raise CommandFailed("This stack has Trigger=queue: its own bucket notifies the queue already.")


def _describe(found: dict[str, Any]) -> Iterator[str]:
    for field, items in found.items():
        if field == EVENTBRIDGE:
            continue
        kind, arn = _DESTINATIONS.get(field, (field, ""))
        for item in items:
            rules = item.get("Filter", {}).get("Key", {}).get("FilterRules", [])
            only = "".join(f"  {rule['Name'].lower()} {rule['Value']}" for rule in rules)
            yield f"{kind}  {item.get(arn, '')}  {', '.join(item.get('Events', []))}{only}"


def _read_command(bucket: str) -> str:
    return f"aws s3api get-bucket-notification-configuration --bucket {plain(shlex.quote(bucket))}"
