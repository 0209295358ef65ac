"""The S3 of the function under test: the emulator's, behind a proxy that injects faults."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.faults import Proxy, proxied
from tinypics.local.emulator import REGION, Emulator
from tinypics.stack.clients import Cloud

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE, OUTPUT, BACKFILLS = BUCKETS = "original-pics", "tiny-pics", "backfills"  # the first two as in events/


class Store:
    """The buckets. The function reaches them through `proxy`, these methods directly."""

    def __init__(self, emulator: Emulator, proxy: Proxy) -> None:
        self.proxy = proxy
        self.cloud = Cloud.local(emulator.endpoint, REGION)
        self._s3 = self.cloud.client("s3")
        for bucket in BUCKETS:
            self._s3.create_bucket(Bucket=bucket)

    def put(self, key: str, data: bytes) -> str:
        """Store a source; returns its ETag."""
        return str(self._s3.put_object(Bucket=SOURCE, Key=key, Body=data)["ETag"].strip('"'))

    def output(self, key: str) -> bytes:
        return bytes(self._s3.get_object(Bucket=OUTPUT, Key=key)["Body"].read())

    def clear(self) -> None:
        """Remove all objects and faults."""
        self.proxy.clear()
        for bucket in BUCKETS:
            for item in self._s3.list_objects_v2(Bucket=bucket).get("Contents", []):
                self._s3.delete_object(Bucket=bucket, Key=item["Key"])


@contextmanager
def running(folder: Path) -> Iterator[Store]:
    with Emulator.start(folder, 0) as emulator, proxied(emulator.endpoint) as proxy:
        yield Store(emulator, proxy)
