"""The distribution of cdn.yaml, and its ties to the served stack."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest

from tests.evaluated import Stack, combinations, parameters_of
from tests.transformed import CDN, MAIN, template
from tinypics.aws import http
from tinypics.aws.serve_settings import ORIGIN_SECRET
from tinypics.delivery import outputs
from tinypics.stack.deployed import cdn_stack


def served(**parameters: str) -> Stack:
    return Stack(parameters, template(CDN))


def distribution(stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = stack.properties("Distribution")["DistributionConfig"]
    return found


def behaviours(stack: Stack) -> list[dict[str, Any]]:
    config = distribution(stack)
    return [config["DefaultCacheBehavior"], *config["CacheBehaviors"]]


def test_every_origin_that_is_named_exists_in_every_combination() -> None:
    source = template(CDN)
    config = source["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
    naming = {name: config[name] for name in ("Origins", "OriginGroups", "DefaultCacheBehavior", "CacheBehaviors")}
    for stack in combinations(parameters_of(naming, source), source):
        config = distribution(stack)
        origins = {origin["Id"] for origin in config["Origins"]}
        groups = {group["Id"]: group for group in config.get("OriginGroups", {}).get("Items", [])}
        assert {behaviour["TargetOriginId"] for behaviour in behaviours(stack)} <= origins | groups.keys()
        for group in groups.values():
            assert {member["OriginId"] for member in group["Members"]["Items"]} == origins


def test_the_function_makes_only_what_the_bucket_lacks() -> None:
    """An outage of S3 must not become a load on the function."""
    (group,) = distribution(served())["OriginGroups"]["Items"]
    assert group["Members"]["Items"][0] == {"OriginId": "bucket"}
    assert group["FailoverCriteria"]["StatusCodes"]["Items"] == [403, 404]
    assert all(behaviour["TargetOriginId"] == group["Id"] for behaviour in behaviours(served()))


def test_without_the_function_only_the_bucket_is_asked() -> None:
    stack = served(Dynamic="off")
    assert {behaviour["TargetOriginId"] for behaviour in behaviours(stack)} == {"bucket"}
    assert not [each for each in stack.resources.values() if each["Type"] == "AWS::Lambda::Permission"]


def test_a_slow_picture_is_one_invocation() -> None:
    function = distribution(served())["Origins"][1]
    assert function["ConnectionAttempts"] == 1
    assert function["CustomOriginConfig"]["OriginReadTimeout"] == 30


def test_a_function_url_has_both_permissions_for_this_distribution_only() -> None:
    made = [each["Properties"] for each in served().resources.values() if each["Type"] == "AWS::Lambda::Permission"]
    assert {each["Action"] for each in made} == {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}
    for each in made:
        assert each["Principal"] == "cloudfront.amazonaws.com"
        assert each["SourceArn"]["Fn::Sub"].endswith(":cloudfront::123456789012:distribution/${Distribution}")
        assert ("FunctionUrlAuthType" in each) != ("InvokedViaFunctionUrl" in each)


def test_with_a_secret_cloudfront_sends_what_the_function_compares() -> None:
    """CloudFront's signature and the secret exclude each other, and the emulator's function needs neither."""
    stack = served(OriginAuth="secret")
    reference = {"Fn::Sub": "{{resolve:secretsmanager:${OriginSecret}:SecretString}}"}
    origin = distribution(stack)["Origins"][1]
    assert origin["OriginCustomHeaders"] == [{"HeaderName": http.ORIGIN_HEADER, "HeaderValue": reference}]
    assert "OriginAccessControlId" not in origin
    assert stack.properties("ServeFunction")["Environment"]["Variables"][ORIGIN_SECRET] == reference
    assert stack.properties("ServeUrl")["AuthType"] == "NONE"
    made = [each["Properties"] for each in stack.resources.values() if each["Type"] == "AWS::Lambda::Permission"]
    assert {(each["Action"], each["Principal"]) for each in made} == {
        ("lambda:InvokeFunctionUrl", "*"),
        ("lambda:InvokeFunction", "*"),
    }
    signed = served()
    assert "OriginSecret" not in signed.resources
    assert signed.properties("ServeFunction")["Environment"]["Variables"][ORIGIN_SECRET] == ""
    assert "OriginCustomHeaders" not in distribution(signed)["Origins"][1]


def test_unknown_parameters_headers_and_cookies_cause_no_miss() -> None:
    policy = served().properties("CachePolicy")["CachePolicyConfig"]["ParametersInCacheKeyAndForwardedToOrigin"]
    assert policy["QueryStringsConfig"] == {"QueryStringBehavior": "whitelist", "QueryStrings": ["v", "s", "e", "r"]}
    assert policy["CookiesConfig"] == {"CookieBehavior": "none"}
    assert policy["HeadersConfig"] == {"HeaderBehavior": "none"}
    assert not any("OriginRequestPolicyId" in behaviour for behaviour in behaviours(served()))


def test_addresses_with_auto_differ_by_what_the_browser_accepts() -> None:
    plain, auto = (
        served().properties(name)["ResponseHeadersPolicyConfig"] for name in ("PictureHeaders", "AutoHeaders")
    )
    vary = {"Header": "vary", "Value": "accept", "Override": True}
    assert auto["CustomHeadersConfig"]["Items"] == [*plain["CustomHeadersConfig"]["Items"], vary]
    for part in plain.keys() - {"Name", "CustomHeadersConfig"}:
        assert auto[part] == plain[part]
    assert [each["ResponseHeadersPolicyId"]["Ref"] for each in behaviours(served())] == [
        "PictureHeaders",
        "AutoHeaders",
    ]
    assert behaviours(served())[1]["PathPattern"] == "*.auto"


@pytest.mark.parametrize(("prefix", "path"), [("", None), ("thumbs/", "/thumbs"), ("a/b/", "/a/b")])
def test_the_prefix_of_outputs_is_no_part_of_an_address(prefix: str, path: str | None) -> None:
    assert distribution(served(OutputPrefix=prefix))["Origins"][0].get("OriginPath") == path


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"Domain": "img.example.com"}, True),
        ({"CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1"}, True),
        ({"Domain": "img.example.com", "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1"}, False),
    ],
)
def test_a_domain_and_its_certificate_go_together(given: dict[str, str], refused: bool) -> None:
    assert bool(served(**given).refusals()) == refused


def test_a_private_gallery_is_private_on_every_path() -> None:
    assert all(each["TrustedKeyGroups"] == ["K1"] for each in behaviours(served(KeyGroup="K1")))
    assert not any("TrustedKeyGroups" in each for each in behaviours(served()))


def test_names_fit_in_every_region() -> None:
    stack = Stack({"Stack": "a" * 32}, template(CDN), Region="ap-southeast-1")
    functions = [each for each in stack.resources.values() if each["Type"] == "AWS::CloudFront::Function"]
    assert len(functions) == 2
    assert all(len(each["Properties"]["Name"]) <= 64 for each in functions)
    assert not re.fullmatch(template(CDN)["Parameters"]["Stack"]["AllowedPattern"], "a" * 33)


# --- The served stack

SHARED = template(MAIN)["Parameters"].keys() & template(CDN)["Parameters"].keys()

FULL = {
    "SourceBucket": "pics",
    "OutputBucket": "thumbs",
    "Prefix": "anna's photos (new)/",
    "OutputPrefix": "anna's!/",
    "Renditions": "128x128, 800x-webp",
    "MemorySize": "512",
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1234abcd",
    "CacheControl": 'no-cache="Set-Cookie", max-age=60',
    "StorageClass": "GLACIER_IR",
    "Tags": "team=photos&kind=anna's",
    "FollowDeletes": "false",
    "LogRetention": "7",
    "Tracing": "on",
    "Dynamic": "signed",
}


# samcli/cli/types.py, CfnParameterOverridesType
OVERRIDE = re.compile(r' (\w+)=("(?:\\.|[^"\\])*"|[^ "\\]+)')


def printed(given: dict[str, str]) -> dict[str, str]:
    """The parameters in the command that a stack prints, as a shell and `sam deploy` read them."""
    text = Stack(given | {"Cdn": "on"}).outputs["CdnCommand"]["Value"]
    build, deploy = (shlex.split(each) for each in text.split(" && "))
    folder = build[build.index("--build-dir") + 1]
    assert build[:4] == ["sam", "build", "--template-file", CDN]
    assert deploy[:4] == ["sam", "deploy", "--template-file", f"{folder}/template.yaml"]
    assert deploy[4:7] == ["--stack-name", cdn_stack("tinypics"), "--parameter-overrides"]
    (overrides,) = deploy[7:]
    assert not OVERRIDE.sub("", " " + overrides)
    found: list[tuple[str, str]] = OVERRIDE.findall(" " + overrides)
    return {name: value[1:-1].replace('\\"', '"') if value[0] == '"' else value for name, value in found}


def test_the_stack_prints_the_command_that_deploys_its_cdn() -> None:
    assert FULL.keys() == SHARED
    assert printed(FULL) == FULL | {"Stack": "tinypics"}
    derived = {"SourceBucket": "tinypics-original-pics", "OutputBucket": "tinypics-tiny-pics"}
    names = {name: f"{bucket}-us-east-1-123456789012" for name, bucket in derived.items()}
    defaults = {name: str(template(CDN)["Parameters"][name].get("Default")) for name in SHARED - names.keys()}
    assert printed({"SourceBucket": "", "OutputBucket": ""}) == defaults | names | {"Stack": "tinypics"}
    assert "CdnCommand" not in Stack().outputs


def test_a_parameter_of_both_templates_is_declared_alike() -> None:
    """The stack checks the names of buckets and the renditions; here any that it takes will do."""
    for name in SHARED - {"SourceBucket", "OutputBucket", "Renditions"}:
        main, cdn = (dict(template(each)["Parameters"][name], Description="") for each in (MAIN, CDN))
        assert main == cdn, name


def test_the_functions_read_the_metadata_that_outputs_have() -> None:
    code = template(CDN)["Resources"]["ViewerResponse"]["Properties"]["FunctionCode"]
    assert f"'x-amz-meta-{outputs.SOURCE_ETAG}'" in code
