"""Some races of tests/delivery/test_interleavings.py, with requests to a real emulator's S3 as steps."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from obstore.store import S3Store

from tests.delivery.test_interleavings import check, one_request_at_a_time  # noqa: F401 - a fixture
from tests.interleave import random_schedules
from tests.race import Race

if TYPE_CHECKING:
    from tests.e2e.conftest import LocalStack

pytestmark = pytest.mark.e2e


def test_two_versions_and_a_delete_in_ten_orders(stack: LocalStack) -> None:
    def race() -> Race:
        stores = {}
        for name in ("in", "out"):
            bucket = f"race-{name}-{uuid.uuid4()}"
            stack.s3.create_bucket(Bucket=bucket)
            stores[name] = S3Store(
                bucket,
                endpoint=stack.facts.endpoint,
                region=stack.facts.region,
                access_key_id="test",
                secret_access_key="test",
                virtual_hosted_style_request=False,
                client_options={"allow_http": True},
            )
        return Race(True, stores)

    check(race, ["work", "overwrite", "delete"], random_schedules(10, seed=2))
