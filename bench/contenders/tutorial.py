"""The tutorials' function: boto3 downloads the picture, Pillow resizes it in memory, boto3 uploads the result."""

from __future__ import annotations

import io
import os
from typing import Any

import boto3
from PIL import Image

s3 = boto3.client("s3")
DESTINATION = os.environ["TINYPICS_OUTPUT_BUCKET"]
WIDTH, HEIGHT = map(int, os.environ["TINYPICS_RENDITIONS"].split("x"))


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    bucket, key = event["detail"]["bucket"]["name"], event["detail"]["object"]["key"]
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    image = Image.open(io.BytesIO(body))
    if event.get("thumbnail"):
        image.thumbnail((WIDTH, HEIGHT))
    else:
        image = image.resize((WIDTH, HEIGHT))  # type: ignore[assignment]
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    s3.put_object(Bucket=DESTINATION, Key=key, Body=buffer.getvalue(), ContentType="image/jpeg")
    return {
        "status": "SUCCESS",
        "source_bucket": bucket,
        "dest_bucket": DESTINATION,
        "width": WIDTH,
        "height": HEIGHT,
    }
