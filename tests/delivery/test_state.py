"""The state of the buckets alone decides: after any kill, race or change of the recipe the next event ends right."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest

from tests.delivery.gate import in_turn
from tests.delivery.test_reconcile import Cloud, picture
from tinypics.delivery import inventory, outputs
from tinypics.delivery.manifest import MAX_BYTES
from tinypics.delivery.outputs import MAX_UNKNOWN, Handling
from tinypics.delivery.request import Request
from tinypics.delivery.result import Gone
from tinypics.errors import (
    AccessDenied,
    CorruptImage,
    InvalidRequest,
    LoopRefused,
    SourceNotFound,
    SourceTooLarge,
    TinypicsError,
    UnsupportedFormat,
)
from tinypics.image.limits import Limits
from tinypics.image.pipeline import resize_all
from tinypics.image.rendition import Rendition
from tinypics.image.results import Resized
from tinypics.image.stream import Stream
from tinypics.store.bucket import Bucket
from tinypics.store.objects import Conflict, Listed, Stat, UnsupportedKey


@functools.cache
def _resized(data: bytes, renditions: tuple[Rendition, ...], limits: Limits) -> Resized:
    return resize_all(data, renditions, limits)


def resize_once(source: Stream, renditions: Sequence[Rendition], limits: Limits) -> Resized:
    """`resize_all` with a cache: these tests differ in the order of requests, not in pixels."""
    return _resized(source.read_all(), tuple(renditions), limits)


@pytest.fixture(autouse=True)
def pictures_are_resized_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cloud, "resize_all", staticmethod(resize_once))


@pytest.fixture(autouse=True)
def requests_are_in_order() -> Iterator[None]:
    """So that the request of a number is the same one in each run. Without threads, which take most of the time."""
    with in_turn(None):
        yield


class Killed(BaseException):
    """The invocation ends here."""


Recipe = tuple[str, ...]
SINGLE: Recipe = ("16x16",)
WEBP: Recipe = ("16x16-webp",)
LIST: Recipe = ("16x16", "8x8-webp")
OTHER: Recipe = ("8x8-webp", "hero=12x")
RENAMED: Recipe = ("16x16", "hero=8x")
RECIPES = {"single": SINGLE, "webp": WEBP, "list": LIST, "other": OTHER, "renamed": RENAMED}


def deliver(cloud: Cloud, recipe: Recipe, key: str = "a.png", **fields: Any) -> Any:
    """Process an event of the key by the stack's recipe."""
    in_folder = len(recipe) > 1
    return cloud.run(key, *recipe, in_folder=in_folder, **{"follows": True} | fields)


@functools.cache
def clean(*steps: tuple[str, bytes | None, Recipe]) -> dict[str, tuple[bytes, str]]:
    """The outputs of sources that are uploaded to empty buckets, one after the other."""
    cloud = Cloud()
    for key, data, recipe in steps:
        if data is not None:
            cloud.upload(key, data)
            deliver(cloud, recipe, key)
    return contents(cloud)


def contents(cloud: Cloud) -> dict[str, tuple[bytes, str]]:
    """Every object of the output bucket: a picture's bytes, the renditions that a manifest names, and the recipe."""
    found = {}
    for key in cloud.listing():
        stored = cloud.stored(key)
        data = stored.read_all()
        if stored.stat.metadata.get("Content-Type") == "application/json":
            manifest = cloud.manifest(key.removesuffix("/manifest.json"))
            assert manifest["complete"]
            for item in manifest["renditions"]:
                assert cloud.stored(item["key"]).stat.etag == item["etag"]
            data = repr([item["key"] for item in manifest["renditions"]]).encode()
        found[key] = data, stored.stat.metadata.get(outputs.RECIPE, "")
    return found


def at_request(cloud: Cloud, number: int, act: Callable[[], object]) -> list[str]:
    """Run `act` before the request of this number; the list is empty if there was none."""
    done: list[str] = []

    def meanwhile(request: str) -> None:
        if len(cloud.requests) == number:
            cloud.meanwhile = lambda request: None
            before = cloud.requests[:]
            done.append(request)
            act()
            cloud.requests[:] = before

    cloud.meanwhile = meanwhile
    return done


V1, V2 = picture("PNG", (64, 48), "red"), picture("PNG", (48, 64), "blue")


def before_each_request(play: Callable[[Cloud, int], list[str]]) -> int:
    """Play a scene once for each request of its first event; returns their number."""
    for number in range(1, 100):
        if not play(Cloud(), number):
            return number - 1
    raise AssertionError("it does not end")


@pytest.mark.table
@pytest.mark.parametrize("second", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("first", RECIPES.values(), ids=RECIPES)
def test_of_two_recipes_at_once_one_ends_complete_and_alone(first: Recipe, second: Recipe) -> None:
    def play(cloud: Cloud, number: int) -> list[str]:
        cloud.upload("a.png", V1)
        done = at_request(cloud, number, lambda: deliver(cloud, second))
        deliver(cloud, first)
        assert contents(cloud) in (clean(("a.png", V1, first)), clean(("a.png", V1, second)))
        return done

    assert before_each_request(play) >= 5


@pytest.mark.table
@pytest.mark.parametrize("then", ["again", "v1", "v2", "deleted", "spoilt"])
@pytest.mark.parametrize("second", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("first", [SINGLE, LIST], ids=["single", "list"])
def test_after_a_kill_at_any_request_the_next_event_ends_right(first: Recipe, second: Recipe, then: str) -> None:
    """The recipe changes, a new version comes, its invocation is killed, and one more event comes."""

    def kill() -> None:
        raise Killed

    def play(cloud: Cloud, number: int) -> list[str]:
        cloud.upload("a.png", V1)
        deliver(cloud, first)
        cloud.upload("a.png", V2)
        cloud.requests.clear()
        done = at_request(cloud, number, kill)
        with suppress(Killed):
            deliver(cloud, second)
        cloud.meanwhile = lambda request: None
        last: bytes | None = {"again": V2, "v1": V1, "v2": V2, "deleted": None, "spoilt": b"no picture"}[then]
        if then == "deleted":
            cloud.delete("a.png")
        elif then != "again":
            cloud.upload("a.png", last or b"")
        try:
            deliver(cloud, second)
        except TinypicsError:
            assert then == "spoilt"
        assert contents(cloud) == clean(("a.png", last if then != "spoilt" else None, second))
        return done

    assert before_each_request(play) >= 5


@pytest.mark.parametrize("recipe", [SINGLE, LIST], ids=["single", "list"])
def test_a_retry_after_the_source_was_deleted_leaves_nothing(recipe: Recipe) -> None:
    """The delete's event came before the write, and the kill after it."""

    def kill(request: str) -> None:
        if written and request == "HEAD original-pics":
            raise Killed
        written.extend([request] if request == "PUT tiny-pics" else [])

    cloud, written = Cloud(), list[str]()
    etag = cloud.upload("a.png", V1)
    cloud.meanwhile = kill
    with pytest.raises(Killed):
        deliver(cloud, recipe, etag=etag)
    cloud.meanwhile = lambda request: None
    cloud.delete("a.png")
    assert isinstance(deliver(cloud, recipe, etag=etag), Gone)
    assert cloud.listing() == []


@pytest.mark.parametrize("recipe", [SINGLE, LIST], ids=["single", "list"])
def test_an_older_event_after_a_newer_one_writes_nothing(recipe: Recipe) -> None:
    cloud = Cloud()
    old = cloud.upload("a.png", V1)
    cloud.upload("a.png", V2)
    deliver(cloud, recipe)
    assert deliver(cloud, recipe, etag=old).skipped
    assert not [request for request in cloud.requests if request.startswith(("PUT", "DELETE"))]


# --- After a change of the recipe


@pytest.mark.table
@pytest.mark.parametrize("event", ["overwritten", "deleted", "spoilt", "a copy of an output", "too large", "again"])
@pytest.mark.parametrize("new", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("old", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("key", ["a.png", "scan.tif", "users/42"])
def test_nothing_outlives_its_recipe(key: str, old: Recipe, new: Recipe, event: str) -> None:
    cloud = Cloud()
    cloud.upload(key, V1)
    deliver(cloud, old, key)
    cloud.plain("tiny-pics").put(f"{key}.txt", b"of somebody", attributes={}, replaces=None)
    cloud.plain("tiny-pics").put(f"{key}/logo.png", b"of somebody", attributes={}, replaces=None)
    if event == "deleted":
        cloud.delete(key)
        assert isinstance(deliver(cloud, new, key), Gone)
    elif event in ("overwritten", "again"):
        cloud.upload(key, V2 if event == "overwritten" else V1)
        deliver(cloud, new, key)
    else:
        data, metadata = {"spoilt": b"no picture", "too large": bytes(100_000)}.get(event, V1), {}
        if event == "a copy of an output":
            metadata = {outputs.RECIPE: "0123456789abcdef"}
        cloud.upload(key, data, **metadata)
        with pytest.raises(TinypicsError):
            deliver(cloud, new, key, limits=Limits(bytes=50_000))
    left = contents(cloud)
    assert left.pop(f"{key}.txt") == left.pop(f"{key}/logo.png") == (b"of somebody", "")
    wanted = {"overwritten": V2, "again": V1}.get(event)
    assert left == clean((key, wanted, new))


def test_a_copy_of_an_output_has_no_outputs(cloud_of: Cloud) -> None:
    cloud_of.upload("a.png", V2, **{outputs.RECIPE: "0123456789abcdef"})
    with pytest.raises(LoopRefused):
        deliver(cloud_of, SINGLE)
    assert cloud_of.listing() == []


@pytest.fixture
def cloud_of() -> Cloud:
    """A source with its output."""
    cloud = Cloud()
    cloud.upload("a.png", V1)
    deliver(cloud, SINGLE)
    return cloud


# --- Claims


@pytest.mark.parametrize(
    ("before", "recipe", "last", "then", "is_kept"),
    [
        (None, LIST, "8x8-webp.webp", LIST, True),  # the retry shares the claim, and what was written under it
        (None, LIST, "8x8-webp.webp", RENAMED, False),
        (LIST, RENAMED, "hero.png", RENAMED, True),  # an output of the recipe before, which the claim names as kept
        (LIST, RENAMED, "hero.png", LIST, False),
    ],
    ids=["retry", "another recipe", "kept", "kept by another"],
)
def test_outputs_that_were_written_under_another_claim_are_written_again(
    before: Recipe | None, recipe: Recipe, last: str, then: Recipe, *, is_kept: bool
) -> None:
    """So that a late write of the invocation that had that claim fails."""

    class Deadly(Bucket):
        def put(self, key: str, data: bytes, **options: Any) -> str:
            if key == f"a.png/{last}":
                raise Killed
            return super().put(key, data, **options)

    cloud = Cloud()
    cloud.upload("a.png", V1)
    if before:
        deliver(cloud, before)
    cloud.open = lambda name: Deadly(name, cloud.stores[name])  # type: ignore[method-assign]
    with pytest.raises(Killed):
        deliver(cloud, recipe)
    del cloud.open
    etag = cloud.stored("a.png/16x16.png").stat.etag
    deliver(cloud, then)
    assert (cloud.stored("a.png/16x16.png").stat.etag == etag) == is_kept
    assert contents(cloud) == clean(("a.png", V1, then))


# --- A role without s3:DeleteObject


@pytest.mark.parametrize("event", ["overwritten", "deleted", "spoilt"])
@pytest.mark.parametrize(("old", "new"), [(SINGLE, LIST), (LIST, SINGLE), (LIST, OTHER)])
def test_a_role_that_may_not_delete_is_refused_by_name_and_leaves_nothing_false(
    old: Recipe, new: Recipe, event: str
) -> None:
    def deny(request: str) -> None:
        if request == "DELETE tiny-pics":
            raise AccessDenied("no permission for bucket tiny-pics to remove from")

    cloud = Cloud()
    cloud.upload("a.png", V1)
    deliver(cloud, old)
    cloud.delete("a.png") if event == "deleted" else cloud.upload("a.png", V2 if event == "overwritten" else b"x")
    cloud.meanwhile = deny
    for _ in range(2):  # a retry has the same answer
        with pytest.raises(AccessDenied, match="to remove from"):
            deliver(cloud, new)
        for key in cloud.listing():
            if key.endswith("manifest.json"):
                named = cloud.manifest(key.removesuffix("/manifest.json"))["renditions"]
                assert [cloud.stored(item["key"]).stat.etag for item in named] == [item["etag"] for item in named]
    cloud.meanwhile = lambda request: None
    with suppress(UnsupportedFormat):
        deliver(cloud, new)
    assert contents(cloud) == clean(("a.png", V2 if event == "overwritten" else None, new))


@pytest.mark.parametrize("recipe", [SINGLE, LIST], ids=["single", "list"])
def test_an_overwrite_without_a_change_of_the_recipe_needs_no_permission_to_delete(recipe: Recipe) -> None:
    cloud = Cloud()
    for data in (V1, V2):
        cloud.upload("a.png", data)
        deliver(cloud, recipe)
        assert "DELETE tiny-pics" not in cloud.requests


# --- Refusals are about one version


@pytest.mark.table
@pytest.mark.parametrize("recipe", [SINGLE, LIST], ids=["single", "list"])
@pytest.mark.parametrize("bad", [b"no picture", bytes(100_000), V1[:-40], b""], ids=["none", "large", "cut", "empty"])
def test_a_refusal_does_not_take_the_outputs_of_the_next_version(recipe: Recipe, bad: bytes) -> None:
    def play(cloud: Cloud, number: int) -> list[str]:
        def overwrite() -> None:
            cloud.upload("a.png", V2)
            deliver(cloud, recipe, limits=limits)

        cloud.upload("a.png", V1)
        deliver(cloud, recipe)
        cloud.requests.clear()
        cloud.upload("a.png", bad)
        done = at_request(cloud, number, overwrite)
        try:
            deliver(cloud, recipe, limits=limits)
        except (CorruptImage, SourceTooLarge, UnsupportedFormat):
            assert not done or done[0].startswith(("HEAD", "DELETE", "LIST"))
        cloud.meanwhile = lambda request: None
        assert contents(cloud) == clean(("a.png", V2 if done else None, recipe))
        return done

    limits = Limits(bytes=50_000)
    assert before_each_request(play) >= 4


# --- Nobody else's objects


def test_two_buckets_with_the_same_key_do_not_share_a_manifest() -> None:
    cloud = Cloud()
    cloud.stores["more-pics"] = type(cloud.stores["tiny-pics"])()
    cloud.plain("more-pics").put("a.png", V2, attributes={}, replaces=None)
    cloud.upload("a.png", V1)
    deliver(cloud, LIST)
    before = contents(cloud)
    other = Request("more-pics", "a.png", "tiny-pics", tuple(map(Rendition.parse, ("7x", "9x"))), True, follows=True)
    with pytest.raises(InvalidRequest, match="no other source has"):
        cloud.reconcile(other)
    assert contents(cloud) == before
    cloud.delete("a.png")
    deliver(cloud, LIST)
    assert not cloud.reconcile(other).skipped  # type: ignore[union-attr]


@pytest.mark.parametrize("recipe", [SINGLE, LIST], ids=["single", "list"])
def test_an_output_at_a_requested_key_is_never_touched_again(recipe: Recipe) -> None:
    cloud = Cloud()
    cloud.upload("a.png", V1)
    cloud.upload("b.png", V2)
    taken = "a.png" if recipe is SINGLE else "a.png/16x16.png"
    cloud.run("b.png", "7x", dest_key=taken)
    mine = cloud.stored(taken).read_all()
    for event in ("uploaded", "overwritten", "spoilt", "deleted"):
        if event != "uploaded":
            cloud.delete("a.png") if event == "deleted" else cloud.upload("a.png", V2 if event != "spoilt" else b"x")
        try:
            deliver(cloud, recipe)
        except InvalidRequest as error:
            assert "no request has taken as its dest_key" in str(error)
        except TinypicsError:
            assert event == "spoilt"
        assert (cloud.listing(), cloud.stored(taken).read_all()) == ([taken], mine)
    cloud.delete("b.png")
    deliver(cloud, recipe, "b.png")
    assert cloud.stored(taken).read_all() == mine


@pytest.mark.parametrize("recipe", [SINGLE, LIST], ids=["single", "list"])
@pytest.mark.parametrize("source", ["a.png", "b.png"])
def test_a_requested_key_does_not_take_the_output_of_an_upload(recipe: Recipe, source: str) -> None:
    cloud = Cloud()
    cloud.upload("a.png", V1)
    cloud.upload("b.png", V2)
    deliver(cloud, recipe)
    before = contents(cloud)
    for taken in cloud.listing():
        with pytest.raises(InvalidRequest, match="dest_key: expected a key where no output of an upload is"):
            cloud.run(source, "7x", dest_key=taken)
    assert contents(cloud) == before


def test_a_source_that_is_deleted_while_its_requested_output_is_written_leaves_it() -> None:
    cloud = Cloud()
    cloud.upload("a.png", V1)
    cloud.meanwhile = lambda request: cloud.delete("a.png") if request == "PUT tiny-pics" else None
    assert cloud.made("a.png", "7x", dest_key="mine").outputs[0].key == "mine"
    with pytest.raises(SourceNotFound):
        cloud.run("a.png", "7x", dest_key="mine")
    assert cloud.listing() == ["mine"]


@pytest.mark.table
@pytest.mark.parametrize("key", ["x.png/manifest.json", "x.png/16x16.png", "x.png/8x8-webp.webp", "x.png/y.png"])
@pytest.mark.parametrize("recipe", [SINGLE, LIST], ids=["single", "list"])
def test_a_source_below_the_name_of_another_has_outputs_of_its_own(key: str, recipe: Recipe) -> None:
    for order in ([key, "x.png"], ["x.png", key]):
        cloud = Cloud()
        for each in (*order, *order):
            cloud.upload(each, V1 if each == key else V2)
            deliver(cloud, recipe, each)
        both = clean(("x.png", V2, recipe)) | clean((key, V1, recipe))
        assert set(both) == set(cloud.listing())
        for gone in order:
            cloud.delete(gone)
            deliver(cloud, recipe, gone)
            left = next((each for each in order if each != gone), "")
            if gone == order[0]:
                assert set(cloud.listing()) == set(clean((left, V1, recipe)))
        assert cloud.listing() == []


@pytest.mark.parametrize("key", ["x.png/manifest.json", "x.png/16x16.png"])
@pytest.mark.parametrize("source", ["there", "spoilt", "gone"])
def test_a_source_that_takes_a_key_out_of_a_list_leaves_no_part_of_the_list(key: str, source: str) -> None:
    """The recipe became one rendition since; the source of the list had no event yet."""

    def read(request: str) -> None:
        if request != "PUT tiny-pics" or "x.png/manifest.json" not in cloud.listing():
            return  # nothing else runs beside a PUT
        if cloud.stored("x.png/manifest.json").stat.metadata["Content-Type"] == "application/json":
            for item in cloud.manifest("x.png")["renditions"]:
                assert cloud.stored(item["key"]).stat.etag == item["etag"]

    cloud = Cloud()
    cloud.upload("x.png", V2)
    deliver(cloud, LIST, "x.png")
    cloud.upload(key, V1)
    with pytest.raises(InvalidRequest, match="a source whose output no list has"):
        deliver(cloud, SINGLE, key, follows=False)
    assert contents(cloud) == clean(("x.png", V2, LIST))
    if source != "there":
        cloud.upload("x.png", b"no picture") if source == "spoilt" else cloud.delete("x.png")
    cloud.meanwhile = read
    deliver(cloud, SINGLE, key)
    read("PUT tiny-pics")
    assert contents(cloud) == clean(*([("x.png", V2, SINGLE)] if source == "there" else []), (key, V1, SINGLE))


# --- Odd neighbours


class OddBucket(Bucket):
    """A bucket whose listings have a key that the client cannot represent."""

    odd = ("a.png//x",)

    def from_key(self, key: str) -> list[Listed]:
        if any(each.startswith(f"{key.rpartition('/')[0]}/".lstrip("/")) and each >= key for each in self.odd):
            raise UnsupportedKey("a//b")
        return super().from_key(key)


@pytest.mark.table
@pytest.mark.parametrize("old", [SINGLE, WEBP, LIST], ids=["single", "webp", "list"])
@pytest.mark.parametrize("new", [SINGLE, WEBP, LIST], ids=["single", "webp", "list"])
@pytest.mark.parametrize("odd", ["a.png//x", "a//x"], ids=["below", "beside"])
def test_odd_keys_beside_or_below_do_no_harm(
    old: Recipe, new: Recipe, odd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = Cloud()
    monkeypatch.setattr(OddBucket, "odd", (odd,))
    cloud.open = lambda name: OddBucket(name, cloud.stores[name])  # type: ignore[method-assign]
    cloud.upload("a.png", V1)
    deliver(cloud, old)
    assert contents(cloud) == clean(("a.png", V1, old))
    cloud.upload("a.png", V2)
    deliver(cloud, new)
    wanted = clean(("a.png", V2, new))
    # Below a folder that cannot be listed only the keys of the own recipe and of its manifest are known.
    assert contents(cloud).items() >= wanted.items()
    if odd == "a//x" or old == new or old is not LIST:
        assert contents(cloud) == wanted
    cloud.delete("a.png")
    assert isinstance(deliver(cloud, new), Gone)
    assert not contents(cloud).keys() & wanted.keys()


@pytest.mark.parametrize("before", ["a manifest", "large"])
@pytest.mark.parametrize("act", ["replaced", "removed"])
def test_keys_of_a_manifest_that_is_replaced_meanwhile_are_read_again(act: str, before: str) -> None:
    """A later manifest names others, which a listing would have shown."""
    cloud = Cloud()
    cloud.upload("a.png", V1)
    deliver(cloud, LIST)
    marker = "a.png/manifest.json"
    if before == "large":
        large, replaced = bytes(MAX_BYTES + 1), cloud.stored(marker).stat.etag
        cloud.plain("tiny-pics").put(marker, large, attributes={}, replaces=replaced)

    class Busy(OddBucket):
        def head(self, key: str, *, version_id: str | None = None) -> Stat | None:
            if key == marker:
                cloud.plain("tiny-pics").delete(marker)
            if key == marker and act == "replaced":
                cloud.plain("tiny-pics").put(marker, b"{}", attributes={}, replaces=None)
            return super().head(key, version_id=version_id)

    with pytest.raises(Conflict, match="was replaced after it was read"):
        inventory.read(Busy("tiny-pics", cloud.stores["tiny-pics"]), "a.png", ())


@pytest.mark.parametrize("size", [0, 10, 5 * 2**20], ids=["empty", "small", "large"])
def test_an_object_of_somebody_at_a_manifests_key_is_replaced(size: int) -> None:
    cloud = Cloud()
    cloud.plain("tiny-pics").put("a.png/manifest.json", bytes(size), attributes={}, replaces=None)
    cloud.upload("a.png", V1)
    deliver(cloud, LIST)
    assert contents(cloud) == clean(("a.png", V1, LIST))


@pytest.mark.parametrize(
    ("where", "count"), [("a.png-{:04}", 1100), ("a/{:04}.png", 1100), ("a.png/{:04}.png", MAX_UNKNOWN + 50)]
)
def test_many_neighbours_cost_a_bounded_number_of_requests(where: str, count: int) -> None:
    cloud = Cloud()
    for number in range(count):
        cloud.plain("tiny-pics").put(where.format(number), b"of somebody", attributes={}, replaces=None)
    others = cloud.listing()
    for recipe in (LIST, SINGLE, WEBP):
        cloud.upload("a.png", V1)
        deliver(cloud, recipe)
        assert len(cloud.requests) < 3 * MAX_UNKNOWN
        assert set(cloud.listing()) - set(others) == set(clean(("a.png", V1, recipe)))
    cloud.delete("a.png")
    deliver(cloud, SINGLE)
    assert cloud.listing() == others


def test_a_folder_of_a_thousand_others_does_not_keep_a_list_from_being_complete() -> None:
    cloud = Cloud()
    for number in range(1100):
        cloud.plain("tiny-pics").put(f"a.png/{number:04}.png", b"of somebody", attributes={}, replaces=None)
    others = cloud.listing()
    for data in (V1, V2):
        cloud.upload("a.png", data)
        deliver(cloud, LIST)
        assert set(cloud.listing()) - set(others) == set(clean(("a.png", data, LIST)))
        assert deliver(cloud, LIST).skipped
        assert len(cloud.requests) < 2 * MAX_UNKNOWN
    cloud.delete("a.png")
    deliver(cloud, LIST)
    assert cloud.listing() == others


# --- Requests


@pytest.mark.parametrize(
    ("recipe", "event", "requests"),
    [
        (SINGLE, "upload", "HEAD out, GET in, PUT out, HEAD in, LIST out"),
        (SINGLE, "again", "HEAD out, HEAD in, LIST out"),
        (SINGLE, "overwrite", "HEAD out, GET in, PUT out, HEAD in, LIST out"),
        (SINGLE, "spoil", "HEAD out, GET in, LIST out, HEAD out, HEAD in, DELETE out, HEAD out, HEAD in, LIST out"),
        (SINGLE, "delete", "HEAD out, GET in, LIST out, HEAD out, HEAD in, DELETE out, HEAD out, HEAD in, LIST out"),
        (
            SINGLE,
            "change the recipe",
            "HEAD out, GET in, PUT out, HEAD in, LIST out, HEAD out, DELETE out, HEAD out, HEAD out, LIST out",
        ),
        (LIST, "upload", "GET out, GET in, PUT out, LIST out, PUT out, PUT out, PUT out, HEAD in"),
        (LIST, "again", "GET out, LIST out, HEAD out, HEAD out, HEAD in"),
        (LIST, "overwrite", "GET out, LIST out, GET in, PUT out, LIST out, PUT out, PUT out, PUT out, HEAD in"),
        (
            LIST,
            "delete",
            "DELETE out, HEAD out, " * 3 + "GET out, LIST out, GET in, LIST out, HEAD in, HEAD in, LIST out",
        ),
        (
            LIST,
            "change the recipe",
            "HEAD out, " * 5 + "GET out, LIST out, GET in, PUT out, LIST out, PUT out, DELETE out, PUT out, HEAD in",
        ),
    ],
)
def test_requests_by_event(recipe: Recipe, event: str, requests: str) -> None:
    """This store sends a HEAD before each DELETE, unlike S3."""
    cloud = Cloud()
    etag = cloud.upload("a.png", V1)
    deliver(cloud, recipe, etag=etag)
    if event in ("overwrite", "spoil"):
        etag = cloud.upload("a.png", V2 if event == "overwrite" else b"no picture")
    if event == "delete":
        cloud.delete("a.png")
        etag = ""
    if event == "change the recipe":
        recipe = WEBP if recipe is SINGLE else RENAMED
    if event != "upload":
        try:
            deliver(cloud, recipe, etag=etag or None)
        except TinypicsError:
            assert event == "spoil"
    said = [each.replace("original-pics", "in").replace("tiny-pics", "out") for each in cloud.requests]
    assert sorted(said) == sorted(requests.split(", "))


@pytest.mark.parametrize(
    ("event", "requests"),
    [
        ("upload", "HEAD out, GET in, PUT out, HEAD in, LIST out"),
        ("again", "HEAD out, GET in, LIST out"),
        ("overwrite", "HEAD out, GET in, HEAD in, PUT out, HEAD in, LIST out"),
    ],
)
def test_an_upload_requests_its_source_at_once_even_if_its_outputs_are_current(event: str, requests: str) -> None:
    """Its event tells the size, unlike those of a backfill, for which the outputs are looked at first."""
    cloud = Cloud()
    etag = cloud.upload("a.png", V1)
    if event != "upload":
        deliver(cloud, SINGLE, etag=etag, size=len(V1))
    if event == "overwrite":
        etag = cloud.upload("a.png", V2)
    deliver(cloud, SINGLE, etag=etag, size=len(V1))
    said = [each.replace("original-pics", "in").replace("tiny-pics", "out") for each in cloud.requests]
    assert sorted(said) == sorted(requests.split(", "))


def test_outputs_are_kept_where_deletes_are_not_followed() -> None:
    cloud = Cloud()
    cloud.upload("a.png", V1)
    deliver(cloud, LIST)
    before = contents(cloud)
    cloud.upload("a.png", b"no picture")
    with pytest.raises(TinypicsError):
        deliver(cloud, LIST, handling=Handling(follow_deletes=False))
    assert contents(cloud) == before


def test_a_kept_list_names_no_output_of_another_source() -> None:
    """Its source is gone, and the new one would have the key of an output that its manifest names."""
    cloud, kept = Cloud(), Handling(follow_deletes=False)
    cloud.upload("a.png", V1)
    deliver(cloud, LIST)
    before = contents(cloud)
    cloud.delete("a.png")
    cloud.upload("a.png/16x16.png", V2)
    with pytest.raises(InvalidRequest, match="a source whose output no kept list has"):
        deliver(cloud, SINGLE, "a.png/16x16.png", handling=kept)
    assert contents(cloud) == before
    cloud.upload("a.png", V1)
    deliver(cloud, SINGLE, "a.png/16x16.png", handling=kept)
    assert contents(cloud) == clean(("a.png", V1, SINGLE), ("a.png/16x16.png", V2, SINGLE))
