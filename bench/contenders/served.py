"""The serving function, as a function whose answer has a `status`."""

from __future__ import annotations

from typing import Any

from tinypics.aws.serve import handler


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    answer = handler(event, context)
    return {"status": "SUCCESS" if answer["statusCode"] == 200 else "FAILED", "http_status": answer["statusCode"]}
