"""Endpoints of S3 in the AWS partitions that have a domain of their own.

object_store uses `BUCKET.s3.REGION.amazonaws.com` in every region, which is right in the partitions `aws` and
`aws-us-gov` only.
"""

from __future__ import annotations

from typing import Final

_DOMAINS: Final = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "eu-isoe-": "cloud.adc-e.uk",
    "us-isof-": "csp.hci.ic.gov",
}
"""By prefix of the region. tests/store/test_partitions.py compares them with botocore's partitions.json."""


def s3_endpoint(bucket: str, region: str) -> str | None:
    """`https://BUCKET.s3.REGION.DOMAIN`; None if the client's default is right."""
    for prefix, domain in _DOMAINS.items():
        if region.startswith(prefix):
            return f"https://{bucket}.s3.{region}.{domain}"
    return None
