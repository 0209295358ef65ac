"""The preview of a direct event: the output of the same code, without storing it.

Pictures are untrusted input, and this process has the user's credentials. So they are decoded in a sandbox, as on AWS.
"""

from __future__ import annotations

import threading
import time
import weakref
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from tinypics.aws import events
from tinypics.delivery.request import Skip
from tinypics.errors import InvalidRequest
from tinypics.image.limits import Limits
from tinypics.sandbox.supervisor import Sandbox
from tinypics.stack import deployed
from tinypics.store.download import Download
from tinypics.store.objects import Stat
from tinypics.values import replace

if TYPE_CHECKING:
    from tinypics.aws.settings import Settings
    from tinypics.delivery.request import Request
    from tinypics.image.results import Output
    from tinypics.stack.clients import Cloud
    from tinypics.stack.deployed import Stack

_MAX_WAITING = 4  # previews that may wait for the current one; a browser requests one at a time
_LIMITS = Limits()
MAX_BYTES = _LIMITS.bytes


class Busy(Exception):
    """Too many previews are waiting."""


class Previews:
    """Previews, one at a time, within `Limits`. The last source is cached for the next preview."""

    def __init__(self, cloud: Cloud, stack: Stack) -> None:
        self._cloud = cloud
        self._stack = stack
        self._slots = threading.BoundedSemaphore(_MAX_WAITING)
        self._lock = threading.Lock()
        self._sandbox = Sandbox(fork=False)
        weakref.finalize(self, self._sandbox.close)
        self._last: tuple[tuple[str, str, str], Stat, bytes] | None = None

    def settings(self) -> Settings:
        """The settings of the deployed function."""
        return deployed.settings(self._cloud, self._stack)

    def preview(self, event: object, file: bytes | None = None) -> tuple[Output, dict[str, Any]]:
        """The (first) rendition of the event, and facts about it and its source: the object, or `file` instead."""
        request = events.parse_direct(event, replace(self.settings(), limits=_LIMITS))
        if isinstance(request, Skip):
            raise InvalidRequest.expected("key", "the key of a picture", request.reason)
        if not self._slots.acquire(blocking=False):
            raise Busy
        try:
            with self._lock:
                return self._render(request, file)
        finally:
            self._slots.release()

    def _render(self, request: Request, file: bytes | None) -> tuple[Output, dict[str, Any]]:
        if file is None:
            stat, data = self._source(request)
        else:
            stat, data = Stat(etag="", size=len(file), version_id=None, metadata={}), file
        copy = Download(stat, [data], lambda start, end: [data[start:end]], nullcontext)  # decoding consumes it
        started = time.perf_counter()
        limits = replace(_LIMITS, lenient=request.lenient)
        resized = self._sandbox.resize_all(copy, request.renditions[:1], limits)
        (output,) = resized.outputs
        return output, {
            "width": output.width,
            "height": output.height,
            "format": output.format,
            "bytes": len(output.data),
            "dropped": output.dropped,
            "rendition": str(output.rendition),
            "ms": round((time.perf_counter() - started) * 1000, 1),
            "source": vars(resized.source),
        }

    def _source(self, request: Request) -> tuple[Stat, bytes]:
        bucket = self._cloud.bucket(request.bucket)
        found = bucket.head(request.key, version_id=request.version_id)
        if found and self._last and self._last[0] == (request.bucket, request.key, found.etag):
            return self._last[1:]
        download = bucket.open(request.key, version_id=request.version_id, max_bytes=_LIMITS.bytes)
        try:
            data = download.read_all()
        finally:
            download.close()
        self._last = (request.bucket, request.key, download.stat.etag), download.stat, data
        return self._last[1:]
