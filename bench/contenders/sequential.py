"""The work of tinypics for one picture, one step after the other: the baseline for overlapping."""

from __future__ import annotations

import json
import os
from typing import Any

from tinypics import resize_all
from tinypics.aws.s3 import open_bucket
from tinypics.image.limits import DEFAULT

DESTINATION = os.environ["TINYPICS_OUTPUT_BUCKET"]
RENDITION = os.environ["TINYPICS_RENDITIONS"]


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    bucket, key = event["detail"]["bucket"]["name"], event["detail"]["object"]["key"]
    source, destination = open_bucket(bucket), open_bucket(DESTINATION)
    present = destination.head(key)
    fetched = source.open(key, max_bytes=DEFAULT.bytes)
    output = resize_all(fetched.read_all(), [RENDITION]).outputs[0]
    destination.put(
        key,
        output.data,
        attributes={"Content-Type": output.content_type, "tinypics-source-etag": fetched.stat.etag},
        replaces=present.etag if present else None,
    )
    now = source.head(key)
    if now is None or now.etag != fetched.stat.etag:
        raise RuntimeError("overwritten meanwhile")
    destination.from_key(key)
    answer = {
        "status": "SUCCESS",
        "source_bucket": bucket,
        "dest_bucket": DESTINATION,
        "width": output.width,
        "height": output.height,
    }
    print(json.dumps(answer), flush=True)
    return answer
