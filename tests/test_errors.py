"""A handled error keeps nothing of its frames, which have the bytes of pictures, until a garbage collection."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

import pytest
from obstore.store import MemoryStore

from tests.pictures import encoded, photo
from tinypics import resize_all
from tinypics.errors import TinypicsError
from tinypics.image.stream import BytesStream
from tinypics.store.bucket import Bucket
from tinypics.store.folder import FolderBucket
from tinypics.store.objects import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

JPEG = encoded(photo((160, 120)), "JPEG")


@pytest.fixture(autouse=True)
def no_garbage_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def kept(call: Callable[[BytesStream], object]) -> bool:
    """Whether a stream outlives a call in whose frame it is."""
    stream = BytesStream(JPEG[:-900])
    reference = weakref.ref(stream)
    try:
        call(stream)
    except (TinypicsError, Conflict):
        pass
    else:
        pytest.fail("no error")
    del stream
    return reference() is not None


def test_a_picture_that_is_refused() -> None:
    assert not kept(lambda stream: resize_all(stream, ["64x48"]))


def test_a_request_that_a_bucket_refuses() -> None:
    bucket = Bucket("pics", MemoryStore())
    assert not kept(lambda stream: bucket.open("missing", max_bytes=stream.size))
    bucket.put("there", JPEG, attributes={}, replaces=None)
    assert not kept(lambda stream: bucket.put("there", stream.read_all(), attributes={}, replaces=None))


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    folder = FolderBucket(tmp_path)
    folder.put("there", JPEG, attributes={}, replaces=None)
    assert not kept(lambda stream: folder.put("there/below", stream.read_all(), attributes={}, replaces=None))
    assert not kept(lambda stream: folder.put("x" * 300, stream.read_all(), attributes={}, replaces=None))
