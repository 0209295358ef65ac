"""The notification configuration of a bucket."""

from __future__ import annotations

from typing import Any, Final

EVENTBRIDGE: Final = "EventBridgeConfiguration"
"""The field that is there, and empty, if the bucket sends its events to EventBridge."""


def read_notifications(s3: Any, bucket: str) -> dict[str, Any]:
    """The whole configuration of a bucket; writing it back changes nothing. Raises ClientError."""
    found: dict[str, Any] = s3.get_bucket_notification_configuration(Bucket=bucket)
    return {name: value for name, value in found.items() if name != "ResponseMetadata"}
