from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from obstore import list as list_objects
from obstore.store import MemoryStore
from PIL import Image

from tinypics import invocation
from tinypics.errors import CorruptImage, LoopRefused, SourceNotFound, SourceTooLarge
from tinypics.limits import Limits
from tinypics.rendition import Rendition
from tinypics.request import Request
from tinypics.store import Bucket


def picture(format: str, size: tuple[int, int] = (400, 300)) -> bytes:
    buffer = io.BytesIO()
    Image.radial_gradient("L").resize(size).convert("RGB").save(buffer, format)
    return buffer.getvalue()


class Cloud:
    """Two buckets in memory."""

    def __init__(self) -> None:
        self.stores = {"original-pics": MemoryStore(), "tiny-pics": MemoryStore()}

    def open(self, name: str) -> Bucket:
        return Bucket(name, self.stores[name])

    def upload(self, key: str, data: bytes) -> None:
        self.open("original-pics").put(key, data, content_type="", metadata={})

    def outputs(self) -> dict[str, Image.Image]:
        found = [item["path"] for page in list_objects(self.stores["tiny-pics"]) for item in page]
        return {key: Image.open(io.BytesIO(self.stored(key).data)) for key in found}

    def stored(self, key: str) -> Any:
        return self.open("tiny-pics").get(key, max_bytes=10**9)

    def run(self, key: str, *renditions: str, limits: Limits | None = None, **fields: Any) -> invocation.Result:
        asked = tuple(Rendition.parse(text) for text in renditions or ("128x96",))
        request = Request("original-pics", key, "tiny-pics", asked, **fields)
        return invocation.run(request, self.open, limits or Limits())


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.mark.parametrize(
    ("key", "format", "output", "content_type"),
    [
        ("a.jpg", "JPEG", "a.jpg", "image/jpeg"),
        ("a.png", "PNG", "a.png", "image/png"),
        ("a.webp", "WEBP", "a.webp", "image/webp"),
        ("a.gif", "GIF", "a.gif", "image/gif"),
        ("a.avif", "AVIF", "a.avif", "image/avif"),
        ("scan.tif", "TIFF", "scan.tif.jpg", "image/jpeg"),
        ("x.bmp", "BMP", "x.bmp.jpg", "image/jpeg"),
        ("really-a.png", "JPEG", "really-a.png", "image/jpeg"),
    ],
)
def test_one_output_has_the_sources_key_and_its_own_content_type(
    cloud: Cloud,
    key: str,
    format: str,
    output: str,
    content_type: str,
) -> None:
    cloud.upload(key, picture(format))
    result = cloud.run(key)
    assert {name: image.size for name, image in cloud.outputs().items()} == {output: (128, 96)}
    assert cloud.stored(output).metadata["Content-Type"] == content_type
    assert result.stored[0].key == output
    assert (result.source.width, result.source.height) == (400, 300)


def test_every_output_says_what_it_was_made_of(cloud: Cloud) -> None:
    cloud.upload("a.jpg", picture("JPEG"))
    result = cloud.run("a.jpg")
    metadata = cloud.stored("a.jpg").metadata
    assert (
        metadata[invocation.SOURCE_ETAG]
        == result.source_etag
        == cloud.open("original-pics").get("a.jpg", max_bytes=10**6).etag
    )
    assert len(metadata[invocation.RECIPE]) == 16


def test_the_recipe_hash_tells_recipes_apart() -> None:
    def hashed(*texts: str, **fields: Any) -> str:
        asked = tuple(Rendition.parse(text) for text in texts)
        return invocation.recipe_hash(Request("in", "k", "out", asked, in_folder=True, **fields))

    recipes = [hashed("128x128"), hashed("128x"), hashed("128x128", "128x"), hashed("128x128", lenient=True)]
    assert len(set(recipes)) == 4
    assert hashed("128x128-q80", "64x") == hashed("128x128-q80", "64x")


def test_a_list_goes_below_the_sources_key(cloud: Cloud) -> None:
    cloud.upload("in/a.png", picture("PNG"))
    cloud.run("in/a.png", "64x48", "thumb=32x32-webp", "100x-jpeg", in_folder=True)
    sizes = {key: (image.size, image.format) for key, image in cloud.outputs().items()}
    assert sizes == {
        "in/a.png/64x48.png": ((64, 48), "PNG"),
        "in/a.png/thumb.webp": ((32, 32), "WEBP"),
        "in/a.png/100x-jpeg.jpg": ((100, 75), "JPEG"),
    }


def test_dest_key_is_used_as_it_is(cloud: Cloud) -> None:
    cloud.upload("a.jpg", picture("JPEG"))
    cloud.run("a.jpg", "64x64-png", dest_key="elsewhere/b")
    assert cloud.outputs()["elsewhere/b"].format == "PNG"


def test_time_is_told_for_each_step(cloud: Cloud) -> None:
    cloud.upload("a.jpg", picture("JPEG"))
    timings = cloud.run("a.jpg").timings_ms
    assert list(timings) == ["fetch", "decode", "transform", "encode", "store"]
    assert all(spent >= 0 for spent in timings.values())


@pytest.mark.parametrize(
    ("prepare", "error"),
    [
        (lambda cloud: None, SourceNotFound),
        (lambda cloud: cloud.upload("a.jpg", b""), CorruptImage),
        (lambda cloud: cloud.upload("a.jpg", picture("JPEG")[:-2000]), CorruptImage),
        (lambda cloud: cloud.upload("a.jpg", b"\xff\xd8\xff" + b"x" * 2_000_000), SourceTooLarge),
    ],
)
def test_nothing_is_written_when_a_request_fails(
    cloud: Cloud, prepare: Callable[[Cloud], None], error: type[Exception]
) -> None:
    prepare(cloud)
    with pytest.raises(error):
        cloud.run("a.jpg", "64x64", "32x32", in_folder=True, limits=Limits(bytes=1_000_000))
    assert cloud.outputs() == {}


def test_a_rendition_that_cannot_be_made_keeps_the_others_from_being_written(cloud: Cloud) -> None:
    cloud.upload("k" * 1000, picture("JPEG"))
    with pytest.raises(Exception, match="dest_key: expected at most 1024 bytes"):
        cloud.run("k" * 1000, "64x64", "one-very-long-name-for-a-rendition=32x32".replace("-", "_"), in_folder=True)
    assert cloud.outputs() == {}


def test_lenient_uses_what_is_there_of_a_picture_cut_short(cloud: Cloud) -> None:
    cloud.upload("a.jpg", picture("JPEG", (1600, 1200))[:-3000])
    with pytest.raises(CorruptImage):
        cloud.run("a.jpg")
    assert cloud.run("a.jpg", lenient=True).stored[0].output.dropped
    assert list(cloud.outputs()) == ["a.jpg"]


def test_an_output_is_not_taken_for_a_source(cloud: Cloud) -> None:
    metadata = {invocation.RECIPE: "0123456789abcdef"}
    cloud.open("original-pics").put("a.jpg", picture("JPEG"), content_type="image/jpeg", metadata=metadata)
    with pytest.raises(LoopRefused, match="itself an output"):
        cloud.run("a.jpg")
