"""The output of a check and of a repair, as text and as JSON."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import obstore
import pytest
import typer
from obstore.store import MemoryStore
from PIL import Image

from tinypics.aws import events
from tinypics.aws.settings import Settings
from tinypics.cli.target import Target
from tinypics.cli.terminal import CommandFailed
from tinypics.cli.verify import verify
from tinypics.delivery import reconcile
from tinypics.delivery.request import Request
from tinypics.errors import PermanentError
from tinypics.image.limits import Limits
from tinypics.image.pipeline import resize_all
from tinypics.store.bucket import Bucket


def photo() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "navy").save(buffer, "JPEG")
    return buffer.getvalue()


class TooManyRequests(Exception):
    pass


class Cloud:
    """A stack: two buckets in memory, and the function."""

    exceptions = type("exceptions", (), {"TooManyRequestsException": TooManyRequests})

    def __init__(self, **environment: str) -> None:
        self.stores = {"in": MemoryStore(), "out": MemoryStore()}
        self.stack = type("stack", (), {"function": "resize", "source_bucket": "in", "output_bucket": "out"})
        self.environment = {"TINYPICS_SOURCE_BUCKETS": "in"}
        self.environment |= {f"TINYPICS_{name}": text for name, text in environment.items()}
        self.raises: str | None = None
        self.limits = Limits()
        self.unlistable: list[dict[str, Any]] = []

    def client(self, service: str) -> Cloud:
        assert service in ("lambda", "s3")
        return self

    def bucket(self, name: str) -> Bucket:
        return Bucket(name, self.stores[name])

    def get_function_configuration(self, *, FunctionName: str) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == "resize"
        return {"MemorySize": 512, "Environment": {"Variables": {"TINYPICS_OUTPUT_BUCKET": "out", **self.environment}}}

    def get_paginator(self, operation: str) -> Cloud:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str, StartAfter: str) -> list[dict[str, Any]]:  # noqa: N803
        items = [item for page in obstore.list(self.stores[Bucket]) for item in page]
        listed = [
            {
                "Key": item["path"],
                "Size": item["size"],
                "ETag": f'"{item["e_tag"]}"',
                "LastModified": item["last_modified"],
            }
            for item in items
            if item["path"].startswith(Prefix) and item["path"] > StartAfter
        ]
        return [{"Contents": listed + (self.unlistable if Bucket == "in" else [])}, {}]

    def invoke(self, *, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == "resize"
        if self.raises == "TooManyRequests":
            raise TooManyRequests
        if self.raises:
            error = {"errorType": self.raises, "errorMessage": "503"}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(error).encode())}
        settings = Settings.from_environment({"TINYPICS_OUTPUT_BUCKET": "out", **self.environment})
        request = events.parse(json.loads(Payload), settings)
        assert isinstance(request, Request)
        answer = {"status": "SUCCESS"}
        try:
            reconcile.run(request, self.bucket, self.limits, settings.handling, resize_all)
        except PermanentError as error:
            answer = {"status": "FAILED", "error": error.name, "message": error.message}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    def put(self, bucket: str, key: str, data: bytes) -> None:
        obstore.put(self.stores[bucket], key, data)

    def verify(self, prefix: str = "", *, fix: bool = False, as_json: bool = False) -> int:
        target = Target(self, self.stack)  # type: ignore[arg-type]
        return verify(target, prefix, fix=fix, as_json=as_json, jobs=2)


def test_the_findings_of_a_check_and_advice(capsys: pytest.CaptureFixture[str]) -> None:
    cloud = Cloud()
    cloud.put("in", "\u202egpj.exe", photo())
    cloud.put("in", "b.txt", b"hello")
    cloud.put("out", "readme", b"hello")
    cloud.unlistable = [{"Key": "a//b.jpg", "Size": 9, "ETag": '"1"', "LastModified": datetime.now(UTC)}]
    assert cloud.verify() == 1
    assert capsys.readouterr().out.splitlines() == [
        "missing   \\u202egpj.exe  (there is none)",
        "unusable  b.txt  (UnsupportedFormat: not a picture in a supported format: it looks like text)",
        (
            "unusable  a//b.jpg  (InvalidRequest: key: expected an object key without control characters, empty, "
            '"." or ".." parts, or a slash at either end, got "a//b.jpg")'
        ),
        "foreign   readme  (not made by Tinypics: left alone)",
        "3 sources: 1 UnsupportedFormat, 1 wrong, 1 unreadable",
        "1 output: 1 foreign",
        "1 finding: `tinypics verify --fix` repairs them.",
        "0 of 3 sources have their outputs; 2 cannot be resized.",
    ]


EXACT = "Every picture has its outputs, and nothing else is there."


def test_one_object_of_each_kind_is_named_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    cloud = Cloud()
    for key in ("good.jpg", "lost.jpg", "old.jpg", "gone.jpg", "a.tif.jpg", "a.tif"):
        cloud.put("in", key, photo())
        cloud.invoke(FunctionName="resize", Payload=json.dumps(events.upload("in", key)))
    cloud.stores["in"].delete("gone.jpg")
    cloud.stores["out"].delete("lost.jpg")
    cloud.put("in", "old.jpg", photo() + b" ")
    cloud.put("in", "cut.jpg", photo()[:300])
    cloud.put("in", "note.txt", b"hello")
    cloud.put("out", "index.html", b"of another program")
    assert cloud.verify() == 1
    lines = capsys.readouterr().out.splitlines()
    assert sorted(line.split("  (")[0] for line in lines[:7]) == [
        "clashing  a.tif.jpg",
        "foreign   index.html",
        "missing   lost.jpg",
        "orphaned  gone.jpg",
        "stale     old.jpg",
        "unusable  cut.jpg",
        "unusable  note.txt",
    ]
    assert "unusable  cut.jpg  (CorruptImage: " in "\n".join(lines)
    assert lines[-1] == "2 of 7 sources have their outputs; 2 cannot be resized."
    assert cloud.verify(as_json=True) == 1
    report = json.loads(capsys.readouterr().out)
    assert [(each["source"], each["error"]) for each in report["unusable"]] == [
        ("cut.jpg", "CorruptImage"),
        ("note.txt", "UnsupportedFormat"),
    ]
    assert all(each["message"] for each in report["unusable"])
    assert report["foreign"] == ["index.html"]


@pytest.mark.parametrize(
    ("bucket", "key", "conclusion"),
    [
        ("in", "broken.jpg", "1 of 2 sources have their outputs; 1 cannot be resized."),
        ("out", "stray.jpg", "1 of 1 source have their outputs."),
    ],
)
def test_the_closing_sentence_is_printed_only_if_it_holds(
    capsys: pytest.CaptureFixture[str], bucket: str, key: str, conclusion: str
) -> None:
    cloud = Cloud()
    cloud.put("in", "good.jpg", photo())
    assert cloud.verify(fix=True) == 0
    assert capsys.readouterr().out.splitlines()[-1] == EXACT
    cloud.put(bucket, key, b"no picture")
    assert cloud.verify() == 0  # nothing to repair
    assert capsys.readouterr().out.splitlines()[-1] == conclusion


def test_the_prefix_of_one_unusable_picture_names_its_error(capsys: pytest.CaptureFixture[str]) -> None:
    cloud = Cloud()
    cloud.put("in", "good.jpg", photo())
    cloud.put("in", "broken.jpg", b"no picture")
    cloud.verify("broken.jpg")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("unusable  broken.jpg  (UnsupportedFormat: ")
    assert lines[-1] == "0 of 1 source have their outputs; 1 cannot be resized."


def test_a_prefix_that_matches_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    cloud = Cloud()
    assert cloud.verify() == 0
    assert capsys.readouterr().out.splitlines()[-1] == "There is nothing in in yet."
    cloud.put("in", "good.jpg", photo())
    assert cloud.verify("nosuch") == 1
    assert capsys.readouterr().out.splitlines()[-1] == "There is nothing in in that starts with nosuch."


def test_a_source_without_an_output_key_of_its_own_needs_another_key(capsys: pytest.CaptureFixture[str]) -> None:
    cloud = Cloud()
    for key in ("a.tif.jpg", "a.tif"):
        cloud.put("in", key, photo())
        cloud.invoke(FunctionName="resize", Payload=json.dumps(events.upload("in", key)))
    assert cloud.verify(fix=True) == 1
    assert capsys.readouterr().out.splitlines() == [
        'clashing  a.tif.jpg  (key: expected a source whose output no other source has, got "a.tif.jpg")',
        "2 sources: 1 clashing, 1 complete",
        "1 output: 1 managed",
        "A source that is clashing has no outputs: upload it under another key.",
        "1 of 2 sources have their outputs.",
    ]


def test_a_repair_reports_the_found_and_the_remaining_findings(capsys: pytest.CaptureFixture[str]) -> None:
    cloud = Cloud(RENDITIONS="16x16-webp")
    cloud.put("in", "a.jpg", photo())
    assert cloud.verify(fix=True) == 0
    assert capsys.readouterr().out.splitlines() == [
        "1 source: 1 complete",
        "1 output: 1 managed",
        "1 found, 0 left after the repair.",
        "Every picture has its outputs, and nothing else is there.",
    ]
    cloud.environment["TINYPICS_RENDITIONS"] = "16x16-png"  # another key: only then the old output is an orphan
    assert cloud.verify(fix=True) == 0
    assert [item["path"] for page in obstore.list(cloud.stores["out"]) for item in page] == ["a.jpg.png"]
    capsys.readouterr()
    assert cloud.verify() == 0
    assert "found" not in capsys.readouterr().out


def test_a_program_reads_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    cloud = Cloud(RENDITIONS="one=16x16", PREFIX="x/", OUTPUT_PREFIX="small/")
    cloud.put("in", "x/a.jpg", photo())
    cloud.put("in", "y/b.jpg", photo())
    marker = "small/x/a.jpg/manifest.json"
    missing = {"kind": "missing", "source": "x/a.jpg", "output": marker, "reason": "there is none", "etag": ""}
    report = {"source_bucket": "in", "output_bucket": "out", "prefix": "x/"}
    assert cloud.verify(as_json=True) == 1
    assert json.loads(capsys.readouterr().out) == report | {
        "sources": {"wrong": 1},
        "outputs": {},
        "findings": [missing],
        "unusable": [],
        "foreign": [],
    }
    assert cloud.verify(fix=True, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == report | {
        "sources": {"complete": 1},
        "outputs": {"managed": 2},
        "findings": [],
        "unusable": [],
        "foreign": [],
        "found": [missing],
    }


@pytest.mark.parametrize(
    ("raises", "said"),
    [
        ("StoreUnavailable", "a.jpg: StoreUnavailable: 503"),
        ("TooManyRequests", "a.jpg: Lambda throttles the function"),
        (None, "a.jpg: SourceTooLarge: object: expected at most 10 bytes"),
    ],
)
def test_failed_repairs_are_reported(capsys: pytest.CaptureFixture[str], raises: str | None, said: str) -> None:
    cloud = Cloud()
    cloud.put("in", "a.jpg", photo())
    cloud.raises = raises
    if raises is None:
        cloud.limits = Limits(bytes=10)
    assert cloud.verify(fix=True) == 1
    told = capsys.readouterr()
    assert told.err.splitlines()[-1].startswith(said)
    assert "1 found, 1 left after the repair." in told.out


@pytest.mark.parametrize(("asked", "checked"), [("", "in/"), ("i", "in/"), ("in/2026/", "in/2026/")])
def test_the_given_and_the_watched_prefix_both_count(
    capsys: pytest.CaptureFixture[str], asked: str, checked: str
) -> None:
    assert Cloud(PREFIX="in/").verify(asked, as_json=True) == (1 if asked else 0)  # there is no source
    assert json.loads(capsys.readouterr().out)["prefix"] == checked


def test_what_is_not_watched_cannot_be_checked() -> None:
    with pytest.raises(typer.BadParameter, match="watches only keys that start with in/"):
        Cloud(PREFIX="in/").verify("out/")


def test_invalid_settings_are_reported() -> None:
    with pytest.raises(CommandFailed, match="The function resize has invalid settings: TINYPICS_RENDITIONS"):
        Cloud(RENDITIONS="big").verify()
