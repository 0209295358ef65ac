"""The count of a backfill with the SDK and a real S3: each kind of list, and refused ones."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from obstore.store import MemoryStore

import lambda_function
from tests.local_stack import LocalStack
from tinypics.aws.backfill import batch, job
from tinypics.aws.backfill import count as counting
from tinypics.aws.backfill import listing as lists
from tinypics.aws.settings import Settings
from tinypics.backfill.journal import Journal
from tinypics.errors import DeadlineExceeded, StoreUnavailable
from tinypics.store.bucket import Bucket

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.e2e

SOURCE, LISTS = "counted-pics", "counted-lists"


class Context:
    """An invocation with predefined answers for its remaining time."""

    memory_limit_in_mb = "1769"

    def __init__(self, *seconds: float) -> None:
        self.seconds = list(seconds)

    def get_remaining_time_in_millis(self) -> float:
        return (self.seconds.pop(0) if self.seconds else 60) * 1000


@pytest.fixture(autouse=True)
def sdk(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The emulator as the SDK's S3, with a bucket of pictures and one of lists."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", stack.facts.endpoint)
    monkeypatch.setenv("AWS_REGION", stack.facts.region)
    monkeypatch.setenv("AWS_DEFAULT_REGION", stack.facts.region)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    for bucket in (SOURCE, LISTS):
        stack.s3.create_bucket(Bucket=bucket)
    yield
    for bucket in (SOURCE, LISTS):
        for item in stack.s3.list_objects_v2(Bucket=bucket).get("Contents", []):
            stack.s3.delete_object(Bucket=bucket, Key=item["Key"])


@pytest.fixture
def journal() -> Bucket:
    return Bucket("backfill", MemoryStore())


SETTINGS = Settings(
    source_buckets=frozenset({SOURCE, LISTS}), output_bucket="tiny-pics", output_prefix="", backfill_bucket="backfill"
)


def count(order: object, journal: Bucket, context: Context | None = None, **state: Any) -> dict[str, Any]:
    event = {"backfill": {"id": "run-1", "input": order, **state}}
    answer: dict[str, Any] = counting.count(event, context or Context(), SETTINGS, lambda _: journal)
    json.dumps(answer)  # as Lambda does
    return answer


def put(stack: LocalStack, **objects: bytes) -> None:
    for key, body in objects.items():
        stack.s3.put_object(Bucket=SOURCE, Key=key, Body=body)


def fill(stack: LocalStack) -> None:
    put(stack, **{"a.jpg": b"12345", "b/c d+e%41.PNG": b"123", "a//b.jpg": b"1"})
    put(stack, **{"n.txt": b"1", "empty.jpg": b"", "f/": b""})


def test_all_of_a_bucket_is_counted_and_the_plan_is_all_that_the_next_states_need(
    stack: LocalStack, journal: Bucket
) -> None:
    fill(stack)
    answer = count({"bucket": SOURCE}, journal)
    survey = answer["survey"]
    assert (answer["status"], survey["listed"], survey["objects"], survey["bytes"]) == ("COUNTED", 6, 3, 9)
    assert survey["by_extension"] == {"jpg": 2, "png": 1}
    assert survey["left_out"] == {"not a picture by its name": 1, "empty": 1, "a folder marker": 1}
    assert answer["max_items"] >= survey["listed"]
    assert answer["results_prefix"] == "runs/run-1/map"
    assert answer["run"] == {"id": "run-1", "bucket": SOURCE, "source": "objects"}
    assert answer["estimate"] > 0
    plan = Journal(journal, "run-1").plan()
    assert plan is not None
    assert plan | {"status": "COUNTED"} == answer


def test_the_plan_stays_the_first_when_its_step_runs_twice(stack: LocalStack, journal: Bucket) -> None:
    fill(stack)
    count({"bucket": SOURCE}, journal)
    put(stack, **{"later.jpg": b"1"})
    count({"bucket": SOURCE}, journal)
    plan = Journal(journal, "run-1").plan()
    assert plan is not None
    assert plan["survey"]["listed"] == 6


def test_a_run_has_the_fields_that_its_batches_need(stack: LocalStack, journal: Bucket) -> None:
    fill(stack)
    order = {"bucket": SOURCE, "prefix": "a", "renditions": ["8x", "16x"], "since": "2020-01-01", "any_name": True}
    answer = count(order, journal)
    assert answer["survey"]["objects"] == 2
    assert answer["run"] == {"id": "run-1", "source": "objects"} | order
    assert answer["renditions"] == ["8x", "16x"]


def test_counting_resumes_after_the_time_of_an_invocation(
    stack: LocalStack, journal: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "LISTED_AT_ONCE", 2)
    fill(stack)
    answer, steps = count({"bucket": SOURCE}, journal, Context(1)), 1
    while answer["status"] == counting.COUNTING:
        state = answer["backfill"]
        assert state["survey"]["listed"] == 2 * steps
        goes_on = {name: state[name] for name in ("survey", "token")}
        answer, steps = count(state["input"], journal, Context(1), **goes_on), steps + 1
    assert (answer["status"], steps) == ("COUNTED", 3)
    whole = count({"bucket": SOURCE}, Bucket("other", MemoryStore()))
    assert answer["survey"] == whole["survey"]


def test_counting_ends_with_the_first_page_that_is_too_much(
    stack: LocalStack, journal: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "LISTED_AT_ONCE", 2)
    put(stack, **{f"{number}.jpg": b"1" for number in range(9)})
    answer = count({"bucket": SOURCE, "max_objects": 3}, journal)
    assert (answer["status"], answer["error"]) == ("FAILED", "CapExceeded")
    assert answer["message"] == "max_objects: expected at most 3 pictures, got 4 among the first 4 objects"
    assert Journal(journal, "run-1").plan() is None
    assert count({"bucket": SOURCE, "max_objects": 9}, journal)["status"] == "COUNTED"
    dear = count({"bucket": SOURCE, "max_cost": 0.00001}, journal)
    assert (dear["error"], dear["message"][:40]) == ("CapExceeded", "max_cost: expected at most $0.00, got an")


def listing(stack: LocalStack, name: str, body: bytes) -> dict[str, str]:
    stack.s3.put_object(Bucket=LISTS, Key=name, Body=body)
    return {"bucket": SOURCE, "list_bucket": LISTS, "list_key": name}


def test_a_list_of_keys_is_counted_regardless_of_extensions(stack: LocalStack, journal: Bucket) -> None:
    keys = ('a "b", c\\\n.jpg', "noname", "n.txt")
    body = "".join(json.dumps({"key": key}) + "\n" for key in keys).encode()
    answer = count(listing(stack, "keys.jsonl", body + b"\n") | {"source": "keys"}, journal)
    assert (answer["status"], answer["survey"]["objects"]) == ("COUNTED", 3)
    assert answer["survey"]["bytes"] == 3 * job.ASSUMED_BYTES
    assert answer["max_items"] == 3  # a list does not grow
    assert answer["run"]["list_key"] == "keys.jsonl"


def test_a_list_of_keys_is_counted_in_one_invocation_or_not_at_all(
    stack: LocalStack, journal: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "LISTED_AT_ONCE", 2)
    order = listing(stack, "k.jsonl", b'{"key": "1"}\n' * 3) | {"source": "keys"}
    with pytest.raises(DeadlineExceeded, match="longer to count than an invocation may"):
        count(order, journal, Context(1))
    assert count(order, journal, Context(60, 1))["survey"]["listed"] == 3


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"name": "a.jpg"}\n', r"Items\[\].Key: expected an object key, got nothing"),
        (b'{"key": "\xff\xfe.jpg"}\n', "the list cannot be read: .*utf-8"),
        (b"key\na.jpg\n", "the list cannot be read: Expecting value"),
        (b'["a.jpg"]\n', r"Items\[\]: expected an object with a key"),
    ],
)
def test_a_list_that_is_none_is_refused_by_name(stack: LocalStack, journal: Bucket, body: bytes, message: str) -> None:
    answer = count(listing(stack, "some", body) | {"source": "keys"}, journal)
    assert (answer["status"], answer["error"]) == ("FAILED", "InvalidRequest")
    assert re.search(message, answer["message"]), answer["message"]


@pytest.mark.parametrize(
    ("order", "error"),
    [
        ({"bucket": "tiny-pics"}, "AccessDenied"),
        ({"bucket": SOURCE, "source": "keys", "list_bucket": LISTS, "list_key": "none.jsonl"}, "SourceNotFound"),
        ({"bucket": SOURCE, "source": "keys", "list_bucket": "nowhere-at-all", "list_key": "x"}, "SourceNotFound"),
        ({"bucket": SOURCE, "source": "inventory", "list_bucket": LISTS, "list_key": "none"}, "InvalidRequest"),
        ({"bucket": SOURCE, "source": "keys"}, "InvalidRequest"),
        ({"bucket": SOURCE, "renditions": ["0x0"]}, "InvalidRequest"),
        ({"bucket": SOURCE, "renditions": [8]}, "InvalidRequest"),
        ({"bucket": SOURCE, "prefix": None}, "InvalidRequest"),
    ],
)
def test_what_may_not_be_counted_fails_by_name(journal: Bucket, order: dict[str, Any], error: str) -> None:
    answer = count(order, journal)
    assert (answer["status"], answer["error"]) == ("FAILED", error)
    assert answer["message"]


def test_a_bucket_of_outputs_is_no_source(journal: Bucket) -> None:
    full = Settings(source_buckets=frozenset({SOURCE}), output_bucket=SOURCE, backfill_bucket="backfill")
    event = {"backfill": {"id": "x", "input": {"bucket": SOURCE}}}
    assert counting.count(event, Context(), full, lambda _: journal)["error"] == "LoopRefused"


def test_a_stack_without_a_bucket_for_it_says_so(stack: LocalStack, journal: Bucket) -> None:
    none = Settings(source_buckets=frozenset({SOURCE}), output_bucket="tiny-pics")
    event = {"backfill": {"id": "x", "input": {"bucket": SOURCE}}}
    answer = counting.count(event, Context(), none, lambda _: journal)
    assert (answer["status"], answer["error"]) == ("FAILED", "InvalidConfiguration")
    assert answer["message"] == "TINYPICS_BACKFILL_BUCKET: expected the stack's bucket for backfills, got nothing"


def test_an_endpoint_that_does_not_answer_may_later(journal: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(StoreUnavailable, match=f"{SOURCE}: EndpointConnectionError"):
        count({"bucket": SOURCE}, journal)


def test_the_function_counts_where_the_workflow_asks_it_to(
    stack: LocalStack, journal: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lambda_function, "SETTINGS", SETTINGS)
    monkeypatch.setattr(batch, "open_bucket", lambda _: journal)
    fill(stack)
    event = {"backfill": {"id": "run-1", "input": {"bucket": SOURCE}}}
    assert lambda_function.lambda_handler(event, Context())["survey"]["objects"] == 3
