"""The workflow definitions, as far as they can be checked without AWS: the states language, by cfn-lint's schema and
`tests.states`; the paths, with the function's real answers; the error names; the total time.
"""

from __future__ import annotations

import copy
import io
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from obstore.store import MemoryStore

import lambda_function
from tests.pictures import encoded, photo
from tests.states import Paths, misdirected, misnamed, scopes
from tests.transformed import template
from tinypics.aws.backfill import batch
from tinypics.aws.settings import Settings
from tinypics.errors import InvalidConfiguration, InvalidRequest
from tinypics.store.bucket import Bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.states import Definition, State

PROJECT = Path(__file__).parents[2]
RESIZE: Definition = json.loads((PROJECT / "step-function-definition.json").read_text())
BACKFILL: Definition = json.loads((PROJECT / "backfill-definition.json").read_text())
DEFINITIONS = {"resize": RESIZE, "backfill": BACKFILL}
MAPS = {name: state for name, state in BACKFILL["States"].items() if state["Type"] == "Map"}

EXPRESS_SECONDS = 300  # "Step Functions service quotas": the maximum execution time of an Express workflow


def linted(definition: Definition) -> list[str]:
    from cfnlint.api import lint_all  # takes more than a second

    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"RoleArn": "arn:aws:iam::123456789012:role/any", "Definition": definition},
    }
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Machine": machine}}
    found = lint_all(json.dumps(template))
    return [f"{match.rule.id}: {match.message}" for match in found if not match.rule.id.startswith("I")]


@pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS)
def test_a_definition_is_of_the_states_language(definition: Definition) -> None:
    assert linted(definition) == []
    assert misnamed(definition) == []
    assert misdirected(definition) == []


def test_the_linter_looks_into_maps() -> None:
    broken = copy.deepcopy(BACKFILL)
    inside(broken, "Objects")["WorkObjects"]["Typ"] = broken["States"]["Objects"].pop("Type")
    assert any("E3601" in finding for finding in linted(broken))


def inside(definition: Definition, name: str) -> dict[str, State]:
    """The states that process a map's items."""
    found: dict[str, State] = definition["States"][name]["ItemProcessor"]["States"]
    return found


# --- Names and transitions


def as_text(definition: Definition, *changes: tuple[str, str]) -> Definition:
    text = json.dumps(definition)
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    found: Definition = json.loads(text)
    return found


def without(states: dict[str, State], name: str, field: str) -> None:
    del states[name][field]


@pytest.mark.parametrize(
    ("old", "new"), [("WorkKeys", "WorkObjects"), ("WorkedKeys", "Succeeded"), ("Count", "PauseObjects")]
)
def test_a_name_that_is_there_twice_is_found_at_any_depth(old: str, new: str) -> None:
    broken = as_text(BACKFILL, (json.dumps(old), json.dumps(new)))
    assert misnamed(broken) == [f"{new} is the name of 2 states"]


@pytest.mark.parametrize(
    ("definition", "change", "finding"),
    [
        (
            BACKFILL,
            lambda all_: inside(all_, "Keys")["WorkKeys"].update(Next="Succeeded"),
            "WorkKeys leads to Succeeded, which is not in its scope",
        ),
        (
            BACKFILL,
            lambda all_: inside(all_, "Keys")["WorkKeys"]["Catch"][0].update(Next="Crashed"),
            "WorkKeys leads to Crashed, which is not in its scope",
        ),
        (
            RESIZE,
            lambda all_: all_["States"]["CheckStatus"].update(Default="Fails"),
            "CheckStatus leads to Fails, which is not in its scope",
        ),
        (RESIZE, lambda all_: all_["States"]["ResizeImage"]["Catch"].pop(0), "nothing leads to MarkExhausted"),
        (RESIZE, lambda all_: without(all_["States"], "NameFailure", "Next"), "NameFailure has no Next"),
        (RESIZE, lambda all_: without(all_["States"], "CheckStatus", "Default"), "CheckStatus has no Default"),
        (
            BACKFILL,
            lambda all_: inside(all_, "Objects")["AnyLeftObjects"].update(Default="PauseObjects"),
            "nothing leads to WorkedObjects",
        ),
        (
            RESIZE,
            lambda all_: all_["States"]["NameFailure"].update(Next="NameFailure"),
            "NameFailure leads to no end",
        ),
        (BACKFILL, lambda all_: all_.update(StartAt="Begin"), "it starts at Begin, which is not in its scope"),
    ],
)
def test_a_way_that_leads_nowhere_is_found(
    definition: Definition, change: Callable[[Definition], object], finding: str
) -> None:
    broken = copy.deepcopy(definition)
    change(broken)
    assert finding in misdirected(broken)


# --- Paths: the function's own answers through the whole definition

SETTINGS = Settings(source_buckets=frozenset({"original-pics"}), output_bucket="tiny-pics", backfill_bucket="backfill")
ORDERS: tuple[dict[str, Any], ...] = (
    {"bucket": "original-pics"},
    {"bucket": "original-pics", "source": "keys", "list_bucket": "backfill", "list_key": "lists/some.jsonl"},
)
ITEMS: dict[str, list[dict[str, Any]]] = {
    "Objects": [{"Etag": '"e"', "Key": "a.jpg", "LastModified": 1669987443, "Size": 700, "StorageClass": "STANDARD"}],
    "Keys": [{"bucket": "original-pics", "key": "a.jpg"}],
}
"""Items as in "ItemReader (Map)" of the Step Functions developer guide, and of `key_list.key_lines`."""


class SDK:
    """A fake of boto3's S3: two pages of one object, and a list of one key."""

    def list_objects_v2(self, **asked: object) -> dict[str, Any]:
        last = "StartAfter" in asked
        modified = SimpleNamespace(timestamp=lambda: 1669987443.0)
        item = {"Key": "b.jpg" if last else "a.jpg", "Size": 700, "LastModified": modified}
        return {"Contents": [item], "IsTruncated": not last}

    def get_object(self, **_: object) -> dict[str, Any]:
        return {"Body": io.BytesIO(json.dumps(ITEMS["Keys"][0]).encode() + b"\n")}


class Function:
    """The function, with buckets in memory and its own remaining seconds."""

    def __init__(self) -> None:
        self.buckets = {name: Bucket(name, MemoryStore()) for name in ("original-pics", "tiny-pics", "backfill")}
        picture = encoded(photo((64, 48)), "JPEG")
        for key in ("a.jpg", "b.jpg"):
            self.buckets["original-pics"].put(key, picture, attributes={}, replaces=None)

    def __call__(self, event: object, seconds: float = 60) -> dict[str, Any]:
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: seconds * 1000, memory_limit_in_mb="1769")
        answer = lambda_function.lambda_handler(event, context)
        found: dict[str, Any] = json.loads(json.dumps(answer))
        return found


@pytest.fixture(scope="module")
def function() -> Iterator[Function]:
    made = Function()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lambda_function, "SETTINGS", SETTINGS)
        patch.setattr(lambda_function, "open_bucket", made.buckets.__getitem__)
        patch.setattr(batch, "open_bucket", made.buckets.__getitem__)
        patch.setattr("boto3.client", lambda _: SDK())
        yield made


EVENT = {"bucket": "original-pics", "key": "a.jpg", "dest_bucket": "tiny-pics", "width": 16, "height": 16}


@pytest.fixture(scope="module")
def answers(function: Function) -> dict[str, list[dict[str, Any]]]:
    """Answers of the function to each task, one for each transition that may follow."""
    asked: list[Any] = [{"backfill": {"id": "run-1", "input": order}} for order in ORDERS]
    counted = [*map(function, asked), function(asked[0], 3), function({"backfill": {"id": "run-1", "input": {}}})]
    assert [answer["status"] for answer in counted] == ["COUNTED", "COUNTED", "COUNTING", "FAILED"]
    found = {"ResizeImage": [function(EVENT), function(EVENT | {"key": "none.jpg"})], "Count": counted}
    for name, plan in zip(ITEMS, counted[: len(ORDERS)], strict=True):
        one = {"run": plan["run"], "item": ITEMS[name][0]}
        worked = [function({"Items": [one]}), function({"Items": [one, one]}, 3)]
        assert [answer["left"] for answer in worked] == [0, 1]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(lambda_function, "SETTINGS", InvalidConfiguration("TINYPICS_TAGS: expected others"))
            refused = function({"Items": [one]})
        assert refused["status"] == "FAILED"
        found[f"Work{name}"] = [*worked, refused]
        failure = {"Error": "Lambda.Unknown", "Cause": "signal: killed"}
        found[f"HandleFailure{name}"] = [function({"Items": [one, one], "failure": failure})]
    return found


INPUTS: dict[str, tuple[Any, ...]] = {"resize": (EVENT,), "backfill": ORDERS}


def followed(name: str, definition: Definition, answers: Mapping[str, Any]) -> Paths:
    paths = Paths(answers, ITEMS)
    for document in INPUTS[name]:
        paths.follow(definition, document)
    return paths


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_path_that_a_state_reads_is_there_on_every_way(name: str, answers: Mapping[str, Any]) -> None:
    paths = followed(name, DEFINITIONS[name], answers)
    assert paths.findings == []
    assert paths.not_taken(DEFINITIONS[name]) == set()


@pytest.mark.parametrize(
    ("name", "old", "new", "finding"),
    [
        ("resize", '"OutputPath": "$.Payload"', '"OutputPath": "$.Payloads"', "ResizeImage reads $.Payloads,"),
        ("resize", '"OutputPath": "$.Payload", ', "", "CheckStatus reads $.status,"),
        ("resize", '"Variable": "$.status"', '"Variable": "$.state"', "CheckStatus reads $.state,"),
        ("resize", '"message.$": "$.Cause"', '"message.$": "$.cause"', "NameFailure reads $.cause,"),
        ("resize", '"message.$": "$.Cause"', '"text.$": "$.Cause"', "Failed reads $.message,"),
        ("resize", "$.Error, $.Cause)", "$.Error, $.Reason)", "MarkExhausted reads $.Reason,"),
        ("resize", '"ErrorPath": "$.error"', '"ErrorPath": "$.name"', "Failed reads $.name,"),
        ("backfill", "$$.Execution.Name", "$$.Execution.Title", "Order reads $$.Execution.Title,"),
        ("backfill", '"CausePath": "$.message"', '"CausePath": "$.reason"', "Refused reads $.reason,"),
        ("backfill", '"Variable": "$.source"', '"Variable": "$.list"', "ChooseList reads $.list,"),
        ("backfill", '"Prefix.$": "$.prefix"', '"Prefix.$": "$.folder"', "Objects reads $.folder,"),
        ("backfill", '"Key.$": "$.list_key"', '"Key.$": "$.list"', "Keys reads $.list,"),
        ("backfill", '"MaxItemsPath": "$.max_items"', '"MaxItemsPath": "$.items"', "Objects reads $.items,"),
        ("backfill", '"MaxItemsPerBatchPath": "$.batch"', '"MaxItemsPerBatchPath": "$.size"', "Keys reads $.size,"),
        ("backfill", '"$.concurrency"', '"$.at_once"', "Objects reads $.at_once,"),
        ("backfill", '"$.tolerated_failure_percentage"', '"$.tolerated"', "Keys reads $.tolerated,"),
        ("backfill", '"$.results_prefix"', '"$.results"', "Objects reads $.results,"),
        ("backfill", "$$.Map.Item.Value", "$$.Map.Item.Key", "Keys reads $$.Map.Item.Key,"),
        ("backfill", "$$.State.EnteredTime", "$$.State.Begun", "StartClockKeys reads $$.State.Begun,"),
        ("backfill", '"Variable": "$.left"', '"Variable": "$.more"', "AnyLeftObjects reads $.more,"),
    ],
)
def test_a_path_that_one_way_lacks_is_found(
    name: str, old: str, new: str, finding: str, answers: Mapping[str, Any]
) -> None:
    findings = followed(name, as_text(DEFINITIONS[name], (old, new)), answers).findings
    assert [each for each in findings if each.startswith(finding)], findings


def test_a_way_that_no_document_takes_is_found(answers: Mapping[str, Any]) -> None:
    other = as_text(BACKFILL, ('"StringEquals": "keys"', '"StringEquals": "inventory"'))
    assert ("ChooseList", "Keys") in followed("backfill", other, answers).not_taken(other)


def test_the_function_accepts_every_input_of_the_definitions(function: Function, answers: Mapping[str, Any]) -> None:
    handed = followed("backfill", BACKFILL, answers).handed
    for name in MAPS:
        for event in handed[f"Work{name}"]:
            assert function(event)["status"] == "SUCCESS"
        for event in handed[f"HandleFailure{name}"]:
            assert function(event)["failed"] == len(event["Items"]) > 0
    assert {function(event)["status"] for event in handed["Count"]} >= {"COUNTED"}
    with pytest.raises(InvalidRequest, match="Items"):
        function({"Items": [{"run": {}, "item": {}}]})


# --- The two maps


def unsuffixed(name: str) -> dict[str, Any]:
    """A map without its own comment, label and reader, and with the suffix removed from all state names."""
    state = {k: v for k, v in MAPS[name].items() if k not in ("Comment", "Label", "ItemReader")}
    text = json.dumps(state)
    for each in inside(BACKFILL, name):
        assert each.endswith(name)
        text = text.replace(json.dumps(each), json.dumps(each.removesuffix(name)))
    found: dict[str, Any] = json.loads(text)
    return found


def test_the_two_maps_differ_in_their_readers_and_names_only() -> None:
    assert MAPS.keys() == {"Objects", "Keys"}
    assert unsuffixed("Objects") == unsuffixed("Keys")


@pytest.mark.parametrize("name", MAPS)
def test_a_map_is_bounded_by_the_count_and_by_its_input(name: str) -> None:
    state = MAPS[name]
    assert state["ItemReader"]["ReaderConfig"]["MaxItemsPath"] == "$.max_items"
    assert state["MaxConcurrencyPath"] == "$.concurrency"
    assert state["ToleratedFailurePercentagePath"] == "$.tolerated_failure_percentage"
    assert state["ItemBatcher"]["MaxItemsPerBatchPath"] == "$.batch"
    assert state["ResultWriter"]["Parameters"] == {"Bucket": "${BackfillBucket}", "Prefix.$": "$.results_prefix"}
    assert state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}


def test_nothing_is_worked_on_before_all_is_counted() -> None:
    states = BACKFILL["States"]
    assert states[BACKFILL["StartAt"]]["Next"] == "Count"
    assert states["Count"]["Next"] == "CheckCount"
    assert states["CheckCount"]["Default"] == "Refused"
    into = {name: re.findall(r'"(?:Next|Default)": "(\w+)"', json.dumps(state)) for name, state in states.items()}
    assert [name for name, after in into.items() if set(after) & MAPS.keys()] == ["ChooseList"]
    assert [name for name, after in into.items() if "ChooseList" in after] == ["CheckCount"]


# --- Error names


def rules(definition: Definition) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every retrier and catcher, with its kind and the name of its state."""
    for scope in scopes(definition):
        for name, state in scope["States"].items():
            for kind in ("Retry", "Catch"):
                yield from ((name, kind, rule) for rule in state.get(kind, []))


@pytest.mark.parametrize(
    ("definition", "places"),
    [
        (RESIZE, {("ResizeImage", "Retry"), ("ResizeImage", "Catch")}),
        (BACKFILL, {("WorkObjects", "Retry"), ("WorkKeys", "Retry")}),
    ],
    ids=DEFINITIONS,
)
def test_a_rule_for_a_killed_function_has_every_name_of_one(
    definition: Definition, places: set[tuple[str, str]]
) -> None:
    killed = set(batch.KILLED)
    found = [(name, kind, set(rule["ErrorEquals"])) for name, kind, rule in rules(definition)]
    found = [each for each in found if each[2] & killed]
    assert {(name, kind) for name, kind, _ in found} == places
    assert [named - {batch.TIMED_OUT} for _, _, named in found] == [killed] * len(places)


# --- Time: all attempts fit into the limits of AWS and of the definition

TIMEOUTS: list[int] = template()["Parameters"]["Timeout"]["AllowedValues"]


def retriers(state: State) -> list[dict[str, Any]]:
    defaults = {"IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 2.0, "MaxDelaySeconds": 31_622_400}
    return [defaults | retrier for retrier in state["Retry"]]


def waits(retrier: Mapping[str, Any]) -> float:
    """The most seconds that a retrier waits. Jitter only shortens them."""
    every = (retrier["IntervalSeconds"] * retrier["BackoffRate"] ** number for number in range(retrier["MaxAttempts"]))
    return float(sum(min(each, retrier["MaxDelaySeconds"]) for each in every))


def runs(retrier: Mapping[str, Any]) -> int:
    """The number of runs of the function until this retrier gives up. Throttling does not run it."""
    refused = all(name.startswith("Lambda.") for name in retrier["ErrorEquals"])
    return 1 if refused else 1 + int(retrier["MaxAttempts"])


@pytest.mark.parametrize("timeout", TIMEOUTS)
def test_all_attempts_of_every_retrier_together_fit_into_the_workflows_time(timeout: int) -> None:
    found = retriers(RESIZE["States"]["ResizeImage"])
    attempts = 1 + sum(retrier["MaxAttempts"] for retrier in found)
    assert attempts * timeout + sum(map(waits, found)) <= RESIZE["TimeoutSeconds"]


def test_express_is_allowed_with_each_timeout_whose_attempts_fit_into_its_five_minutes_and_with_no_other() -> None:
    rule = template()["Rules"]["ExpressNeedsAShortTimeout"]
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "WorkflowType"}, "EXPRESS"]}
    allowed, given = rule["Assertions"][0]["Assert"]["Fn::Contains"]
    assert given == {"Ref": "Timeout"}
    found = retriers(RESIZE["States"]["ResizeImage"])
    fit = [t for t in TIMEOUTS if all(runs(each) * t + waits(each) <= EXPRESS_SECONDS for each in found)]
    assert list(map(int, allowed)) == fit


@pytest.mark.parametrize("name", MAPS)
def test_a_batch_ends_by_itself_before_its_execution_does(name: str) -> None:
    """Its execution is of type EXPRESS: for every `Timeout`, it must end before AWS ends it."""
    states = inside(BACKFILL, name)
    work, pause = states[f"Work{name}"], states[f"Pause{name}"]["Seconds"]
    throttled, killed, failed = retriers(work)
    assert (killed["MaxAttempts"], batch.KILLED[0] in killed["ErrorEquals"]) == (0, True)
    assert work["TimeoutSeconds"] > batch.INVOCATION_SECONDS  # the function itself reports the slow step
    answering = 5  # the function answers a late batch at once; a cold start takes a second or two
    # Returned at the last moment, then throttled and failing until both retriers give up.
    late = batch.BATCH_SECONDS + pause + waits(throttled) + waits(failed) + answering
    # Started at the last moment, then without an answer until the task's timeout.
    hung = batch.BATCH_SECONDS + pause + work["TimeoutSeconds"] + answering
    # Throttled from the beginning, also while the failure is handled.
    refused = waits(throttled) + waits(retriers(states[f"HandleFailure{name}"])[0]) + answering
    assert max(late, hung, refused) <= EXPRESS_SECONDS
