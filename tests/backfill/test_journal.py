"""The run log of a backfill. tests/aws/backfill and tests/e2e have its use."""

from __future__ import annotations

import pytest
from obstore.store import MemoryStore

from tinypics.backfill.journal import Journal
from tinypics.errors import InvalidRequest
from tinypics.store.bucket import Bucket


@pytest.mark.parametrize("identity", ["..", ".", "", "a/b", "a\nb", "a\x1b[2J", "\x7f"])
def test_an_id_that_cannot_be_part_of_a_key_is_refused_by_name(identity: str) -> None:
    with pytest.raises(InvalidRequest, match="^id: expected"):
        Journal(Bucket("backfills", MemoryStore()), identity)


def test_a_run_is_stopped_by_its_id_and_no_other() -> None:
    bucket = Bucket("backfills", MemoryStore())
    Journal(bucket, "one..two").stop()
    assert [Journal(bucket, identity).is_stopped() for identity in ("one..two", "one")] == [True, False]
