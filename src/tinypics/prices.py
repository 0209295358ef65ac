"""AWS list prices in us-east-1, in US dollars. Every estimate is computed from this table.

As of 2026-06, without free tiers and discounts: aws.amazon.com/lambda/pricing, /s3/pricing,
/step-functions/pricing, /eventbridge/pricing, /sqs/pricing, /cloudwatch/pricing, /cloudfront/pricing. Other regions
differ by up to a third.
"""

from __future__ import annotations

import math
from typing import Final

AS_OF: Final = "2026-06"
REGION: Final = "us-east-1"

LAMBDA_GB_SECOND_ARM: Final = 0.0000133334
LAMBDA_REQUEST: Final = 0.20 / 1e6
S3_GET: Final = 0.0004 / 1e3
"""Also HEAD."""
S3_PUT: Final = 0.005 / 1e3
"""Also LIST."""
S3_GB_MONTH: Final = 0.023
"""Stored in the standard class, the first 50 TB."""
STATE_TRANSITION: Final = 0.025 / 1e3
EXPRESS_REQUEST: Final = 1.00 / 1e6
EXPRESS_GB_SECOND: Final = 0.00001667
"""Billed for at least 64 MB, in steps of 100 ms."""
EVENT: Final = 1.00 / 1e6
"""An S3 event that a bucket sends to EventBridge, whether or not a rule matches it.

It is an "AWS opt-in data event" (/eventbridge/pricing), charged like a custom event. Management events are free.
"""
SQS_REQUEST: Final = 0.40 / 1e6
LOG_GB: Final = 0.50
"""Ingested into CloudWatch Logs."""
ALARM: Final = 0.10
"""Per month and metric that an alarm watches; the first ten of an account are free."""
METRIC: Final = 0.30
"""Per month and custom metric, prorated by the hours with data; the first ten of an account are free."""
DASHBOARD: Final = 3.00
"""Per month; the first three of an account are free."""

CDN_GB: Final = 0.085
"""From CloudFront to viewers in the US and Europe, the first 10 TB (/cloudfront/pricing); 1 TB a month is free."""
CDN_REQUEST: Final = 0.01 / 1e4
"""An HTTPS request in the US; 10 million a month are free."""
CDN_FUNCTION: Final = 0.10 / 1e6
"""A run of a CloudFront Function; 2 million a month are free."""
SECRET: Final = 0.40
"""Per month and secret in Secrets Manager (/secrets-manager/pricing)."""


def dollars(amount: float) -> str:
    """An estimated amount with two significant digits: `$0.0012`, `$1,200`."""
    if amount <= 0:
        return "$0"
    digits = 1 - math.floor(math.log10(float(f"{amount:.1e}")))  # of the rounded amount: 9.99 is 10
    return f"${round(amount, digits):,.{max(digits, 0)}f}"
