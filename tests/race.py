"""Several actors on one key at once, and the invariants of its outputs afterwards."""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from obstore import get
from obstore import list as list_objects
from obstore.store import MemoryStore, ObjectStore
from PIL import Image

from tests.interleave import Actor
from tinypics.delivery import outputs, reconcile
from tinypics.delivery.outputs import Handling
from tinypics.delivery.request import Request
from tinypics.errors import PermanentError, TransientError
from tinypics.image.limits import Limits
from tinypics.image.pipeline import resize_all
from tinypics.image.rendition import Rendition
from tinypics.image.results import Resized
from tinypics.image.stream import Stream
from tinypics.store.bucket import Bucket

KEY = "a.png"


@functools.cache
def version(number: int) -> bytes:
    """A picture of a single colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (number * 40 % 256, 100, 200)).save(buffer, "PNG")
    return buffer.getvalue()


@functools.cache
def _resized(data: bytes, renditions: tuple[Rendition, ...], limits: Limits) -> Resized:
    return resize_all(data, renditions, limits)


def resize_once(source: Stream, renditions: Sequence[Rendition], limits: Limits) -> Resized:
    """`resize_all` with a cache by version: thousands of races differ in the order of requests, not in their pixels."""
    return _resized(source.whole(), tuple(renditions), limits)


@functools.cache
def _colour(data: bytes) -> object:
    return Image.open(io.BytesIO(data)).convert("RGB").getpixel((1, 1))


FINE = ("open", "head", "put", "delete", "from_key")
COARSE = ("open", "put", "delete")  # reads take place together with the preceding or following step


class Gated(Bucket):
    """A bucket that waits for the schedule before each request of the kinds in `steps`."""

    def __init__(self, bucket: Bucket, gate: Callable[[], None], steps: Sequence[str]) -> None:
        self.name = bucket.name
        self._bucket = bucket
        self._gate = gate
        self._steps = steps

    def _call(self, method: str, *arguments: Any, **options: Any) -> Any:
        if method in self._steps:
            self._gate()
        return getattr(self._bucket, method)(*arguments, **options)

    def open(self, *arguments: Any, **options: Any) -> Any:
        return self._call("open", *arguments, **options)

    def head(self, *arguments: Any, **options: Any) -> Any:
        return self._call("head", *arguments, **options)

    def put(self, *arguments: Any, **options: Any) -> Any:
        return self._call("put", *arguments, **options)

    def delete(self, *arguments: Any, **options: Any) -> Any:
        return self._call("delete", *arguments, **options)

    def from_key(self, *arguments: Any, **options: Any) -> Any:
        return self._call("from_key", *arguments, **options)


class Race:
    """The source starts as version 1, whose event has not been processed yet."""

    def __init__(self, in_folder: bool, stores: Mapping[str, ObjectStore], steps: Sequence[str] = FINE) -> None:
        self.stores = stores
        self.in_folder = in_folder
        self.steps = steps
        self._versions = 1
        self._set(version(1))

    def bucket(self, name: str) -> Bucket:
        return Bucket(name, self.stores[name])

    def actor(self, action: str) -> Actor:
        """Change the source, then process the resulting event."""
        return functools.partial(getattr(self, f"_{action}"))

    def retry(self, errors: Sequence[BaseException | None], actions: Sequence[str]) -> None:
        """Process the events again that raised errors which the workflow retries."""
        for error, action in zip(errors, actions, strict=True):
            if isinstance(error, TransientError):
                self._work(lambda: None)
            elif error is not None and not (action == "spoil" and isinstance(error, PermanentError)):
                if not isinstance(error, PermanentError):
                    raise error
                # The invocation for an older event may read the newer version, which is not a picture, and must fail.
                assert "spoil" in actions

    def check(self) -> None:
        """Assert that the complete current set of outputs exists, and nothing else."""
        source = self.bucket("in").head(KEY)
        keys = sorted(item["path"] for page in list_objects(self.stores["out"]) for item in page)
        if source is None or source.size < 20:
            assert keys == []
            return
        expected = [f"{KEY}/4x4.png", f"{KEY}/6x6.png", f"{KEY}/manifest.json"] if self.in_folder else [KEY]
        assert keys == expected
        # Not by `Bucket.open`, which starts a thread for each download: there are thousands of races.
        current = get(self.stores["out"], expected[0])
        assert current.attributes[outputs.SOURCE_ETAG] == source.etag
        assert _colour(bytes(current.bytes())) == _colour(bytes(get(self.stores["in"], KEY).bytes()))
        if self.in_folder:
            manifest = json.loads(bytes(get(self.stores["out"], expected[2]).bytes()))
            assert manifest["source"]["etag"] == source.etag
            for item in manifest["renditions"]:
                stat = self.bucket("out").head(item["key"])
                assert stat is not None
                assert stat.etag == item["etag"]
                assert stat.metadata[outputs.SOURCE_ETAG] == source.etag

    def _work(self, gate: Callable[[], None]) -> None:
        renditions = tuple(map(Rendition.parse, ["4x4", "6x6"] if self.in_folder else ["4x4"]))
        request = Request("in", KEY, "out", renditions, in_folder=self.in_folder, follows=True)
        reconcile.run(
            request, lambda name: Gated(self.bucket(name), gate, self.steps), Limits(), Handling(), resize_once
        )

    def _overwrite(self, gate: Callable[[], None]) -> None:
        gate()
        self._versions += 1
        self._set(version(self._versions))
        self._work(gate)

    def _spoil(self, gate: Callable[[], None]) -> None:
        gate()
        self._set(b"no picture")
        self._work(gate)

    def _delete(self, gate: Callable[[], None]) -> None:
        gate()
        self.bucket("in").delete(KEY)
        self._work(gate)

    def _set(self, data: bytes) -> None:
        there = self.bucket("in").head(KEY)
        self.bucket("in").put(KEY, data, attributes={}, replaces=there.etag if there else None)


class MemoryRace(Race):
    """A race in memory, where every request is one step."""

    def __init__(self, in_folder: bool, steps: Sequence[str] = FINE) -> None:
        super().__init__(in_folder, {"in": MemoryStore(), "out": MemoryStore()}, steps)
