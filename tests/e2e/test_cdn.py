"""The stack of cdn.yaml in the emulator: stored pictures from a private bucket through CloudFront.

`test_serving` asks for those that are made on demand."""

from __future__ import annotations

import http.client
import importlib.util
import json
import shutil
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from typer.testing import CliRunner

from tests.delivery.test_manifest import Tags
from tests.local_stack import PROJECT
from tests.pictures import encoded, photo
from tests.waiting import PATIENCE
from tinypics.cli.app import app
from tinypics.local import deploy
from tinypics.stack import deployed
from tinypics.stack.clients import Cloud
from tinypics.stack.deployed import cdn_stack, outputs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(shutil.which("node") is None, reason="the emulator runs CloudFront's functions with node"),
]

WAIT = {"Delay": 0.1, "MaxAttempts": 600}
KEY = "a+b %ü日本.jpg"
OUTPUT = f"{KEY}/32x.jpg"
ETAG = "5d41402abc4b2a76b9719d911017c592"


class Site:
    """A distribution in the emulator, which finds it by the Host header."""

    def __init__(self, cloud: Cloud, data: Path, made: dict[str, str]) -> None:
        self.cloud = cloud
        self.data = data
        self.base = made["UrlBase"]
        self.domain = made["DistributionDomain"]

    def get(self, path: str, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
        address = urlsplit(str(self.cloud.endpoint))
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=PATIENCE)
        connection.request(method, path, headers={"Host": self.domain, **headers})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    parameters = {"Cdn": "on", "Dynamic": "off", "Renditions": "32x,hero=16x", "Api": "off", "AutoFormats": "avif,webp"}
    data = tmp_path_factory.mktemp("served")
    with deploy.running(data, PROJECT, 0, parameters) as (_, facts):
        cloud = Cloud.local(facts.endpoint, facts.region)
        made = outputs(cloud.client("cloudformation"), cdn_stack(deploy.STACK))
        store(cloud.client("s3"), facts.stack.output_bucket)
        allow_plain_http(cloud)
        yield Site(cloud, data, made)


def allow_plain_http(cloud: Cloud) -> None:
    """Remove the statement that requires TLS, because the emulator counts CloudFront's own requests as plain HTTP."""
    s3, bucket = cloud.client("s3"), deploy.BUCKETS["OutputBucket"]
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    policy["Statement"] = [each for each in policy["Statement"] if each["Sid"] != "TlsOnly"]
    if policy["Statement"]:
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    else:
        s3.delete_bucket_policy(Bucket=bucket)


def store(s3: Any, bucket: str) -> None:
    """A stored output of each format, as the function stores them."""
    for extension, kind in (("jpg", "image/jpeg"), ("webp", "image/webp")):
        s3.put_object(
            Bucket=bucket,
            Key=f"{KEY}/32x.{extension}",
            Body=encoded(photo((32, 24)), extension.replace("jpg", "jpeg").upper()),
            ContentType=kind,
            Metadata={"tinypics-source-etag": ETAG, "tinypics-recipe": "1"},
        )


def path(key: str = OUTPUT) -> str:
    return "/" + quote(key)


def test_a_stored_picture_is_served_with_its_headers_and_without_its_metadata(site: Site) -> None:
    answer = site.get(path(), Origin="https://shop.example.com")
    headers = {name.lower(): value for name, value in answer.getheaders()}
    assert (answer.status, headers["content-type"]) == (200, "image/jpeg")
    assert headers["cache-control"] == "public, max-age=60, stale-while-revalidate=300"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["access-control-allow-origin"] == "*"
    assert not [name for name in headers if name.startswith("x-amz-meta-")]


@pytest.mark.parametrize(("version", "kept"), [(ETAG[:8], True), ("00000000", False)])
def test_only_the_version_that_is_there_may_be_kept(site: Site, version: str, kept: bool) -> None:
    answer = site.get(f"{path()}?v={version}")
    assert ("immutable" in str(answer.getheader("Cache-Control"))) == kept


def test_a_browser_gets_the_best_format_that_it_accepts(site: Site) -> None:
    answer = site.get(path(f"{KEY}/32x.auto"), Accept="image/webp,*/*")
    assert (answer.status, answer.getheader("Content-Type")) == (200, "image/webp")
    assert answer.getheader("Vary") == "accept"


def test_a_picture_that_is_known_is_not_sent_again(site: Site) -> None:
    etag = str(site.get(path()).getheader("ETag"))
    assert site.get(path(), "GET", **{"If-None-Match": etag}).status == 304
    assert site.get(path(), "HEAD").status == 200


@pytest.mark.parametrize(
    ("asked", "status"),
    [("/a//b.jpg", 400), ("/%2e%2e/b.jpg", 400), ("/a/manifest.json", 404), ("/n.jpg", 403)],
)
def test_an_address_without_a_picture_says_so(site: Site, asked: str, status: int) -> None:
    assert site.get(asked).status == status


def test_nobody_writes_through_the_distribution(site: Site) -> None:
    assert site.get(path(), "PUT").status == 403


def command(site: Site, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["url", *arguments, "--data", str(site.data)])


def test_the_command_prints_addresses_that_the_distribution_serves(site: Site) -> None:
    printed = command(site, KEY, "--base", site.base).stdout.split()
    assert [address.rpartition("/")[2] for address in printed] == ["32x.jpg", "hero.jpg"]
    assert site.get(urlsplit(printed[0]).path).status == 200


def test_the_command_looks_up_the_version(site: Site) -> None:
    source = deploy.BUCKETS["SourceBucket"]
    etag = site.cloud.client("s3").put_object(Bucket=source, Key="new.jpg", Body=b"1")["ETag"].strip('"')
    printed = command(site, "new.jpg", "hero.auto", "--base", site.base, "--version").stdout
    assert printed == f"{site.base}new.jpg/hero.auto?v={etag[:8]}\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["a.jpg", "32x", "--base", "https://a/", "--expires", "2h"], "--expires: expected with --sign"),
        (["a.jpg", "32y", "--base", "https://a/"], "rendition: expected a size"),
        (["a//b.jpg", "32x", "--base", "https://a/"], "key: expected an object key"),
        (["none.jpg", "32x", "--base", "https://a/", "--version"], "HeadObject: 404"),
    ],
)
def test_the_command_says_what_is_wrong(site: Site, arguments: list[str], reason: str) -> None:
    done = command(site, *arguments)
    assert done.exit_code != 0
    assert reason in done.stderr


@pytest.fixture(scope="module")
def example() -> Any:
    spec = importlib.util.spec_from_file_location("browser_upload", PROJECT / "examples" / "browser_upload.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def submit(form: str, data: bytes) -> tuple[int, str]:
    """Send a form as a browser does; the status and the address that it is sent to."""
    tags = Tags(form).found
    parts = [
        f'--limit\r\nContent-Disposition: form-data; name="{field["name"]}"\r\n\r\n{field["value"]}\r\n'
        for name, field in tags
        if name == "input" and field["type"] == "hidden"
    ]
    parts.append('--limit\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n')
    action = urlsplit(str(tags[0][1]["action"]))
    connection = http.client.HTTPConnection(str(action.hostname), action.port, timeout=PATIENCE)
    body = "".join(parts).encode() + data + b"\r\n--limit--\r\n"
    connection.request("POST", action.path, body, {"Content-Type": "multipart/form-data; boundary=limit"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, str(answer.getheader("Location"))


def test_a_browsers_upload_has_its_address_at_once(site: Site, example: Any) -> None:
    s3, bucket = site.cloud.client("s3"), deploy.BUCKETS["SourceBucket"]
    picture = encoded(photo((32, 24)), "JPEG")
    status, back = submit(example.form(s3, bucket, "http://127.0.0.1:8000/uploaded"), picture)
    assert (status, back.partition("?")[0]) == (303, "http://127.0.0.1:8000/uploaded")
    (_, image) = Tags(example.uploaded(urlsplit(back).query, site.base, ["32x.auto"])).found[-1]
    key = dict(parse_qsl(urlsplit(back).query))["key"]
    stored = s3.get_object(Bucket=bucket, Key=key)
    assert stored["Body"].read() == picture
    assert image["src"] == f"{site.base}{key}/32x.auto?v={stored['ETag'].strip(chr(34))[:8]}"


def test_the_form_allows_no_file_above_its_limit(site: Site, example: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example, "MAX_BYTES", 100)
    form = example.form(site.cloud.client("s3"), deploy.BUCKETS["SourceBucket"], "http://127.0.0.1:8000/uploaded")
    assert submit(form, b"x" * 101)[0] == 400


@pytest.mark.parametrize(
    "query", ["", "key=other/a.jpg&etag=5d41402a", "key=uploads/<b>//&etag=1", "key=uploads/a&etag=<b>"]
)
def test_a_made_up_address_shows_no_picture_and_no_markup(example: Any, query: str) -> None:
    shown = example.uploaded(query, "https://a.example/", ["32x"])
    assert [name for name, _ in Tags(shown).found] == ["p"]


def test_the_stack_is_found_with_the_addresses_of_its_cdn(site: Site) -> None:
    cloudformation = site.cloud.client("cloudformation")
    assert deployed.find(cloudformation, deploy.STACK).cdn_url == site.base


def test_without_cdn_the_bucket_is_closed_again(site: Site) -> None:
    """The last test of this module, because it updates the stack and deletes the CDN's."""
    cloudformation = site.cloud.client("cloudformation")
    declared = cloudformation.describe_stacks(StackName=deploy.STACK)["Stacks"][0]["Parameters"]
    for value, status in (("off", 403), ("on", 200)):
        cloudformation.update_stack(
            StackName=deploy.STACK,
            UsePreviousTemplate=True,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[
                {"ParameterKey": each["ParameterKey"], "ParameterValue": value}
                if each["ParameterKey"] == "Cdn"
                else {"ParameterKey": each["ParameterKey"], "UsePreviousValue": True}
                for each in declared
            ],
        )
        cloudformation.get_waiter("stack_update_complete").wait(StackName=deploy.STACK, WaiterConfig=WAIT)
        allow_plain_http(site.cloud)
        assert site.get(path()).status == status
    cloudformation.delete_stack(StackName=cdn_stack(deploy.STACK))
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=cdn_stack(deploy.STACK), WaiterConfig=WAIT)
    assert deployed.find(cloudformation, deploy.STACK).cdn_url is None
