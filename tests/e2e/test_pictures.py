"""The commands about single pictures, and `tinypics connect`, with the shared emulator."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.e2e.world import photo
from tinypics.cli.app import app
from tinypics.stack.troubleshooting import advice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typer.testing import Result

    from tests.local_stack import LocalStack

pytestmark = pytest.mark.e2e

IN, OUT = "original-pics", "tiny-pics"


@pytest.fixture
def cli(stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(name: str, *arguments: str, **options: Any) -> Result:
        return CliRunner().invoke(app, [name, *arguments, "--data", str(stack.data)], **options)

    return run


@pytest.fixture
def here(stack: LocalStack) -> str:
    """The option that printed commands repeat."""
    return f"--data {stack.data}"


@pytest.fixture
def renditions(stack: LocalStack) -> Iterator[Callable[[str], None]]:
    """Changes the function's renditions during a test."""
    function = stack.facts.stack.function
    before = stack.functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]

    def change(texts: str) -> None:
        stack.functions.update_function_configuration(
            FunctionName=function, Environment={"Variables": before | {"TINYPICS_RENDITIONS": texts}}
        )

    yield change
    stack.functions.update_function_configuration(FunctionName=function, Environment={"Variables": before})


def put(cli: Callable[..., Result], name: str, data: bytes, folder: Path, *options: str) -> Result:
    (folder / name).write_bytes(data)
    return cli("put", str(folder / name), *options)


def opened(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(path.read_bytes()))


def why(cli: Callable[..., Result], key: str) -> tuple[int, dict[str, Any]]:
    done = cli("why", key, "--json")
    assert done.stdout, done.output
    return done.exit_code, json.loads(done.stdout)


def test_put_prints_where_the_output_is_and_how_to_get_it(
    cli: Callable[..., Result], here: str, tmp_path: Path
) -> None:
    done = put(cli, "where.bmp", bmp(), tmp_path, "--prefix", "holiday")
    assert done.exit_code == 0, done.output
    assert re.search(r"\n  → http://127\.0\.0\.1:\d+/_aws/lambda-url/\w+/holidaywhere\.bmp\.jpg\n", done.stdout)
    assert "--prefix holiday/" in done.stderr
    assert f"tinypics get {here} holidaywhere.bmp\n" in done.stderr
    got = cli("get", "holidaywhere.bmp")
    assert got.exit_code == 0, got.output
    assert opened(tmp_path / "holidaywhere.bmp.jpg").size == (128, 128)


def bmp() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (160, 120), "navy").save(buffer, "BMP")
    return buffer.getvalue()


def test_a_folder_is_put_listed_and_removed(cli: Callable[..., Result], stack: LocalStack, tmp_path: Path) -> None:
    (tmp_path / "album" / "day").mkdir(parents=True)
    for name in ("one.jpg", "day/two.jpg"):
        (tmp_path / "album" / name).write_bytes(photo())
    assert cli("put", "album", "--prefix", "album/").exit_code == 0
    listed = cli("ls", "album/").stdout.splitlines()
    assert [line.split()[-1] for line in listed] == ["album/day/two.jpg", "album/one.jpg"]
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d +[\d.]+ kB  album/day/two.jpg$", listed[0])
    outputs = json.loads(cli("ls", "album/", "--outputs", "--json").stdout)
    assert [each["key"] for each in outputs] == ["album/day/two.jpg", "album/one.jpg"]
    assert "more than 1" in cli("ls", "album/", "--max", "1").stderr
    refused = cli("rm", "album/one.jpg", "album/on.jpg", "--yes")
    assert refused.exit_code == 1
    assert "original-pics has no album/on.jpg. Similar keys: album/one.jpg" in refused.stderr
    assert cli("rm", "album/one.jpg", input="n\n").exit_code == 1
    done = cli("rm", "album/one.jpg", "album/day/two.jpg", "--yes")
    assert done.exit_code == 0, done.output
    assert "✓ album/one.jpg  removed album/one.jpg: the source is gone" in done.stdout
    assert cli("ls", "album/").exit_code == 1
    assert stack.s3.list_objects_v2(Bucket=OUT, Prefix="album/").get("KeyCount", 0) == 0


def test_get_does_not_overwrite_the_original(cli: Callable[..., Result], here: str, tmp_path: Path) -> None:
    original = photo()
    put(cli, "get.jpg", original, tmp_path)
    refused = cli("get", "get.jpg")
    assert refused.exit_code == 1
    assert "get.jpg exists already: choose another file with --out FILE." in refused.stderr
    assert (tmp_path / "get.jpg").read_bytes() == original
    done = cli("get", "get.jpg", "--out", "small.jpg")
    assert re.match(r"small\.jpg  [\d.]+ (kB|bytes), from s3://tiny-pics/get\.jpg\n", done.stdout)
    assert opened(tmp_path / "small.jpg").size == (128, 128)
    assert cli("get", "get.jpg", "original", "--out", "-").stdout_bytes == original
    wrong = cli("get", "get.jpg", "800x")
    assert wrong.exit_code == 2
    assert 'RENDITION: expected 128x128 or original, got "800x"' in " ".join(wrong.stderr.replace("│", "").split())
    missing = cli("get", "getx.jpg")
    assert missing.exit_code == 1
    assert f"tiny-pics has no getx.jpg. The reason: tinypics why {here} getx.jpg" in missing.stderr
    assert not (tmp_path / "getx.jpg").exists()


def test_several_renditions_are_got_by_name(
    cli: Callable[..., Result], renditions: Callable[[str], None], tmp_path: Path
) -> None:
    renditions("small=32x32,64x-webp")
    done = put(cli, "several.jpg", photo(), tmp_path)
    assert re.search(r"\n  → http://\S+/several\.jpg/small\.jpg\n", done.stdout)
    asked = cli("get", "several.jpg")
    assert asked.exit_code == 2
    assert "small or 64x-webp or manifest or original" in " ".join(asked.stderr.replace("│", "").split())
    assert cli("get", "several.jpg", "64x-webp").exit_code == 0
    assert opened(tmp_path / "several.jpg-64x-webp.webp").format == "WEBP"


def test_why_of_a_good_picture(cli: Callable[..., Result], here: str, tmp_path: Path) -> None:
    put(cli, "good.png", photo(), tmp_path)
    done = cli("why", "good.png")
    assert done.exit_code == 0, done.output
    for line in (
        r"Source +s3://original-pics/good\.png  [\d.]+ kB, .*, by its content: jpeg",
        r"Events +the bucket sends them to EventBridge",
        r"Executions +\S+ \S+  SUCCEEDED  \S+",
        r"Log +\S+ \S+  SUCCESS",
        r"Recipe +128x128",
        r"Outputs +128x128  s3://tiny-pics/good\.png  128×128 \w+ .*, current",
    ):
        assert re.search(f"^{line}", done.stdout, re.MULTILINE), line
    assert (
        f"Every output is there and current.\n  tinypics get --out thumbnail-good.png {here} good.png\n" in done.stdout
    )


def test_why_of_a_broken_picture(cli: Callable[..., Result], tmp_path: Path) -> None:
    put(cli, "cut.jpg", photo()[:900], tmp_path)
    code, found = why(cli, "cut.jpg")
    assert (code, found["state"], found["error"]) == (1, "CorruptImage", "CorruptImage")
    assert found["source"]["content"] == "jpeg"
    assert [each["error"] for each in (*found["executions"], *found["log"])] == ["CorruptImage"] * 2
    assert [each["there"] for each in found["outputs"]] == [False]
    assert found["conclusion"].startswith("It cannot be resized: CorruptImage: ")
    assert found["steps"] == [advice("CorruptImage").do]


@pytest.mark.parametrize("name", ["why", "ls"])
def test_a_key_that_is_not_in_utf_8(cli: Callable[..., Result], name: str) -> None:
    done = cli(name, "\udcff.jpg")
    assert (done.exit_code, done.stderr) == (2, "\\udcff.jpg: expected text in UTF-8, as keys are\n")


def test_why_of_a_text_file(cli: Callable[..., Result], tmp_path: Path) -> None:
    put(cli, "text.jpg", b"this is text", tmp_path)
    _, found = why(cli, "text.jpg")
    assert "it looks like text" in found["source"]["content"]
    assert found["state"] == "UnsupportedFormat"


def test_why_of_a_key_that_is_not_there(cli: Callable[..., Result], stack: LocalStack) -> None:
    stack.s3.put_object(Bucket=IN, Key="why/IMG_1.JPG", Body=photo())
    code, found = why(cli, "why/img_1.jpg")
    assert (code, found["source"], found["near"]) == (1, None, ["why/IMG_1.JPG"])
    assert found["conclusion"] == "original-pics has no such key. Similar keys: why/IMG_1.JPG."


def test_why_of_the_key_of_an_output_names_its_source(cli: Callable[..., Result], here: str, tmp_path: Path) -> None:
    put(cli, "scan.bmp", bmp(), tmp_path)
    _, found = why(cli, "scan.bmp.jpg")
    assert found["made_from"] == "scan.bmp"
    assert found["steps"] == [f"tinypics why {here} scan.bmp"]


def test_why_of_outputs_of_another_recipe(
    cli: Callable[..., Result], here: str, renditions: Callable[[str], None], tmp_path: Path
) -> None:
    put(cli, "recipe one.jpg", photo(), tmp_path)
    renditions("64x64")
    code, found = why(cli, "recipe one.jpg")
    assert (code, found["state"], found["recipe"]) == (1, "wrong", ["64x64"])
    assert [(each["there"], each["current"]) for each in found["outputs"]] == [(True, False)]
    assert found["conclusion"] == "Its outputs are not current: made by another recipe."
    assert found["steps"] == [f"tinypics verify --fix --prefix 'recipe one.jpg' {here}"]
    assert cli("verify", "--fix", "--prefix", "recipe one.jpg").exit_code == 0
    assert why(cli, "recipe one.jpg")[0] == 0


def test_a_bucket_without_events_is_found_and_connected(
    cli: Callable[..., Result], here: str, stack: LocalStack
) -> None:
    arn = "arn:aws:sqs:us-east-1:000000000000:of-somebody"
    stack.client("sqs").create_queue(QueueName="of-somebody")
    rules = {"FilterRules": [{"Name": "prefix", "Value": "raw/"}]}
    other = {"Id": "theirs", "QueueArn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": rules}}
    stack.s3.put_bucket_notification_configuration(
        Bucket=IN, NotificationConfiguration={"QueueConfigurations": [other]}, SkipDestinationValidation=True
    )
    try:
        stack.s3.put_object(Bucket=IN, Key="silent.jpg", Body=photo())
        _, found = why(cli, "silent.jpg")
        assert (found["events"], found["executions"], found["log"]) == ("none", [], [])
        assert found["steps"] == [
            f"tinypics connect {here} original-pics",
            f"tinypics verify --fix --prefix silent.jpg {here}",
        ]
        shown = cli("connect", IN, "--dry-run")
        assert shown.exit_code == 1
        assert f"  keep  queue  {arn}  s3:ObjectCreated:*  prefix raw/\n  add   EventBridge" in shown.stdout
        assert cli("connect", IN, input="n\n").exit_code == 1
        assert "EventBridgeConfiguration" not in stack.s3.get_bucket_notification_configuration(Bucket=IN)
        done = cli("connect", IN, "--yes")
        assert done.exit_code == 0, done.output
    finally:
        cli("connect", IN, "--yes")
    after = stack.s3.get_bucket_notification_configuration(Bucket=IN)
    assert (after["EventBridgeConfiguration"], after["QueueConfigurations"]) == ({}, [other])
    again = cli("connect", IN)
    assert (again.exit_code, again.stdout) == (
        0,
        "original-pics sends its events to EventBridge already. There is nothing to change.\n",
    )
    stack.s3.put_bucket_notification_configuration(
        Bucket=IN, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )


def test_only_the_source_bucket_of_the_stack_is_connected(cli: Callable[..., Result]) -> None:
    done = cli("connect", "my-photos", "--yes")
    assert done.exit_code == 1
    assert 'BUCKET: expected original-pics, the source bucket of this stack, got "my-photos".' in done.stderr
    assert "CreateBuckets=output SourceBucket=my-photos" in done.stderr
