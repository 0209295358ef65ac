"""A proxy enforces permissions for the emulator: the deployed role must allow each request to S3.

Requests need the actions of the service authorization reference ("Actions defined by Amazon S3"). The role must allow
all requests of the function, and the function must need all actions of the role.
"""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.e2e import faults
from tests.e2e.test_resize import IN, OUT, finished
from tests.e2e.world import BLUE, RED, World
from tests.local_stack import LocalStack
from tests.permissions import applies
from tests.pictures import encoded
from tests.pictures import photo as noise
from tinypics.backfill.journal import Journal
from tinypics.local import deploy
from tinypics.stack.clients import Cloud

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.e2e

PROJECT = Path(__file__).parents[2]
ACCOUNT = "000000000000"
PARAMETERS = {
    "Renditions": "64x48,thumb=32x32-webp",
    "Trigger": "none",
    "Api": "off",
    "Tags": "team=photos",
    "KeepVersions": "1",
    "MoreSourceBuckets": "arn:aws:s3:::attic,arn:aws:s3:::cellar",
    "MoreOutputBuckets": "arn:aws:s3:::web",
}


@dataclass
class Gate:
    """An action of the proxy: forwards requests that a statement of the role allows and none denies, and answers 403 to
    others. Buckets that are not in `owners` do not exist, and have no account."""

    statements: list[dict[str, Any]]
    owners: dict[str, str] = field(default_factory=dict)
    used: set[tuple[str, str]] = field(default_factory=set)
    denied: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, exchange: faults.Exchange) -> None:
        needs = list(needed(exchange))
        assert needs, exchange.handler.path
        missing = [need for need in needs if not self.allows(*need)]
        if missing:
            self.denied += missing
            return faults.ACCESS_DENIED(exchange)
        response, body = exchange.ask()
        bucket = needs[0][1].partition("/")[0]
        if response.status == 404 and not self.allows("s3:ListBucket", bucket):  # S3 does not reveal missing objects
            self.denied.append(("s3:ListBucket", bucket))
            return faults.ACCESS_DENIED(exchange)
        head = exchange.handler.command == "HEAD"
        length = int(response.getheader("Content-Length") or 0) if head else None
        return exchange.send(response.status, dict(response.getheaders()), body, length)

    def allows(self, action: str, resource: str) -> bool:
        owner = self.owners.get(resource.partition("/")[0])
        context = {} if owner is None else {"aws:ResourceAccount": owner}
        matching = [
            each
            for each in self.statements
            if any(fnmatchcase(action, pattern) for pattern in every(each["Action"]))
            and any(fnmatchcase(resource, pattern) for pattern in every(each["Resource"]))
            and applies(each, context)
        ]
        if not matching or any(each["Effect"] == "Deny" for each in matching):
            return False
        self.used.add((matching[0]["Sid"], action))
        return True


def every(value: str | list[str]) -> list[str]:
    """The items without the common prefix of all bucket ARNs."""
    return [item.removeprefix("arn:aws:s3:::") for item in ([value] if isinstance(value, str) else value)]


def needed(exchange: faults.Exchange) -> Iterator[tuple[str, str]]:
    """The actions for a request, each with its bucket or object."""
    url = urlsplit(exchange.handler.path)
    query = parse_qs(url.query, keep_blank_values=True)
    resource = unquote(url.path).lstrip("/")
    bucket, _, key = resource.partition("/")
    match exchange.handler.command:
        case "GET" | "HEAD" if not key:
            yield "s3:ListBucket", bucket
        case "GET" | "HEAD":
            yield ("s3:GetObjectVersion" if "versionId" in query else "s3:GetObject"), resource
        case "PUT":
            yield "s3:PutObject", resource
            if "If-Match" in exchange.handler.headers:
                yield "s3:GetObject", resource
            if "x-amz-tagging" in exchange.handler.headers:
                yield "s3:PutObjectTagging", resource
        case "DELETE":
            yield "s3:DeleteObject", resource
            if "If-Match" in exchange.handler.headers:
                yield "s3:GetObject", resource


def statements(cloud: Cloud, role: str, policy: str) -> list[dict[str, Any]]:
    """The statements of a role of the deployed stack."""
    iam = cloud.client("iam")
    (name,) = [each["RoleName"] for each in iam.list_roles()["Roles"] if f"-{role}-" in each["RoleName"]]
    found: list[dict[str, Any]] = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]["Statement"]
    return found


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Gate]]:
    data = tmp_path_factory.mktemp("guarded")
    with (
        deploy.running(data, PROJECT, port=0, parameters=PARAMETERS) as (_, facts),
        faults.proxied(facts.endpoint) as proxy,
    ):
        granted = statements(Cloud.local(facts.endpoint, facts.region), "ResizeRole", "resize")
        gate = Gate([each for each in granted if "s3:" in str(each["Action"])])
        world = World(LocalStack(facts, data), proxy)
        world.configure()
        for bucket in ("attic", "cellar", "web", "foreign"):
            world.s3.create_bucket(Bucket=bucket)
            world.s3.put_object(Bucket=bucket, Key="old.jpg", Body=RED)
        gate.owners.update({each["Name"]: ACCOUNT for each in world.s3.list_buckets()["Buckets"]})
        proxy.faults.append(faults.Fault(gate, "GET|HEAD|PUT|DELETE|POST", times=None))
        yield world, gate


def test_all_that_is_done_is_allowed_and_all_that_is_allowed_is_done(guarded: tuple[World, Gate]) -> None:
    world, gate = guarded
    made = world.invoke(world.upload("a.jpg", RED))
    assert [item["dest_key"] for item in made["renditions"]] == ["a.jpg/64x48.jpg", "a.jpg/thumb.webp"]
    assert world.s3.get_object_tagging(Bucket=OUT, Key="a.jpg/64x48.jpg")["TagSet"] == [
        {"Key": "team", "Value": "photos"}
    ]
    assert world.invoke(world.upload("a.jpg", BLUE))["status"] == "SUCCESS"  # replaces: If-Match
    png = world.invoke(world.upload("a.jpg", encoded(noise((64, 48)), "PNG")))  # the same keys
    assert (png["renditions"][0]["dest_key"], png["renditions"][0]["format"]) == ("a.jpg/64x48.jpg", "png")
    assert world.invoke(world.delete("a.jpg"))["removed"]
    assert world.outputs() == {}
    assert world.invoke({"bucket": IN, "key": "never.jpg", "width": 8})["error"] == "SourceNotFound"

    world.s3.put_object(Bucket=IN, Key="b.jpg", Body=RED)
    version = world.s3.head_object(Bucket=IN, Key="b.jpg")["VersionId"]
    one = {"bucket": IN, "key": "b.jpg", "version_id": version, "width": 8, "dest_key": "c.jpg"}
    assert world.invoke(one)["width"] == 8

    aside = {"bucket": "attic", "key": "old.jpg", "dest_bucket": "web", "renditions": ["8x", "16x"]}
    assert world.invoke(aside)["status"] == "SUCCESS"
    assert world.invoke(aside | {"renditions": ["8x"]})["status"] == "SUCCESS"  # 16x is deleted
    assert world.invoke(aside | {"key": "none.jpg"})["error"] == "SourceNotFound"
    stored = world.s3.list_object_versions(Bucket="attic")["Versions"][0]["VersionId"]
    assert world.invoke(aside | {"version_id": stored})["status"] == "SUCCESS"

    backfill_bucket = world.stack.facts.stack.backfill_bucket
    keys = {"source": "keys", "list_bucket": backfill_bucket, "list_key": "lists/some.jsonl"}
    world.s3.put_object(Bucket=backfill_bucket, Key=keys["list_key"], Body=b'{"key": "b.jpg"}\n')
    assert backfilled(world, {"bucket": IN, "prefix": "b"}) == {"b.jpg": "done"}
    assert backfilled(world, {"bucket": IN, **keys}) == {"b.jpg": "skipped"}
    assert backfilled(world, {"bucket": "attic"}) == {"old.jpg": "done"}

    assert gate.denied == []
    granted = [each for each in gate.statements if each["Effect"] == "Allow"]
    assert gate.used == {(each["Sid"], action) for each in granted for action in every(each["Action"])}


def backfilled(world: World, order: dict[str, Any]) -> dict[str, str]:
    """The outcome of each object of a backfill, whose requests go through the gate."""
    facts = world.stack.facts
    asked = json.dumps(order)
    arn = world.stack.workflows.start_execution(stateMachineArn=facts.stack.backfill, input=asked)["executionArn"]
    assert finished(world.stack, arn)["status"] == "SUCCEEDED"
    bucket = Cloud.local(facts.endpoint, facts.region).bucket(str(facts.stack.backfill_bucket))
    return {outcome.key: outcome.state for outcome in Journal(bucket, arn.rpartition(":")[2]).read()}


def test_the_api_starts_and_asks_and_nothing_else(tmp_path: Path) -> None:
    with (
        deploy.running(tmp_path, PROJECT, port=0, parameters={"Trigger": "none"}) as (_, facts),
        faults.proxied(facts.endpoint) as proxy,
    ):
        cloud = Cloud.local(facts.endpoint, facts.region)
        granted = {
            (action, each["Resource"])
            for each in statements(cloud, "ApiRole", "api")
            for action in every(each["Action"])
            if action.startswith("states:")
        }
        used: set[tuple[str, str]] = set()

        def gate(exchange: faults.Exchange) -> None:
            action = "states:" + exchange.handler.headers["X-Amz-Target"].rpartition(".")[2]
            asked = json.loads(exchange.body)
            resource = asked.get("stateMachineArn") or asked["executionArn"]
            used.update((a, pattern) for a, pattern in granted if a == action and fnmatchcase(resource, pattern))
            exchange.pass_on()

        proxy.faults.append(faults.Fault(gate, "POST", times=None))
        function = cloud.client("lambda")
        variables = function.get_function_configuration(FunctionName="tinypics-api")["Environment"]["Variables"]
        variables |= {"AWS_ENDPOINT_URL_SFN": proxy.endpoint}
        function.update_function_configuration(FunctionName="tinypics-api", Environment={"Variables": variables})
        assert facts.stack.api_url
        body = json.dumps({"bucket": IN, "key": "none.jpg"}).encode()
        with urllib.request.urlopen(f"{facts.stack.api_url}/resize", body) as response:
            started = json.load(response)
        with urllib.request.urlopen(f"{facts.stack.api_url}/resize/{started['id']}") as response:
            assert json.load(response)["id"] == started["id"]
        assert used == granted
        assert len(proxy.calls) == len(granted) == 2


def test_what_the_role_does_not_grant_is_denied_by_name(guarded: tuple[World, Gate]) -> None:
    world, gate = guarded
    world.configure(TINYPICS_SOURCE_BUCKETS="original-pics,foreign")  # a list with more buckets than the role
    answer = world.invoke({"bucket": "foreign", "key": "old.jpg", "width": 8})
    assert (answer["status"], answer["error"]) == ("FAILED", "AccessDenied")
    assert gate.denied
    gate.denied.clear()
    world.configure()


def test_a_bucket_that_another_account_made_again_is_denied_and_a_missing_one_is_missing(
    guarded: tuple[World, Gate],
) -> None:
    world, gate = guarded
    aside = {"bucket": "cellar", "key": "old.jpg", "dest_bucket": "web", "width": 8}
    gate.owners["cellar"] = "999999999999"
    assert world.invoke(aside)["error"] == "AccessDenied"
    assert {resource.partition("/")[0] for _, resource in gate.denied} == {"cellar"}
    gate.denied.clear()
    for each in world.s3.list_object_versions(Bucket="cellar")["Versions"]:
        world.s3.delete_object(Bucket="cellar", Key=each["Key"], VersionId=each["VersionId"])
    world.s3.delete_bucket(Bucket="cellar")
    del gate.owners["cellar"]
    assert world.invoke(aside)["error"] == "SourceNotFound"
    assert gate.denied == []
