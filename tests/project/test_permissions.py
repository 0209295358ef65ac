"""The permissions of the stack, and of its callers, in the transformed template."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.evaluated import PSEUDO, Stack
from tests.permissions import applies
from tests.transformed import CDN, MAIN, MONITORING, PROJECT, TEMPLATES, branches, resources, template

TEXT = "".join((PROJECT / name).read_text() for name in TEMPLATES)

ROLES = {logical: role for name in (MAIN, CDN) for logical, role in resources("AWS::IAM::Role", name).items()}
BUCKETS = resources("AWS::S3::Bucket")

# Services that act for other accounts: a role or queue must limit its trust in them. Lambda accepts only roles that its
# caller may pass.
DEPUTIES = {"states.amazonaws.com", "events.amazonaws.com", "s3.amazonaws.com", "apigateway.amazonaws.com"}


def stated(role: dict[str, Any]) -> list[dict[str, Any]]:
    policies = branches(role.get("Policies", []))
    return [each for policy in policies for each in branches(policy["PolicyDocument"]["Statement"])]


STATED = {f"{name}-{statement['Sid']}": statement for name, role in ROLES.items() for statement in stated(role)}
GRANTED = {name: statement for name, statement in STATED.items() if statement["Effect"] == "Allow"}
statements = pytest.mark.parametrize("statement", GRANTED.values(), ids=GRANTED)


def every(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def reason_beside(sid: str) -> str:
    """The comment directly above a statement of the template."""
    before = re.split(rf"- (?:\{{ )?Sid: {sid}\b", TEXT)[0].splitlines()[:-1]
    return before[-1].strip() if before and before[-1].strip().startswith("#") else ""


def test_there_is_something_to_look_at() -> None:
    assert len(GRANTED) > 10
    assert len(ROLES) >= 4
    assert not resources("AWS::IAM::Role", MONITORING)


@statements
def test_every_statement_names_single_actions(statement: dict[str, Any]) -> None:
    for action in every(statement["Action"]):
        assert re.fullmatch(r"[a-z0-9-]+:[A-Z][A-Za-z0-9]+", action), action


@statements
def test_every_statement_names_its_resources_or_why_it_cannot(statement: dict[str, Any]) -> None:
    if "*" in every(statement["Resource"]):
        assert "no finer resource" in reason_beside(statement["Sid"])
    for resource in every(statement["Resource"]):
        # Not only `*` itself: an ARN with a wildcard as service, account or name would be as broad.
        assert not re.search(r"arn:\*|:s3:::\*|:\*$", json.dumps(resource)) or "execution:" in json.dumps(resource)


@pytest.mark.parametrize("name", ROLES)
def test_only_buckets_of_this_account_are_read_and_written(name: str) -> None:
    """A missing bucket has no account, and S3 must be able to answer 404."""
    owner = next(source for source in map(template, (MAIN, CDN)) if name in source["Resources"])
    (policy,) = Stack({}, owner).properties(name)["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    denials = [each for each in statements if each["Effect"] == "Deny"]
    reaches_s3 = any("s3:" in json.dumps(each["Action"]) for each in statements if each["Effect"] == "Allow")
    assert [(each["Action"], each["Resource"]) for each in denials] == [("s3:*", "*")] * reaches_s3
    for denial in denials:
        assert applies(denial, {"aws:ResourceAccount": "999999999999"})
        assert not applies(denial, {"aws:ResourceAccount": PSEUDO["AWS::AccountId"]})
        assert not applies(denial, {})


def test_no_role_has_a_managed_policy_and_none_can_pass_a_role() -> None:
    assert not [name for name, role in ROLES.items() if role.get("ManagedPolicyArns")]
    assert "iam:" not in TEXT


def test_every_function_and_workflow_has_a_role_of_its_own() -> None:
    kinds = ("AWS::Lambda::Function", "AWS::StepFunctions::StateMachine")
    users = [user for name in (MAIN, CDN) for kind in kinds for user in resources(kind, name).values()]
    used = [json.dumps(user.get("Role") or user.get("RoleArn")) for user in users]
    assert len(set(used)) == len(used)
    assert all("GetAtt" in role for role in used)


@pytest.mark.parametrize("name", ROLES)
def test_a_role_is_trusted_to_one_service_that_acts_for_this_account(name: str) -> None:
    (trust,) = ROLES[name]["AssumeRolePolicyDocument"]["Statement"]
    service = trust["Principal"]["Service"]
    assert isinstance(service, str)
    if service in DEPUTIES:
        assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        assert "${AWS::StackName}" in json.dumps(trust["Condition"]["ArnLike"]["aws:SourceArn"])
    else:
        assert service == "lambda.amazonaws.com"


@pytest.mark.parametrize(("name", "policy"), resources("AWS::SQS::QueuePolicy").items(), ids=str)
def test_a_queue_takes_messages_of_this_stack_only(name: str, policy: dict[str, Any]) -> None:
    for statement in policy["PolicyDocument"]["Statement"]:
        assert statement["Principal"]["Service"] in DEPUTIES
        assert statement["Action"] == "sqs:SendMessage"
        assert statement["Condition"]["ArnEquals"]["aws:SourceArn"]
        if statement["Principal"]["Service"] == "s3.amazonaws.com":  # their ARNs contain no account
            assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


@pytest.mark.parametrize(("name", "permission"), resources("AWS::Lambda::Permission").items(), ids=str)
def test_a_function_is_called_for_this_account_only(name: str, permission: dict[str, Any]) -> None:
    assert permission["Principal"] in DEPUTIES
    assert permission["SourceArn"]
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}


def test_only_the_local_stack_has_an_open_url() -> None:
    cdn = template(CDN)
    assert Stack({"Emulator": "http://127.0.0.1:4566"}, cdn).properties("ServeUrl")["AuthType"] == "NONE"
    assert Stack({}, cdn).properties("ServeUrl")["AuthType"] == "AWS_IAM"
    off = Stack({"Dynamic": "off"}, cdn).resources
    assert not [name for name in off if name.startswith("Serve")]


def test_only_signed_addresses_need_a_secret() -> None:
    assert "ServeSecret" not in Stack({}, template(CDN)).resources
    assert "ServeSecret" in Stack({"Dynamic": "signed"}, template(CDN)).resources


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_private_encrypted_and_tidy(name: str) -> None:
    bucket = BUCKETS[name]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    algorithms = [way["SSEAlgorithm"] for way in branches(rule["ServerSideEncryptionByDefault"])]
    assert algorithms == ["aws:kms", "AES256"]
    rules = branches(bucket["LifecycleConfiguration"]["Rules"])
    assert any(rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation") for rule in rules)


def test_every_bucket_takes_tls_only() -> None:
    policies = policies_of_buckets()
    assert set(policies) == set(BUCKETS)
    for name, (deny, *allowed) in policies.items():
        assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "s3:*")
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert [json.dumps(resource).count(name) for resource in deny["Resource"]] == [1, 1]
        assert not allowed


@pytest.mark.parametrize(("only", "other_is_allowed"), [("*", True), ("E1A2B3C4D5E6F7", False)])
def test_only_distributions_of_this_account_read_outputs(only: str, other_is_allowed: bool) -> None:
    policies = policies_of_buckets(Cdn="on", CdnDistribution=only, OutputPrefix="thumbs/")
    (allowed,) = (statement for statements in policies.values() for statement in statements[1:])
    assert allowed in policies["OutputBucketResource"]
    assert (allowed["Principal"], allowed["Action"]) == ({"Service": "cloudfront.amazonaws.com"}, "s3:GetObject")
    assert allowed["Resource"] == {"Fn::Sub": "${OutputBucketResource.Arn}/thumbs/*"}
    own = f"arn:aws:cloudfront::{PSEUDO['AWS::AccountId']}:distribution/"
    assert applies(allowed, {"aws:SourceArn": own + "E1A2B3C4D5E6F7"})
    assert applies(allowed, {"aws:SourceArn": own + "EZZZZZZZZZZZZZ"}) == other_is_allowed
    assert not applies(allowed, {"aws:SourceArn": "arn:aws:cloudfront::999999999999:distribution/E1A2B3C4D5E6F7"})
    assert not applies(allowed, {})


def policies_of_buckets(**parameters: str) -> dict[str, list[dict[str, Any]]]:
    """The statements of each bucket's policy, by the bucket's logical name."""
    made = (each for each in Stack(parameters).resources.values() if each["Type"] == "AWS::S3::BucketPolicy")
    return {each["Properties"]["Bucket"]["Ref"]: each["Properties"]["PolicyDocument"]["Statement"] for each in made}


def test_an_own_key_comes_with_the_grants_that_it_needs() -> None:
    uses = [statement for statement in GRANTED.values() if "kms:" in json.dumps(statement)]
    for use in uses:
        assert set(every(use["Action"])) == {"kms:Decrypt", "kms:GenerateDataKey"}
        assert use["Resource"] == {"Ref": "KmsKeyArn"}
        assert "kms:ViaService" in json.dumps(use["Condition"])
    assert uses


def test_queues_are_encrypted_and_logs_end() -> None:
    assert all(queue["SqsManagedSseEnabled"] for queue in resources("AWS::SQS::Queue").values())
    groups = [group for name in (MAIN, CDN) for group in resources("AWS::Logs::LogGroup", name).values()]
    assert all(group["RetentionInDays"] for group in groups)


def test_the_api_asks_who_calls_and_how_often() -> None:
    assert template()["Parameters"]["ApiAuth"]["Default"] == "AWS_IAM"
    routes = resources("AWS::ApiGatewayV2::Route")
    assert len(routes) == 2
    for route in routes.values():
        assert route["AuthorizationType"] == {"Ref": "ApiAuth"}
        assert route["AuthorizerId"]["Fn::If"][:2] == ["HasJwt", {"Ref": "ApiAuthorizer"}]
    (stage,) = resources("AWS::ApiGatewayV2::Stage").values()
    assert stage["DefaultRouteSettings"].keys() == {"ThrottlingBurstLimit", "ThrottlingRateLimit"}
    assert not re.search(r"request\.(body|header)", stage["AccessLogSettings"]["Format"])


def test_the_functions_list_of_buckets_matches_its_role() -> None:
    (function,) = [f for f in resources("AWS::Lambda::Function").values() if f["Handler"].startswith("lambda_function")]
    told = function["Environment"]["Variables"]
    read, written = (GRANTED[f"ResizeRole-{sid}"]["Resource"] for sid in ("ReadSources", "ReadAndWriteOutputs"))
    assert read["Fn::Sub"][1] == told["TINYPICS_SOURCE_BUCKETS"]["Fn::Sub"][1]
    assert written["Fn::Sub"][1]["Bucket"] == told["TINYPICS_OUTPUT_BUCKET"]
