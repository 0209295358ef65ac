"""All clients call S3 at the regional endpoint of every AWS partition."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import botocore
import obstore
import pytest

from tinypics.aws import s3
from tinypics.stack.clients import Cloud
from tinypics.store import location
from tinypics.store.s3 import is_loopback, s3_endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTITIONS: list[dict[str, Any]] = json.loads(
    (Path(botocore.__file__).parent / "data" / "partitions.json").read_text()
)["partitions"]
DOMAINS = {
    region: partition["outputs"]["dnsSuffix"]
    for partition in PARTITIONS
    for region in partition["regions"]
    if not region.endswith("-global")
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Credentials, no endpoint, and no cached client of another region."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    opened = (s3.open_bucket, location._client)
    for each in opened:
        each.cache_clear()
    yield
    for each in opened:
        each.cache_clear()


def host(store: Any) -> str | None:
    return urlsplit(obstore.sign(store, "GET", "a.jpg", timedelta(minutes=1))).hostname


@pytest.mark.parametrize("region", DOMAINS)
def test_every_region_that_botocore_knows_has_its_partitions_domain(region: str) -> None:
    endpoint = s3_endpoint("pics", region) or f"https://pics.s3.{region}.amazonaws.com"
    assert endpoint == f"https://pics.s3.{region}.{DOMAINS[region]}"


@pytest.mark.parametrize("region", ["eu-central-1", "us-gov-west-1", "cn-north-1", "cn-northwest-1", "eusc-de-east-1"])
def test_the_function_the_command_line_and_the_console_ask_there(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", region)
    expected = f"pics.s3.{region}.{DOMAINS[region]}"
    assert host(s3.open_bucket("pics")._store) == expected
    assert host(Cloud(boto3.Session(region_name=region)).bucket("pics")._store) == expected
    assert host(location.Location.parse("s3://pics").bucket()._store) == expected


def test_an_endpoint_that_is_named_goes_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "cn-north-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert host(s3.open_bucket("pics")._store) == "127.0.0.1"


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("http://127.0.0.1:4566", True),
        ("https://localhost", True),
        ("http://[::1]:9000", True),
        ("https://s3.example.com", False),
        ("http://10.0.0.7:9000", False),
        ("ftp://127.0.0.1", False),
        ("127.0.0.1:4566", False),
    ],
)
def test_an_endpoint_on_this_computer_is_recognised(endpoint: str, expected: bool) -> None:
    assert is_loopback(endpoint) is expected
