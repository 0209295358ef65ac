"""The work of tinypics for one picture, one step after the other: the baseline for overlapping."""

from __future__ import annotations

import json
from typing import Any

from tinypics import resize_all
from tinypics.aws.s3 import open_bucket
from tinypics.image.limits import DEFAULT


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    source, destination = open_bucket(event["bucket"]), open_bucket(event["dest_bucket"])
    present = destination.head(event["dest_key"])
    fetched = source.open(event["key"], max_bytes=DEFAULT.bytes)
    output = resize_all(fetched.read_all(), [f"{event['width']}x{event['height']}"]).outputs[0]
    destination.put(
        event["dest_key"],
        output.data,
        attributes={"Content-Type": output.content_type, "tinypics-source-etag": fetched.stat.etag},
        replaces=present.etag if present else None,
    )
    now = source.head(event["key"])
    if now is None or now.etag != fetched.stat.etag:
        raise RuntimeError("overwritten meanwhile")
    answer = {
        "status": "SUCCESS",
        "source_bucket": event["bucket"],
        "dest_bucket": event["dest_bucket"],
        "width": output.width,
        "height": output.height,
    }
    print(json.dumps(answer), flush=True)
    return answer
