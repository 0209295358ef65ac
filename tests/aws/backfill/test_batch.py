"""The function's part of a backfill: the payloads of a Distributed Map, the returned items, and stop markers.

The payloads are those of the Step Functions developer guide: "ItemReader (Map)" and "ItemBatcher (Map)".
"""

from __future__ import annotations

import io
import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from obstore.store import MemoryStore
from PIL import Image

import lambda_function
from tests.transformed import template
from tinypics.aws import deadline
from tinypics.aws.backfill import batch
from tinypics.aws.settings import Settings
from tinypics.backfill.journal import Journal
from tinypics.backfill.outcome import ObjectOutcome, Tally
from tinypics.errors import DeadlineExceeded, InvalidConfiguration, InvalidRequest, SourceChanged, StoreUnavailable
from tinypics.store import bucket

RUN = {"id": "20261124-120000-abcd", "bucket": "original-pics"}


class Context:
    aws_request_id = "request-1"
    memory_limit_in_mb = "1769"

    def __init__(self, seconds: float = 60) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


class World:
    """Three buckets in memory, and the log lines of the function."""

    def __init__(self) -> None:
        self.buckets = {name: bucket.Bucket(name, MemoryStore()) for name in ("original-pics", "tiny-pics", "backfill")}
        buffer = io.BytesIO()
        Image.new("RGB", (60, 40), "teal").save(buffer, "JPEG")
        self.photo = buffer.getvalue()

    def put(self, *keys: str, data: bytes | None = None) -> None:
        for key in keys:
            self.buckets["original-pics"].put(key, data or self.photo, attributes={}, replaces=None)

    def etag(self, key: str) -> str:
        stat = self.buckets["original-pics"].head(key)
        assert stat is not None
        return stat.etag

    def made(self, key: str) -> bool:
        return self.buckets["tiny-pics"].head(key) is not None

    @property
    def journal(self) -> Journal:
        return Journal(self.buckets["backfill"], RUN["id"])

    def outcomes(self) -> dict[str, ObjectOutcome]:
        return {outcome.key: outcome for outcome in self.journal.read() if outcome.final}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    found = World()
    monkeypatch.setattr(lambda_function, "open_bucket", found.buckets.__getitem__)
    monkeypatch.setattr(batch, "open_bucket", found.buckets.__getitem__)
    settings = Settings(output_bucket="tiny-pics", backfill_bucket="backfill")
    monkeypatch.setattr(lambda_function, "SETTINGS", settings)
    return found


def handle(event: object, context: object | None = None) -> dict[str, Any]:
    answer = lambda_function.lambda_handler(event, context or Context())
    json.dumps(answer)  # as Lambda does
    return answer


def listed(key: str, size: int = 700, etag: str = "e") -> dict[str, Any]:
    """An item of `listObjectsV2`."""
    return {"Etag": f'"{etag}"', "Key": key, "LastModified": 1669987443, "Size": size, "StorageClass": "STANDARD"}


def selected(*keys: str, **run: object) -> list[dict[str, Any]]:
    """Items in the format of our `ItemSelector`."""
    return [{"run": RUN | run, "item": listed(key)} for key in keys]


SHAPES = {
    "our own definition's": {"Items": selected("a.jpg")},
    "with BatchInput": {"BatchInput": {"run": RUN}, "Items": [listed("a.jpg")]},
    "one item alone": selected("a.jpg")[0],
    "of a list of keys": {
        "BatchInput": {"run": RUN | {"source": "keys", "list_bucket": "backfill", "list_key": "keys.jsonl"}},
        "Items": [{"bucket": "original-pics", "key": "a.jpg"}],
    },
}


@pytest.mark.parametrize("event", SHAPES.values(), ids=SHAPES)
def test_every_shape_of_a_batch_is_worked_on(world: World, event: dict[str, Any]) -> None:
    world.put("a.jpg")
    answer = handle(event)
    assert (answer["status"], answer["done"], answer["left"], answer["Items"]) == ("SUCCESS", 1, 0, [])
    assert world.made("a.jpg")
    outcome = world.outcomes()["a.jpg"]
    assert (outcome.state, outcome.memory_mb) == ("done", 1769)
    assert outcome.billed_ms > 0


def test_each_object_of_a_batch_has_its_own_outcome(world: World) -> None:
    world.put("good.jpg", "again.jpg")
    handle({"Items": selected("again.jpg")})
    world.put("broken.jpg", data=b"\xff\xd8\xff and no more")
    world.put("text.jpg", data=b"it is only called so")
    items = selected("broken.jpg", "text.jpg", "good.jpg", "gone.jpg", "notes.txt", "x/", "a//b.jpg")
    others = [listed("again.jpg", etag=world.etag("again.jpg")), listed("empty.jpg", size=0), {}]
    items += [{"run": RUN, "item": item} for item in others]
    answer = handle({"Items": items})
    assert (answer["done"], answer["skipped"], answer["failed"]) == (1, 5, 4)
    found = {key: (o.state, o.error or o.message) for key, o in world.outcomes().items()}
    assert found == {
        "broken.jpg": ("failed", "CorruptImage"),
        "text.jpg": ("failed", "UnsupportedFormat"),
        "good.jpg": ("done", ""),
        "gone.jpg": ("skipped", "the source is gone"),
        "again.jpg": ("skipped", "the outputs are current"),
        "notes.txt": ("skipped", "not a picture by its name"),
        "x/": ("skipped", "not a picture by its name"),
        "a//b.jpg": ("failed", "InvalidRequest"),
        "empty.jpg": ("skipped", "empty"),
        "?": ("failed", "InvalidRequest"),
    }


def test_a_listings_etag_spares_reading_the_source(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put("a.jpg")
    item = {"run": RUN, "item": listed("a.jpg", etag=world.etag("a.jpg"))}
    handle({"Items": [item]})
    monkeypatch.setattr(world.buckets["original-pics"], "open", None)
    assert handle({"Items": [item]})["skipped"] == 1


def test_other_renditions_than_the_stacks_are_made_where_they_are_asked_for(world: World) -> None:
    world.put("a.jpg")
    handle({"Items": selected("a.jpg", renditions=["32x32", "thumb=16x16"])})
    assert world.made("a.jpg/32x32.jpg")
    assert world.made("a.jpg/thumb.jpg")
    assert world.made("a.jpg/manifest.json")


def test_log_lines_name_the_run(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.put("a.jpg")
    handle({"Items": selected("a.jpg")})
    (line,) = (json.loads(text) for text in capsys.readouterr().out.splitlines())
    assert (line["backfill"], line["source_key"]) == (RUN["id"], "a.jpg")


def test_what_is_not_begun_in_time_is_handed_back_and_done_when_it_comes_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put("a.jpg", "b.jpg", "c.jpg")
    answer = handle({"Items": selected("a.jpg", "b.jpg", "c.jpg")}, Context(seconds=batch.RESERVE - 1))
    assert (answer["done"], answer["left"]) == (1, 2)
    assert [each["item"]["Key"] for each in answer["Items"]] == ["b.jpg", "c.jpg"]
    assert set(world.outcomes()) == {"a.jpg"}
    answer = handle(answer)
    assert (answer["done"], answer["left"]) == (2, 0)
    assert set(world.outcomes()) == {"a.jpg", "b.jpg", "c.jpg"}


class Failing:
    """A fake `_answer` that fails for some keys."""

    def __init__(self, failures: dict[str, list[Exception]]) -> None:
        self.failures = failures
        self.asked: list[str] = []

    def __call__(self, event: Any, *_: object, **__: str) -> dict[str, Any]:
        key = event["detail"]["object"]["key"]
        self.asked.append(key)
        if waiting := self.failures.get(key):
            raise waiting.pop(0)
        return {"status": "SUCCESS"}


def run_all(event: dict[str, Any], answer: Failing, settings: Settings, limit: int = 20) -> dict[str, Any]:
    """Invoke the function again with the returned items, as the workflow does."""
    found = batch.handle(event, Context(), settings, answer)
    while found["left"] and (limit := limit - 1):
        found = batch.handle(json.loads(json.dumps(found)), Context(), settings, answer)
    return found


SETTINGS = Settings(output_bucket="tiny-pics", backfill_bucket="backfill")


def test_what_fails_for_a_passing_reason_is_tried_again_and_not_for_ever(world: World) -> None:
    busy = StoreUnavailable("busy")
    answer = Failing({"a.jpg": [busy], "b.jpg": [busy] * 99, "c.jpg": [SourceChanged("x")] * 3})
    assert run_all({"Items": selected("a.jpg", "b.jpg", "c.jpg", "d.jpg")}, answer, SETTINGS)["left"] == 0
    assert answer.asked.count("b.jpg") == batch.TRIES
    assert {key: o.state for key, o in world.outcomes().items()} == {
        "a.jpg": "done",
        "b.jpg": "failed",
        "c.jpg": "done",
        "d.jpg": "done",
    }
    assert world.outcomes()["b.jpg"].error == "StoreUnavailable"


def test_a_picture_that_runs_out_of_time_gets_all_of_it_once(world: World) -> None:
    late = DeadlineExceeded("late")
    answer = Failing({"b.jpg": [late] * 9, "d.jpg": [late]})
    run_all({"Items": selected("a.jpg", "b.jpg", "c.jpg", "d.jpg")}, answer, SETTINGS)
    assert answer.asked == ["a.jpg", "b.jpg", "b.jpg", "c.jpg", "d.jpg", "d.jpg"]
    assert {key: o.state for key, o in world.outcomes().items()} == {
        "a.jpg": "done",
        "b.jpg": "failed",
        "c.jpg": "done",
        "d.jpg": "done",
    }


def test_what_nobody_foresaw_fails_its_object_only(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    answer = Failing({"a.jpg": [RuntimeError("what?")]})
    run_all({"Items": selected("a.jpg", "b.jpg")}, answer, SETTINGS)
    assert world.outcomes()["a.jpg"].error == "RuntimeError"
    assert world.outcomes()["b.jpg"].state == "done"
    assert "what?" in capsys.readouterr().out


@pytest.mark.parametrize("began", ["2001-01-01T00:00:00Z", 1.0])
def test_a_batch_that_came_again_for_too_long_ends_with_named_outcomes(world: World, began: object) -> None:
    event = {"Items": selected("a.jpg", "b.jpg"), "began": began}
    asked = Failing({})
    answer = batch.handle(event, Context(), SETTINGS, asked)
    assert (asked.asked, answer["failed"], answer["left"]) == ([], 2, 0)
    assert {outcome.error for outcome in world.outcomes().values()} == {"DeadlineExceeded"}


class Clock:
    """A fake of every clock that a batch reads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        for name in ("monotonic", "time"):
            monkeypatch.setattr(time, name, lambda: self.seconds)


class Slow:
    """A fake `_answer` that takes some seconds for a picture, and keeps its deadline."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock, self.seconds, self.longest = clock, seconds, 0.0

    def __call__(self, _: object, context: Any, *__: object, **___: str) -> dict[str, Any]:
        left = context.get_remaining_time_in_millis() / 1000 - deadline.MARGIN
        spent = min(self.seconds, max(0.0, left))
        self.clock.seconds += spent
        self.longest = max(self.longest, spent)
        if spent < self.seconds:
            raise DeadlineExceeded("no time")
        return {"status": "SUCCESS"}


@pytest.mark.table
@pytest.mark.parametrize("seconds", [1, 20, 50, 99, 150, 10_000])
@pytest.mark.parametrize("timeout", template()["Parameters"]["Timeout"]["AllowedValues"])
def test_a_batch_of_slow_pictures_has_named_outcomes_before_its_execution_ends(
    world: World, monkeypatch: pytest.MonkeyPatch, timeout: int, seconds: float
) -> None:
    clock = Clock(monkeypatch)
    answer = Slow(clock, seconds)
    event: dict[str, Any] = {
        "Items": selected(*map(str, range(40)), any_name=True),
        "began": "1970-01-01T00:00:00.000Z",
    }
    while event["Items"]:
        began = clock.seconds

        class Invocation(Context):
            def get_remaining_time_in_millis(self, began: float = began) -> int:
                return int((began + timeout - clock.seconds) * 1000)

        event = json.loads(json.dumps(batch.handle(event, Invocation(), SETTINGS, answer)))
        assert clock.seconds - began <= min(timeout, batch.INVOCATION_SECONDS)
        clock.seconds += 1  # the state Pause
    assert clock.seconds <= batch.BATCH_SECONDS + 1
    found = world.outcomes().values()
    assert len(found) == 40
    assert {outcome.error for outcome in found} <= {"", "DeadlineExceeded"}
    one = seconds <= min(timeout, batch.INVOCATION_SECONDS) - deadline.MARGIN
    assert one == any(outcome.state == "done" for outcome in found)


def test_the_first_of_a_batch_that_had_little_time_is_not_blamed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    clock.seconds = batch.BATCH_SECONDS - 20
    event = {"Items": selected("a.jpg", "b.jpg"), "began": "1970-01-01T00:00:00Z"}
    batch.handle(event, Context(900), SETTINGS, Slow(clock, 30))
    assert {key: o.message.partition(":")[0] for key, o in world.outcomes().items()} == dict.fromkeys(
        ["a.jpg", "b.jpg"], f"its batch took longer than {batch.BATCH_SECONDS:g} s"
    )


def failed(error: str, cause: str = "signal: killed") -> dict[str, Any]:
    """The field that the states' catcher adds to a batch."""
    return {"failure": {"Error": error, "Cause": cause}}


def test_a_batch_that_was_killed_is_marked_also_when_it_has_no_time(world: World) -> None:
    event = {"Items": selected("a.jpg", "b.jpg"), "began": "1970-01-01T00:00:00Z"}
    asked = Failing({})
    answer = batch.handle(event | failed("Runtime.OutOfMemory"), Context(), SETTINGS, asked)
    assert (answer["failed"], answer["left"], asked.asked) == (2, 0, [])
    assert {key: o.error for key, o in world.outcomes().items()} == {
        "a.jpg": "ResourcesExhausted",
        "b.jpg": "ResourcesExhausted",
    }


@pytest.mark.parametrize("error", [*batch.KILLED, batch.TIMED_OUT])
def test_every_name_of_a_kill_has_advice(world: World, error: str) -> None:
    batch.handle({"Items": selected("a.jpg")} | failed(error), Context(), SETTINGS, Failing({}))
    outcome = world.outcomes()["a.jpg"]
    assert outcome.error == "ResourcesExhausted"
    assert f"({error}): raise MemorySize or Timeout" in outcome.message


def test_after_a_kill_the_unfinished_are_marked_and_a_retry_one_by_one_finds_the_one_to_blame(world: World) -> None:
    """As the states Work and HandleFailure do, and then `tinypics retry --from`."""
    event = batch.handle({"Items": selected("a.jpg", "killer.jpg", "c.jpg")}, Context(1), SETTINGS, Failing({}))
    assert [each["item"]["Key"] for each in event["Items"]] == ["killer.jpg", "c.jpg"]
    batch.handle(event | failed("Lambda.Unknown", "out of memory"), Context(), SETTINGS, Failing({}))
    assert {key: o.error for key, o in world.outcomes().items()} == {
        "a.jpg": "",
        "killer.jpg": "ResourcesExhausted",
        "c.jpg": "ResourcesExhausted",
    }
    assert "retry its 2 objects one by one" in world.outcomes()["c.jpg"].message
    batch.handle({"Items": selected("killer.jpg")} | failed("Lambda.Unknown"), Context(), SETTINGS, Failing({}))
    batch.handle({"Items": selected("c.jpg")}, Context(), SETTINGS, Failing({}))
    tally = Tally()
    for outcome in world.journal.read():
        tally.add(outcome)
    assert (tally.states, tally.errors) == ({"done": 2, "failed": 1}, {"ResourcesExhausted": 1})


def test_another_error_without_an_answer_keeps_its_name(world: World) -> None:
    event = {"Items": selected("a.jpg", "b.jpg")} | failed("Lambda.ResourceNotReadyException", "Not ready")
    assert batch.handle(event, Context(), SETTINGS, Failing({}))["failed"] == 2
    assert {(o.error, o.message) for o in world.outcomes().values()} == {
        ("Lambda.ResourceNotReadyException", "Not ready")
    }


def test_a_batch_that_was_throttled_is_worked_on(world: World) -> None:
    asked = Failing({})
    answer = batch.handle({"Items": selected("a.jpg")} | failed(batch.THROTTLED), Context(), SETTINGS, asked)
    assert (answer["done"], asked.asked) == (1, ["a.jpg"])
    assert "failure" not in answer


class Killed(BaseException):
    """Nothing catches SIGKILL."""


class Life:
    """The life of a function, which ends before or after one of its writes. Nothing is written after its end."""

    def __init__(self, writes: int, *, before: bool) -> None:
        self._left, self._before = writes, before

    def write(self, put: Callable[[], str]) -> str:
        self._left -= 1
        if self._left < 0 or (self._left == 0 and self._before):
            raise Killed
        etag = put()
        if self._left == 0:
            raise Killed
        return etag


class Mortal(bucket.Bucket):
    """A bucket of a function that may be killed. `written` are the keys that were."""

    def __init__(self, name: str) -> None:
        super().__init__(name, MemoryStore())
        self.life = Life(1000, before=False)
        self.written: list[str] = []

    def put(self, key: str, *arguments: Any, **options: Any) -> str:
        def put() -> str:
            etag = super(Mortal, self).put(key, *arguments, **options)
            self.written.append(key)
            return etag

        return self.life.write(put)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_a_function_that_is_killed_at_any_write_leaves_nothing_undone_and_does_nothing_twice(
    world: World, before: bool
) -> None:
    keys = ["a.jpg", "b.jpg", "c.jpg"]
    world.put(*keys)
    for number in itertools.count(1):
        world.buckets |= {name: Mortal(name) for name in ("tiny-pics", "backfill")}
        outputs, journal = (world.buckets[name] for name in ("tiny-pics", "backfill"))
        assert isinstance(outputs, Mortal)
        assert isinstance(journal, Mortal)
        outputs.life = journal.life = Life(number, before=before)
        items = {key: {"run": RUN, "item": listed(key, etag=world.etag(key))} for key in keys}
        killed = False
        try:
            assert handle({"Items": [*items.values()]})["left"] == 0
        except Killed:
            killed = True
            outputs.life = journal.life = Life(1000, before=False)
            handle({"Items": [*items.values()]} | failed("Lambda.Unknown"))  # as the state HandleFailure does
            unfinished = [key for key, outcome in world.outcomes().items() if outcome.state == "failed"]
            for key in unfinished:  # as `tinypics retry --from` does
                assert handle({"Items": [items[key]]})["failed"] == 0
        assert outputs.written == keys
        tally = Tally()
        for outcome in world.journal.read():
            tally.add(outcome)
        assert set(+tally.states) <= {"done", "skipped"}
        assert tally.finished == len(keys)
        if not killed:
            assert number == len(keys) + 2  # an output each, and their outcomes
            return


def test_a_stopped_run_begins_nothing_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "LOOK_EVERY", 0.0)

    def stop_after_first(*_: object, **__: str) -> dict[str, Any]:
        world.journal.stop()
        return {"status": "SUCCESS"}

    answer = batch.handle({"Items": selected("a.jpg", "b.jpg", "c.jpg")}, Context(), SETTINGS, stop_after_first)
    assert (answer["done"], answer["stopped"], answer["left"]) == (1, 2, 0)
    assert set(world.outcomes()) == {"a.jpg"}
    asked = Failing({})
    assert batch.handle({"Items": selected("d.jpg")}, Context(), SETTINGS, asked)["stopped"] == 1
    assert not asked.asked


def test_outcomes_are_kept_also_when_the_journal_fails_midway(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "LOOK_EVERY", 0.0)
    real, answers = Journal.is_stopped, iter([False, StoreUnavailable("busy")])

    def stopped(journal: Journal) -> bool:
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return real(journal)

    monkeypatch.setattr(Journal, "is_stopped", stopped)
    with pytest.raises(StoreUnavailable):
        batch.handle({"Items": selected("a.jpg", "b.jpg")}, Context(), SETTINGS, Failing({}))
    assert set(world.outcomes()) == {"a.jpg"}


@pytest.mark.parametrize(
    ("event", "settings", "message"),
    [
        ({"Items": [listed("a.jpg")]}, SETTINGS, "Items.*run.id"),
        ({"Items": []}, SETTINGS, "Items.*run.id"),
        *(
            ({"Items": [{"run": {**RUN, "id": identity}, "item": {}}]}, SETTINGS, "Items.*run.id")
            for identity in ("../x", "..", ".", "", "a\nb", "a\x7f", "x" * 1025, 7)
        ),
        ({"Items": selected("a.jpg", source="elsewhere")}, SETTINGS, "source: expected objects or keys"),
    ],
)
def test_a_batch_that_is_none_is_refused_by_name(event: Any, settings: Settings, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        batch.handle(event, Context(), settings, Failing({}))


WRONG = InvalidConfiguration.expected("TINYPICS_TAGS", "at most ten tags", "nonsense")


@pytest.mark.parametrize(
    ("loaded", "message"),
    [(WRONG, WRONG.message), (Settings(output_bucket="tiny-pics"), "TINYPICS_BACKFILL_BUCKET: expected")],
)
def test_a_batch_of_a_wrong_configuration_is_refused_and_says_nothing_about_its_objects(
    world: World, loaded: Settings | InvalidConfiguration, message: str
) -> None:
    answer = batch.handle({"Items": selected("a.jpg")}, Context(), loaded, Failing({}))
    assert (answer["status"], answer["error"]) == ("FAILED", "InvalidConfiguration")
    assert answer["message"].startswith(message)
    assert world.outcomes() == {}
