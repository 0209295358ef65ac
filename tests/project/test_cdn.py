"""The distribution of cdn.yaml, and its ties to the served stack."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pytest

from tests.evaluated import Stack, combinations, parameters_of
from tests.transformed import CDN, MAIN, template
from tinypics.delivery import outputs

SERVED = {"ServeDomain": "abc.lambda-url.us-east-1.on.aws"}


def served(**parameters: str) -> Stack:
    return Stack(SERVED | parameters, template(CDN))


def distribution(stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = stack.properties("Distribution")["DistributionConfig"]
    return found


def behaviours(stack: Stack) -> list[dict[str, Any]]:
    config = distribution(stack)
    return [config["DefaultCacheBehavior"], *config["CacheBehaviors"]]


def test_every_origin_that_is_named_exists_in_every_combination() -> None:
    source = template(CDN)
    for stack in combinations(parameters_of(source["Resources"]["Distribution"], source) - {"Renditions"}, source):
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
    stack = Stack({}, template(CDN))
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


def test_the_stack_prints_the_command_that_deploys_its_distribution() -> None:
    served_stack = {"Renditions": "128x128, 800x-webp", "OutputPrefix": "thumbs/", "OutputBucket": "pics"}
    stack = Stack({"Cdn": "on", "Dynamic": "off", **served_stack})
    command = shlex.split(stack.outputs["CdnCommand"]["Value"])
    assert command[:4] == ["sam", "deploy", "--template-file", CDN]
    given = dict(each.split("=", 1) for each in command[command.index("--parameter-overrides") + 1 :])
    given = {name: value.strip('"') for name, value in given.items()}
    assert given.keys() <= template(CDN)["Parameters"].keys()
    assert {name: stack.parameters[name] for name in given if name in stack.parameters} == {
        name: value for name, value in given.items() if name in stack.parameters
    }
    assert "CdnCommand" not in Stack().outputs


def test_the_command_names_the_function_and_all_listed_renditions() -> None:
    stack = Stack({"Cdn": "on", "Renditions": "128x128", "DynamicRenditions": "20x,round=16x16"})
    text, values = stack.outputs["CdnCommand"]["Value"]["Fn::Sub"]
    assert 'Renditions=\\"128x128,20x,round=16x16\\"' in json.dumps(text)
    assert " ServeDomain=${Domain}" in json.dumps(values)


def test_the_functions_read_the_metadata_that_outputs_have() -> None:
    code = template(CDN)["Resources"]["ViewerResponse"]["Properties"]["FunctionCode"]
    assert f"'x-amz-meta-{outputs.SOURCE_ETAG}'" in code


@pytest.mark.parametrize("name", ["OutputBucket", "OutputPrefix"])
def test_the_distribution_takes_what_the_stack_takes(name: str) -> None:
    """The stack's own pattern may be stricter."""
    own, main = (template(each)["Parameters"][name]["AllowedPattern"] for each in (CDN, MAIN))
    samples = {"OutputBucket": ["", "pics", "a-b"], "OutputPrefix": ["", "thumbs/", "a/b_c/", "thumbs", "/a/", "a//b/"]}
    for text in samples[name]:
        assert bool(re.fullmatch(own, text)) == bool(re.fullmatch(main, text)), text
