"""The tutorials' function: boto3 downloads the picture, Pillow resizes it in memory, boto3 uploads the result."""

from __future__ import annotations

import io
from typing import Any

import boto3
from PIL import Image

s3 = boto3.client("s3")


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    body = s3.get_object(Bucket=event["bucket"], Key=event["key"])["Body"].read()
    image = Image.open(io.BytesIO(body))
    if event.get("thumbnail"):
        image.thumbnail((event["width"], event["height"]))
    else:
        image = image.resize((event["width"], event["height"]))  # type: ignore[assignment]
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    s3.put_object(Bucket=event["dest_bucket"], Key=event["dest_key"], Body=buffer.getvalue(), ContentType="image/jpeg")
    return {
        "status": "SUCCESS",
        "source_bucket": event["bucket"],
        "dest_bucket": event["dest_bucket"],
        "width": event["width"],
        "height": event["height"],
    }
