"""Every kind of damage to two buckets is found by name, and repaired."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import obstore
import pytest
from obstore.store import MemoryStore
from PIL import Image

from tests.delivery.model import ModelBucket
from tinypics.aws import events
from tinypics.aws.settings import Settings
from tinypics.delivery import outputs, reconcile
from tinypics.delivery.manifest import Manifest
from tinypics.delivery.outputs import Handling
from tinypics.delivery.request import Request, Skip
from tinypics.errors import AccessDenied, PermanentError, StoreUnavailable
from tinypics.image.limits import Limits
from tinypics.image.pipeline import resize_all
from tinypics.image.rendition import Rendition
from tinypics.store.bucket import Bucket
from tinypics.store.objects import Listed
from tinypics.values import replace
from tinypics.verify.checker import Checker
from tinypics.verify.findings import CheckReport, Finding
from tinypics.verify.repair import repair

IN, OUT = "original-pics", "tiny-pics"


def picture(format: str = "JPEG", colour: str = "navy") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(buffer, format)
    return buffer.getvalue()


class Failing(Bucket):
    """A bucket that answers with an error for the objects in `errors`, and denies those in `hidden`."""

    def __init__(self, name: str) -> None:
        self.memory = MemoryStore()
        super().__init__(name, self.memory)
        self.errors: dict[str, Exception] = {}
        self.hidden: set[str] = set()

    def head(self, key: str, **options: Any) -> Any:
        if key in self.errors:
            raise self.errors[key]
        return None if key in self.hidden else super().head(key, **options)


class World:
    """Two buckets in memory, and their stack."""

    def __init__(self, renditions: str = "32x32", handling: Handling | None = None, **settings: Any) -> None:
        self.source, self.output = Failing(IN), Failing(OUT)
        self.environment = {"TINYPICS_RENDITIONS": renditions, "TINYPICS_OUTPUT_BUCKET": OUT}
        self.environment |= {f"TINYPICS_{name.upper()}": text for name, text in settings.items()}
        self.limits = Limits(bytes=1_000_000)
        self.unlistable: list[Listed] = []
        self.meanwhile: Callable[[], None] = lambda: None

    @property
    def settings(self) -> Settings:
        return Settings.from_environment(self.environment)

    def parse(self, listed: Listed) -> Request | Skip:
        detail = {"bucket": {"name": IN}, "object": {"key": listed.key, "size": listed.size}}
        return events.parse({"detail-type": "Object Created", "detail": detail}, self.settings)

    def upload(self, key: str, data: bytes | None = None, /, **metadata: str) -> None:
        self.put(self.source, key, picture() if data is None else data, **metadata)

    def put(self, bucket: Bucket, key: str, data: bytes, /, **metadata: str) -> None:
        there = bucket.head(key)
        bucket.put(key, data, attributes=metadata, replaces=there.etag if there else None)

    def run(self, key: str, **fields: Any) -> None:
        request = Request(**{name: getattr(self.request(key), name) for name in Request.__match_args__} | fields)
        opened = {IN: self.source, OUT: self.output}
        reconcile.run(request, opened.__getitem__, self.limits, self.settings.handling, resize_all)

    def request(self, key: str) -> Request:
        request = self.parse(Listed(key, 1, ""))
        assert isinstance(request, Request)
        return request

    def done(self, key: str, data: bytes | None = None) -> None:
        self.upload(key, data)
        self.run(key)

    def invoke(self, key: str) -> str | None:
        try:
            self.run(key)
        except PermanentError as error:
            return error.name
        return None

    def listing(self, bucket: Failing, prefix: str = "") -> Iterator[Listed]:
        for page in obstore.list(bucket.memory):
            for item in page:
                if item["path"].startswith(prefix):
                    yield Listed(item["path"], item["size"], str(item["e_tag"]).strip('"'))

    def outputs(self) -> list[str]:
        return sorted(listed.key for listed in self.listing(self.output))

    def stored(self, key: str) -> bytes:
        return obstore.get(self.output.memory, key).bytes().to_bytes()

    def checker(self, prefix: str = "") -> Checker:
        found = self.settings
        return Checker(
            self.source,
            self.output,
            self.parse,
            self.limits,
            found.handling,
            resize_all,
            threads=3,
            prefix=prefix or found.prefix,
            output_prefix=found.output_prefix,
        )

    def check(self, prefix: str = "") -> CheckReport:
        checker = self.checker(prefix)
        sources = [*self.listing(self.source, checker.prefix), *self.unlistable]
        self.meanwhile()
        return checker.check(sources, self.listing(self.output, checker.output_prefix + checker.prefix))

    def fix(self, report: CheckReport) -> list[str]:
        return self.repair(report.findings)

    def repair(self, findings: list[Finding]) -> list[str]:
        return [failure for failure in repair(self.checker(), findings, self.invoke) if failure]

    def damage(self, key: str, data: bytes) -> None:
        """Write other bytes with the same metadata."""
        stat = self.output.head(key)
        self.output.put(key, data, attributes=stat.metadata, replaces=stat.etag)


def found(report: CheckReport) -> list[tuple[str, str]]:
    return sorted((finding.kind, finding.output) for finding in report.findings)


def test_what_is_as_it_should_be_has_no_findings() -> None:
    for world in (World(), World("32x32,16x-webp"), World("thumb=16x16", output_prefix="small/")):
        for key, data in (("a.jpg", None), ("scan", picture("BMP")), ("d/tif.tif", picture("JPEG"))):
            world.done(key, data)
        report = world.check()
        assert report.findings == []
        assert report.sources == {"complete": 3}
        assert report.outputs == {"managed": len(world.outputs())}


# --- Each kind of finding


def missing(world: World) -> None:
    world.upload("b.jpg")


def missing_manifest(world: World) -> None:
    world.output.delete("a.jpg/manifest.json")


def another_source(world: World) -> None:
    world.upload("a.jpg", picture(colour="red"))


def another_recipe(world: World) -> None:
    world.environment["TINYPICS_RENDITIONS"] = world.environment["TINYPICS_RENDITIONS"].replace("32x32", "24x24")


def one_becomes_many(world: World) -> None:
    world.environment["TINYPICS_RENDITIONS"] = "32x32,8x"


def many_become_one(world: World) -> None:
    world.environment["TINYPICS_RENDITIONS"] = "32x32"


def another_format(world: World) -> None:
    world.environment["TINYPICS_RENDITIONS"] = "32x32-webp"


def another_source_of_another_format(world: World) -> None:
    world.upload("a.jpg", picture("BMP"))


def removed_output(world: World) -> None:
    world.output.delete("a.jpg/32x32.jpg")


def replaced_output(world: World) -> None:
    world.put(world.output, "a.jpg/32x32.jpg", b"something else")


def altered_output(world: World) -> None:
    world.damage("a.jpg/32x32.jpg", b"something else under our name")


def replaced_single(world: World) -> None:
    world.put(world.output, "a.jpg", b"something else")


def source_gone(world: World) -> None:
    world.source.delete("a.jpg")


def source_spoilt(world: World) -> None:
    world.upload("a.jpg", b"no picture")


def another_source_and_recipe(world: World) -> None:
    another_source(world)
    another_recipe(world)


def recipe_after_one_that_was_cut_short(world: World) -> None:
    leftover(world)
    manifest = Manifest.from_json(world.stored("a.jpg/manifest.json"))
    assert manifest
    world.damage("a.jpg/manifest.json", replace(manifest, outputs=(), claim="of the one that was killed").to_json())
    another_recipe(world)


def leftover(world: World) -> None:
    stat = world.output.head("a.jpg/32x32.jpg")
    assert stat
    world.put(world.output, "a.jpg/99x99.jpg", b"of long ago", **stat.metadata)


def move(world: World, key: str, former: str) -> None:
    stat = world.output.head(key)
    assert stat
    world.put(world.output, former, world.stored(key), **stat.metadata)
    world.output.delete(key)


def former_key(world: World) -> None:
    """Earlier versions chose keys by the picture's content."""
    move(world, "a.jpg", "a.jpg.png")


def former_key_in_a_list(world: World) -> None:
    move(world, "a.jpg/32x32.jpg", "a.jpg/32x32.png")
    manifest = world.stored("a.jpg/manifest.json")
    world.damage("a.jpg/manifest.json", manifest.replace(b"a.jpg/32x32.jpg", b"a.jpg/32x32.png"))


ONE, MANY = "32x32", "32x32,16x-webp"
FOLDER = ["a.jpg/16x-webp.webp", "a.jpg/32x32.jpg", "a.jpg/manifest.json"]


@pytest.mark.parametrize(
    ("renditions", "spoil", "findings", "after"),
    [
        (ONE, missing, [("missing", "b.jpg")], ["a.jpg", "b.jpg"]),
        (ONE, another_source, [("stale", "a.jpg")], ["a.jpg"]),
        (ONE, another_recipe, [("stale", "a.jpg")], ["a.jpg"]),
        (ONE, replaced_single, [("missing", "a.jpg")], ["a.jpg"]),
        (ONE, source_gone, [("orphaned", "a.jpg")], []),
        (ONE, source_spoilt, [("orphaned", "a.jpg")], []),
        (
            ONE,
            one_becomes_many,
            [("missing", "a.jpg/manifest.json"), ("orphaned", "a.jpg")],
            ["a.jpg/32x32.jpg", "a.jpg/8x.jpg", "a.jpg/manifest.json"],
        ),
        (ONE, another_source_of_another_format, [("stale", "a.jpg")], ["a.jpg"]),
        (ONE, former_key, [("missing", "a.jpg"), ("orphaned", "a.jpg.png")], ["a.jpg"]),
        (MANY, former_key_in_a_list, [("stale", "a.jpg/manifest.json")], FOLDER),
        (MANY, missing_manifest, [("missing", "a.jpg/manifest.json")], FOLDER),
        (MANY, another_source, [("stale", "a.jpg/manifest.json")], FOLDER),
        (
            MANY,
            another_recipe,
            [("stale", "a.jpg/manifest.json")],
            ["a.jpg/16x-webp.webp", "a.jpg/24x24.jpg", "a.jpg/manifest.json"],
        ),
        (
            MANY,
            another_source_and_recipe,
            [("stale", "a.jpg/manifest.json")],
            ["a.jpg/16x-webp.webp", "a.jpg/24x24.jpg", "a.jpg/manifest.json"],
        ),
        (
            MANY,
            recipe_after_one_that_was_cut_short,
            [("stale", "a.jpg/manifest.json")],
            ["a.jpg/16x-webp.webp", "a.jpg/24x24.jpg", "a.jpg/manifest.json"],
        ),
        (MANY, removed_output, [("damaged", "a.jpg/32x32.jpg")], FOLDER),
        (MANY, replaced_output, [("damaged", "a.jpg/32x32.jpg")], FOLDER),
        (MANY, altered_output, [("damaged", "a.jpg/32x32.jpg")], FOLDER),
        (MANY, source_gone, [("orphaned", key) for key in FOLDER], []),
        (MANY, leftover, [("orphaned", "a.jpg/99x99.jpg")], FOLDER),
        (MANY, many_become_one, [("missing", "a.jpg"), *(("orphaned", key) for key in FOLDER)], ["a.jpg"]),
    ],
)
def test_what_is_wrong_is_found_by_name_and_put_right(
    renditions: str, spoil: Callable[[World], None], findings: list[tuple[str, str]], after: list[str]
) -> None:
    world = World(renditions)
    world.done("a.jpg")
    spoil(world)
    report = world.check()
    assert found(report) == findings
    assert world.fix(report) == []
    assert world.check().findings == []
    assert world.outputs() == after
    made = [key for key in after if not key.endswith(".json")]
    assert all(Image.open(io.BytesIO(world.stored(key))).format for key in made)


def test_a_recipe_of_another_format_leaves_nothing_of_the_one_before() -> None:
    world = World()
    world.done("a.jpg")
    another_format(world)
    assert found(world.check()) == [("missing", "a.jpg.webp"), ("orphaned", "a.jpg")]
    world.fix(world.check())
    assert (world.check().findings, world.outputs()) == ([], ["a.jpg.webp"])


def test_the_longest_key_is_checked_like_any_other() -> None:
    world = World()
    world.done("k" * 1024)
    assert world.check().sources == {"complete": 1}


# --- States that are correct


def test_sources_that_are_no_pictures_are_counted_by_the_name_of_their_error() -> None:
    world = World()
    world.upload("a.txt", b"hello")
    world.upload("cut.png", picture("PNG")[:-30])
    world.upload("empty.jpg", b"")
    world.upload("large.jpg", b"\xff\xd8\xff" + bytes(2_000_000))
    world.upload("copied.jpg", **{outputs.RECIPE: "0123456789abcdef"})
    world.unlistable = [Listed("a//b.jpg", 9, "1"), Listed("folder/", 0, "2")]
    report = world.check()
    assert report.findings == []
    assert report.sources == {
        "UnsupportedFormat": 1,
        "CorruptImage": 2,
        "SourceTooLarge": 1,
        "LoopRefused": 1,
        "unreadable": 1,
        "skipped": 1,
    }


def test_a_source_whose_outputs_keys_would_be_too_long_is_unreadable() -> None:
    world = World("a_rather_long_name_for_a_rendition=16x16")
    world.upload("k" * 1010)
    assert world.check().sources == {"unreadable": 1}


def test_what_is_not_ours_is_counted_and_left_alone() -> None:
    world = World()
    world.done("a.jpg")
    world.put(world.output, "readme.txt", b"of somebody")
    world.run("a.jpg", dest_key="mine.jpg")
    world.run("a.jpg", prefix="another-stack/")
    world.source.delete("a.jpg")
    report = world.check()
    assert found(report) == [("orphaned", "a.jpg")]
    assert report.outputs == {"managed": 1, "foreign": 1, "placed": 1, "others": 1}
    world.fix(report)
    assert world.outputs() == ["another-stack/a.jpg", "mine.jpg", "readme.txt"]


def test_keys_that_cannot_be_written_here_are_foreign() -> None:
    world = World()
    report = world.checker().check([], [Listed("a//b.jpg", 9, "1")])
    assert (report.findings, report.outputs) == ([], {"foreign": 1})


@pytest.mark.parametrize("spoil", [source_gone, source_spoilt])
def test_outputs_of_what_is_gone_are_kept_where_deletes_are_not_followed(spoil: Callable[[World], None]) -> None:
    world = World(follow_deletes="false")
    world.done("a.jpg")
    spoil(world)
    report = world.check()
    assert (report.findings, report.outputs) == ([], {"managed": 0, "kept": 1})
    assert not report.sources["wrong"]


def test_leftovers_are_orphans_also_where_deletes_are_not_followed() -> None:
    world = World(MANY, follow_deletes="false")
    world.done("a.jpg")
    leftover(world)
    assert found(world.check()) == [("orphaned", "a.jpg/99x99.jpg")]


def test_one_bucket_for_both_is_held_against_itself() -> None:
    world = World(MANY, output_prefix="small/")
    world.environment["TINYPICS_OUTPUT_BUCKET"] = IN
    world.output = world.source
    world.done("a.jpg")
    report = world.check()
    assert (report.findings, report.sources, report.outputs) == ([], {"complete": 1, "skipped": 3}, {"managed": 3})
    world.source.delete("a.jpg")
    assert world.fix(world.check()) == []
    assert world.outputs() == []


def test_only_keys_below_the_prefix_count() -> None:
    world = World(MANY)
    world.upload("in/a.jpg")
    world.upload("out/b.jpg")
    world.done("out")
    assert found(world.check("in/")) == [("missing", "in/a.jpg/manifest.json")]
    report = world.check("out/")  # this prefix also contains the outputs of `out`, but not `out` itself
    assert found(report) == [("missing", "out/b.jpg/manifest.json")]
    assert report.outputs == {"others": 3}


# --- Buckets that change during the check, and stores that do not answer


def test_a_source_that_is_removed_or_done_meanwhile_is_no_fault() -> None:
    world = World()
    world.upload("a.jpg")
    world.upload("b.jpg")

    def meanwhile() -> None:
        world.source.delete("a.jpg")
        world.done("b.jpg", picture(colour="red"))

    world.meanwhile = meanwhile
    report = world.check()
    assert report.findings == []
    assert report.sources == {"gone": 1, "complete": 1}


@pytest.mark.parametrize("follow", ["true", "false"])
def test_a_source_that_is_removed_while_it_is_tried_is_gone(follow: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(follow_deletes=follow)
    world.upload("a.jpg")
    run = reconcile.run

    def removed_first(*arguments: Any) -> Any:
        world.source.delete("a.jpg")
        return run(*arguments)

    monkeypatch.setattr(reconcile, "run", removed_first)
    report = world.check()
    assert (report.findings, report.sources) == ([], {"gone": 1})


def test_an_output_that_was_removed_since_it_was_listed_is_no_fault() -> None:
    report = World().checker().check([], [Listed("a.jpg", 9, "1")])
    assert report.findings == []


def test_a_stack_that_would_feed_itself_makes_nothing() -> None:
    world = World()
    world.upload("a.jpg")
    world.environment["TINYPICS_OUTPUT_BUCKET"] = IN
    report = world.check()
    assert (report.findings, report.sources) == ([], {"LoopRefused": 1})


def test_an_orphan_that_is_needed_again_or_is_another_object_stays() -> None:
    world = World()
    for key in ("a.jpg", "b.jpg", "c.jpg", "d.jpg"):
        world.done(key)
        world.source.delete(key)
    report = world.check()
    assert len(report.findings) == 4
    world.upload("a.jpg")  # its replacement does not exist yet: an old output is better than none
    world.damage("b.jpg", b"of another")
    world.put(world.output, "c.jpg", b"of somebody")
    world.output.delete("d.jpg")
    assert world.fix(report) == []
    assert world.outputs() == ["a.jpg", "b.jpg", "c.jpg"]


def test_an_old_output_stays_until_the_new_ones_are_there() -> None:
    world = World()
    world.done("a.jpg")
    one_becomes_many(world)
    report = world.check()
    assert list(repair(world.checker(), report.findings, lambda key: "not now")) == ["a.jpg: not now", None]
    assert world.outputs() == ["a.jpg"]


def test_an_orphan_whose_source_is_there_again_stays() -> None:
    world = World()
    world.done("a.jpg")
    world.source.hidden = {"a.jpg"}
    report = world.check()
    assert found(report) == [("orphaned", "a.jpg")]
    world.source.hidden = set()
    assert (world.fix(report), world.outputs()) == ([], ["a.jpg"])


@pytest.mark.parametrize(("source", "placed"), [("a.jpg", True), ("b.jpg", False)])
def test_what_is_no_orphan_of_that_source_is_not_removed_as_one(source: str, placed: bool) -> None:
    """On S3 equal bytes have equal ETags, so the ETag alone does not prove the writer."""
    world = World()
    world.upload("a.jpg")
    world.run("a.jpg", dest_key="a.jpg" if placed else None)
    world.source.delete("a.jpg")
    stat = world.output.head("a.jpg")
    assert stat
    assert world.repair([Finding("orphaned", source, "a.jpg", "", stat.etag)]) == []
    assert world.outputs() == ["a.jpg"]


def test_what_is_damaged_stays_until_the_function_replaces_it() -> None:
    world = World(MANY)
    world.done("a.jpg")
    replaced_output(world)
    list(repair(world.checker(), world.check().findings, lambda key: "not now"))
    assert world.outputs() == FOLDER


def test_damage_that_is_gone_when_it_is_repaired_costs_nothing() -> None:
    world = World(MANY)
    world.done("a.jpg")
    removed_output(world)
    report = world.check()
    world.fix(report)
    before = world.output.head("a.jpg/manifest.json")
    world.fix(report)
    assert world.output.head("a.jpg/manifest.json") == before


def test_what_could_not_be_asked_is_told_and_nothing_is_removed_for_it() -> None:
    world = World()
    for key in ("a.jpg", "b.jpg"):
        world.done(key)
    world.source.delete("a.jpg")
    orphans = world.check().findings
    world.source.errors["a.jpg"] = AccessDenied("not you")
    world.output.errors["b.jpg"] = StoreUnavailable("not now")
    report = world.check()
    assert found(report) == [("unchecked", ""), ("unchecked", ""), ("unchecked", "b.jpg")]
    assert {finding.reason for finding in report.findings} == {"AccessDenied: not you", "StoreUnavailable: not now"}
    world.fix(report)
    assert world.repair(orphans) == []
    del world.source.errors["a.jpg"]
    world.output.errors["a.jpg"] = StoreUnavailable("not now")
    assert world.repair(orphans) == ["a.jpg: StoreUnavailable: not now"]
    world.output.errors.clear()
    assert world.outputs() == ["a.jpg", "b.jpg"]


def test_of_two_sources_with_one_output_key_the_one_without_output_is_named() -> None:
    world = World()
    world.done("scan.tif", picture("TIFF"))
    world.upload("scan.tif.jpg")
    report = world.check()
    assert found(report) == [("missing", "scan.tif.jpg")]
    assert world.fix(report) == []
    (finding,) = world.check().findings
    assert (finding.kind, finding.source, finding.output) == ("clashing", "scan.tif", "scan.tif.jpg")
    assert "no other source has" in finding.reason


def test_a_source_whose_output_key_was_taken_by_a_request_is_named() -> None:
    world = World()
    world.upload("a.jpg")
    world.upload("b.jpg")
    world.run("a.jpg", dest_key="b.jpg")
    report = world.check()
    assert found(report) == [("clashing", "b.jpg"), ("missing", "a.jpg")]
    assert world.fix(report) == []
    assert found(world.check()) == [("clashing", "b.jpg")]


def test_what_the_function_refuses_is_told() -> None:
    world = World()
    world.upload("a.jpg")
    report = world.check()
    world.limits = Limits(bytes=10)
    assert world.fix(report) == ["a.jpg: SourceTooLarge"]


def test_a_source_that_comes_back_while_its_orphan_is_deleted_gets_its_outputs() -> None:
    world = World()
    world.done("a.jpg")
    world.source.delete("a.jpg")
    report = world.check()
    delete = world.output.delete

    def meanwhile(key: str, **options: Any) -> None:
        world.done("a.jpg")  # equal bytes have equal ETags on S3, so the condition of the delete may not save them
        delete(key)

    world.output.delete = meanwhile  # type: ignore[method-assign]
    assert world.fix(report) == []
    assert (world.check().findings, world.outputs()) == ([], ["a.jpg"])


@pytest.mark.parametrize(
    "change",
    [{"source": {}}, {"source": None}, {"renditions": [{"key": 5}]}, {"renditions": "x"}, {"placeholder": []}],
)
def test_a_damaged_manifest_is_found_and_made_again(change: dict[str, Any]) -> None:
    world = World(MANY)
    world.done("a.jpg")
    document = json.loads(world.stored("a.jpg/manifest.json"))
    world.damage("a.jpg/manifest.json", json.dumps(document | change).encode())
    report = world.check()
    assert found(report) == [("missing", "a.jpg/manifest.json")]
    assert world.fix(report) == []
    assert (world.check().findings, world.outputs()) == ([], FOLDER)


# --- Outputs on demand


def on_demand(world: World, key: str, name: str = "20x.jpg") -> None:
    world.run(key, renditions=(Rendition(width=20),), in_folder=False, on_demand=name, follows=False)


@pytest.mark.parametrize("renditions", ["32x32", "32x32,16x16"])
def test_current_outputs_on_demand_are_a_kind_of_their_own(renditions: str) -> None:
    world = World(renditions)
    world.done("a.jpg")
    on_demand(world, "a.jpg")
    report = world.check()
    assert report.outputs["on demand"] == 1
    assert report.is_exact


@pytest.mark.parametrize("renditions", ["32x32", "32x32,16x16"])
def test_outputs_on_demand_of_another_version_are_removed_and_not_made(renditions: str) -> None:
    world = World(renditions)
    world.done("a.jpg")
    on_demand(world, "a.jpg")
    stale = world.output.head("a.jpg/20x.jpg")
    data = world.stored("a.jpg/20x.jpg")
    world.done("a.jpg", picture(colour="red"))
    world.put(world.output, "a.jpg/20x.jpg", data, **stale.metadata)
    report = world.check()
    assert [(found.kind, found.output) for found in report.findings] == [("orphaned", "a.jpg/20x.jpg")]
    assert world.fix(report) == []
    assert "a.jpg/20x.jpg" not in world.outputs()
    assert world.check().is_exact


def test_an_output_on_demand_that_was_made_again_meanwhile_stays() -> None:
    world = World()
    world.done("a.jpg")
    on_demand(world, "a.jpg")
    etag = world.output.head("a.jpg/20x.jpg").etag
    assert world.repair([Finding("orphaned", "a.jpg", "a.jpg/20x.jpg", "", etag)]) == []
    assert "a.jpg/20x.jpg" in world.outputs()


def test_an_output_on_demand_without_its_source_is_an_orphan() -> None:
    world = World()
    world.done("a.jpg")
    on_demand(world, "a.jpg")
    world.output.delete("a.jpg")
    world.source.delete("a.jpg")
    report = world.check()
    assert [found.reason for found in report.findings] == ["its source is gone"]
    assert world.fix(report) == []
    assert world.outputs() == []


@pytest.mark.parametrize("metadata", [{outputs.ON_DEMAND: "yes"}, {outputs.SOURCE_ETAG: "0123"}])
def test_an_output_whose_bytes_are_right_and_its_metadata_wrong_is_made_again(metadata: dict[str, str]) -> None:
    world, output = World("32x32,16x16"), ModelBucket(OUT)  # with ETags that are hashes, as in S3
    world.output = output  # type: ignore[assignment]
    world.done("a.jpg")
    right = output.objects["a.jpg/16x16.jpg"]
    output.store("a.jpg/16x16.jpg", right.data, {**right.metadata, **metadata})
    listed = [Listed(key, len(each.data), each.etag) for key, each in output.objects.items()]
    report = world.checker().check(world.listing(world.source), listed)
    assert found(report) == [("damaged", "a.jpg/16x16.jpg")]
    assert world.fix(report) == []
    made = output.objects["a.jpg/16x16.jpg"].metadata
    assert {**made, outputs.CLAIM: ""} == {**right.metadata, outputs.CLAIM: ""}
