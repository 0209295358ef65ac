from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinypics.aws import events
from tinypics.aws.settings import Settings
from tinypics.delivery.outputs import Handling
from tinypics.delivery.request import Request, Skip
from tinypics.errors import AccessDenied, InvalidConfiguration, InvalidRequest, LoopRefused, TinypicsError
from tinypics.image.rendition import Rendition

EVENTS = Path(__file__).parents[2] / "events"
SETTINGS = Settings(output_bucket="tiny-pics", renditions=(Rendition(width=200),))
MISSION = {"bucket": "original-pics", "key": "a.jpg", "dest_bucket": "tiny-pics", "width": 128, "height": 128}

AWKWARD = [
    "a b/ü+%41&=.jpg",
    "100%.png",
    "日本/写真.jpeg",
    "k" * 1000,
    "plus+plus.jpg",
    "%2B%20%%%.png",
    "a:b;c,d@e$f!g(h)'i\"j.jpg",
    "\u202egnp.exe.jpg",
    "<script>.jpg",
    "e\u0301.jpg",
    "🏞️/🦊.jpg",
    "back\\slash?#*.jpg",
]


def sample(name: str) -> Any:
    return json.loads((EVENTS / name).read_text())


def notification(key: str, **changes: Any) -> dict[str, Any]:
    record = sample("s3-notification.json")["Records"][0]
    record["s3"]["object"]["key"] = quote_plus(key, safe="/")
    return {**record, **changes}


def eventbridge(key: str, size: int = 10) -> dict[str, Any]:
    event: dict[str, Any] = sample("eventbridge-upload.json")
    event["detail"]["object"] |= {"key": key, "size": size}
    return event


def parsed(record: object) -> Request:
    request = events.parse(record, SETTINGS)
    assert isinstance(request, Request)
    return request


def test_the_missions_event() -> None:
    request = parsed(sample("resize.json"))
    assert (request.bucket, request.key, request.dest_bucket) == ("original-pics", "yourImage.jpg", "tiny-pics")
    assert request.renditions == (Rendition(width=128, height=128),)
    assert not request.in_folder


def test_every_optional_field() -> None:
    request = parsed(sample("resize-options.json") | {"version_id": "v1", "lenient": True})
    assert request.renditions == (
        Rendition(width=1600, height=900, gravity="attention", format="webp", quality=80, enlarge=False),
    )
    assert (request.dest_key, request.version_id, request.lenient) == ("heroes/yourImage.webp", "v1", True)


@pytest.mark.parametrize("version", ["a b", "ü", "a\n", "\x7f", "x" * 1025])
def test_a_malformed_version_is_refused_before_any_call(version: str) -> None:
    with pytest.raises(InvalidRequest, match="^version_id: expected"):
        parsed(MISSION | {"version_id": version})


@pytest.mark.parametrize("version", ["null", "3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY", "KJ0Q.hrtSrIwT_y~R7-=", "x" * 1024])
def test_a_version_is_taken_as_s3_gives_it(version: str) -> None:
    assert parsed(MISSION | {"version_id": version}).version_id == version


def test_a_list_of_renditions_as_texts_and_objects() -> None:
    request = parsed(sample("renditions.json"))
    assert [str(rendition) for rendition in request.renditions] == ["128x128", "800x-webp", "hero=1600x900-q85"]
    assert request.in_folder


def test_what_a_direct_event_leaves_out_comes_from_the_settings() -> None:
    request = parsed({"bucket": "original-pics", "key": "k"})
    assert (request.dest_bucket, request.renditions) == ("tiny-pics", SETTINGS.renditions)


@pytest.mark.parametrize("key", AWKWARD)
def test_every_shape_of_event_leads_to_the_same_key(key: str) -> None:
    assert parsed({"bucket": "original-pics", "key": key}).key == key
    assert parsed(notification(key)).key == key
    assert parsed(eventbridge(key)).key == key


@pytest.mark.parametrize("name", ["s3-notification.json", "eventbridge-upload.json"])
def test_sample_uploads_name_the_same_object(name: str) -> None:
    (record,) = events.split(sample(name))
    request = parsed(record)
    assert (request.bucket, request.key) == ("original-pics", "a b/ü+%41&=.jpg")
    assert (request.dest_bucket, request.renditions) == ("tiny-pics", SETTINGS.renditions)


def test_an_upload_requests_the_current_object_with_the_etag_of_the_event() -> None:
    for request in (parsed(notification("a.jpg")), parsed(eventbridge("a.jpg"))):
        assert (request.follows, request.version_id) == (True, None)
        assert request.etag == "d41d8cd98f00b204e9800998ecf8427e"
    assert not parsed(MISSION).follows


@pytest.mark.parametrize(
    "record",
    [
        notification("a.jpg", eventName="ObjectRemoved:Delete"),
        notification("a.jpg", eventName="s3:ObjectRemoved:DeleteMarkerCreated"),
        notification("a.jpg", eventName="LifecycleExpiration:Delete"),
        notification("a.jpg", eventName="s3:LifecycleExpiration:DeleteMarkerCreated"),
        eventbridge("a.jpg") | {"detail-type": "Object Deleted"},
    ],
)
def test_a_removal_is_followed_or_skipped_as_the_settings_say(record: dict[str, Any]) -> None:
    request = parsed(record)
    assert (request.follows, request.etag) == (True, None)
    kept = events.parse(record, Settings(output_bucket="tiny-pics", handling=Handling(follow_deletes=False)))
    assert isinstance(kept, Skip)


def test_outputs_are_below_the_output_prefix_and_uploads_there_are_skipped() -> None:
    settings = Settings(
        output_bucket="original-pics", output_buckets=frozenset({"original-pics"}), output_prefix="thumbs/"
    )
    request = events.parse(eventbridge("a.jpg"), settings)
    assert isinstance(request, Request)
    assert request.base_key == "thumbs/a.jpg"
    skipped = events.parse(eventbridge("thumbs/a.jpg"), settings)
    assert isinstance(skipped, Skip)
    assert "below the output prefix" in skipped.reason
    with pytest.raises(LoopRefused):
        events.parse({"bucket": "original-pics", "key": "thumbs/a.jpg", "width": 5}, settings)


def test_messages_of_a_queue_carry_any_event() -> None:
    batch = {
        "Records": [
            {"eventSource": "aws:sqs", "messageId": str(number), "body": body}
            for number, body in enumerate([json.dumps(MISSION), "{not json", "[" * 100_000])
        ]
    }
    assert events.is_queue_batch(batch)
    assert events.queue_messages(batch) == [("0", MISSION), ("1", "{not json"), ("2", "[" * 100_000)]
    others: list[object] = [MISSION, {"Records": []}, {"Records": [notification("a.jpg")]}, {"Records": [1]}, [], None]
    for other in others:
        assert not events.is_queue_batch(other)


def test_a_notification_of_several_records_is_several_units_of_work() -> None:
    event = {"Records": [notification("a.jpg"), notification("b.jpg")]}
    assert [parsed(record).key for record in events.split(event)] == ["a.jpg", "b.jpg"]
    assert events.split(MISSION) == [MISSION]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (sample("s3-test-event.json"), "a test event"),
        (notification("x/") | {"s3": {"bucket": {"name": "b"}, "object": {"key": "x/", "size": 0}}}, "folder marker"),
        (eventbridge("x/", size=0), "folder marker"),
        ({"bucket": "b", "key": "x/"}, "folder marker"),
        (notification("a.jpg", eventName="ObjectTagging:Put"), "neither a created nor a removed object: ObjectTagging"),
        (eventbridge("a.jpg") | {"detail-type": "Object Tags Added"}, "neither a created nor a removed object: Object"),
    ],
)
def test_what_asks_for_no_work_is_skipped_with_a_reason(record: object, reason: str) -> None:
    skip = events.parse(record, SETTINGS)
    assert isinstance(skip, Skip)
    assert reason in skip.reason


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 0}, "width: expected a whole number .*, got 0"),
        ({"width": "128"}, 'width: expected a whole number .*, got "128"'),
        ({"width": True}, "width: expected a whole number .*, got true"),
        ({"height": 1.5}, "height: expected a whole number .*, got 1.5"),
        ({"fit": "crop"}, 'fit: expected .*cover.*, got "crop"'),
        ({"bucket": None}, "bucket: expected text, got nothing"),
        ({"bucket": ""}, "bucket: expected the name of a bucket"),
        ({"key": 7}, "key: expected text, got 7"),
        ({"key": ""}, "key: expected an object key"),
        ({"key": "a/../b"}, "key: expected an object key without"),
        ({"lenient": "yes"}, "lenient: expected true or false"),
        ({"colour": "red"}, 'event: expected only the fields .*bucket.*width.*, got "colour"'),
        (
            {"renditions": ["64x64"]},
            "renditions: expected either a list or fields of one rendition, got .width, height",
        ),
    ],
)
def test_an_invalid_field_is_reported_by_name_allowed_values_and_given_value(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message):
        events.parse(MISSION | change, SETTINGS)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ([], "renditions: expected a list of 1 to 50"),
        ("128x128", "renditions: expected a list"),
        (["1x1"] * 51, "renditions: expected a list of 1 to 50"),
        (["128x128", "axb"], r"renditions\[1\]: rendition: expected"),
        ([{"width": 10, "fit": "no"}], r"renditions\[0\]: fit: expected"),
        ([5], r"renditions\[0\]: expected a text like 128x128 or an object, got 5"),
    ],
)
def test_a_bad_list_of_renditions_names_the_part(asked: object, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        events.parse({"bucket": "b", "key": "k", "renditions": asked}, SETTINGS)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (None, "event: expected a JSON object, got nothing"),
        ([], "event: expected a JSON object"),
        ("text", 'event: expected a JSON object, got "text"'),
        ({}, "bucket: expected the name of a bucket, got nothing"),
        ({"s3": {}}, r"Records\[\]\.s3\.bucket\.name: expected"),
        ({"s3": {"bucket": {"name": "b"}}}, r"object\.key: expected"),
        ({"s3": {"bucket": {"name": "b"}, "object": {"key": "%ff.jpg"}}}, "form-encoded key in UTF-8"),
        ({"detail-type": "Object Created", "detail": {}}, r"detail\.bucket\.name: expected"),
        ({"detail-type": "Object Created"}, "detail: expected an object"),
    ],
)
def test_an_event_of_no_known_shape_is_refused_by_name(event: object, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        events.parse(event, SETTINGS)


def test_without_an_output_bucket_the_event_must_name_one() -> None:
    with pytest.raises(InvalidRequest, match="dest_bucket: expected the name of a bucket, got nothing"):
        events.parse({"bucket": "b", "key": "k"}, Settings())
    with pytest.raises(
        InvalidConfiguration, match="TINYPICS_OUTPUT_BUCKET: expected the name of a bucket, got nothing"
    ):
        events.parse(eventbridge("a.jpg"), Settings())


FOREIGN = [
    (MISSION | {"bucket": "foreign"}, 'bucket: expected a bucket of this stack (original-pics), got "foreign"'),
    (MISSION | {"dest_bucket": "foreign"}, 'dest_bucket: expected a bucket of this stack (tiny-pics), got "foreign"'),
    (notification("a.jpg", s3={"bucket": {"name": "foreign"}, "object": {"key": "a.jpg"}}), "bucket: expected"),
    (eventbridge("a.jpg") | {"detail": {"bucket": {"name": "foreign"}, "object": {"key": "a"}}}, "bucket: expected"),
]


@pytest.mark.parametrize(("event", "message"), FOREIGN)
def test_a_bucket_that_is_not_the_stacks_is_refused_before_any_call(event: dict[str, Any], message: str) -> None:
    with pytest.raises(AccessDenied) as refused:
        events.parse(event, SETTINGS)
    assert message in str(refused.value)


def test_buckets_that_the_stack_was_given_are_taken() -> None:
    more = Settings.from_environment(
        {
            "TINYPICS_SOURCE_BUCKETS": "original-pics,arn:aws:s3:::attic",
            "TINYPICS_OUTPUT_BUCKET": "tiny-pics",
            "TINYPICS_OUTPUT_BUCKETS": "arn:aws:s3:::web",
        }
    )
    request = events.parse(MISSION | {"bucket": "attic", "dest_bucket": "web"}, more)
    assert isinstance(request, Request)
    with pytest.raises(AccessDenied, match="original-pics or attic|attic or original-pics"):
        events.parse(MISSION | {"bucket": "web"}, more)


def test_an_upload_into_the_output_bucket_is_refused() -> None:
    event = eventbridge("a.jpg")
    event["detail"]["bucket"]["name"] = "tiny-pics"
    with pytest.raises(LoopRefused):
        events.parse(event, SETTINGS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from([
            "Records", "s3", "detail", "detail-type", "bucket", "object", "name", "key", "size", "width", "height",
            "renditions", "Event", "eventName", "dest_bucket", "fit", "gravity", "version_id",
        ]) | st.text(max_size=5),
        inner,
        max_size=5,
    ),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_any_json_is_a_request_a_skip_or_a_named_error(event: object) -> None:
    for record in events.split(event):
        assert set(events.subject(record)) <= {"source_bucket", "source_key", "dest_bucket"}
        try:
            assert isinstance(events.parse(record, SETTINGS), Request | Skip)
        except TinypicsError as error:
            assert error.message.isprintable()
            assert len(error.message) < 1000


@pytest.mark.parametrize(
    ("record", "subject"),
    [
        (MISSION, {"source_bucket": "original-pics", "source_key": "a.jpg", "dest_bucket": "tiny-pics"}),
        (notification("a b.jpg"), {"source_bucket": "original-pics", "source_key": "a b.jpg"}),
        (eventbridge("a+b.jpg"), {"source_bucket": "original-pics", "source_key": "a+b.jpg"}),
        ({"bucket": 5, "key": "k"}, {"source_key": "k"}),
        ({"detail": {"bucket": {"name": "b"}}}, {"source_bucket": "b"}),
        ("text", {}),
    ],
)
def test_the_subject_has_the_readable_fields_of_any_record(record: object, subject: dict[str, str]) -> None:
    assert events.subject(record) == subject
