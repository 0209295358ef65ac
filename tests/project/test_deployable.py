"""The template follows rules of AWS that neither the linters nor the emulator check; each has its source."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import botocore
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.evaluated import Stack, combinations
from tests.transformed import TEMPLATES, resources, schema, template
from tinypics.aws.settings import READERS
from tinypics.errors import InvalidConfiguration

BUCKETS = resources("AWS::S3::Bucket")
PARAMETERS = template()["Parameters"]
PARTITIONS = json.loads((Path(botocore.__file__).parent / "data" / "partitions.json").read_text())["partitions"]
REGIONS = [region for each in PARTITIONS for region in each["regions"] if not region.endswith("-global")]


def allowed(parameter: str, value: str) -> bool:
    return re.fullmatch(PARAMETERS[parameter]["AllowedPattern"], value) is not None


# --- Buckets after a failed creation and a deletion of the stack


def test_buckets_outlive_the_stack_but_no_creation_that_fails() -> None:
    """CloudFormation template reference, "DeletionPolicy attribute": RetainExceptOnCreate."""
    kept = {name: each for name, each in template()["Resources"].items() if each["Type"] == "AWS::S3::Bucket"}
    assert kept.keys() == BUCKETS.keys()
    for each in kept.values():
        assert (each["DeletionPolicy"], each["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_nothing_else_outlives_a_rollback() -> None:
    others = (each for each in template()["Resources"].values() if each["Type"] != "AWS::S3::Bucket")
    assert {each.get("DeletionPolicy", "Delete") for each in others} == {"Delete"}


NAMED = {"SourceBucket": "pics", "OutputBucket": "thumbs", "BackfillBucket": "runs"}


@pytest.mark.parametrize(
    ("create", "made"), [("both", {*NAMED}), ("output", {*NAMED} - {"SourceBucket"}), ("none", set())]
)
def test_a_stack_creates_the_buckets_of_its_parameter(create: str, made: set[str]) -> None:
    stack = Stack(NAMED | {"CreateBuckets": create})
    assert stack.refusals() == []
    assert {name for name in NAMED if f"{name}Resource" in stack.resources} == made


@pytest.mark.parametrize("create", ["both", "output", "none"])
def test_every_part_of_a_stack_has_the_name_of_its_bucket(create: str) -> None:
    stack = Stack(NAMED | {"CreateBuckets": create})
    variables = stack.properties("ResizeFunction")["Environment"]["Variables"]
    assert variables["TINYPICS_BACKFILL_BUCKET"] == stack.outputs["BackfillBucketName"]["Value"] == "runs"
    granted = json.dumps([stack.properties("ResizeRole"), stack.properties("BackfillRole")])
    assert {"arn:aws:s3:::runs", "arn:aws:s3:::runs/*", "arn:aws:s3:::runs/runs/*"} <= set(
        re.findall(r'"(arn:[^"]+)"', granted)
    )
    assert stack.properties("BackfillWorkflow")["DefinitionSubstitutions"]["BackfillBucket"] == "runs"


@pytest.mark.parametrize("missing", NAMED)
def test_a_bucket_that_the_stack_does_not_make_must_be_named(missing: str) -> None:
    (refusal,) = Stack(NAMED | {"CreateBuckets": "none", missing: ""}).refusals()
    assert refusal.endswith(f"Set {missing}.")


@pytest.mark.parametrize("same", ["SourceBucket", "OutputBucket"])
def test_run_logs_are_never_written_among_pictures(same: str) -> None:
    named = NAMED | {"BackfillBucket": NAMED[same], "CreateBuckets": "none"}
    assert [text for text in Stack(named).refusals() if text.startswith("BackfillBucket")]


# --- Names of buckets (S3 user guide, "General purpose bucket naming rules")


@pytest.mark.parametrize("parameter", NAMED)
@pytest.mark.parametrize("name", ["", "abc", "my-photos", "0-9", "a" * 63, "original-pics"])
def test_a_name_that_s3_takes_is_taken(parameter: str, name: str) -> None:
    assert allowed(parameter, name)


@pytest.mark.parametrize("parameter", NAMED)
@pytest.mark.parametrize(
    "name",
    [
        *("ab", "a" * 64, "My-Photos", "my_photos", "my photos", "my.photos", "192.168.5.4"),
        *("-photos", "photos-", "photos\n"),
        *("xn--photos", "sthree-photos", "amzn-s3-demo-photos"),
        *("photos-s3alias", "photos--ol-s3", "photos--x-s3", "photos--table-s3"),
    ],
)
def test_a_name_that_s3_refuses_is_refused_before_anything_is_made(parameter: str, name: str) -> None:
    """The same for names with dots: the certificate does not match them, so no client can use TLS."""
    assert not allowed(parameter, name)


@pytest.mark.table
@pytest.mark.parametrize("bucket", BUCKETS)
@pytest.mark.parametrize("region", REGIONS)
def test_a_derived_name_is_one_in_every_region_and_another_in_each(bucket: str, region: str) -> None:
    longest = "a" * 20  # as the parameter's description says
    name = Stack({}, Region=region, StackName=longest).properties(bucket)["BucketName"]
    assert allowed("SourceBucket", name)
    assert region in name
    assert "20 characters" in PARAMETERS["SourceBucket"]["Description"]


@pytest.mark.parametrize("stack", ["Photos", "a" * 40])
def test_a_stack_whose_name_makes_no_bucket_names_is_refused_before_anything_is_made(stack: str) -> None:
    """CloudFormation validates the name with the bucket's schema before it creates or updates anything ("Pre-deployment
    validation", AWS DevOps blog, 2026-06-30). A rule of the template cannot read the stack's name."""
    takes = schema("AWS::S3::Bucket")["properties"]["BucketName"]
    name = Stack({}, StackName=stack).properties("SourceBucketResource")["BucketName"]
    assert not re.search(takes["pattern"], name) or len(name) > takes["maxLength"]


# --- Parameters that the function parses


@given(
    text=st.text(st.sampled_from("ab1 !~-.:/&=%@é\n\x7f\t"), max_size=12),
    start=st.sampled_from(["", "https://", "a=b&"]),
)
@example(text="", start="https://cdn.example.com/")
@example(text="", start="http://localhost:4566/thumbs/")
@example(text="", start="http://cdn.example.com/")
@example(text="", start="public, max-age=86400")
@pytest.mark.parametrize("name", ["CacheControl", "UrlBase"])
def test_a_text_that_the_function_refuses_is_refused_before_anything_is_made(name: str, start: str, text: str) -> None:
    assert allowed(name, start + text) is taken(name, start + text)


@given(st.text("a./-", max_size=9))
@pytest.mark.parametrize("name", ["Prefix", "OutputPrefix"])
def test_a_prefix_that_no_key_can_have_is_refused_before_anything_is_made(name: str, text: str) -> None:
    """The function refuses keys with empty, `.` and `..` segments, and so all events with such a prefix."""
    assert allowed(name, text) is taken(name, text)


@given(st.lists(st.tuples(st.text("ab=&1", max_size=3), st.text("ab=1é", max_size=3)), max_size=12))
def test_tags_that_the_function_takes_are_taken(pairs: list[tuple[str, str]]) -> None:
    tags = "&".join(map("=".join, pairs))
    if taken("Tags", tags):
        assert allowed("Tags", tags)


@pytest.mark.parametrize(
    "tags", ["photos", "a=1&b", "=1", "&a=1", "a=1&", "&".join(f"t{number}=1" for number in range(11))]
)
def test_tags_of_another_shape_are_refused_before_anything_is_made(tags: str) -> None:
    assert not allowed("Tags", tags)
    assert not taken("Tags", tags)


def taken(name: str, text: str) -> bool:
    """Whether the function accepts a parameter's value. An empty value counts as not set."""
    variables = template()["Resources"]["ResizeFunction"]["Properties"]["Environment"]["Variables"]
    (variable,) = (variable for variable, value in variables.items() if value == {"Ref": name})
    try:
        return not text or READERS[variable](name, text) is not None
    except InvalidConfiguration:
        return False


# --- Notifications of the source bucket


def notified(**given: object) -> dict[str, Any]:
    found: dict[str, Any] = Stack(given).properties("SourceBucketResource")["NotificationConfiguration"]
    return found


def test_a_prefix_is_the_same_text_for_s3_and_for_eventbridge() -> None:
    """S3 compares a queue's prefix with the URL-encoded key, EventBridge with the key itself.

    S3 user guide, "Configuring event notifications using object key name filtering".
    """
    characters = [chr(code) for code in range(0x3000) if allowed("Prefix", chr(code))]
    assert len(characters) > 62
    assert [quote(each, safe="/!_.'()-") for each in characters] == characters


@pytest.mark.parametrize("prefix", ["", "photos/", "2026/11/IMG_", "it's(1)!/a.b-c"])
def test_a_prefix_of_safe_characters_is_taken(prefix: str) -> None:
    assert allowed("Prefix", prefix)


@pytest.mark.parametrize("prefix", ["my photos/", "fotos/ü", "a&b/", "a+b", "100%/", "*", "a,b", "~x", "a\n"])
def test_a_prefix_of_others_is_refused(prefix: str) -> None:
    assert not allowed("Prefix", prefix)


@pytest.mark.parametrize(("versions", "expiry"), [(0, "*"), (30, "DeleteMarkerCreated")])
def test_the_queue_receives_removals_by_lifecycle_rules(versions: int, expiry: str) -> None:
    """S3 user guide, "Event notification types and destinations": s3:ObjectRemoved excludes expirations."""
    events = {each["Event"] for each in notified(Trigger="queue", KeepVersions=versions)["QueueConfigurations"]}
    assert events == {"s3:ObjectCreated:*", "s3:ObjectRemoved:*", f"s3:LifecycleExpiration:{expiry}"}


def test_every_event_for_the_queue_is_filtered_by_the_prefix() -> None:
    for each in notified(Trigger="queue", Prefix="photos/")["QueueConfigurations"]:
        assert each["Filter"] == {"S3Key": {"Rules": [{"Name": "prefix", "Value": "photos/"}]}}


@pytest.mark.parametrize(("trigger", "sent"), [("workflow", True), ("none", True), ("queue", False)])
def test_events_go_to_eventbridge_only_where_somebody_may_take_them(trigger: str, sent: bool) -> None:
    """S3 charges for each event (prices.py), whether or not a rule matches. With `none`, another stack's rule may."""
    assert ("EventBridgeConfiguration" in notified(Trigger=trigger)) is sent


def matches(pattern: Any, event: Any) -> bool:
    """Whether EventBridge matches an event, for the operators of our rule (EventBridge user guide, "Comparison
    operators")."""
    if isinstance(pattern, dict):
        rest = {key: value for key, value in pattern.items() if key != "$or"}
        return all(matches(value, (event or {}).get(key)) for key, value in rest.items()) and (
            "$or" not in pattern or any(matches(each, event) for each in pattern["$or"])
        )
    return any(_one(each, event) for each in pattern)


def _one(wanted: Any, value: Any) -> bool:
    if not isinstance(wanted, dict):
        return bool(wanted == value)
    ((operator, operand),) = wanted.items()
    if operator == "exists":
        return (value is not None) is operand
    assert operator == "prefix"
    return isinstance(value, str) and value.startswith(operand)


def s3_event(kind: str, reason: str, deletion: str | None = None, bucket: str = "pics") -> dict[str, Any]:
    """An event as in the S3 user guide, "EventBridge event message structure"."""
    detail: dict[str, Any] = {"bucket": {"name": bucket}, "object": {"key": "a.jpg"}, "reason": reason}
    return {
        "source": "aws.s3",
        "detail-type": kind,
        "detail": detail | ({"deletion-type": deletion} if deletion else {}),
    }


@pytest.mark.parametrize(
    ("event", "plain", "versioned"),
    [
        (s3_event("Object Created", "PutObject"), True, True),
        (s3_event("Object Created", "CompleteMultipartUpload"), True, True),
        (s3_event("Object Deleted", "DeleteObject", "Permanently Deleted"), True, True),  # perhaps the newest version
        (s3_event("Object Deleted", "DeleteObject", "Delete Marker Created"), True, True),
        (s3_event("Object Deleted", "Lifecycle Expiration", "Delete Marker Created"), True, True),
        (s3_event("Object Deleted", "Lifecycle Expiration", "Permanently Deleted"), True, False),
        (s3_event("Object Tags Added", "PutObjectTagging"), False, False),
        (s3_event("Object Created", "PutObject", bucket="other"), False, False),
    ],
)
def test_an_older_version_that_expires_starts_nothing(event: dict[str, Any], plain: bool, versioned: bool) -> None:
    for days, taken in ((0, plain), (30, versioned)):
        stack = Stack({"SourceBucket": "pics", "KeepVersions": days})
        assert matches(stack.properties("UploadRule")["EventPattern"], event) is taken


# --- Queue and concurrency


def test_the_mapping_never_asks_for_more_than_is_reserved() -> None:
    """Lambda developer guide, "Configuring maximum concurrency for Amazon SQS event sources"."""
    for reserved in (2, 10, 1000):
        stack = Stack({"Trigger": "queue", "ReservedConcurrency": reserved, "Concurrency": 50})
        assert stack.refusals() == []
        most = int(stack.properties("UploadQueueMapping")["ScalingConfig"]["MaximumConcurrency"])
        assert most <= int(stack.properties("ResizeFunction")["ReservedConcurrentExecutions"])
    shared = Stack({"Trigger": "queue", "Concurrency": 7}).properties("UploadQueueMapping")
    assert shared["ScalingConfig"] == {"MaximumConcurrency": "7"}


def test_the_mappings_concurrency_is_within_lambdas_range() -> None:
    takes = schema("AWS::Lambda::EventSourceMapping")["definitions"]["MaximumConcurrency"]
    for name in ("Concurrency", "ReservedConcurrency"):
        assert PARAMETERS[name]["MaxValue"] <= takes["maximum"]
    assert PARAMETERS["Concurrency"]["MinValue"] >= takes["minimum"] == 2
    assert PARAMETERS["ReservedConcurrency"]["MinValue"] == 0  # none
    (refusal,) = Stack({"Trigger": "queue", "ReservedConcurrency": 1}).refusals()
    assert "ReservedConcurrency" in refusal
    assert Stack({"ReservedConcurrency": 1}).refusals() == []


def test_a_full_account_for_an_hour_loses_no_upload() -> None:
    """A throttled batch counts as a receive, and SQS redelivers it after the visibility timeout."""
    for timeout in PARAMETERS["Timeout"]["AllowedValues"]:
        queue = Stack({"Trigger": "queue", "Timeout": timeout}).properties("UploadQueue")
        assert queue["RedrivePolicy"]["maxReceiveCount"] * queue["VisibilityTimeout"] > 3600


# --- Logs


def test_log_groups_that_other_services_deliver_to_are_under_vendedlogs() -> None:
    """A resource policy of 5,120 characters for the whole account lists each of the others (Step Functions
    developer guide, "Logging using CloudWatch Logs"; "Policy document length breaking Cloudwatch Logs Constraints")."""
    stack = Stack()
    delivered = [stack.properties("ApiStage")["AccessLogSettings"]["DestinationArn"]]
    for name in ("ResizeWorkflow", "BackfillWorkflow"):
        (destination,) = stack.properties(name)["LoggingConfiguration"]["Destinations"]
        delivered.append(destination["CloudWatchLogsLogGroup"]["LogGroupArn"])
    groups = [stack.properties(each["Fn::GetAtt"][0])["LogGroupName"] for each in delivered]
    assert len({*groups}) == 3
    assert all(group.startswith("/aws/vendedlogs/") for group in groups)


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_two_resources_have_the_same_log_group_or_alarm(name: str) -> None:
    source = template(name)
    for stack in combinations({"Trigger", "Monitoring", "WorkflowType"} & source["Parameters"].keys(), source):
        for kind, key in (("AWS::Logs::LogGroup", "LogGroupName"), ("AWS::CloudWatch::Alarm", "AlarmName")):
            named = [each["Properties"][key] for each in stack.resources.values() if each["Type"] == kind]
            assert len(named) == len({*named})
