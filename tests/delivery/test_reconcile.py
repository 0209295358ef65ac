from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from obstore import list as list_objects
from obstore.store import MemoryStore
from PIL import Image

from tests.waiting import PATIENCE
from tinypics.delivery import outputs, reconcile
from tinypics.delivery.outputs import Handling
from tinypics.delivery.request import Request
from tinypics.delivery.resizing import Resizer
from tinypics.delivery.result import Gone, Outcome, Result
from tinypics.errors import (
    AccessDenied,
    CorruptImage,
    DeadlineExceeded,
    DecoderCrashed,
    InvalidRequest,
    LoopRefused,
    SourceChanged,
    SourceNotFound,
    SourceTooLarge,
    StoreUnavailable,
    UnsupportedFormat,
)
from tinypics.image.limits import Limits
from tinypics.image.pipeline import resize_all
from tinypics.image.rendition import Rendition
from tinypics.store.bucket import Bucket
from tinypics.store.download import Download
from tinypics.store.objects import Listed


def picture(
    format: str, size: tuple[int, int] = (400, 300), colour: str | None = None, *, transparent: bool = False
) -> bytes:
    buffer = io.BytesIO()
    gradient = Image.radial_gradient("L").resize(size).convert("RGB")
    image = Image.new("RGB", size, colour) if colour else gradient
    if transparent:
        image.putalpha(Image.linear_gradient("L").resize(size))
    image.save(buffer, format)
    return buffer.getvalue()


class Spied(Bucket):
    """A bucket that records its requests, and calls a hook before each."""

    def __init__(self, name: str, store: MemoryStore, cloud: Cloud) -> None:
        super().__init__(name, store)
        self.cloud = cloud

    def open(self, key: str, **options: Any) -> Any:
        self.cloud.seen("GET", self.name)
        found = super().open(key, **options)
        self.cloud.opened.set()
        return found

    def head(self, key: str, **options: Any) -> Any:
        self.cloud.seen("HEAD", self.name)
        return super().head(key, **options)

    def put(self, key: str, data: bytes, **options: Any) -> Any:
        self.cloud.seen("PUT", self.name)
        return super().put(key, data, **options)

    def from_key(self, key: str) -> list[Listed]:
        self.cloud.seen("LIST", self.name)
        return super().from_key(key)

    def delete(self, key: str, **options: Any) -> None:
        self.cloud.seen("DELETE", self.name)
        super().delete(key, **options)


class Cloud:
    """Two buckets in memory."""

    resize_all: Resizer = staticmethod(resize_all)

    def __init__(self) -> None:
        self.stores = {"original-pics": MemoryStore(), "tiny-pics": MemoryStore()}
        self.requests: list[str] = []
        self.opened = threading.Event()
        self.meanwhile: Callable[[str], None] = lambda request: None

    def seen(self, method: str, bucket: str) -> None:
        self.requests.append(f"{method} {bucket}")
        self.meanwhile(self.requests[-1])

    def open(self, name: str) -> Bucket:
        return Spied(name, self.stores[name], self)

    def plain(self, name: str) -> Bucket:
        return Bucket(name, self.stores[name])

    def upload(self, key: str, data: bytes, **attributes: str) -> str:
        there = self.plain("original-pics").head(key)
        return self.plain("original-pics").put(key, data, attributes=attributes, replaces=there.etag if there else None)

    def delete(self, key: str) -> None:
        self.plain("original-pics").delete(key)

    def listing(self) -> list[str]:
        return sorted(item["path"] for page in list_objects(self.stores["tiny-pics"]) for item in page)

    def outputs(self) -> dict[str, Image.Image]:
        pictures = [key for key in self.listing() if not key.endswith(".json")]
        return {key: Image.open(io.BytesIO(self.stored(key).read_all())) for key in pictures}

    def stored(self, key: str) -> Any:
        return self.plain("tiny-pics").open(key, max_bytes=10**9)

    def manifest(self, key: str) -> Any:
        return json.loads(self.stored(f"{key}/manifest.json").read_all())

    def run(
        self, key: str, *renditions: str, limits: Limits | None = None, handling: Handling | None = None, **fields: Any
    ) -> Outcome:
        self.requests.clear()
        asked = tuple(Rendition.parse(text) for text in renditions or ("128x96",))
        return self.reconcile(Request("original-pics", key, "tiny-pics", asked, **fields), limits, handling)

    def reconcile(self, request: Request, limits: Limits | None = None, handling: Handling | None = None) -> Outcome:
        return reconcile.run(request, self.open, limits or Limits(), handling or Handling(), self.resize_all)

    def made(self, *arguments: Any, **options: Any) -> Result:
        outcome = self.run(*arguments, **options)
        assert isinstance(outcome, Result)
        assert not outcome.skipped
        return outcome

    def skips(self, *arguments: Any, **options: Any) -> Result:
        outcome = self.run(*arguments, **options)
        assert isinstance(outcome, Result)
        assert outcome.skipped
        return outcome


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


# --- Outputs


@pytest.mark.table
@pytest.mark.parametrize(
    ("key", "format", "rendition", "output", "written"),
    [
        ("a.jpg", "JPEG", "128x96", "a.jpg", "JPEG"),
        ("a.png", "PNG", "128x96", "a.png", "PNG"),
        ("a.webp", "WEBP", "128x96", "a.webp", "WEBP"),
        ("a.gif", "GIF", "128x96", "a.gif", "GIF"),
        ("a.avif", "AVIF", "128x96", "a.avif", "AVIF"),
        # The name tells another format that browsers show: its key stays, the content type is true.
        ("really-a.png", "JPEG", "128x96", "really-a.png", "JPEG"),
        ("a.jpg", "PNG", "128x96", "a.jpg", "PNG"),
        ("a.jpg", "TIFF", "128x96", "a.jpg", "JPEG"),
        # The name tells a format that browsers do not show, truly or not.
        ("scan.tif", "TIFF", "128x96", "scan.tif.jpg", "JPEG"),
        ("x.bmp", "BMP", "128x96", "x.bmp.jpg", "JPEG"),
        ("a.heic", "JPEG", "128x96", "a.heic.jpg", "JPEG"),
        ("a.heic", "PNG", "128x96", "a.heic.jpg", "JPEG"),
        ("a.jxl", "WEBP", "128x96", "a.jxl.jpg", "JPEG"),
        # The name tells none.
        ("no-extension", "BMP", "128x96", "no-extension", "JPEG"),
        ("no-extension", "PNG", "128x96", "no-extension", "PNG"),
        # A format is asked for.
        ("a.png", "JPEG", "128x96-jpeg", "a.png.jpg", "JPEG"),
        ("a.jpg", "PNG", "128x96-jpeg", "a.jpg", "JPEG"),
        ("a.jpg", "PNG", "128x96-png", "a.jpg.png", "PNG"),
        ("a.png", "PNG", "128x96-auto", "a.png.auto", "PNG"),
        ("a", "JPEG", "128x96-webp", "a.webp", "WEBP"),
        ("a.jpg", "JPEG", "128x96-lossless", "a.jpg.png", "PNG"),
        ("a.gif", "GIF", "128x96-lossless", "a.gif.webp", "WEBP"),
    ],
)
def test_name_and_rendition_give_the_key_and_the_content_type_tells_the_format(
    cloud: Cloud, key: str, format: str, rendition: str, output: str, written: str
) -> None:
    etag = cloud.upload(key, picture(format))
    result = cloud.made(key, rendition)
    assert {name: (image.size, image.format) for name, image in cloud.outputs().items()} == {
        output: ((128, 96), written)
    }
    assert cloud.stored(output).stat.metadata["Content-Type"] == f"image/{written.lower()}"
    assert result.outputs[0].key == output
    assert (result.source["width"], result.source["height"]) == (400, 300)
    for known in (None, etag):
        cloud.skips(key, rendition, etag=known)
    newer = cloud.upload(key, picture(format, (500, 300)))
    cloud.made(key, rendition, etag=newer)
    assert cloud.listing() == [output]


@pytest.mark.parametrize(("key", "format"), [("a.heic", "PNG"), ("a.tif", "TIFF"), ("a.ico", "ICO")])
@pytest.mark.parametrize("in_folder", [False, True])
def test_transparency_is_laid_on_the_background_where_the_name_asks_for_a_jpeg(
    cloud: Cloud, key: str, format: str, in_folder: bool
) -> None:
    cloud.upload(key, picture(format, (64, 48), transparent=True))
    result = cloud.made(key, "64x48-bgff0000", in_folder=in_folder)
    (output,) = result.outputs
    assert (output.format, output.dropped, output.rendition) == ("jpeg", ("alpha",), "64x48-bgff0000")
    assert output.key == (f"{key}/64x48-bgff0000.jpg" if in_folder else f"{key}.jpg")
    red, _, _ = cloud.outputs()[output.key].getpixel((32, 0))  # type: ignore[misc]
    assert red > 240  # all but clear


def test_keys_in_a_list_follow_from_name_and_rendition_too(cloud: Cloud) -> None:
    cloud.upload("a.jpg", picture("PNG", transparent=True))
    cloud.made("a.jpg", "hero=64x", "8x-webp", "16x-auto", in_folder=True)
    formats = {key: image.format for key, image in cloud.outputs().items()}
    assert formats == {"a.jpg/hero.jpg": "PNG", "a.jpg/8x-webp.webp": "WEBP", "a.jpg/16x-auto.auto": "WEBP"}
    assert {key: cloud.stored(key).stat.metadata["Content-Type"] for key in formats} == {
        key: f"image/{str(format).lower()}" for key, format in formats.items()
    }


def test_every_output_says_what_it_was_made_of(cloud: Cloud) -> None:
    etag = cloud.upload("a.jpg", picture("JPEG"))
    cloud.run("a.jpg")
    metadata = cloud.stored("a.jpg").stat.metadata
    assert metadata[outputs.SOURCE_ETAG] == etag
    assert len(metadata[outputs.RECIPE]) == 16


def test_dest_key_is_used_as_it_is_also_for_another_source(cloud: Cloud) -> None:
    cloud.upload("a.jpg", picture("JPEG"))
    cloud.upload("b.jpg", picture("JPEG", colour="red"))
    cloud.run("a.jpg", "64x64-png", dest_key="elsewhere/b")
    assert cloud.outputs()["elsewhere/b"].format == "PNG"
    cloud.run("b.jpg", "64x64-png", dest_key="elsewhere/b")
    assert cloud.outputs()["elsewhere/b"].convert("RGB").getpixel((9, 9)) == (254, 0, 0)


def test_an_output_whose_key_was_asked_for_says_so(cloud: Cloud) -> None:
    cloud.upload("a.jpg", picture("JPEG"))
    cloud.run("a.jpg", dest_key="mine.jpg")
    cloud.run("a.jpg")
    assert [outputs.PLACED in cloud.stored(key).stat.metadata for key in ("mine.jpg", "a.jpg")] == [True, False]


def test_a_prefix_stands_before_the_key(cloud: Cloud) -> None:
    cloud.upload("a.jpg", picture("JPEG"))
    cloud.run("a.jpg", prefix="thumbs/")
    cloud.run("a.jpg", "10x", "20x", prefix="lists/", in_folder=True)
    assert cloud.listing() == [
        "lists/a.jpg/10x.jpg",
        "lists/a.jpg/20x.jpg",
        "lists/a.jpg/manifest.json",
        "thumbs/a.jpg",
    ]


def test_headers_and_tags_are_as_asked(cloud: Cloud) -> None:
    cloud.upload("a.jpg", picture("JPEG"))
    cloud.run("a.jpg", handling=Handling(cache_control="max-age=60", storage_class="STANDARD_IA", tags={"a": "b"}))
    metadata = cloud.stored("a.jpg").stat.metadata
    assert (metadata["Cache-Control"], metadata["Storage-Class"]) == ("max-age=60", "STANDARD_IA")


def test_time_is_told_for_each_step(cloud: Cloud) -> None:
    cloud.upload("a.jpg", picture("JPEG"))
    timings = cloud.made("a.jpg").timings_ms
    assert list(timings) == ["fetch", "decode", "transform", "encode", "store"]
    assert all(spent >= 0 for spent in timings.values())


def test_lenient_uses_what_is_there_of_a_picture_cut_short(cloud: Cloud) -> None:
    cloud.upload("a.jpg", picture("JPEG", (1600, 1200))[:-3000])
    with pytest.raises(CorruptImage):
        cloud.run("a.jpg")
    assert cloud.made("a.jpg", lenient=True).outputs[0].dropped == ("missing-data",)
    assert cloud.listing() == ["a.jpg"]
    again = cloud.skips("a.jpg", lenient=True)
    assert again.outputs[0].dropped == ("missing-data",)


@pytest.mark.parametrize("formats", [("JPEG", "BMP"), ("BMP", "JPEG"), ("BMP", "PNG", "BMP")])
def test_a_source_that_comes_in_another_format_keeps_the_key_of_its_output(
    cloud: Cloud, formats: tuple[str, ...]
) -> None:
    for format in formats:
        cloud.upload("a.jpg", picture(format))
        cloud.run("a.jpg", follows=True)
        written = "PNG" if format == "PNG" else "JPEG"
        assert {key: image.format for key, image in cloud.outputs().items()} == {"a.jpg": written}
        assert cloud.stored("a.jpg").stat.metadata["Content-Type"] == f"image/{written.lower()}"


# --- Outputs of earlier versions, whose keys followed from the picture


def moved(cloud: Cloud, key: str, former: str) -> None:
    """Store the output `key` as an earlier version did."""
    found = cloud.stored(key)
    cloud.plain("tiny-pics").put(former, found.read_all(), attributes=found.stat.metadata, replaces=None)
    cloud.plain("tiny-pics").delete(key)


@pytest.mark.parametrize(
    ("key", "format", "rendition", "output", "former"),
    [
        ("a.tif", "TIFF", "64x48", "a.tif.jpg", "a.tif.png"),
        ("a.heic", "JPEG", "64x48", "a.heic.jpg", "a.heic"),
        ("a.jpg", "BMP", "64x48", "a.jpg", "a.jpg.jpg"),
        ("a", "BMP", "64x48", "a", "a.jpg"),
        ("a.png", "JPEG", "64x48-jpeg", "a.png.jpg", "a.png"),
        ("a.png", "PNG", "64x48-auto", "a.png.auto", "a.png.webp"),
        ("a.png", "PNG", "64x48-auto", "a.png.auto", "a.png"),
    ],
)
@pytest.mark.parametrize("event", ["again", "overwrite", "spoil", "delete"])
def test_an_output_under_a_former_key_is_found_and_removed(
    cloud: Cloud, key: str, format: str, rendition: str, output: str, former: str, event: str
) -> None:
    cloud.upload(key, picture(format, (64, 48)))
    cloud.run(key, rendition, follows=True)
    moved(cloud, output, former)
    cloud.plain("tiny-pics").put("b", b"of somebody", attributes={}, replaces=None)
    if event == "delete":
        cloud.delete(key)
        assert cloud.run(key, rendition, follows=True) == Gone((former,))
    elif event == "spoil":
        cloud.upload(key, b"no picture")
        with pytest.raises(UnsupportedFormat):
            cloud.run(key, rendition, follows=True)
    else:
        cloud.upload(key, picture(format, (64, 48), colour="red" if event == "overwrite" else None))
        cloud.made(key, rendition, follows=True)
    assert cloud.listing() == sorted(["b", *([output] if event in ("again", "overwrite") else [])])
    assert len(cloud.requests) <= 10


def test_what_others_have_under_a_former_key_stays(cloud: Cloud) -> None:
    cloud.upload("a.tif", picture("TIFF"))
    cloud.upload("a.tif.png", picture("PNG"))
    cloud.run("a.tif.png", follows=True)
    cloud.plain("tiny-pics").put("a.tif", b"of somebody", attributes={}, replaces=None)
    cloud.run("a.tif", follows=True)
    assert cloud.listing() == ["a.tif", "a.tif.jpg", "a.tif.png"]
    cloud.delete("a.tif")
    assert cloud.run("a.tif", follows=True) == Gone(("a.tif.jpg",))
    assert cloud.listing() == ["a.tif", "a.tif.png"]


@pytest.mark.parametrize("event", ["again", "overwrite", "delete"])
def test_a_list_with_former_keys_is_made_anew(cloud: Cloud, event: str) -> None:
    etag = cloud.upload("a.tif", picture("TIFF"))
    cloud.run("a.tif", "64x", "32x-webp", in_folder=True, follows=True)
    moved(cloud, "a.tif/64x.jpg", "a.tif/64x.png")
    marker = cloud.stored("a.tif/manifest.json")
    told = marker.read_all().replace(b"a.tif/64x.jpg", b"a.tif/64x.png")
    cloud.plain("tiny-pics").put(
        "a.tif/manifest.json", told, attributes=marker.stat.metadata, replaces=marker.stat.etag
    )
    if event == "delete":
        cloud.delete("a.tif")
        assert isinstance(cloud.run("a.tif", "64x", "32x-webp", in_folder=True, follows=True), Gone)
        assert cloud.listing() == []
        return
    kept = cloud.stored("a.tif/32x-webp.webp").stat.etag
    if event == "overwrite":
        etag = cloud.upload("a.tif", picture("TIFF", colour="red"))
    cloud.made("a.tif", "64x", "32x-webp", in_folder=True, follows=True, etag=etag)
    assert cloud.listing() == ["a.tif/32x-webp.webp", "a.tif/64x.jpg", "a.tif/manifest.json"]
    assert (cloud.stored("a.tif/32x-webp.webp").stat.etag == kept) is (event == "again")
    assert "obsolete" not in cloud.manifest("a.tif")
    cloud.skips("a.tif", "64x", "32x-webp", in_folder=True, follows=True, etag=etag)


# --- Lists and their manifest


def test_a_list_goes_below_the_sources_key_with_a_manifest_that_is_true(cloud: Cloud) -> None:
    import hashlib

    etag = cloud.upload("in/a.png", picture("PNG"))
    cloud.run("in/a.png", "64x48", "thumb=32x32-webp", "100x-jpeg", in_folder=True)
    sizes = {key: (image.size, image.format) for key, image in cloud.outputs().items()}
    assert sizes == {
        "in/a.png/64x48.png": ((64, 48), "PNG"),
        "in/a.png/thumb.webp": ((32, 32), "WEBP"),
        "in/a.png/100x-jpeg.jpg": ((100, 75), "JPEG"),
    }
    manifest = cloud.manifest("in/a.png")
    assert manifest["source"]["etag"] == etag
    assert [item["rendition"] for item in manifest["renditions"]] == ["64x48", "thumb=32x32-webp", "100x-jpeg"]
    for item in manifest["renditions"]:
        found = cloud.stored(item["key"])
        assert (item["bytes"], item["etag"]) == (len(found.read_all()), found.stat.etag)
        assert item["sha256"] == hashlib.sha256(found.read_all()).hexdigest()


@pytest.mark.parametrize("steps", [["made"], ["made", "overwritten"], ["made", "another recipe"], ["made", "deleted"]])
def test_a_reader_can_rely_on_every_object_that_a_manifest_names(cloud: Cloud, steps: list[str]) -> None:
    complete = []

    def read(_: str) -> None:
        if "a.jpg/manifest.json" in cloud.listing():
            manifest = cloud.manifest("a.jpg")
            complete.append(manifest["complete"])
            for item in manifest["renditions"]:
                assert cloud.plain("tiny-pics").head(item["key"]).etag == item["etag"]  # type: ignore[union-attr]
            assert bool(manifest["renditions"]) == manifest["complete"]

    for step in steps:
        cloud.upload("a.jpg", picture("JPEG", colour="red" if step == "overwritten" else None))
        if step == "deleted":
            cloud.delete("a.jpg")
        cloud.meanwhile = read
        cloud.run("a.jpg", "64x", "16x" if step == "another recipe" else "32x", in_folder=True, follows=True)
        cloud.meanwhile = lambda request: None
    read("")
    assert complete[0] is False
    assert complete[-1] is True
    assert cloud.listing() == [] if steps[-1] == "deleted" else len(cloud.listing()) == 3


def test_a_changed_recipe_makes_what_is_new_and_removes_what_is_gone(cloud: Cloud) -> None:
    cloud.upload("a.jpg", picture("JPEG"))
    cloud.run("a.jpg", "64x", "32x", in_folder=True)
    kept = cloud.stored("a.jpg/64x.jpg").stat
    cloud.run("a.jpg", "64x", "16x-webp", in_folder=True)
    assert cloud.listing() == ["a.jpg/16x-webp.webp", "a.jpg/64x.jpg", "a.jpg/manifest.json"]
    assert cloud.stored("a.jpg/64x.jpg").stat == kept
    assert "obsolete" not in cloud.manifest("a.jpg")
    assert cloud.skips("a.jpg", "64x", "16x-webp", in_folder=True)


def cut_short(cloud: Cloud, method: str, *renditions: str) -> None:
    """The invocation is killed before its first request of this method to the output bucket."""

    class Killed(BaseException):
        pass

    def kill(request: str) -> None:
        if request == f"{method} tiny-pics":
            raise Killed

    cloud.meanwhile = kill
    with pytest.raises(Killed):
        cloud.run("a.jpg", *renditions, in_folder=True)
    cloud.meanwhile = lambda request: None


def test_a_removal_that_was_cut_short_is_finished(cloud: Cloud) -> None:
    cloud.upload("a.jpg", picture("JPEG"))
    cloud.run("a.jpg", "64x", "32x", in_folder=True)
    cut_short(cloud, "DELETE", "64x")
    assert "a.jpg/32x.jpg" in cloud.listing()
    assert not cloud.manifest("a.jpg")["complete"]
    cloud.made("a.jpg", "64x", in_folder=True)
    assert cloud.listing() == ["a.jpg/64x.jpg", "a.jpg/manifest.json"]


def test_two_that_remove_the_same_at_once_both_succeed(cloud: Cloud) -> None:
    cloud.upload("a.jpg", picture("JPEG"))
    cloud.run("a.jpg", "64x", "32x", in_folder=True)

    def twin(request: str) -> None:
        if request == "DELETE tiny-pics":
            cloud.meanwhile = lambda request: None
            cloud.made("a.jpg", "64x", in_folder=True)

    cloud.meanwhile = twin
    cloud.skips("a.jpg", "64x", in_folder=True)
    assert cloud.listing() == ["a.jpg/64x.jpg", "a.jpg/manifest.json"]


def test_an_event_does_not_vouch_for_a_source_that_was_overwritten_meanwhile(cloud: Cloud) -> None:
    etag = cloud.upload("a.jpg", picture("JPEG"))

    def overwrite(request: str) -> None:
        if request == "PUT tiny-pics":
            cloud.meanwhile = lambda request: None
            cloud.upload("a.jpg", picture("JPEG", colour="blue"))

    cloud.meanwhile = overwrite
    cloud.made("a.jpg", follows=True, etag=etag)
    assert cloud.outputs()["a.jpg"].getpixel((5, 5)) == (0, 0, 254)


def formats(cloud: Cloud) -> Callable[[str], str]:
    """Overwrite the source `a` with a picture of another format; returns the ETag."""
    return lambda name: cloud.upload("a", picture(name, (64, 48)))


def test_another_format_replaces_the_output_of_the_one_before(cloud: Cloud) -> None:
    become = formats(cloud)
    for format, written in [("BMP", "JPEG"), ("PNG", "PNG"), ("TIFF", "JPEG"), ("WEBP", "WEBP")]:
        etag = become(format)
        cloud.run("a", follows=True, etag=etag)
        assert {key: image.format for key, image in cloud.outputs().items()} == {"a": written}


@pytest.mark.parametrize("number", [1, 2, 3])
def test_outputs_of_a_version_that_was_cut_short_go_with_the_next(cloud: Cloud, number: int) -> None:
    become = formats(cloud)
    become("JPEG")
    cloud.run("a", "64x", "32x", in_folder=True, follows=True)

    class Killed(BaseException):
        pass

    def kill(request: str) -> None:
        if request == "PUT tiny-pics" and cloud.requests.count(request) == number:
            raise Killed

    become("WEBP")
    cloud.meanwhile = kill
    with pytest.raises(Killed):
        cloud.run("a", "64x", "32x", in_folder=True, follows=True)
    cloud.meanwhile = lambda request: None
    become("PNG")
    cloud.run("a", "64x", "32x", in_folder=True, follows=True)
    assert cloud.listing() == ["a/32x.jpg", "a/64x.jpg", "a/manifest.json"]
    assert {image.format for image in cloud.outputs().values()} == {"PNG"}


@pytest.mark.parametrize(("in_folder", "loser"), [(False, "TIFF"), (True, "WEBP")])
def test_who_loses_a_race_against_another_format_leaves_nothing(in_folder: bool, loser: str) -> None:
    for number in range(1, 20):
        cloud = Cloud()
        become = formats(cloud)
        become("JPEG")
        cloud.run("a", "64x", in_folder=in_folder, follows=True)

        def overtake(request: str, cloud: Cloud = cloud, number: int = number) -> None:
            if len(cloud.requests) == number:
                cloud.meanwhile = lambda request: None
                before = cloud.requests[:]
                formats(cloud)("PNG")
                cloud.run("a", "64x", in_folder=in_folder, follows=True)
                cloud.requests[:] = [*before, "overtaken"]

        etag = become(loser)
        cloud.meanwhile = overtake
        cloud.run("a", "64x", in_folder=in_folder, follows=True, etag=etag)
        if "overtaken" not in cloud.requests:
            break
        assert cloud.listing() == (["a/64x.jpg", "a/manifest.json"] if in_folder else ["a"]), number
        assert {image.format for image in cloud.outputs().values()} == {"PNG"}
    assert number > (5 if in_folder else 4)  # one after each request, of which a single output has four


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"version": 1}', b'{"version": 99}'])
def test_a_manifest_that_is_none_is_made_anew(cloud: Cloud, damage: bytes) -> None:
    cloud.upload("a.jpg", picture("JPEG"))
    cloud.run("a.jpg", "64x", "32x", in_folder=True)
    stat = cloud.stored("a.jpg/manifest.json").stat
    cloud.plain("tiny-pics").put("a.jpg/manifest.json", damage, attributes=stat.metadata, replaces=stat.etag)
    cloud.made("a.jpg", "64x", "32x", in_folder=True)
    assert len(cloud.manifest("a.jpg")["renditions"]) == 2


# --- Once


def test_a_duplicate_event_costs_two_heads_and_a_listing(cloud: Cloud) -> None:
    etag = cloud.upload("a.jpg", picture("JPEG"))
    cloud.run("a.jpg", follows=True, etag=etag)
    outcome = cloud.skips("a.jpg", follows=True, etag=etag)
    assert cloud.requests == ["HEAD tiny-pics", "HEAD original-pics", "LIST tiny-pics"]
    assert outcome.source == {
        "etag": etag,
        "width": 400,
        "height": 300,
        "format": "jpeg",
        "bytes": len(picture("JPEG")),
    }
    assert list(outcome.timings_ms) == ["fetch", "decode", "transform", "encode", "store"]
    assert (outcome.outputs[0].width, outcome.outputs[0].height, outcome.outputs[0].key) == (128, 96, "a.jpg")


def test_a_duplicate_event_of_a_list_reads_the_manifest_and_a_listing_and_asks_for_each_output(cloud: Cloud) -> None:
    etag = cloud.upload("a.jpg", picture("JPEG"))
    first = cloud.made("a.jpg", "64x", "32x", in_folder=True, follows=True, etag=etag)
    outcome = cloud.skips("a.jpg", "64x", "32x", in_folder=True, follows=True, etag=etag)
    assert outcome.outputs == first.outputs
    assert cloud.requests[:2] == ["GET tiny-pics", "LIST tiny-pics"]
    assert sorted(cloud.requests[2:]) == ["HEAD original-pics", "HEAD tiny-pics", "HEAD tiny-pics"]


def test_another_recipe_or_another_source_is_made_anew(cloud: Cloud) -> None:
    cloud.upload("a.jpg", picture("JPEG"))
    assert cloud.made("a.jpg")
    assert cloud.made("a.jpg", "10x10")
    cloud.upload("a.jpg", picture("JPEG", colour="red"))
    assert cloud.made("a.jpg", "10x10")
    assert cloud.skips("a.jpg", "10x10")


# --- A picture that was just uploaded is resized before its outputs are known


@pytest.fixture
def unhurried(cloud: Cloud) -> Cloud:
    """The first look at the outputs is answered when the picture has been resized."""
    tried = threading.Event()

    def resize(*arguments: Any) -> Any:
        try:
            return resize_all(*arguments)
        finally:
            tried.set()

    def wait(request: str) -> None:
        if [each for each in cloud.requests if each.endswith("tiny-pics")] == [request]:
            assert tried.wait(PATIENCE)
            tried.clear()

    cloud.resize_all, cloud.meanwhile = resize, wait
    return cloud


@pytest.mark.parametrize("renditions", [["64x64"], ["64x64", "32x32"]])
def test_an_upload_is_resized_while_the_outputs_are_looked_at(unhurried: Cloud, renditions: list[str]) -> None:
    etag = unhurried.upload("a.jpg", picture("JPEG"))
    made = unhurried.made("a.jpg", *renditions, in_folder=len(renditions) > 1, etag=etag, size=1)
    assert [(each.width, each.height) for each in made.outputs] == [(int(each[:2]),) * 2 for each in renditions]


@pytest.mark.parametrize("fails", [False, True])
def test_a_duplicate_of_an_upload_keeps_what_is_there(unhurried: Cloud, fails: bool) -> None:
    etag = unhurried.upload("a.jpg", picture("JPEG"))
    first = unhurried.made("a.jpg", etag=etag, size=1)
    tried = threading.Event()

    def resize_again(*arguments: Any) -> Any:
        tried.set()
        if fails:
            raise DecoderCrashed("of no consequence")
        return resize_all(*arguments)

    def wait(request: str) -> None:
        if request == "HEAD tiny-pics":
            assert tried.wait(PATIENCE)

    unhurried.resize_all, unhurried.meanwhile = resize_again, wait
    assert unhurried.skips("a.jpg", etag=etag, size=1).outputs == first.outputs
    assert not [each for each in unhurried.requests if each.startswith("PUT")]


def test_a_changed_recipe_of_a_list_keeps_its_outputs_even_then(unhurried: Cloud) -> None:
    etag = unhurried.upload("a.jpg", picture("JPEG"))
    unhurried.made("a.jpg", "64x64", "32x32", in_folder=True, etag=etag, size=1)
    before = unhurried.stored("a.jpg/64x64.jpg").stat.etag
    made = unhurried.made("a.jpg", "64x64", "16x16", in_folder=True, etag=etag, size=1)
    assert [each.rendition for each in made.outputs] == ["64x64", "16x16"]
    assert unhurried.stored("a.jpg/64x64.jpg").stat.etag == before
    assert unhurried.requests.count("PUT tiny-pics") == 3  # two manifests and one output


def test_an_upload_that_is_no_picture_is_refused_with_its_error(unhurried: Cloud) -> None:
    etag = unhurried.upload("a.jpg", picture("JPEG"))
    unhurried.made("a.jpg", etag=etag, size=1, follows=True)
    etag = unhurried.upload("a.jpg", b"not a picture")
    with pytest.raises(UnsupportedFormat):
        unhurried.run("a.jpg", etag=etag, size=1, follows=True)
    assert unhurried.listing() == []


def test_the_deadline_does_not_wait_for_the_look(cloud: Cloud) -> None:
    etag, ended = cloud.upload("a.jpg", picture("JPEG")), threading.Event()

    def resize(*arguments: Any) -> Any:
        raise DeadlineExceeded("too late")

    def wait(request: str) -> None:
        if request == "HEAD tiny-pics":
            assert ended.wait(PATIENCE)

    cloud.resize_all, cloud.meanwhile = resize, wait
    with pytest.raises(DeadlineExceeded):
        cloud.run("a.jpg", etag=etag, size=1)
    ended.set()


def test_a_look_that_fails_frees_the_source(unhurried: Cloud) -> None:
    etag = unhurried.upload("a.jpg", picture("JPEG"))
    opened: list[Download] = []
    wait, resize = unhurried.meanwhile, unhurried.resize_all

    def fail(request: str) -> None:
        wait(request)
        if request == "HEAD tiny-pics":
            raise AccessDenied("no permission")

    def resize_all(download: Download, *arguments: Any) -> Any:
        opened.append(download)
        return resize(download, *arguments)

    unhurried.resize_all, unhurried.meanwhile = resize_all, fail
    with pytest.raises(AccessDenied):
        unhurried.run("a.jpg", etag=etag, size=1)
    with pytest.raises(StoreUnavailable):
        opened[0].head(1)


# --- All or nothing


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
    assert cloud.listing() == []


def test_a_rendition_whose_key_is_too_long_keeps_the_others_from_being_written(cloud: Cloud) -> None:
    cloud.upload("k" * 1000, picture("JPEG"))
    with pytest.raises(InvalidRequest, match="dest_key: expected at most 1024 bytes"):
        cloud.run("k" * 1000, "64x64", "one_very_long_name_for_a_rendition=32x32", in_folder=True)
    assert cloud.listing() == []


def test_an_output_is_not_taken_for_a_source(cloud: Cloud) -> None:
    cloud.upload("a.jpg", picture("JPEG"), **{outputs.RECIPE: "0123456789abcdef"})
    with pytest.raises(LoopRefused, match="itself an output"):
        cloud.run("a.jpg")


@pytest.mark.parametrize("order", [("scan.tif", "scan.tif.jpg"), ("scan.tif.jpg", "scan.tif")])
def test_of_two_sources_with_one_output_key_the_longer_one_has_it(cloud: Cloud, order: tuple[str, str]) -> None:
    cloud.upload("scan.tif", picture("TIFF"))
    cloud.upload("scan.tif.jpg", picture("JPEG", colour="red"))
    for key in (*order, *order):
        try:
            cloud.run(key, follows=True)
        except InvalidRequest as error:
            assert key == "scan.tif"
            assert str(error).startswith("key: expected a source whose output no other source has")
    assert cloud.outputs()["scan.tif.jpg"].getpixel((5, 5)) == (254, 0, 0)
    with pytest.raises(InvalidRequest):
        cloud.run("scan.tif", follows=True)
    cloud.delete("scan.tif.jpg")
    assert cloud.run("scan.tif.jpg", follows=True) == Gone(("scan.tif.jpg",))
    assert cloud.skips("scan.tif", follows=True).outputs[0].key == "scan.tif.jpg"
    assert cloud.listing() == ["scan.tif.jpg"]


def test_what_somebody_else_left_at_the_outputs_key_is_replaced(cloud: Cloud) -> None:
    cloud.plain("tiny-pics").put("a.jpg", b"of the function before", attributes={}, replaces=None)
    cloud.upload("a.jpg", picture("JPEG"))
    cloud.run("a.jpg")
    assert cloud.outputs()["a.jpg"].size == (128, 96)


# --- In order, and deleted with the source


def test_a_source_that_is_overwritten_while_it_is_read_is_read_again(cloud: Cloud) -> None:
    cloud.upload("a.jpg", picture("JPEG"))

    def overwrite(request: str) -> None:
        if request == "PUT tiny-pics" and len(uploads) < 2:
            uploads.append(cloud.upload("a.jpg", picture("JPEG", colour=("red", "blue")[len(uploads)])))

    uploads: list[str] = []
    cloud.meanwhile = overwrite
    result = cloud.made("a.jpg")
    assert result.source["etag"] == uploads[-1]
    assert cloud.outputs()["a.jpg"].getpixel((5, 5)) == (0, 0, 254)


def test_a_source_that_never_stands_still_is_given_up_for_now(cloud: Cloud) -> None:
    cloud.upload("a.jpg", picture("JPEG"))

    def overwrite(request: str) -> None:
        if request == "GET original-pics":
            numbers.append(len(numbers))
        if request == "PUT tiny-pics":
            cloud.upload("a.jpg", picture("JPEG", (300 + len(numbers), 300)))

    numbers: list[int] = []
    cloud.meanwhile = overwrite
    with pytest.raises(SourceChanged, match="was overwritten 5 times"):
        cloud.run("a.jpg")
    assert len(numbers) == 5


@pytest.mark.parametrize("in_folder", [False, True])
def test_outputs_go_with_their_source(cloud: Cloud, in_folder: bool) -> None:
    cloud.upload("scan.tif", picture("TIFF"))
    cloud.run("scan.tif", in_folder=in_folder)
    cloud.upload("scan.tif/other.jpg", picture("JPEG"))
    cloud.run("scan.tif/other.jpg", in_folder=in_folder)
    others = [key for key in cloud.listing() if "other" in key]
    cloud.delete("scan.tif")
    outcome = cloud.run("scan.tif", in_folder=in_folder, follows=True)
    assert isinstance(outcome, Gone)
    assert len(outcome.removed) == (2 if in_folder else 1)
    assert cloud.listing() == others
    assert cloud.run("scan.tif", in_folder=in_folder, follows=True) == Gone(())


def test_a_version_that_is_no_picture_takes_the_outputs_of_the_one_before(cloud: Cloud) -> None:
    cloud.upload("a.jpg", picture("JPEG"))
    cloud.run("a.jpg", follows=True)
    cloud.upload("a.jpg", b"no picture at all")
    with pytest.raises(Exception, match="not a picture"):
        cloud.run("a.jpg", follows=True)
    assert cloud.listing() == []


def test_outputs_stay_where_deletes_are_not_followed(cloud: Cloud) -> None:
    cloud.upload("a.jpg", picture("JPEG"))
    cloud.run("a.jpg", follows=True)
    cloud.delete("a.jpg")
    with pytest.raises(SourceNotFound):
        cloud.run("a.jpg", follows=True, handling=Handling(follow_deletes=False))
    assert cloud.listing() == ["a.jpg"]


@pytest.mark.parametrize(("in_folder", "mine"), [(False, "scan.tif.png"), (True, "scan.tif/mine.jpg")])
def test_what_was_asked_for_at_a_key_of_its_own_is_never_removed(cloud: Cloud, in_folder: bool, mine: str) -> None:
    cloud.upload("scan.tif", picture("TIFF"))
    cloud.run("scan.tif", "10x10", dest_key=mine)
    cloud.run("scan.tif", in_folder=in_folder, follows=True)
    assert mine in cloud.listing()
    cloud.delete("scan.tif")
    cloud.run("scan.tif", in_folder=in_folder, follows=True)
    assert cloud.listing() == [mine]


def test_a_direct_request_for_what_is_not_there_removes_nothing(cloud: Cloud) -> None:
    cloud.upload("a.jpg", picture("JPEG"))
    cloud.run("a.jpg")
    cloud.delete("a.jpg")
    with pytest.raises(SourceNotFound):
        cloud.run("a.jpg", "10x10")
    assert cloud.listing() == ["a.jpg"]


def test_a_source_deleted_while_it_was_worked_on_leaves_nothing(cloud: Cloud) -> None:
    cloud.upload("a.jpg", picture("JPEG"))
    cloud.meanwhile = lambda request: cloud.delete("a.jpg") if request == "PUT tiny-pics" else None
    assert isinstance(cloud.run("a.jpg", follows=True), Gone)
    assert cloud.listing() == []


# --- Reading the outputs while the source is opened


def test_newer_outputs_that_are_found_after_the_source_was_read_are_not_replaced(cloud: Cloud) -> None:
    """Another invocation resizes a new version between our reads of the source and of its outputs."""
    cloud.upload("a.png", picture("PNG", colour="red"))
    written = []

    def meanwhile(request: str) -> None:
        if request == "HEAD tiny-pics":
            assert cloud.opened.wait(PATIENCE)
            cloud.meanwhile = lambda request: written.append(request) if request.startswith("PUT") else None
            newer = cloud.upload("a.png", picture("PNG", colour="blue"))
            asked = Request("original-pics", "a.png", "tiny-pics", (Rendition.parse("128x96"),), etag=newer)
            reconcile.run(asked, cloud.plain, Limits(), Handling(), resize_all)

    cloud.meanwhile = meanwhile
    cloud.skips("a.png")
    assert written == []
    assert cloud.outputs()["a.png"].convert("RGB").getpixel((5, 5)) == (0, 0, 255)


def test_what_was_opened_in_vain_is_closed(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.upload("a.png", picture("PNG"))
    closed = []
    monkeypatch.delattr(Download, "__del__")  # closes the downloads of earlier tests at any time
    monkeypatch.setattr(Download, "close", lambda self: closed.append(self.stat.etag))

    def meanwhile(request: str) -> None:
        if request == "HEAD tiny-pics":
            raise AccessDenied("no")

    cloud.meanwhile = meanwhile
    with pytest.raises(AccessDenied):
        cloud.run("a.png")
    assert len(closed) == 1


def test_outputs_of_the_etag_that_an_event_names_need_no_reading_of_the_source(cloud: Cloud) -> None:
    etag = cloud.upload("a.png", picture("PNG"))
    cloud.made("a.png")
    assert sorted(cloud.requests[:2]) == ["GET original-pics", "HEAD tiny-pics"]  # concurrently
    assert cloud.skips("a.png", etag=etag)
    assert cloud.requests == ["HEAD tiny-pics", "HEAD original-pics", "LIST tiny-pics"]
    assert cloud.skips("a.png")
    assert sorted(cloud.requests) == ["GET original-pics", "HEAD tiny-pics", "LIST tiny-pics"]


@pytest.mark.parametrize(
    ("key", "format", "rendition"),
    [
        ("a.png", "PNG", "128x96"),
        ("a.jpg", "JPEG", "128x96-webp"),
        ("a.tif", "TIFF", "128x96"),
        ("a.png", "JPEG", "128x96"),
        ("a", "PNG", "128x96"),
    ],
)
def test_a_picture_costs_five_requests(cloud: Cloud, key: str, format: str, rendition: str) -> None:
    for colour in ("red", "blue"):
        etag = cloud.upload(key, picture(format, colour=colour))
        cloud.made(key, rendition, etag=etag)
        assert sorted(cloud.requests) == [
            "GET original-pics",
            "HEAD original-pics",
            "HEAD tiny-pics",
            "LIST tiny-pics",
            "PUT tiny-pics",
        ]
