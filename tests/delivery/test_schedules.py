"""Samples of the schedules that `python -m tests.delivery.schedules` searches, and tests of the search itself."""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Callable

import pytest
from obstore.store import MemoryStore

from tests.delivery import oracle
from tests.delivery.choices import Choices, every, shrink
from tests.delivery.events import Event, Recipe
from tests.delivery.faults import NONE, Faults
from tests.delivery.model import ModelBucket
from tests.delivery.oracle import Finding
from tests.delivery.resizer import CORRUPT, GOOD, LARGE
from tests.delivery.scenario import LISTS, RECIPES, SERVED, SETUPS, SINGLE, ask, delete, serve, upload
from tests.delivery.schedules import is_avoidable, pair, random_schedule, run
from tests.delivery.workers import Job, Turns, Worker
from tests.delivery.world import IN, MOST_DELIVERIES, OUT, Step, World
from tinypics.delivery import outputs
from tinypics.errors import SourceNotFound, SourceTooLarge, StoreUnavailable
from tinypics.store.bucket import Bucket
from tinypics.store.download import Download
from tinypics.store.objects import Conflict

# The tracer of coverage would double the time of the schedules. Other tests run the same lines.
pytestmark = pytest.mark.untraced
CHANGES = {
    "overwrite": upload("a.jpg", GOOD[1]),
    "same": upload("a.jpg", GOOD[0]),
    "equal": upload("a.jpg", GOOD[3]),
    "delete": delete("a.jpg"),
    "corrupt": upload("a.jpg", CORRUPT),
    "large": upload("a.jpg", LARGE),
    "output": upload("a.jpg", b"jpeg output"),
    "ask": ask("a.jpg", LISTS[1]),
}
PAIRS = [(first, second) for first in CHANGES for second in CHANGES if second != "ask"]


# --- Delivery


@pytest.mark.table
@pytest.mark.parametrize("name", SETUPS)
def test_random_schedules_end_right(name: str) -> None:
    for number in range(40):
        found = random_schedule(SETUPS[name], Choices(seed=f"test/{name}/{number}"))
        assert not [kind for kind in found.kinds if is_avoidable(kind)], f"test/{name}/{number}: {found.findings}"


@pytest.mark.table
@pytest.mark.parametrize("recipe", [SINGLE[0], LISTS[0]], ids=str)
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_changes_with_one_switch_end_right(first: str, second: str, recipe: Recipe) -> None:
    assert pairs(recipe, first, second, switches=1) > 1


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("recipe", RECIPES[::3], ids=str)
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_changes_with_two_switches_or_faults_end_right(first: str, second: str, recipe: Recipe) -> None:
    faults = Faults(kills=True, passing=True, most=1, chance=0.5)
    assert pairs(recipe, first, second, switches=2, faults=faults) > 10


def pairs(recipe: Recipe, first: str, second: str, *, switches: int, faults: Faults = NONE) -> int:
    """Run all schedules of two changes; returns their number."""
    count = 0
    for choices in every(switches=switches):
        found = pair(choices, recipe, CHANGES[first], CHANGES[second], faults)
        assert not [kind for kind in found.kinds if is_avoidable(kind)], f"{choices.taken}: {found.findings}"
        count += 1
    return count


def test_versions_with_equal_outputs_are_told_apart_by_their_metadata() -> None:
    """An older invocation writes the bytes that the manifest names already, with the metadata of its own version."""
    assert pairs(LISTS[3], "equal", "same", switches=2) > 100


def test_a_server_never_replaces_the_output_of_an_upload() -> None:
    """It has seen its own output of another version, which gives the same picture."""
    for choices in every(switches=1):
        world = World(choices, ModelBucket(IN), ModelBucket(OUT), LISTS[0], workers=2, stay=1, faults=NONE)
        world.script = [("uploads a picture whose event is lost", _store), serve("a.jpg", SERVED[0])]
        world.run()
        choices.settled = len(choices.taken)
        world.script = [("uploads an equal one that a visitor sees first", _upload_and_serve)]
        found = run(world)
        assert not [kind for kind in found.kinds if is_avoidable(kind)], f"{choices.taken}: {found.findings}"
        assert outputs.ON_DEMAND not in world.output.objects["a.jpg/16x16.jpg"].metadata


def _store(world: World) -> None:
    world.upload("a.jpg", GOOD[0], copies=0)


def _upload_and_serve(world: World) -> None:
    world.upload("a.jpg", GOOD[3], copies=0)
    serve("a.jpg", SERVED[0])[1](world)
    world.deliver(Event("a.jpg created", "a.jpg", world.source.objects["a.jpg"].etag))


# --- The oracle


def quiet(recipe: Recipe = LISTS[0], *steps: Step) -> World:
    """A world in which one worker has processed the steps."""
    world = World(Choices(), ModelBucket(IN), ModelBucket(OUT), recipe, workers=1, stay=1, faults=NONE)
    world.script = [upload("a.jpg", GOOD[0]), *steps]
    world.run()
    return world


def kinds(found: list[Finding]) -> set[str]:
    return {each.kind for each in found}


def test_the_oracle_agrees_with_one_worker() -> None:
    assert oracle.judge(quiet(), {}) == []
    assert oracle.judge(quiet(SINGLE[0]), {}) == []
    assert oracle.false_manifests(quiet().output) == []


@pytest.mark.parametrize(
    ("damage", "expected", "seen"),
    [
        (lambda bucket, key: bucket.delete(key), "missing", "reader: missing"),
        (
            lambda bucket, key: bucket.store(key, b"other", bucket.objects[key].metadata),
            "wrong",
            "reader: other object",
        ),
        (lambda bucket, key: bucket.store(f"{key}.old", b"x", bucket.objects[key].metadata), "orphan", None),
        (lambda bucket, key: bucket.store("b.jpg", b"x", {}), "orphan", None),
    ],
)
def test_the_oracle_finds_damage(damage: Callable[[ModelBucket, str], object], expected: str, seen: str | None) -> None:
    world = quiet()
    damage(world.output, "a.jpg/8x8.jpg")
    assert kinds(oracle.judge(world, {})) == {expected}
    assert kinds(oracle.false_manifests(world.output)) == ({seen} if seen else set())


def test_the_oracle_finds_outputs_of_a_source_that_is_gone_or_refused() -> None:
    for step in (delete("a.jpg"), upload("a.jpg", CORRUPT)):
        outputs = dict(quiet().output.objects)
        world = quiet(LISTS[0], step)
        assert oracle.judge(world, {}) == []
        world.output.objects.update(outputs)
        assert kinds(oracle.judge(world, {})) == {"orphan"}


def test_the_oracle_finds_foreign_objects_that_are_gone_and_false_answers() -> None:
    world = quiet()
    assert kinds(oracle.judge(world, {"notes.txt": world.output.store("notes.txt", b"", {})})) == set()
    world.output.delete("notes.txt")
    assert kinds(oracle.judge(world, {"notes.txt": world.source.objects["a.jpg"]})) == {"foreign"}
    world.invocations[0].outcome = SourceNotFound("no")
    assert kinds(oracle.judge(world, {})) == {"false answer"}
    world.invocations[0].outcome = ValueError("no")
    assert kinds(oracle.judge(world, {})) == {"unforeseen error"}


def test_a_finding_that_remains_after_one_more_event_is_permanent() -> None:
    def leave(world: World) -> None:
        world.output.store("b.jpg", b"", world.output.objects["a.jpg/8x8.jpg"].metadata)

    world = quiet()
    world.script = [("leaves an output of a.jpg at another key", leave)]
    assert run(world).kinds == ["orphan", "orphan, permanently"]


def test_an_event_that_fails_again_and_again_is_a_finding() -> None:
    world = World(Choices(), Unavailable(IN), ModelBucket(OUT), LISTS[0], workers=1, stay=1, faults=NONE)
    world.script = [upload("a.jpg", GOOD[0])]
    assert "no final outcome" in run(world).kinds
    assert len(world.invocations) == 2 * MOST_DELIVERIES  # that event, and one more of the key


class Unavailable(ModelBucket):
    """A bucket whose objects cannot be read now."""

    def open(self, key: str, *, version_id: str | None = None, max_bytes: int, size: int | None = None) -> Download:
        raise StoreUnavailable("503 Slow Down")


# --- The scheduler


def test_every_order_of_steps_is_run_exactly_once() -> None:
    def actor(name: str, steps: int) -> Callable[[Worker], None]:
        def body(worker: Worker) -> None:
            for number in range(steps):
                if number:
                    turns.next(worker)
                order.append(name)

        return body

    seen = []
    for choices in every():
        order: list[str] = []
        jobs = [actor("a", 2), actor("b", 3)]
        turns = Turns(choices, 2, 1, functools.partial(_next_job, jobs, choices), list)
        turns.run()
        seen.append("".join(order))
    assert sorted(seen) == sorted({"".join(word) for word in itertools.permutations("aabbb")})


def _next_job(jobs: list[Job], choices: Choices) -> Job | None:
    return (lambda worker: jobs.pop(choices.below(len(jobs)))(worker)) if jobs else None


def test_at_most_so_many_choices_are_not_the_first() -> None:
    seen = [[choices.below(3), choices.below(2)] for choices in every(switches=1)]
    assert sorted(seen) == [[0, 0], [0, 1], [1, 0], [2, 0]]


def test_a_schedule_is_repeated_by_its_seed_and_by_its_choices() -> None:
    traces: list[list[str]] = [[], [], []]
    choices = Choices(seed="1/everything/1")
    random_schedule(SETUPS["everything"], choices, traces[0])
    random_schedule(SETUPS["everything"], Choices(seed="1/everything/1"), traces[1])
    random_schedule(SETUPS["everything"], Choices(choices.taken), traces[2])
    steps = [[line.partition(" ->")[0] for line in trace] for trace in traces]
    assert steps[0] == steps[1] == steps[2]
    assert len(steps[0]) > 10


def test_choices_become_fewer_and_smaller_while_a_finding_remains() -> None:
    source = random.Random(1)
    given = [source.randrange(9) for _ in range(50)]
    assert shrink([*given, 7, *given], lambda choices: 7 in choices) == [7]


# --- The model


def test_the_model_answers_as_a_store_in_memory() -> None:
    source = random.Random(1)
    for _ in range(30):
        model, real = ModelBucket("model", unique=True), Bucket("model", MemoryStore())
        for _ in range(40):
            key = source.choice(["a", "a/b", "a/b.c", "a.b"])
            stale = source.random() < 0.3
            action = source.choice(ACTIONS)
            assert action(model, key, stale=stale) == action(real, key, stale=stale)


def _put(bucket: Bucket, key: str, *, stale: bool) -> object:
    there = bucket.head(key)
    found = there.etag if there else None
    replaces = (None if there else "0") if stale else found
    try:
        bucket.put(key, f"{key} {stale}".encode(), attributes={"tinypics-recipe": "1"}, replaces=replaces)
    except Conflict:
        return "conflict"
    return "stored"


def _delete(bucket: Bucket, key: str, *, stale: bool) -> None:
    bucket.delete(key)


def _head(bucket: Bucket, key: str, *, stale: bool) -> object:
    there = bucket.head(key)
    return (there.size, there.metadata["tinypics-recipe"]) if there else None


def _open(bucket: Bucket, key: str, *, stale: bool) -> object:
    try:
        found = bucket.open(key, max_bytes=5 if stale else 50)
    except (SourceNotFound, SourceTooLarge) as error:
        return type(error)
    return found.read_all()


def _list(bucket: Bucket, key: str, *, stale: bool) -> object:
    folders, objects = bucket.level("a" if stale else "")
    return sorted(folders), sorted(item["path"] for item in objects), [each.key for each in bucket.from_key("a")]


def _everything(bucket: Bucket, key: str, *, stale: bool) -> object:
    return sorted(item["path"] for item in bucket.everything("", after=key))


ACTIONS: list[Callable[..., object]] = [_put, _put, _delete, _head, _open, _list, _everything]
