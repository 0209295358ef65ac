"""The input of the backfill workflow, and the items of its readers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tinypics.aws.backfill.job import ASSUMED_BYTES, KEYS, OBJECTS, Job, to_listed
from tinypics.aws.settings import Settings
from tinypics.backfill.estimate import Caps
from tinypics.errors import AccessDenied, InvalidRequest, LoopRefused
from tinypics.store.objects import Listed

LIST: dict[str, Any] = {"list_bucket": "lists", "list_key": "keys.jsonl"}


def test_a_bucket_is_enough_and_every_number_has_its_default() -> None:
    job = Job.from_dict({"bucket": "pics"})
    assert job.caps == Caps()
    assert (job.source, job.concurrency, job.batch, job.tolerated_failure_percentage) == (OBJECTS, 50, 40, 5)
    assert Job.from_dict(job.to_dict()) == job


@pytest.mark.parametrize(
    "allowed",
    [
        {"max_objects": 1},
        {"max_objects": 100_000_000},
        {"max_cost": 0},
        {"max_cost": 0.5},
        {"concurrency": 1000},
        {"batch": 100},
        {"tolerated_failure_percentage": 0},
        {"tolerated_failure_percentage": 99.5},
        {"renditions": ["8x", "16x"]},
        {"since": "2026-11-24"},
        {"since": "2026-11-24T06:00:00+01:00"},
        {"any_name": True},
        {"source": "keys", **LIST},
        {"prefix": "ü/"},
    ],
)
def test_what_is_allowed_is_kept(allowed: dict[str, Any]) -> None:
    job = Job.from_dict({"bucket": "pics", **allowed})
    assert {name: getattr(job, name) for name in allowed} == allowed
    assert Job.from_dict(job.to_dict()) == job


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"bucket": ""}, "bucket: expected the name of a bucket"),
        ({"bucket": 5}, "bucket: expected text, got 5"),
        ({"prefix": None}, "prefix: expected text"),
        ({"prefix": ["a"]}, "prefix: expected text"),
        ({"max_objects": 0}, "max_objects: expected a whole number from 1 to 100000000, got 0"),
        ({"max_objects": 1.5}, "max_objects"),
        ({"max_objects": "5"}, "max_objects"),
        ({"max_objects": True}, "max_objects"),
        ({"max_objects": 100_000_001}, "max_objects"),
        ({"max_cost": -1}, "max_cost: expected US dollars from 0 to 1000000"),
        ({"max_cost": float("nan")}, "max_cost"),
        ({"max_cost": float("inf")}, "max_cost"),
        ({"concurrency": 1001}, "concurrency"),
        ({"batch": 101}, "batch"),
        ({"tolerated_failure_percentage": 101}, "tolerated_failure_percentage"),
        ({"source": "inventory", **LIST}, 'source: expected objects or keys, got "inventory"'),
        ({"source": ["keys"]}, "source"),
        ({"source": "keys"}, "list_key: expected the key of the list, for source keys"),
        ({"source": "keys", "list_bucket": "lists"}, "list_key"),
        ({"source": "keys", "list_bucket": 5, "list_key": "x"}, "list_bucket: expected text"),
        ({"any_name": "yes"}, "any_name: expected true or false"),
        ({"renditions": []}, "renditions: expected a list of renditions, or nothing"),
        ({"renditions": "8x"}, "renditions"),
        ({"renditions": [8]}, r"renditions\[\]: expected text like 128x128, got 8"),
        ({"since": "yesterday"}, "since: expected a time like"),
        ({"since": 5}, "since"),
        ({"run": {}}, 'input: expected only the fields bucket, prefix, source.*got "run"'),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        Job.from_dict({"bucket": "pics", **wrong})


@pytest.mark.parametrize("given", [None, [], "pics", 5])
def test_an_input_that_is_no_object_is_refused(given: object) -> None:
    with pytest.raises(InvalidRequest, match="input: expected a JSON object"):
        Job.from_dict(given)


def test_a_time_without_a_zone_is_utc() -> None:
    assert Job("pics", since="2026-11-24").after() == datetime(2026, 11, 24, tzinfo=UTC)
    zoned = Job("pics", since="2026-11-24T06:00:00+01:00").after()
    assert zoned == datetime(2026, 11, 24, 5, tzinfo=UTC)


STACK = Settings(source_buckets=frozenset({"pics", "tiny"}), output_bucket="tiny", output_prefix="thumbs/")


def test_only_buckets_of_the_stack_are_worked_on_and_none_that_outputs_lie_all_over() -> None:
    Job("pics").admit(STACK)
    Job("tiny").admit(STACK)
    with pytest.raises(AccessDenied, match=r"bucket: expected a bucket of this stack \(pics or tiny\)"):
        Job("other").admit(STACK)
    with pytest.raises(LoopRefused):
        Job("tiny").admit(Settings(source_buckets=frozenset({"tiny"}), output_bucket="tiny"))


def test_outputs_are_left_out_where_they_are_and_names_do_not_matter_in_a_list() -> None:
    output = Listed("thumbs/a.jpg", 5, "", None)
    assert Job("tiny").selection(STACK).why_not(output) == "an output"
    assert Job("pics").selection(STACK).why_not(output) is None
    unnamed = Listed("a", 5, "", None)
    assert Job("pics").selection(STACK).why_not(unnamed) == "not a picture by its name"
    assert Job("pics", source=KEYS, **LIST).selection(STACK).why_not(unnamed) is None
    assert Job("pics", any_name=True).selection(STACK).why_not(unnamed) is None
    assert Job("pics", prefix="b/").selection(STACK).why_not(unnamed) == "outside of the prefix"


WHEN = datetime(2022, 12, 2, 13, 24, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("source", "item", "told"),
    [
        (OBJECTS, {"Key": "a", "Size": 5, "Etag": '"e"', "LastModified": 1669987443}, Listed("a", 5, "e", WHEN)),
        (OBJECTS, {"Key": "a", "Size": 0}, Listed("a", 0, "", None)),
        (KEYS, {"bucket": "pics", "key": "a+b%41", "error": "E"}, Listed("a+b%41", ASSUMED_BYTES, "", None)),
    ],
)
def test_every_reader_tells_of_an_object_in_its_own_way(source: str, item: dict[str, Any], told: Listed) -> None:
    assert to_listed(item, source) == told


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"Key": ""},
        {"Key": 5},
        {"Key": "a", "Size": "big"},
        {"Key": "a", "LastModified": "soon"},
        {"Key": "a", "LastModified": 1e300},
    ],
)
def test_an_item_that_is_none_is_refused_by_name(item: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=r"Items\[\]"):
        to_listed(item, OBJECTS)
